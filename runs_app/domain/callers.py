"""Who is calling: what an accepted credential says about its holder."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from runs_app.domain.tenant import Tenant


class CredentialKind(StrEnum):
    """The words are shown: as `client` of what a person does, and in the log."""

    API_KEY = "api-key"
    ENVIRONMENT_TOKEN = "environment-token"  # noqa: S105
    PERSONAL_ACCESS_TOKEN = "personal-access-token"  # noqa: S105
    USER_ACTOR_TOKEN = "user-actor-token"  # noqa: S105


# What opens the routes of an environment, and what opens those of a person.
ENVIRONMENT_KINDS: Final = frozenset({CredentialKind.API_KEY, CredentialKind.ENVIRONMENT_TOKEN})
PERSONAL_KINDS: Final = frozenset(
    {CredentialKind.PERSONAL_ACCESS_TOKEN, CredentialKind.USER_ACTOR_TOKEN}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """`credential_id` names this very credential: the row of a key or personal access token, the
    `jti` of a signed token. `client` says through what somebody acts; it is empty for a key itself.
    Nothing that the credential is exchanged for lives longer than `expires_at`."""

    kind: CredentialKind
    credential_id: str
    client: str = ""
    expires_at: datetime | None = None

    @property
    def is_authenticated(self) -> bool:
        """For REST framework."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentCaller(Caller):
    """Acts in one environment, with exactly `scopes`: none means nothing.

    `user_id` is set where a person stands behind the credential, `api_key_id` where a key does.
    """

    tenant: Tenant
    scopes: tuple[str, ...]
    user_id: str | None = None
    api_key_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalCaller(Caller):
    """Acts as a person. `access_token_id` is the personal access token, of which a user actor token
    was minted; `ceiling`, where there is one, covers every scope that can be exchanged for it."""

    user_id: str
    access_token_id: str
    ceiling: tuple[str, ...] | None = None
