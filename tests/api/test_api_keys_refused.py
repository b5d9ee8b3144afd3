"""Who may not manage the keys of an environment, and what is refused of those who may."""

import logging
from typing import Any
from uuid import uuid4

import pytest

from runs_app.domain.times import utc_now
from runs_app.models import Membership, Organization, PersonalAccessToken
from tests.api.expectations import faults, refused, without_ids
from tests.api.keys import call, key_of, nothing_happened, path_of
from tests.conftest import Api, Workspace, make_workspace
from tests.people import (
    Person,
    actor_token_of,
    make_person,
    member_of,
    token_of_key,
    token_of_person,
)

METHODS = ("GET", "POST", "DELETE")


@pytest.fixture
def admin(prod: Workspace) -> Person:
    return member_of(prod, Membership.Role.ADMIN)


# --- bodies that are refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {("/body/name", "required")}),
        ({"name": None}, {("/body/name", "null")}),
        ({"name": ""}, {("/body/name", "blank")}),
        ({"name": "  "}, {("/body/name", "blank")}),
        ({"name": 5}, {("/body/name", "invalid")}),
        ({"name": "x" * 101}, {("/body/name", "max_length")}),
        ({"name": "a\0b"}, {("/body/name", "null_characters_not_allowed")}),
        ({"name": "a\nb"}, {("/body/name", "control_characters")}),
        ({"name": "a", "scopes": None}, {("/body/scopes", "null")}),
        ({"name": "a", "scopes": "read:runs"}, {("/body/scopes", "not_a_list")}),
        (
            {"name": "a", "scopes": [f"x:y:{n}" for n in range(101)]},
            {("/body/scopes", "max_length")},
        ),
        (
            {"name": "a", "scopes": ["read:runs", "nonsense", 5]},
            {("/body/scopes/1", "invalid_scope"), ("/body/scopes/2", "invalid")},
        ),
        ({"name": "a", "expiresAt": "soon"}, {("/body/expiresAt", "invalid_time")}),
        ({"name": "a", "expiresAt": 4_000_000_000_000}, {("/body/expiresAt", "invalid")}),
        (
            {"name": "a", "expiresAt": "2020-01-01T00:00:00Z"},
            {("/body/expiresAt", "not_ahead")},
        ),
        (
            {"name": "a", "expiresAt": "9999-12-31T23:59:59-12:00"},
            {("/body/expiresAt", "invalid_time")},
        ),
        # Of nothing a key must not make everything.
        ({"name": "a", "scopes": []}, {("/body/scopes", "empty")}),
        (
            {"name": 5, "scopes": ["nonsense"], "expiresAt": "soon"},
            {
                ("/body/name", "invalid"),
                ("/body/scopes/0", "invalid_scope"),
                ("/body/expiresAt", "invalid_time"),
            },
        ),
        ([], {("/body", "invalid")}),
    ],
)
def test_every_failing_member_of_a_body_is_named(
    prod: Workspace, admin: Person, body: Any, expected: set[tuple[str, str]]
) -> None:
    answer = admin.api.post(path_of(prod), body)

    assert faults(answer) == expected
    assert nothing_happened(prod)


def test_a_refusal_repeats_no_submitted_value(prod: Workspace, admin: Person) -> None:
    word = "unmistakable"
    body = {"name": word * 20, "scopes": [word, f'"{word}"'], "expiresAt": word}

    answer = admin.api.post(path_of(prod), body)

    refused(answer, 400, "invalid_input")
    assert word not in str(answer.body)


@pytest.mark.parametrize("body", [{"expiresAt": None}, {"colour": "red"}, {}])
def test_a_key_needs_no_more_than_a_name(
    prod: Workspace, admin: Person, body: dict[str, Any]
) -> None:
    answer = admin.api.post(path_of(prod), {"name": "deploy", **body})

    assert (answer.status, answer.body["expiresAt"], answer.body["scopes"]) == (201, None, [])


