"""A person's token exchanged for a token of one environment."""

from typing import Any

import pytest

from runs_app.models import Membership, SigningSecret
from tests.api.expectations import faults, refused, without_ids
from tests.api.granted import claims_of, environment_caller, exchange, path_to
from tests.conftest import Api, Workspace, failed, make_workspace
from tests.people import Person, actor_token_of, member_of

RUNS = "/api/v1/runs"


# --- what is granted ----------------------------------------------------------------------------


def test_the_token_works_in_its_environment_with_its_scopes_alone(prod: Workspace) -> None:
    prod.send(failed("run_a"))
    answer = exchange(member_of(prod).api, prod, "read:runs")

    api = Api(answer.body["token"])

    assert api.get("/api/v3/runs/run_a").body["id"] == "run_a"
    refused(api.post(RUNS, [failed("run_b")]), 403, "insufficient_scope")


def test_the_answer_tells_the_environment_and_what_was_granted(
    shop: Workspace, member: Person
) -> None:
    answer = exchange(member.api, shop, "write:errors", "read:runs", "write:errors")

    assert set(answer.body) == {"token", "environmentId", "scopes"}
    assert answer.body["environmentId"] == str(shop.environment.id)
    assert answer.body["scopes"] == ["write:errors", "read:runs"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_token_is_written_as_the_published_clients_expect(
    shop: Workspace, member: Person
) -> None:
    claims = claims_of(exchange(member.api, shop, "read:runs"))

    assert claims["iss"] == "https://id.trigger.dev"
    assert claims["aud"] == "https://api.trigger.dev"
    assert claims["sub"] == str(shop.environment.id)
    assert claims["pub"] is True
    assert claims["scopes"] == ["read:runs"]
    assert claims["act"] == {"sub": member.id, "client": "personal-access-token"}


def test_a_user_actor_token_passes_its_label_on(shop: Workspace, member: Person) -> None:
    answer = exchange(Api(actor_token_of(member, client="my laptop")), shop, "read:runs")

    assert claims_of(answer)["act"] == {"sub": member.id, "client": "my laptop"}
    assert environment_caller(answer).client == "my laptop"


@pytest.mark.parametrize(
    "body", [None, {}, {"claims": None}, {"claims": {}}, {"claims": {"scopes": None}},
             {"claims": {"scopes": []}, "newer": 1}],
)  # fmt: skip
def test_no_scopes_asked_for_are_none_granted(shop: Workspace, member: Person, body: Any) -> None:
    answer = member.api.post(path_to(shop), body)

    assert answer.body["scopes"] == []
    refused(Api(answer.body["token"]).get(RUNS), 403, "insufficient_scope")


@pytest.mark.parametrize(
    ("role", "asked", "granted"),
    [
        ("owner", ["admin"], ["admin"]),
        ("admin", ["admin", "write:errors"], ["admin", "write:errors"]),
        ("member", ["admin"], ["admin"]),
        ("viewer", ["admin", "read:all", "write:errors", "read:runs:run_a"],
         ["read:all", "read:runs:run_a"]),
        ("viewer", ["*:runs"], []),
        ("guest", ["read:runs"], []),
    ],
)  # fmt: skip
def test_the_role_is_a_ceiling(
    shop: Workspace, role: str, asked: list[str], granted: list[str]
) -> None:
    person = member_of(shop, role)

    assert exchange(person.api, shop, *asked).body["scopes"] == granted


@pytest.mark.parametrize(
    ("cap", "asked", "granted"),
    [
        (None, ["read:runs", "write:errors", "admin"], ["read:runs"]),
        ((), ["read:runs"], []),
        (("write:errors",), ["write:errors", "write:errors:error_x", "read:errors"],
         ["write:errors", "write:errors:error_x"]),
        (("write:errors:error_x",), ["write:errors", "write:errors:error_x"],
         ["write:errors:error_x"]),
        (("read:runs", "read:errors"), ["read:all"], []),
        (("admin",), ["admin", "write:runs"], ["admin", "write:runs"]),
    ],
)  # fmt: skip
def test_the_cap_of_a_user_actor_token_is_a_ceiling(
    shop: Workspace,
    member: Person,
    cap: tuple[str, ...] | None,
    asked: list[str],
    granted: list[str],
) -> None:
    api = Api(actor_token_of(member, cap=cap))

    assert exchange(api, shop, *asked).body["scopes"] == granted


def test_both_ceilings_hold(shop: Workspace) -> None:
    viewer = member_of(shop, Membership.Role.VIEWER)
    api = Api(actor_token_of(viewer, cap=("write:errors", "read:runs")))

    answer = exchange(api, shop, "write:errors", "read:errors", "read:runs")

    assert answer.body["scopes"] == ["read:runs"]


def test_the_role_counts_that_the_person_has_in_this_very_organization(shop: Workspace) -> None:
    elsewhere = make_workspace("prod")
    person = member_of(elsewhere, Membership.Role.OWNER)
    member_of(shop, Membership.Role.OWNER)
    Membership.objects.create(
        organization=shop.environment.project.organization,
        user=person.user,
        role=Membership.Role.VIEWER,
    )

    assert exchange(person.api, shop, "write:errors").body["scopes"] == []
    assert exchange(person.api, elsewhere, "write:errors").body["scopes"] == ["write:errors"]


# --- what is refused ----------------------------------------------------------------------------


def test_a_project_of_strangers_is_as_unknown_as_one_that_nobody_has(
    shop: Workspace, member: Person
) -> None:
    foreign = make_workspace("prod").environment.project
    refs = [foreign.external_ref, str(foreign.id), "proj_" + "x" * 20, "%00"]

    answers = [member.api.post(f"/api/v1/projects/{ref}/prod/jwt") for ref in refs]

    for answer in answers:
        assert refused(answer, 404, "not_found")["detail"] == "There is no such project."
    assert [without_ids(answer) for answer in answers] == [without_ids(answers[0])] * len(refs)


def test_an_environment_of_strangers_does_not_even_tell_that_it_is_missing(
    member: Person,
) -> None:
    foreign = make_workspace("prod").environment.project

    answers = [
        member.api.post(f"/api/v1/projects/{foreign.external_ref}/{slug}/jwt")
        for slug in ("prod", "staging")
    ]

    assert without_ids(answers[0]) == without_ids(answers[1])
    assert answers[0].status == 404


@pytest.mark.parametrize("slug", ["staging", "PROD", "PRODUCTION", "%00", "é"])
def test_an_environment_that_the_project_has_not_is_unknown(
    shop: Workspace, member: Person, slug: str
) -> None:
    ref = shop.environment.project.external_ref

    answer = member.api.post(f"/api/v1/projects/{ref}/{slug}/jwt")

    assert refused(answer, 404, "not_found")["detail"] == "There is no such environment."


def test_the_environment_is_that_of_this_project(shop: Workspace, member: Person) -> None:
    """Every project has one of the same name."""
    other = make_workspace("prod")

    answer = exchange(member.api, shop)

    assert answer.body["environmentId"] == str(shop.environment.id) != str(other.environment.id)


def test_who_leaves_the_organization_exchanges_nothing_more(
    shop: Workspace, member: Person
) -> None:
    actor = Api(actor_token_of(member))
    Membership.objects.filter(user=member.user).delete()

    refused(exchange(member.api, shop), 404, "not_found")
    refused(exchange(actor, shop), 404, "not_found")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"claims": []}, ("/body/claims", "invalid")),
        ({"claims": {"scopes": "read:runs"}}, ("/body/claims/scopes", "not_a_list")),
        ({"claims": {"scopes": ["x:y"] * 101}}, ("/body/claims/scopes", "max_length")),
        ({"claims": {"scopes": ["read:runs", "x"]}}, ("/body/claims/scopes/1", "invalid_scope")),
        ({"claims": {"scopes": [1]}}, ("/body/claims/scopes/0", "invalid")),
    ],
)
def test_a_wrong_body_is_refused_with_its_place(
    shop: Workspace, member: Person, body: dict[str, Any], fault: tuple[str, str]
) -> None:
    assert faults(member.api.post(path_to(shop), body)) == {fault}


