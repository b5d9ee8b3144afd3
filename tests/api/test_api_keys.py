"""The keys of an environment, as people manage them over the API."""

from datetime import timedelta
from typing import Any

import pytest

from runs_app.domain.times import iso, utc_now
from runs_app.models import ApiKey, Membership
from runs_app.services.credentials import create_api_key, digest_of
from tests.api.conftest import Clock
from tests.api.expectations import faults, refused
from tests.api.keys import key_of, path_of
from tests.conftest import Api, Workspace
from tests.people import (
    Person,
    member_of,
    token_of_key,
)

MEMBERS = {
    "id", "name", "lastFour", "scopes", "createdAt", "createdBy", "expiresAt", "lastUsedAt",
    "revokedAt", "revokedBy",
}  # fmt: skip


@pytest.fixture
def admin(prod: Workspace) -> Person:
    return member_of(prod, Membership.Role.ADMIN)


# --- what works ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Membership.Role.OWNER, Membership.Role.ADMIN])
def test_owners_and_admins_make_list_and_revoke_keys(prod: Workspace, role: str) -> None:
    person = member_of(prod, role)

    made = person.api.post(path_of(prod), {"name": "deploy"})
    listed = person.api.get(path_of(prod))
    revoked = person.api.delete(path_of(prod, made.body["id"]))

    assert (made.status, listed.status, revoked.status) == (201, 200, 204)
    assert [item["name"] for item in listed.body["data"]] == ["deploy", "test"]
    assert revoked.body is None
    refused(Api(made.body["key"]).get("/api/v1/errors"), 401, "unauthorized")


def test_a_new_key_is_told_with_its_secret_and_who_made_it(prod: Workspace, admin: Person) -> None:
    expires_at = iso(utc_now() + timedelta(days=30))
    body = {"name": " deploy ", "scopes": ["read:runs", "read:runs"], "expiresAt": expires_at}

    answer = admin.api.post(path_of(prod), body)

    key = ApiKey.objects.get(name="deploy")
    secret = answer.body["key"]
    assert set(answer.body) == MEMBERS | {"key"}
    assert answer.body == {
        "id": str(key.id),
        "name": "deploy",
        "lastFour": secret[-4:],
        "scopes": ["read:runs"],
        "createdAt": iso(key.created_at),
        "createdBy": admin.id,
        "expiresAt": expires_at,
        "lastUsedAt": None,
        "revokedAt": None,
        "revokedBy": None,
        "key": secret,
    }
    assert answer.headers["Cache-Control"] == "no-store"
    assert key.digest == digest_of(secret)
    assert key.created_by == admin.user


def test_a_new_key_opens_its_environment_within_its_scopes(prod: Workspace, admin: Person) -> None:
    narrow = admin.api.post(path_of(prod), {"name": "a", "scopes": ["read:runs"]}).body["key"]
    wide = admin.api.post(path_of(prod), {"name": "b"}).body["key"]

    assert Api(narrow).get("/api/v1/runs").status == 200
    assert Api(narrow).post("/api/v1/runs", []).status == 403
    assert Api(wide).post("/api/v1/runs", []).status == 200


def test_a_list_shows_neither_secrets_nor_digests(prod: Workspace, admin: Person) -> None:
    made = admin.api.post(path_of(prod), {"name": "deploy"}).body

    answer = admin.api.get(path_of(prod))

    assert all(set(item) == MEMBERS for item in answer.body["data"])
    for secret in (made["key"], prod.key):
        assert secret not in str(answer.body)
        assert digest_of(secret) not in str(answer.body)


def test_a_list_tells_when_a_key_was_used(prod: Workspace, admin: Person) -> None:
    assert prod.api.get("/api/v1/runs").status == 200

    [item] = admin.api.get(path_of(prod)).body["data"]

    used_at = key_of(prod).last_used_at
    assert used_at is not None
    assert item["lastUsedAt"] == iso(used_at)
    assert (item["scopes"], item["createdBy"]) == ([], None)


