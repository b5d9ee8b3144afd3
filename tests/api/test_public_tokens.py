"""Tokens that the holder of an API key gives away."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runs_app.domain.times import utc_now
from runs_app.models import ApiKey, Membership
from runs_app.services.credentials import create_api_key
from tests.api.expectations import faults, refused
from tests.api.granted import about, claims_of, ends_at, environment_caller, lifetime_of
from tests.conftest import Answer, Api, Workspace, failed, make_workspace
from tests.people import actor_token_of, member_of, token_of_key

MINT = "/api/v1/auth/public-tokens"
RUNS = "/api/v1/runs"


def mint(api: Api, *scopes: str, **members: Any) -> Answer:
    return api.post(MINT, {"scopes": list(scopes), **members})


def nested(times: int) -> dict[str, Any]:
    """`times` objects and lists inside of each other."""
    value: list[Any] = []
    for _ in range(times - 2):
        value = [value]
    return {"a": value}


def key_of(workspace: Workspace, *scopes: str, **members: Any) -> Api:
    return Api(create_api_key(workspace.environment, name="narrow", scopes=scopes, **members))


# --- what is granted ----------------------------------------------------------------------------


def test_the_token_works_with_its_scopes_alone(prod: Workspace) -> None:
    prod.send(failed("run_a"), failed("run_b"))
    answer = mint(prod.api, "read:runs:run_a")

    api = Api(answer.body["token"])

    assert api.get("/api/v3/runs/run_a").status == 200
    refused(api.get("/api/v3/runs/run_b"), 403, "insufficient_scope")
    refused(api.get(RUNS), 403, "insufficient_scope")


def test_the_answer_tells_what_was_granted(shop: Workspace) -> None:
    answer = mint(shop.api, "read:runs", "write:errors", "read:runs")

    assert set(answer.body) == {"token", "scopes"}
    assert answer.body["scopes"] == ["read:runs", "write:errors"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_token_is_written_as_the_published_clients_expect(shop: Workspace) -> None:
    claims = claims_of(mint(shop.api, "read:runs"))

    assert claims["iss"] == "https://id.trigger.dev"
    assert claims["aud"] == "https://api.trigger.dev"
    assert claims["sub"] == str(shop.environment.id)
    assert claims["pub"] is True
    assert claims["scopes"] == ["read:runs"]
    assert "act" not in claims
    assert "realtime" not in claims


def test_no_person_stands_behind_the_token(shop: Workspace) -> None:
    caller = environment_caller(mint(shop.api, "write:errors"))

    assert caller.user_id is None
    assert caller.api_key_id == str(ApiKey.objects.get().id)


@pytest.mark.parametrize(
    ("held", "asked", "granted"),
    [
        (("read:runs",), ["read:runs", "read:runs:run_a", "write:runs", "admin"],
         ["read:runs", "read:runs:run_a"]),
        (("read:runs:run_a",), ["read:runs", "read:runs:run_a"], ["read:runs:run_a"]),
        (("read:all",), ["read:errors", "read:all", "*:errors"], ["read:errors", "read:all"]),
        (("write:errors",), ["read:runs"], []),
        ((), ["admin"], ["admin"]),
    ],
)  # fmt: skip
def test_a_token_is_never_wider_than_its_key(
    shop: Workspace, held: tuple[str, ...], asked: list[str], granted: list[str]
) -> None:
    answer = mint(key_of(shop, *held), *asked)

    assert answer.body["scopes"] == granted
    assert list(environment_caller(answer).scopes) == granted


def test_a_key_that_is_narrowed_narrows_what_it_minted(shop: Workspace) -> None:
    answer = mint(shop.api, "read:runs", "write:errors")

    ApiKey.objects.update(scopes=["read:runs"])

    assert environment_caller(answer).scopes == ("read:runs",)


def test_the_token_is_of_the_keys_environment(shop: Workspace) -> None:
    staging = make_workspace("staging", shop.environment.project)

    tenants = [environment_caller(mint(one.api, "read:runs")).tenant for one in (shop, staging)]

    assert tenants == [shop.tenant, staging.tenant]


def test_what_is_said_about_realtime_is_carried(shop: Workspace) -> None:
    realtime = {"skipColumns": ["payload", "output"], "deep": nested(19)}

    assert claims_of(mint(shop.api, "read:runs", realtime=realtime))["realtime"] == realtime


def test_null_is_no_wish_and_unknown_members_are_left_alone(shop: Workspace) -> None:
    wishes = {"expirationTime": None, "realtime": None, "oneTimeUse": None, "newer": [1]}

    answer = mint(shop.api, "read:runs", **wishes)

    assert about(lifetime_of(answer), timedelta(hours=1))
    assert "realtime" not in claims_of(answer)


# --- when it ends -------------------------------------------------------------------------------


def test_a_token_lives_an_hour_where_nothing_is_said(shop: Workspace) -> None:
    assert about(lifetime_of(mint(shop.api, "read:runs")), timedelta(hours=1))


def test_the_time_asked_for_is_granted(shop: Workspace) -> None:
    epoch = int((utc_now() + timedelta(days=29)).timestamp())

    of_text = mint(shop.api, "read:runs", expirationTime="24hr")
    of_epoch = mint(shop.api, "read:runs", expirationTime=epoch)

    assert about(lifetime_of(of_text), timedelta(days=1))
    assert ends_at(of_epoch) == datetime.fromtimestamp(epoch, UTC)


def test_a_token_never_outlives_its_key(shop: Workspace) -> None:
    until = utc_now() + timedelta(minutes=10)

    answer = mint(key_of(shop, expires_at=until), "read:runs", expirationTime="1h")

    assert ends_at(answer) == until.replace(microsecond=0)


def test_a_token_ends_with_its_key(shop: Workspace) -> None:
    api = Api(mint(shop.api, "write:errors").body["token"])
    refused(api.get(RUNS), 403, "insufficient_scope")

    ApiKey.objects.update(revoked_at=utc_now())

    refused(api.get(RUNS), 401, "unauthorized")


# --- what is refused ----------------------------------------------------------------------------


def test_a_token_that_can_be_used_only_once_is_not_promised(shop: Workspace) -> None:
    answer = mint(shop.api, "trigger:tasks:send-mail", oneTimeUse=True)

    assert faults(answer) == {("/body/oneTimeUse", "unsupported")}
    assert "used only once is not supported" in str(answer.body["details"])
    assert mint(shop.api, "trigger:tasks:send-mail", oneTimeUse=False).status == 200


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("/body/scopes", "required")),
        ({"scopes": None}, ("/body/scopes", "null")),
        ({"scopes": []}, ("/body/scopes", "empty")),
        ({"scopes": "read:runs"}, ("/body/scopes", "not_a_list")),
        ({"scopes": ["read:runs"] * 101}, ("/body/scopes", "max_length")),
        ({"scopes": ["read"]}, ("/body/scopes/0", "invalid_scope")),
        ({"scopes": ["a:b"], "realtime": [1]}, ("/body/realtime", "not_a_dict")),
        ({"scopes": ["a:b"], "realtime": "x"}, ("/body/realtime", "not_a_dict")),
        ({"scopes": ["a:b"], "realtime": nested(21)}, ("/body/realtime", "too_deep")),
        ({"scopes": ["a:b"], "realtime": nested(900)}, ("/body/realtime", "too_deep")),
        ({"scopes": ["a:b"], "oneTimeUse": "true"}, ("/body/oneTimeUse", "invalid")),
        ({"scopes": ["a:b"], "expirationTime": "31d"}, ("/body/expirationTime", "too_far")),
        ({"scopes": ["a:b"], "expirationTime": -1}, ("/body/expirationTime", "not_ahead")),
    ],
)
def test_a_wrong_body_is_refused_with_its_place(
    shop: Workspace, body: dict[str, Any], fault: tuple[str, str]
) -> None:
    assert faults(shop.api.post(MINT, body)) == {fault}


def test_all_faults_are_told_at_once_and_no_value_is_repeated(shop: Workspace) -> None:
    answer = mint(shop.api, "Unmistakable", expirationTime="Unmistakable", realtime=0, oneTimeUse=1)

    assert faults(answer) == {
        ("/body/scopes/0", "invalid_scope"),
        ("/body/expirationTime", "invalid"),
        ("/body/realtime", "not_a_dict"),
        ("/body/oneTimeUse", "invalid"),
    }
    assert "Unmistakable" not in str(answer.body)


def test_a_token_too_long_for_a_header_is_refused(shop: Workspace) -> None:
    answer = mint(shop.api, "read:runs", realtime={"skipColumns": ["x" * 10_000]})

    assert faults(answer) == {("/body", "token_too_long")}


def test_only_an_api_key_mints(shop: Workspace) -> None:
    owner = member_of(shop, Membership.Role.OWNER)
    others = [token_of_key(shop, "admin"), owner.token, actor_token_of(owner, cap=("admin",))]

    for credential in others:
        refused(mint(Api(credential), "read:runs"), 401, "unauthorized")


def test_a_key_that_is_revoked_or_has_expired_mints_nothing(shop: Workspace) -> None:
    expired = key_of(shop, expires_at=utc_now() - timedelta(seconds=1))
    ApiKey.objects.filter(name="test").update(revoked_at=utc_now())

    refused(mint(expired, "read:runs"), 401, "unauthorized")
    refused(mint(shop.api, "read:runs"), 401, "unauthorized")


def test_a_secret_that_cannot_be_read_is_told_to_the_operator_alone(
    shop: Workspace, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    mint(shop.api, "read:runs")
    settings.SECRET_KEY = "another-" * 8

    body = refused(mint(shop.api, "read:runs"), 500, "internal_error")

    assert "SECRET_KEY" not in str(body)
    assert "run `manage.py rotate_signing_secret" in caplog.text
