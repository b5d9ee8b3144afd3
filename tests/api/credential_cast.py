"""Credentials of every kind, made when they are asked for, for the table of what opens which
route."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from errors_app.domain.groups import Action, ActorKind
from errors_app.models import BulkOperation
from runs_app.domain.ids import UAT_PREFIX
from runs_app.domain.times import utc_now
from runs_app.models import ApiKey, Membership, PersonalAccessToken, User
from runs_app.services.credentials import create_api_key, digest_of
from runs_app.services.signing_secrets import rotate_signing_secret
from tests.api.expectations import failure, the_group
from tests.api.forging import claims_of, signed, written
from tests.conftest import Answer, Api, Workspace, make_workspace
from tests.people import (
    HOUR,
    Person,
    actor_token_of,
    make_person,
    member_of,
    row_of_key,
    token_of_key,
    token_of_person,
)

AGO: Final = timedelta(seconds=-5)
EVERY_SCOPE: Final = ("read:errors", "write:errors", "read:runs", "write:runs")
LARGE_KEY: Final = "k" * 64


@dataclass(frozen=True)
class Route:
    """`scope`: what it needs, if anything; `body`: one that is valid. `of_an_id`: a scope for the
    id in the path does, too."""

    method: str
    path: str
    scope: str | None = None
    body: Any = None
    of_an_id: bool = True


@dataclass(frozen=True)
class Cast:
    """The environment whose routes are asked for, and another one with nothing in common."""

    workspace: Workspace
    elsewhere: Workspace
    error_id: str
    run_id: str

    def ask(self, route: Route, credential: str | None) -> Answer:
        path = "/api/" + route.path.format(
            error_id=self.error_id,
            run_id=self.run_id,
            project_ref=self.workspace.environment.project.external_ref,
            environment=self.workspace.environment.slug,
            key_id=row_of_key(self.workspace.key).id,
            operation_id=self.operation_for(route),
        )
        api = Api(credential)
        if route.method == "GET":
            return api.get(path)
        return api.delete(path) if route.method == "DELETE" else api.post(path, route.body)

    def operation_for(self, route: Route) -> str:
        """An operation that nobody has undone, where the route is of one."""
        if "{operation_id}" not in route.path:
            return ""
        operation = BulkOperation.objects.create(
            environment=self.workspace.environment,
            action=Action.RESOLVE,
            actor_kind=ActorKind.KEY,
            matched=0,
            changed=0,
            changes=b"[]",
            created_at=utc_now(),
        )
        return str(operation.id)

    def scopes_for(self, route: Route) -> list[str]:
        """What the route asks for, the wider first."""
        ids = [id_ for id_ in (self.id_in(route),) if id_ is not None]
        return [str(route.scope), *(f"{route.scope}:{id_}" for id_ in ids)]

    def id_in(self, route: Route) -> str | None:
        if not route.of_an_id:
            return None
        if "{error_id}" in route.path:
            return self.error_id
        return self.run_id if "{run_id}" in route.path else None

    def key(self, *scopes: str, **ends: Any) -> str:
        """A new key of the environment; `ends` as the columns of its row."""
        secret = create_api_key(self.workspace.environment, name="test", scopes=scopes)
        if ends:
            ApiKey.objects.filter(digest=digest_of(secret)).update(**ends)
        return secret

    def person(self, role: str = Membership.Role.OWNER) -> Person:
        return member_of(self.workspace, role)


def make_cast(workspace: Workspace) -> Iterator[Cast]:
    """With a group, and cleared away afterwards."""
    workspace.report(failure("run_a"))
    elsewhere = make_workspace("prod")
    yield Cast(workspace, elsewhere, the_group(workspace)["id"], "run_a")
    project = elsewhere.environment.project
    elsewhere.environment.delete()
    project.delete()
    project.organization.delete()


# --- what a route asks for, and what comes near it ----------------------------------------------


def needed(route: Route) -> str:
    """The scope it needs; any, where it needs none."""
    return route.scope or "read:runs"


def this_id(cast: Cast, route: Route) -> str:
    """For the lists, which are of no id: for one that is in them."""
    of_list = cast.run_id if "runs" in route.path else cast.error_id
    return f"{route.scope}:{cast.id_in(route) or of_list}"


def other_id(cast: Cast, route: Route) -> str:
    return this_id(cast, route) + "x"


def others(route: Route) -> tuple[str, ...]:
    """Every other scope, and some that look wider than they are."""
    action, type_ = needed(route).split(":")
    near = (f"{action}:*", "*:all", "*:*", "admin:all", f"{type_}:{action}", "nonsense")
    return (*(scope for scope in EVERY_SCOPE if scope != route.scope), *near)


# --- how things end -----------------------------------------------------------------------------


def revoked(person: Person) -> Person:
    PersonalAccessToken.objects.filter(user=person.user).update(revoked_at=utc_now())
    return person


def expired(person: Person) -> Person:
    PersonalAccessToken.objects.filter(user=person.user).update(expires_at=utc_now())
    return person


def inactive(person: Person) -> Person:
    User.objects.filter(pk=person.user.pk).update(is_active=False)
    return person


def left(person: Person) -> Person:
    Membership.objects.filter(user=person.user).delete()
    return person


def forged(token: str) -> str:
    return signed(written(claims_of(token), {}), LARGE_KEY)


def of_person(
    cast: Cast,
    *scopes: str,
    then: Callable[[Person], Person] | None = None,
    role: str = Membership.Role.OWNER,
    lifetime: timedelta = HOUR,
) -> str:
    """A token of a person, to whom something happened since."""
    person = cast.person(role)
    token = token_of_person(cast.workspace, person, *scopes, lifetime=lifetime)
    if then is not None:
        then(person)
    return token


def of_key(cast: Cast, *scopes: str, lifetime: timedelta = HOUR, **ends: Any) -> str:
    """A public token of a new key, whose row was changed since."""
    secret = cast.key()
    token = token_of_key(cast.workspace, *scopes, key=secret, lifetime=lifetime)
    if ends:
        ApiKey.objects.filter(digest=digest_of(secret)).update(**ends)
    return token


def of_actor(
    cast: Cast, then: Callable[[Person], Person] | None = None, lifetime: timedelta = HOUR
) -> str:
    """A user actor token of a person, to whom something happened since."""
    person = cast.person()
    token = actor_token_of(person, lifetime=lifetime)
    if then is not None:
        then(person)
    return token


def rotated(cast: Cast, token: str) -> str:
    rotate_signing_secret(str(cast.workspace.environment.id))
    return token


def stranger_of(cast: Cast) -> Person:
    """A member of another organization."""
    return make_person(cast.elsewhere.environment.project.organization, Membership.Role.OWNER)


# --- the columns --------------------------------------------------------------------------------

Column = Callable[[Cast, Route], str | None]

SENT_TO_ENVIRONMENTS: Final[Mapping[str, Column]] = {
    "none": lambda cast, route: None,
    "junk": lambda cast, route: "tr_prod_sk_" + "0" * 24,
    "pat": lambda cast, route: cast.person().token,
    "uat": lambda cast, route: of_actor(cast),
    "revoked": lambda cast, route: cast.key(revoked_at=utc_now()),
    "expired": lambda cast, route: cast.key(expires_at=utc_now()),
    "foreign": lambda cast, route: cast.elsewhere.key,
    "others": lambda cast, route: cast.key(*others(route)),
    "other-id": lambda cast, route: cast.key(other_id(cast, route)),
    "this-id": lambda cast, route: cast.key(this_id(cast, route)),
    "scope": lambda cast, route: cast.key(needed(route)),
    # A key without listed scopes may do everything.
    "full": lambda cast, route: cast.key(),
}
PEOPLES_TOKENS: Final[Mapping[str, Column]] = {
    "forged": lambda cast, route: forged(of_person(cast, needed(route))),
    "expired": lambda cast, route: of_person(cast, needed(route), lifetime=AGO),
    # The personal access token it came from was revoked.
    "revoked": lambda cast, route: of_person(cast, needed(route), then=revoked),
    # The person is no member of the organization any more.
    "left": lambda cast, route: of_person(cast, needed(route), then=left),
    "inactive": lambda cast, route: of_person(cast, needed(route), then=inactive),
    # The environment has another signing secret since.
    "rotated": lambda cast, route: rotated(cast, of_person(cast, needed(route))),
    "foreign": lambda cast, route: token_of_person(cast.elsewhere, stranger_of(cast), "admin"),
    "nothing": lambda cast, route: of_person(cast),
    "others": lambda cast, route: of_person(cast, *others(route)),
    "other-id": lambda cast, route: of_person(cast, other_id(cast, route)),
    "this-id": lambda cast, route: of_person(cast, this_id(cast, route)),
    "scope": lambda cast, route: of_person(cast, needed(route)),
    # The same, in the hands of somebody who may only look.
    "viewer": lambda cast, route: of_person(cast, needed(route), role=Membership.Role.VIEWER),
}
PUBLIC_TOKENS: Final[Mapping[str, Column]] = {
    "expired": lambda cast, route: of_key(cast, needed(route), lifetime=AGO),
    # Something happened to the key it came from: revoked, expired, or narrowed to other scopes.
    "revoked": lambda cast, route: of_key(cast, needed(route), revoked_at=utc_now()),
    "key-expired": lambda cast, route: of_key(cast, needed(route), expires_at=utc_now()),
    "narrowed": lambda cast, route: of_key(cast, needed(route), scopes=list(others(route))),
    "foreign": lambda cast, route: token_of_key(cast.elsewhere, "admin"),
    "nothing": lambda cast, route: of_key(cast),
    "others": lambda cast, route: of_key(cast, *others(route)),
    "other-id": lambda cast, route: of_key(cast, other_id(cast, route)),
    "this-id": lambda cast, route: of_key(cast, this_id(cast, route)),
    "scope": lambda cast, route: of_key(cast, needed(route)),
}
PEOPLE: Final[Mapping[str, Column]] = {
    "none": lambda cast, route: None,
    "junk": lambda cast, route: "tr_pat_" + "0" * 40,
    "key": lambda cast, route: cast.workspace.key,
    # An environment token of an owner.
    "token": lambda cast, route: of_person(cast, "admin"),
    "revoked": lambda cast, route: revoked(cast.person()).token,
    "expired": lambda cast, route: expired(cast.person()).token,
    "inactive": lambda cast, route: inactive(cast.person()).token,
    "no-member": lambda cast, route: stranger_of(cast).token,
    "viewer": lambda cast, route: cast.person(Membership.Role.VIEWER).token,
    "member": lambda cast, route: cast.person(Membership.Role.MEMBER).token,
    "admin": lambda cast, route: cast.person(Membership.Role.ADMIN).token,
    "owner": lambda cast, route: cast.person(Membership.Role.OWNER).token,
    "uat-owner": lambda cast, route: of_actor(cast),
    "uat-no-member": lambda cast, route: actor_token_of(stranger_of(cast)),
    "uat-expired": lambda cast, route: of_actor(cast, lifetime=AGO),
    "uat-revoked": lambda cast, route: of_actor(cast, revoked),
    "uat-inactive": lambda cast, route: of_actor(cast, inactive),
    "uat-forged": lambda cast, route: UAT_PREFIX + forged(of_actor(cast).removeprefix(UAT_PREFIX)),
}