def test_a_revoked_key_stays_in_the_list_with_who_revoked_it(
    prod: Workspace, admin: Person
) -> None:
    admin.api.delete(path_of(prod, str(key_of(prod).id)))

    [item] = admin.api.get(path_of(prod)).body["data"]

    revoked_at = key_of(prod).revoked_at
    assert revoked_at is not None
    assert (item["revokedAt"], item["revokedBy"]) == (iso(revoked_at), admin.id)


def test_revoking_again_changes_nothing(prod: Workspace, admin: Person, clock: Clock) -> None:
    path = path_of(prod, str(key_of(prod).id))
    admin.api.delete(path)
    first = key_of(prod)

    clock.advance(hours=1)
    again = member_of(prod, Membership.Role.OWNER).api.delete(path)

    after = key_of(prod)
    assert again.status == 204
    assert (after.revoked_at, after.revoked_by_id) == (first.revoked_at, first.revoked_by_id)


def test_a_revoked_key_takes_its_public_tokens_along(prod: Workspace, admin: Person) -> None:
    public = Api(token_of_key(prod, "read:runs"))
    assert public.get("/api/v1/runs").status == 200

    admin.api.delete(path_of(prod, str(key_of(prod).id)))

    refused(public.get("/api/v1/runs"), 401, "unauthorized")


def test_a_person_who_is_gone_leaves_their_keys(prod: Workspace, admin: Person) -> None:
    made = admin.api.post(path_of(prod), {"name": "deploy"}).body
    owner = member_of(prod, Membership.Role.OWNER)
    admin.user.delete()

    [item, _] = owner.api.get(path_of(prod)).body["data"]

    assert item["createdBy"] is None
    assert Api(made["key"]).get("/api/v1/runs").status == 200


# --- pages --------------------------------------------------------------------------------------


def test_pages_hold_every_key_once_while_keys_are_made(prod: Workspace, admin: Person) -> None:
    moment = utc_now() - timedelta(hours=1)
    for number in range(5):
        create_api_key(prod.environment, name=f"key-{number}")
    # Made at one moment, only their ids tell them apart.
    ApiKey.objects.update(created_at=moment)
    whole = [item["id"] for item in admin.api.get(path_of(prod)).body["data"]]
    seen: list[str] = []
    query: dict[str, Any] = {"page[size]": 2}

    while True:
        answer = admin.api.get(path_of(prod), query)
        seen += [item["id"] for item in answer.body["data"]]
        create_api_key(prod.environment, name="newer")
        if "next" not in answer.body["pagination"]:
            break
        query["page[after]"] = answer.body["pagination"]["next"]

    assert seen == whole
    assert len(set(seen)) == 6


def test_the_page_before_is_the_one_that_was_left(prod: Workspace, admin: Person) -> None:
    for number in range(3):
        create_api_key(prod.environment, name=f"key-{number}")
    first = admin.api.get(path_of(prod), {"page[size]": 2}).body
    second = admin.api.get(
        path_of(prod), {"page[size]": 2, "page[after]": first["pagination"]["next"]}
    ).body

    back = admin.api.get(
        path_of(prod), {"page[size]": 2, "page[before]": second["pagination"]["previous"]}
    ).body

    assert [item["name"] for item in first["data"]] == ["key-2", "key-1"]
    assert [item["name"] for item in second["data"]] == ["key-0", "test"]
    assert back["data"] == first["data"]
    assert "previous" not in back["pagination"]
    assert "previous" not in first["pagination"]


def test_a_cursor_of_another_environment_is_refused(
    prod: Workspace, staging: Workspace, admin: Person
) -> None:
    create_api_key(staging.environment, name="more")
    page = admin.api.get(path_of(staging), {"page[size]": 1}).body
    query = {"page[after]": page["pagination"]["next"], "page[size]": 0}

    answer = admin.api.get(path_of(prod), query)

    assert faults(answer) == {
        ("/query/page[after]", "invalid_cursor"),
        ("/query/page[size]", "out_of_range"),
    }


def test_a_list_takes_as_many_queries_for_many_keys_as_for_one(
    prod: Workspace, admin: Person, django_assert_num_queries: Any
) -> None:
    admin.api.get(path_of(prod))
    for number in range(3):
        admin.api.post(path_of(prod), {"name": f"key-{number}"})

    with django_assert_num_queries(4):
        admin.api.get(path_of(prod))
