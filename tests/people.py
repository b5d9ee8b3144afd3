"""People, and the tokens that speak for them or come from a key."""

import itertools
from dataclasses import dataclass
from datetime import timedelta

from runs_app.domain.times import utc_now
from runs_app.models import ApiKey, Membership, Organization, PersonalAccessToken, User
from runs_app.services.credentials import create_personal_access_token, digest_of
from runs_app.services.signing_secrets import signing_secret_of
from runs_app.services.tokens import (
    EnvironmentClaims,
    Source,
    SourceKind,
    UserActorClaims,
    sign_environment_token,
    sign_user_actor_token,
)
from tests.conftest import Api, Workspace

HOUR = timedelta(hours=1)

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """A person with a personal access token. `api` calls with it."""

    user: User
    token: str

    @property
    def id(self) -> str:
        return str(self.user.id)

    @property
    def api(self) -> Api:
        return Api(self.token)

    @property
    def row(self) -> PersonalAccessToken:
        """What is kept of the token."""
        return PersonalAccessToken.objects.get(digest=digest_of(self.token))

    @property
    def source(self) -> Source:
        return Source(SourceKind.PERSONAL_ACCESS_TOKEN, str(self.row.id))


def row_of_key(secret: str) -> ApiKey:
    """What is kept of an API key."""
    return ApiKey.objects.get(digest=digest_of(secret))


def make_person(
    organization: Organization | None = None, role: str = Membership.Role.MEMBER
) -> Person:
    """A member of `organization` with that role; of none where none is named."""
    name = f"person-{next(_numbers)}"
    user = User.objects.create_user(name, email=f"{name}@example.com")
    if organization is not None:
        Membership.objects.create(organization=organization, user=user, role=role)
    return Person(user, create_personal_access_token(user, name="test"))


def member_of(workspace: Workspace, role: str = Membership.Role.MEMBER) -> Person:
    return make_person(workspace.environment.project.organization, role)


def token_of_person(
    workspace: Workspace,
    person: Person,
    *scopes: str,
    client: str = "personal-access-token",
    lifetime: timedelta = HOUR,
) -> str:
    """An environment token as an exchange by `person` would make it."""
    return _environment_token(workspace, scopes, person.source, lifetime, person.id, client)


def token_of_key(
    workspace: Workspace, *scopes: str, key: str | None = None, lifetime: timedelta = HOUR
) -> str:
    """A public token as minted with `key`, the workspace's own by default."""
    source = Source(SourceKind.API_KEY, str(row_of_key(key or workspace.key).id))
    return _environment_token(workspace, scopes, source, lifetime)


def actor_token_of(
    person: Person,
    *,
    cap: tuple[str, ...] | None = None,
    client: str = "cli",
    lifetime: timedelta = HOUR,
) -> str:
    """A user actor token."""
    return sign_user_actor_token(
        UserActorClaims(
            user_id=person.id,
            source=person.source,
            expires_at=utc_now() + lifetime,
            client=client,
            ceiling=cap,
        )
    )


def _environment_token(
    workspace: Workspace,
    scopes: tuple[str, ...],
    source: Source,
    lifetime: timedelta,
    user_id: str | None = None,
    client: str = "",
) -> str:
    environment_id = str(workspace.environment.id)
    claims = EnvironmentClaims(
        environment_id=environment_id,
        scopes=scopes,
        source=source,
        expires_at=utc_now() + lifetime,
        user_id=user_id,
        client=client,
    )
    return sign_environment_token(claims, signing_secret_of(environment_id))
