"""A person works from a program of their own, from their token to the trail, and loses access in
every way there is. Programs go through the routes they have; what is decided in the admin is put
into the tables here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
import pytest

from runs_app.domain.times import utc_now
from runs_app.models import ApiKey, Membership, PersonalAccessToken
from runs_app.services.credentials import create_api_key, digest_of
from runs_app.services.signing_secrets import rotate_signing_secret
from tests.api.expectations import failure, refused, the_group
from tests.conftest import Api, Workspace, make_workspace
from tests.people import Person, make_person, member_of, row_of_key

BOTH = ["read:errors", "write:errors"]
CLIENT = "release-bot"


@dataclass(frozen=True)
class Desk:
    """Where a person works: the environment, and one group in it."""

    prod: Workspace
    group: dict[str, Any]
    ada: Person

    @property
    def path(self) -> str:
        return f"/api/v1/errors/{self.group['id']}"

    def exchange(self, credential: str, *scopes: str, of: Workspace | None = None) -> str:
        """A token for the environment in return for one that speaks for a person."""
        environment = (of or self.prod).environment
        ref = environment.project.external_ref
        answer = Api(credential).post(
            f"/api/v1/projects/{ref}/{environment.slug}/jwt", {"claims": {"scopes": scopes or BOTH}}
        )
        assert answer.status == 200, answer.body
        return str(answer.body["token"])

    def actor_token(self, *cap: str) -> str:
        body = {"cap": cap or BOTH, "client": CLIENT, "ttlSeconds": 600}
        answer = self.ada.api.post("/api/v1/auth/user-actor-token", body)
        assert answer.status == 200, answer.body
        return str(answer.body["token"])

    def public_token(self, key: str) -> str:
        answer = Api(key).post("/api/v1/auth/public-tokens", {"scopes": BOTH})
        assert answer.status == 200, answer.body
        return str(answer.body["token"])

    def act(self, token: str, action: str) -> dict[str, Any]:
        answer = Api(token).post(f"{self.path}/{action}")
        assert answer.status == 200, answer.body
        detail: dict[str, Any] = answer.body
        return detail

    def access(self, token: str) -> tuple[int, int]:
        """The answers to a read and to a write."""
        api = Api(token)
        return api.get(self.path).status, api.post(f"{self.path}/unresolve").status

    def person_opens(self, credential: str) -> int:
        return Api(credential).get("/api/v1/projects").status


FULL = (200, 200)
READING = (200, 403)
NONE = (401, 401)


@pytest.fixture
def desk(prod: Workspace) -> Desk:
    prod.report(failure("run_a"))
    return Desk(prod, the_group(prod), member_of(prod))


def test_what_a_person_does_through_programs_is_told_as_theirs(desk: Desk) -> None:
    actor_token = desk.actor_token()
    token = desk.exchange(actor_token)

    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["act"] == {"sub": desk.ada.id, "client": CLIENT}
    assert claims["scopes"] == BOTH

    resolved = desk.act(token, "resolve")
    assert (resolved["resolvedBy"], resolved["ignoredByUserId"]) == (desk.ada.id, None)
    ignored = desk.act(desk.exchange(desk.ada.token), "ignore")
    assert (ignored["resolvedBy"], ignored["ignoredByUserId"]) == (None, desk.ada.id)
    again = desk.act(desk.prod.key, "resolve")
    assert (again["resolvedBy"], again["ignoredByUserId"]) == (None, None)

    by_key, by_person, by_program = Api(token).get(f"{desk.path}/activity").body["data"]
    who = {"type": "user", "id": desk.ada.id, "name": desk.ada.user.username}
    assert by_program["actor"] == {**who, "client": CLIENT}
    assert by_person["actor"] == {**who, "client": "personal-access-token"}
    key = row_of_key(desk.prod.key)
    assert by_key["actor"] == {"type": "key", "id": str(key.pk), "name": "test", "client": None}


def test_a_token_to_read_changes_nothing(desk: Desk) -> None:
    for credential in (desk.ada.token, desk.actor_token("read:errors")):
        token = desk.exchange(credential, "read:errors")

        assert Api(token).get(f"{desk.path}/activity").body["data"] == []
        for action in ("resolve", "ignore", "unresolve"):
            refused(Api(token).post(f"{desk.path}/{action}"), 403, "insufficient_scope")


def test_a_cap_holds_whatever_is_asked_for_later(desk: Desk) -> None:
    narrow = desk.exchange(desk.actor_token("read:errors"))

    assert desk.access(narrow) == READING


def test_a_person_is_given_no_token_for_an_organization_of_others(desk: Desk) -> None:
    stranger = make_person()
    ref = desk.prod.environment.project.external_ref

    answer = stranger.api.post(f"/api/v1/projects/{ref}/prod/jwt", {"claims": {"scopes": BOTH}})

    refused(answer, 404, "not_found")


# --- the ends of access -------------------------------------------------------------------------


def revoke_access_token(desk: Desk) -> None:
    mine = PersonalAccessToken.objects.filter(user=desk.ada.user)
    mine.update(revoked_at=utc_now())


def expire_access_token(desk: Desk) -> None:
    PersonalAccessToken.objects.filter(user=desk.ada.user).update(expires_at=utc_now())


def deactivate_person(desk: Desk) -> None:
    desk.ada.user.is_active = False
    desk.ada.user.save(update_fields=["is_active"])


def delete_person(desk: Desk) -> None:
    desk.ada.user.delete()


Ending = Callable[[Desk], None]


@pytest.mark.parametrize(
    "end", [revoke_access_token, expire_access_token, deactivate_person, delete_person]
)
def test_with_the_access_token_or_the_person_ends_all_that_came_of_it(
    desk: Desk, end: Ending
) -> None:
    actor_token = desk.actor_token()
    tokens = [desk.exchange(desk.ada.token), desk.exchange(actor_token)]
    assert [desk.access(token) for token in tokens] == [FULL, FULL]
    assert [desk.person_opens(each) for each in (desk.ada.token, actor_token)] == [200, 200]

    end(desk)

    assert [desk.access(token) for token in tokens] == [NONE, NONE]
    assert [desk.person_opens(each) for each in (desk.ada.token, actor_token)] == [401, 401]
    assert desk.access(desk.prod.key) == FULL


def test_another_access_token_of_the_person_stays_good(desk: Desk) -> None:
    other = make_person(desk.prod.environment.project.organization)
    PersonalAccessToken.objects.filter(user=other.user).update(user=desk.ada.user)
    kept, gone = desk.exchange(other.token), desk.exchange(desk.ada.token)

    PersonalAccessToken.objects.filter(digest=digest_of(desk.ada.token)).update(
        revoked_at=utc_now()
    )

    assert (desk.access(kept), desk.access(gone)) == (FULL, NONE)


def test_with_a_membership_ends_what_was_exchanged_for_that_organization_alone(
    desk: Desk, staging: Workspace
) -> None:
    other = make_workspace("prod")
    other.report(failure("run_a"))
    organization = other.environment.project.organization
    Membership.objects.create(organization=organization, user=desk.ada.user)
    elsewhere = Desk(other, the_group(other), desk.ada)
    ended = [
        desk.exchange(desk.ada.token),
        desk.exchange(desk.actor_token()),
        desk.exchange(desk.ada.token, of=staging),
    ]
    kept = elsewhere.exchange(desk.ada.token)

    Membership.objects.filter(user=desk.ada.user).exclude(organization=organization).delete()

    assert [desk.access(token) for token in ended] == [NONE] * 3
    assert elsewhere.access(kept) == FULL
    assert desk.person_opens(desk.ada.token) == 200


def test_a_demotion_to_viewer_narrows_tokens_already_handed_out(desk: Desk) -> None:
    tokens = [desk.exchange(desk.ada.token), desk.exchange(desk.actor_token())]
    mine = Membership.objects.filter(user=desk.ada.user)

    mine.update(role=Membership.Role.VIEWER)

    assert [desk.access(token) for token in tokens] == [READING, READING]
    assert desk.access(desk.exchange(desk.ada.token)) == READING
    mine.update(role=Membership.Role.MEMBER)
    assert [desk.access(token) for token in tokens] == [FULL, FULL]


def test_with_a_key_end_its_public_tokens_and_no_others(desk: Desk) -> None:
    owner = member_of(desk.prod, Membership.Role.OWNER)
    ref = desk.prod.environment.project.external_ref
    other = create_api_key(desk.prod.environment, name="other")
    token, kept = desk.public_token(other), desk.public_token(desk.prod.key)
    assert desk.act(token, "resolve")["resolvedBy"] is None
    assert [desk.access(each) for each in (token, kept)] == [FULL, FULL]

    key = ApiKey.objects.get(name="other")
    gone = owner.api.delete(f"/api/v1/projects/{ref}/prod/api-keys/{key.pk}")

    assert gone.status == 204
    assert [desk.access(each) for each in (token, kept)] == [NONE, FULL]
    [*_, first] = desk.prod.api.get(f"{desk.path}/activity").body["data"]
    by_token = {"type": "key", "id": str(key.pk), "name": "other", "client": "public-token"}
    assert first["actor"] == by_token


def test_a_new_signing_secret_ends_every_token_of_its_environment_and_nothing_else(
    desk: Desk, staging: Workspace
) -> None:
    staging.report(failure("run_a"))
    elsewhere = Desk(staging, the_group(staging), desk.ada)
    actor_token = desk.actor_token()
    ended = [
        desk.exchange(desk.ada.token),
        desk.exchange(actor_token),
        desk.public_token(desk.prod.key),
    ]
    kept = [elsewhere.exchange(desk.ada.token), elsewhere.public_token(staging.key)]
    assert [desk.access(token) for token in ended] == [FULL] * 3

    rotate_signing_secret(desk.prod.tenant.environment_id)

    assert [desk.access(token) for token in ended] == [NONE] * 3
    assert [elsewhere.access(token) for token in kept] == [FULL] * 2
    assert desk.access(desk.prod.key) == FULL
    assert [desk.person_opens(each) for each in (desk.ada.token, actor_token)] == [200, 200]
    assert desk.access(desk.exchange(actor_token)) == FULL


def test_a_token_opens_the_environment_it_was_made_for_and_no_other(
    desk: Desk, staging: Workspace
) -> None:
    staging.report(failure("run_a"))
    other = the_group(staging)
    token = desk.exchange(desk.ada.token)

    desk.act(token, "resolve")

    assert other["id"] == desk.group["id"]
    assert the_group(staging)["status"] == "unresolved"
    assert staging.api.get(f"{desk.path}/activity").body["data"] == []
