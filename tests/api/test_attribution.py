"""Whom a change is ascribed to, by what it was made with."""

from dataclasses import dataclass
from typing import Any

import pytest

from errors_app.models import ErrorGroupActivity
from tests.api.expectations import failure, refused, the_group
from tests.conftest import Api, Workspace
from tests.people import (
    Person,
    actor_token_of,
    member_of,
    row_of_key,
    token_of_key,
    token_of_person,
)

WRITE = "write:errors"
PAT = "personal-access-token"


@dataclass(frozen=True)
class Credential:
    """`client` is what the trail says a change was made through."""

    name: str
    client: str | None
    of_a_person: bool

    def secret(self, prod: Workspace, person: Person) -> str:
        if self.of_a_person:
            return token_of_person(prod, person, WRITE, client=str(self.client))
        return prod.key if self.client is None else token_of_key(prod, WRITE)


CREDENTIALS = [
    Credential("a key", None, of_a_person=False),
    Credential("a public token of a key", "public-token", of_a_person=False),
    Credential("a token of a personal access token", PAT, of_a_person=True),
    Credential("a token of a user actor token", "my-agent/1.0", of_a_person=True),
    Credential("a token of the longest client there is", "x" * 255, of_a_person=True),
]


@pytest.fixture
def group(prod: Workspace) -> dict[str, Any]:
    prod.report(failure("run_a"))
    return the_group(prod)


@pytest.fixture
def ada(prod: Workspace) -> Person:
    return member_of(prod)


def change(secret: str, group: dict[str, Any], action: str, body: Any = None) -> dict[str, Any]:
    answer = Api(secret).post(f"/api/v1/errors/{group['id']}/{action}", body)
    assert answer.status == 200, answer.body
    detail: dict[str, Any] = answer.body
    return detail


def ascribed(detail: dict[str, Any]) -> tuple[str | None, str | None]:
    return detail["resolvedBy"], detail["ignoredByUserId"]


def actors(prod: Workspace, group: dict[str, Any]) -> list[dict[str, Any]]:
    """Of the group's changes, the newest first."""
    entries = prod.api.get(f"/api/v1/errors/{group['id']}/activity").body["data"]
    return [entry["actor"] for entry in entries]


@pytest.mark.parametrize("credential", CREDENTIALS, ids=lambda credential: credential.name)
def test_a_change_is_ascribed_to_the_person_behind_the_credential_else_to_its_key(
    prod: Workspace, group: dict[str, Any], ada: Person, credential: Credential
) -> None:
    secret = credential.secret(prod, ada)
    person = ada.id if credential.of_a_person else None
    key = row_of_key(prod.key)

    resolved = change(secret, group, "resolve")
    unresolved = change(secret, group, "unresolve")
    ignored = change(secret, group, "ignore")

    assert ascribed(resolved) == (person, None)
    assert ascribed(unresolved) == (None, None)
    assert ascribed(ignored) == (None, person)
    assert prod.api.get(f"/api/v1/errors/{group['id']}").body == ignored
    actor = {
        "type": "user" if credential.of_a_person else "key",
        "id": person or str(key.pk),
        "name": ada.user.username if credential.of_a_person else "test",
        "client": credential.client,
    }
    assert actors(prod, group) == [actor] * 3
    for row in ErrorGroupActivity.objects.all():
        assert row.user == (ada.user if credential.of_a_person else None)
        assert row.api_key_id == (None if credential.of_a_person else key.pk)


def test_a_public_token_of_another_key_names_that_key(
    prod: Workspace, group: dict[str, Any]
) -> None:
    other = Workspace(prod.environment)
    key = row_of_key(other.key)

    change(token_of_key(prod, WRITE, key=other.key), group, "resolve")

    [actor] = actors(prod, group)
    assert actor["id"] == str(key.pk)


def test_the_last_who_resolved_a_group_is_named(
    prod: Workspace, group: dict[str, Any], ada: Person
) -> None:
    eve = member_of(prod)
    first, second = (token_of_person(prod, person, WRITE) for person in (ada, eve))

    assert ascribed(change(first, group, "resolve")) == (ada.id, None)
    assert ascribed(change(first, group, "unresolve")) == (None, None)
    assert ascribed(change(second, group, "resolve")) == (eve.id, None)
    assert ascribed(change(first, group, "resolve")) == (ada.id, None)
    assert ascribed(change(prod.key, group, "resolve")) == (None, None)
    assert [actor["id"] for actor in actors(prod, group)][1:] == [ada.id, eve.id, ada.id, ada.id]


def test_resolving_forgets_who_ignored_and_ignoring_who_resolved(
    prod: Workspace, group: dict[str, Any], ada: Person
) -> None:
    eve = member_of(prod)
    first, second = (token_of_person(prod, person, WRITE) for person in (ada, eve))

    assert ascribed(change(first, group, "ignore", {"reason": "noise"})) == (None, ada.id)
    assert ascribed(change(second, group, "resolve")) == (eve.id, None)
    assert ascribed(change(first, group, "ignore")) == (None, ada.id)
    assert ascribed(change(prod.key, group, "ignore")) == (None, None)
    assert ascribed(change(second, group, "resolve")) == (eve.id, None)
    assert ascribed(change(prod.key, group, "resolve")) == (None, None)


def test_a_person_who_left_is_still_named_for_what_they_did(
    prod: Workspace, group: dict[str, Any], ada: Person
) -> None:
    change(token_of_person(prod, ada, WRITE), group, "resolve")

    ada.user.memberships.all().delete()

    assert prod.api.get(f"/api/v1/errors/{group['id']}").body["resolvedBy"] == ada.id
    assert [actor["name"] for actor in actors(prod, group)] == [ada.user.username]


def test_what_speaks_for_a_person_alone_changes_no_group(
    prod: Workspace, group: dict[str, Any], ada: Person
) -> None:
    for secret in (ada.token, actor_token_of(ada, cap=("admin",))):
        answer = Api(secret).post(f"/api/v1/errors/{group['id']}/resolve")

        refused(answer, 401, "unauthorized")
    assert actors(prod, group) == []
