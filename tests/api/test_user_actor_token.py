"""Short-lived tokens that speak for a person, minted with a personal access token."""

from datetime import timedelta
from typing import Any

import pytest

from runs_app.domain.times import utc_now
from runs_app.models import PersonalAccessToken
from runs_app.services.credentials import create_personal_access_token
from tests.api.expectations import faults, refused
from tests.api.granted import about, ends_at, lifetime_of, personal_caller
from tests.conftest import Api
from tests.people import Person, actor_token_of, make_person

MINT = "/api/v1/auth/user-actor-token"
WHOAMI = "/api/v2/whoami"


@pytest.fixture
def person(db: None) -> Person:
    return make_person()


def test_without_wishes_a_token_lives_an_hour_and_may_read(person: Person) -> None:
    answer = person.api.post(MINT)

    assert set(answer.body) == {"token", "expiresInSeconds"}
    assert answer.body["token"].startswith("tr_uat_")
    assert answer.body["expiresInSeconds"] == 3600
    assert about(lifetime_of(answer), timedelta(hours=1))
    caller = personal_caller(answer)
    assert (caller.user_id, caller.client) == (person.id, "user-actor-token")
    assert caller.ceiling == ("read:all",)
    assert caller.access_token_id == person.source.id


def test_wishes_are_granted(person: Person) -> None:
    body = {"cap": ["write:errors", "read:all", "write:errors"], "client": "cli", "ttlSeconds": 60}

    answer = person.api.post(MINT, body)

    assert answer.body["expiresInSeconds"] == 60
    caller = personal_caller(answer)
    assert caller.ceiling == ("write:errors", "read:all")
    assert caller.client == "cli"


def test_the_token_opens_routes_of_people(person: Person) -> None:
    token = person.api.post(MINT).body["token"]

    assert Api(token).get(WHOAMI).body["userId"] == person.id


@pytest.mark.parametrize("seconds", [1, 604_800, 5.0])
def test_the_ends_of_what_is_allowed_are_allowed(person: Person, seconds: float) -> None:
    answer = person.api.post(MINT, {"ttlSeconds": seconds})

    assert answer.body["expiresInSeconds"] == seconds


def test_an_empty_cap_is_a_ceiling_of_nothing(person: Person) -> None:
    assert personal_caller(person.api.post(MINT, {"cap": []})).ceiling == ()


def test_null_is_no_wish_and_unknown_members_are_left_alone(person: Person) -> None:
    body = {"cap": None, "client": None, "ttlSeconds": None, "newer": {"clients": "send more"}}

    answer = person.api.post(MINT, body)

    assert answer.body["expiresInSeconds"] == 3600
    assert personal_caller(answer).ceiling == ("read:all",)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"ttlSeconds": 0}, ("/body/ttlSeconds", "min_value")),
        ({"ttlSeconds": -1}, ("/body/ttlSeconds", "min_value")),
        ({"ttlSeconds": 604_801}, ("/body/ttlSeconds", "max_value")),
        ({"ttlSeconds": 1.5}, ("/body/ttlSeconds", "invalid")),
        ({"ttlSeconds": "60"}, ("/body/ttlSeconds", "invalid")),
        ({"ttlSeconds": True}, ("/body/ttlSeconds", "invalid")),
        ({"client": ""}, ("/body/client", "blank")),
        ({"client": "  "}, ("/body/client", "blank")),
        ({"client": "x" * 256}, ("/body/client", "max_length")),
        ({"client": 1}, ("/body/client", "invalid")),
        ({"client": "a\0b"}, ("/body/client", "null_characters_not_allowed")),
        ({"client": "a\nb"}, ("/body/client", "control_characters")),
        ({"client": "a\u202eb"}, ("/body/client", "control_characters")),
        ({"cap": "read:all"}, ("/body/cap", "not_a_list")),
        ({"cap": {"0": "read:all"}}, ("/body/cap", "not_a_list")),
        ({"cap": ["read:all"] * 101}, ("/body/cap", "max_length")),
        ({"cap": ["read:runs", "nonsense"]}, ("/body/cap/1", "invalid_scope")),
        ({"cap": [" read:runs"]}, ("/body/cap/0", "invalid_scope")),
        ({"cap": [""]}, ("/body/cap/0", "blank")),
        ({"cap": [None]}, ("/body/cap/0", "null")),
        ({"cap": [7]}, ("/body/cap/0", "invalid")),
        ({"cap": ["read:runs:" + "x" * 300]}, ("/body/cap/0", "invalid_scope")),
    ],
)
def test_a_wrong_wish_is_refused_with_its_place(
    person: Person, body: dict[str, Any], fault: tuple[str, str]
) -> None:
    assert faults(person.api.post(MINT, body)) == {fault}


def test_all_wrong_wishes_are_told_at_once_and_none_is_repeated(person: Person) -> None:
    body = {"cap": ["Unmistakable", "x", 3], "client": "", "ttlSeconds": 10**9}

    answer = person.api.post(MINT, body)

    assert faults(answer) == {
        ("/body/cap/0", "invalid_scope"),
        ("/body/cap/1", "invalid_scope"),
        ("/body/cap/2", "invalid"),
        ("/body/client", "blank"),
        ("/body/ttlSeconds", "max_value"),
    }
    assert "Unmistakable" not in str(answer.body)


@pytest.mark.parametrize("content", [b"[]", b'"x"', b"7", b"null"])
def test_a_body_that_is_no_object_is_refused(person: Person, content: bytes) -> None:
    refused(person.api.post(MINT, raw=content), 400, "invalid_input")


def test_a_cap_too_long_for_a_header_is_refused(person: Person) -> None:
    cap = [f"read:runs:{number:0>290}" for number in range(100)]

    assert faults(person.api.post(MINT, {"cap": cap})) == {("/body", "token_too_long")}


def test_a_token_that_is_granted_is_never_too_long_to_be_taken(person: Person) -> None:
    cap = [f"read:runs:{number:0>290}" for number in range(15)]

    answer = person.api.post(MINT, {"cap": cap, "client": "ü" * 100})

    assert Api(answer.body["token"]).get(WHOAMI).status == 200


def test_a_token_never_outlives_the_one_it_was_minted_with(person: Person) -> None:
    until = utc_now() + timedelta(minutes=10)
    api = Api(create_personal_access_token(person.user, name="short", expires_at=until))

    answer = api.post(MINT, {"ttlSeconds": 3600})

    assert ends_at(answer) == until.replace(microsecond=0)
    assert 590 <= answer.body["expiresInSeconds"] <= 600


def test_a_token_ends_with_the_one_it_was_minted_with(person: Person) -> None:
    token = person.api.post(MINT).body["token"]
    PersonalAccessToken.objects.filter(user=person.user).update(revoked_at=utc_now())

    refused(Api(token).get(WHOAMI), 401, "unauthorized")


def test_a_user_actor_token_mints_no_other(person: Person) -> None:
    refused(Api(actor_token_of(person)).post(MINT), 401, "unauthorized")


def test_no_store_between_keeps_the_token(person: Person) -> None:
    assert person.api.post(MINT).headers["Cache-Control"] == "no-store"