# --- who may not --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("role", [Membership.Role.MEMBER, Membership.Role.VIEWER])
def test_a_member_without_the_right_is_forbidden_and_logged(
    prod: Workspace, role: str, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    person = member_of(prod, role)
    project = prod.environment.project

    with caplog.at_level(logging.WARNING, "faultline.security"):
        answers = [
            call(person.api, method, prod),
            call(person.api, method, prod, slug="staging"),
            call(person.api, method, prod, slug="nowhere"),
        ]

    bodies = [refused(answer, 403, "forbidden") for answer in answers]
    assert [without_ids(answer) for answer in answers] == [without_ids(answers[0])] * 3
    assert bodies[0]["detail"] == "Forbidden"
    for name in (person.id, str(project.organization_id), str(project.id)):
        assert name in caplog.messages[0]
    assert nothing_happened(prod)


@pytest.mark.parametrize("method", METHODS)
def test_strangers_learn_nothing_of_a_project(prod: Workspace, method: str) -> None:
    elsewhere = Organization.objects.create(slug="elsewhere", title="Elsewhere")
    stranger = make_person(elsewhere, Membership.Role.OWNER)

    answers = [
        call(stranger.api, method, prod),
        call(stranger.api, method, prod, ref="proj_" + "x" * 20),
        call(stranger.api, method, prod, ref="a%00b"),
        call(stranger.api, method, prod, slug="nowhere"),
        call(make_person().api, method, prod),
    ]

    for answer in answers:
        assert refused(answer, 404, "not_found")["detail"] == "There is no such project."
    assert [without_ids(answer) for answer in answers] == [without_ids(answers[0])] * len(answers)
    assert nothing_happened(prod)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("slug", ["nowhere", "staging", "a%00b", "PROD"])
def test_an_environment_the_project_has_not_is_not_found(
    prod: Workspace, admin: Person, method: str, slug: str
) -> None:
    answer = call(admin.api, method, prod, slug=slug)

    body = refused(answer, 404, "not_found")
    assert body["detail"] == "There is no such environment."
    assert nothing_happened(prod)


def test_a_key_of_another_environment_is_not_found(
    prod: Workspace, staging: Workspace, admin: Person
) -> None:
    theirs = make_workspace("prod")
    ids = [str(key_of(staging).id), str(key_of(theirs).id), str(uuid4()), "x", "a%00b"]

    answers = [admin.api.delete(path_of(prod, key_id)) for key_id in ids]

    for answer in answers:
        assert refused(answer, 404, "not_found")["detail"] == "There is no such API key."
    assert [without_ids(answer) for answer in answers] == [without_ids(answers[0])] * len(ids)
    assert nothing_happened(staging)
    assert nothing_happened(theirs)


@pytest.mark.parametrize("method", METHODS)
def test_only_a_personal_access_token_opens_the_keys(
    prod: Workspace, admin: Person, method: str
) -> None:
    revoked = make_person(prod.environment.project.organization, Membership.Role.OWNER)
    PersonalAccessToken.objects.filter(user=revoked.user).update(revoked_at=utc_now())
    inactive = make_person(prod.environment.project.organization, Membership.Role.OWNER)
    inactive.user.is_active = False
    inactive.user.save()
    credentials = [
        prod.key,
        actor_token_of(admin, cap=("admin",)),
        token_of_person(prod, admin, "admin"),
        token_of_key(prod, "admin"),
        revoked.token,
        inactive.token,
        "tr_pat_" + "0" * 40,
        admin.token + "x",
    ]

    answers = [call(Api(credential), method, prod) for credential in credentials]

    for answer in answers:
        refused(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert [without_ids(one) for one in answers] == [without_ids(answers[0])] * len(answers)
    assert nothing_happened(prod)


@pytest.mark.parametrize("method", METHODS)
def test_without_a_credential_the_keys_stay_closed(prod: Workspace, method: str) -> None:
    answer = call(Api(None), method, prod)

    refused(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("change", ["the membership ends", "the role is lowered"])
def test_a_right_that_ends_counts_at_once(prod: Workspace, admin: Person, change: str) -> None:
    memberships = Membership.objects.filter(user=admin.user)
    assert admin.api.get(path_of(prod)).status == 200

    if change == "the membership ends":
        memberships.delete()
    else:
        memberships.update(role=Membership.Role.MEMBER)

    expected = 404 if change == "the membership ends" else 403
    assert admin.api.get(path_of(prod)).status == expected


# --- methods ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key_id", "allowed"),
    [("", {"GET", "HEAD", "POST", "OPTIONS"}), ("x", {"DELETE", "OPTIONS"})],
)
def test_a_wrong_method_is_told_the_right_ones(
    prod: Workspace, admin: Person, key_id: str, allowed: set[str]
) -> None:
    path = path_of(prod, key_id)

    answer = admin.api.delete(path) if not key_id else admin.api.get(path)

    refused(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_an_address_with_a_slash_at_its_end_is_another(prod: Workspace, admin: Person) -> None:
    answer = admin.api.get(path_of(prod) + "/")

    assert refused(answer, 404, "not_found")["detail"] == "There is nothing at this address."