def test_all_faults_are_told_at_once_and_no_value_is_repeated(
    shop: Workspace, member: Person
) -> None:
    answer = exchange(member.api, shop, "Unmistakable", expirationTime="Unmistakable")

    assert faults(answer) == {
        ("/body/claims/scopes/0", "invalid_scope"),
        ("/body/expirationTime", "invalid"),
    }
    assert "Unmistakable" not in str(answer.body)


def test_scopes_too_long_for_a_header_are_refused(shop: Workspace, member: Person) -> None:
    scopes = [f"read:runs:{number:0>290}" for number in range(100)]

    answer = exchange(member.api, shop, *scopes)

    assert faults(answer) == {("/body", "token_too_long")}


# --- after another SECRET_KEY -------------------------------------------------------------------


def test_a_secret_that_cannot_be_read_is_told_to_the_operator_alone(
    shop: Workspace, member: Person, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    exchange(member.api, shop)
    settings.SECRET_KEY = "another-" * 8

    answer = exchange(member.api, shop)

    body = refused(answer, 500, "internal_error")
    assert "SECRET_KEY" not in str(body)
    assert "run `manage.py rotate_signing_secret" in caplog.text


def test_each_environment_signs_with_a_secret_of_its_own(shop: Workspace, member: Person) -> None:
    staging = make_workspace("staging", shop.environment.project)

    exchange(member.api, shop)
    exchange(member.api, staging)

    secrets = SigningSecret.objects.values_list("encrypted", flat=True)
    assert len(set(secrets)) == 2
