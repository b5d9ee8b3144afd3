"""Tokens in return for a credential.

None may do more than the credential it comes from, and none outlives it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from runs_app.domain.callers import CredentialKind, EnvironmentCaller, PersonalCaller
from runs_app.domain.errors import Detail, InvalidInput
from runs_app.domain.roles import ceiling_of
from runs_app.domain.scopes import within
from runs_app.domain.times import utc_now
from runs_app.queries.memberships import read_project_of, tenant_of_project
from runs_app.services.installation_secrets import UnreadableSecret
from runs_app.services.signing_secrets import signing_secret_of
from runs_app.services.tokens import (
    LONGEST_TOKEN,
    EnvironmentClaims,
    Source,
    SourceKind,
    UserActorClaims,
    sign_environment_token,
    sign_user_actor_token,
)

DEFAULT_LIFETIME: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AskedToken:
    """What is asked of an environment token: no scopes are none, and no time is an hour."""

    scopes: tuple[str, ...]
    expires_at: datetime | None = None
    realtime: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AskedActorToken:
    """What is asked of a user actor token. No ceiling: what its kind has by default."""

    ceiling: tuple[str, ...] | None = None
    client: str | None = None
    lifetime: timedelta | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentGrant:
    """`scopes` are those that were granted of the ones asked for."""

    environment_id: str
    scopes: tuple[str, ...]
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ActorGrant:
    """`lifetime` is what it has, where its source ends before the time asked for."""

    lifetime: timedelta
    token: str = field(repr=False)


def mint_actor_token(caller: PersonalCaller, asked: AskedActorToken) -> ActorGrant:
    """A user actor token for the holder of a personal access token.

    Raises InvalidInput where it would be longer than what is taken as a credential.
    """
    now = _full_second()
    expires_at = _earlier(now + (asked.lifetime or DEFAULT_LIFETIME), caller.expires_at)
    claims = UserActorClaims(
        user_id=caller.user_id,
        source=Source(SourceKind.PERSONAL_ACCESS_TOKEN, caller.access_token_id),
        expires_at=expires_at,
        client=asked.client or CredentialKind.USER_ACTOR_TOKEN.value,
        ceiling=asked.ceiling,
    )
    token = _insist_on_length(sign_user_actor_token(claims))
    return ActorGrant(lifetime=expires_at - now, token=token)


def exchange_for_environment(
    caller: PersonalCaller, project_ref: str, environment_slug: str, asked: AskedToken
) -> EnvironmentGrant:
    """A token for one environment of a project of the person's.

    Granted is of the scopes what both the person's role and the credential cover whole. Raises
    NotFound, InvalidInput as `mint_actor_token` does, or UnreadableSecret.
    """
    project = read_project_of(caller.user_id, project_ref)
    ceilings = [ceiling_of(project.role)]
    if caller.ceiling is not None:
        ceilings.append(caller.ceiling)
    claims = EnvironmentClaims(
        environment_id=tenant_of_project(project, environment_slug).environment_id,
        scopes=within(asked.scopes, *ceilings),
        source=Source(SourceKind.PERSONAL_ACCESS_TOKEN, caller.access_token_id),
        expires_at=_expiry(asked, caller.expires_at),
        user_id=caller.user_id,
        client=caller.client,
    )
    return _granted(claims)


def mint_public_token(caller: EnvironmentCaller, asked: AskedToken) -> EnvironmentGrant:
    """A token for the environment of an API key, to be given away.

    Granted is of the scopes what the key covers whole. Raises InvalidInput as `mint_actor_token`
    does, or UnreadableSecret.
    """
    claims = EnvironmentClaims(
        environment_id=caller.tenant.environment_id,
        scopes=within(asked.scopes, caller.scopes),
        source=Source(SourceKind.API_KEY, caller.credential_id),
        expires_at=_expiry(asked, caller.expires_at),
        realtime=asked.realtime,
    )
    return _granted(claims)


def _granted(claims: EnvironmentClaims) -> EnvironmentGrant:
    token = sign_environment_token(claims, _signing_secret(claims.environment_id))
    return EnvironmentGrant(
        environment_id=claims.environment_id,
        scopes=claims.scopes,
        token=_insist_on_length(token),
    )


def _signing_secret(environment_id: str) -> str:
    try:
        return signing_secret_of(environment_id)
    except UnreadableSecret as error:
        raise UnreadableSecret(
            f"{error} No token can be signed for environment {environment_id}:"
            " run `manage.py rotate_signing_secret --all`."
        ) from None


def _expiry(asked: AskedToken, source_expires_at: datetime | None) -> datetime:
    wanted = asked.expires_at or _full_second() + DEFAULT_LIFETIME
    return _earlier(wanted, source_expires_at)


def _earlier(wanted: datetime, limit: datetime | None) -> datetime:
    """In whole seconds, as tokens say it."""
    return wanted if limit is None else min(wanted, limit.replace(microsecond=0))


def _full_second() -> datetime:
    return utc_now().replace(microsecond=0)


def _insist_on_length(token: str) -> str:
    if len(token) > LONGEST_TOKEN:
        message = f"The token would have more than {LONGEST_TOKEN:,} characters; ask for less."
        raise InvalidInput([Detail(message, "/body", "token_too_long")])
    return token
