"""From what was sent to who is calling. Whatever is not accepted is refused alike.

Nothing is remembered between requests: a revoked key or token, a membership that ended and a role
that changed count at once, also for what was exchanged before.
"""

import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from runs_app.domain.callers import Caller, CredentialKind, EnvironmentCaller, PersonalCaller
from runs_app.domain.errors import Unauthenticated
from runs_app.domain.ids import API_KEY_INFIX, PAT_PREFIX, UAT_PREFIX
from runs_app.domain.roles import ceiling_of
from runs_app.domain.scopes import ADMIN, READ_ALL, within
from runs_app.domain.times import utc_now
from runs_app.models import ApiKey, Environment, PersonalAccessToken, SigningSecret
from runs_app.queries.memberships import role_in
from runs_app.services.credentials import find_api_key, find_personal_access_token, note_use
from runs_app.services.installation_secrets import UnreadableSecret, decrypted
from runs_app.services.tokens import (
    EnvironmentClaims,
    claimed_environment,
    read_environment_token,
    read_user_actor_token,
)

log = logging.getLogger(__name__)

KEY_PREFIXES: Final = tuple(f"tr_{infix}_sk_" for infix in API_KEY_INFIX.values())
# A signed token: header, claims and signature, each in base64url without padding.
SIGNED: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
# What a public token minted by a key says it is, in the trail of what was changed with it.
PUBLIC_TOKEN: Final = "public-token"  # noqa: S105
# Of a user actor token without a cap.
DEFAULT_CEILING: Final = (READ_ALL,)


def kind_of(credential: str) -> CredentialKind | None:
    """What a credential is by its form alone."""
    if credential.startswith(PAT_PREFIX):
        return CredentialKind.PERSONAL_ACCESS_TOKEN
    if credential.startswith(UAT_PREFIX):
        signed = SIGNED.fullmatch(credential, len(UAT_PREFIX))
        return CredentialKind.USER_ACTOR_TOKEN if signed else None
    if credential.startswith(KEY_PREFIXES):
        return CredentialKind.API_KEY
    return CredentialKind.ENVIRONMENT_TOKEN if SIGNED.fullmatch(credential) else None


def authenticate(credential: str, accepted: frozenset[CredentialKind]) -> Caller:
    """The caller. Raises Unauthenticated, also for a good credential of a kind not accepted."""
    kind = kind_of(credential)
    if kind is None or kind not in accepted:
        raise Unauthenticated(supplied=True)
    return READERS[kind](credential, utc_now())


def _by_api_key(credential: str, now: datetime) -> Caller:
    key = find_api_key(credential, now)
    if key is None:
        raise Unauthenticated(supplied=True)
    note_use(key, now)
    return EnvironmentCaller(
        kind=CredentialKind.API_KEY,
        credential_id=str(key.id),
        tenant=key.environment.tenant(),
        scopes=_scopes_of(key),
        api_key_id=str(key.id),
        expires_at=key.expires_at,
    )


def _by_personal_access_token(credential: str, now: datetime) -> Caller:
    token = find_personal_access_token(credential, now)
    if token is None:
        raise Unauthenticated(supplied=True)
    note_use(token, now)
    return PersonalCaller(
        kind=CredentialKind.PERSONAL_ACCESS_TOKEN,
        credential_id=str(token.id),
        client=CredentialKind.PERSONAL_ACCESS_TOKEN.value,
        user_id=str(token.user_id),
        access_token_id=str(token.id),
        expires_at=token.expires_at,
    )


def _by_user_actor_token(credential: str, now: datetime) -> Caller:
    claims = read_user_actor_token(credential)
    token = _living_access_token(claims.source.id, claims.user_id, now)
    note_use(token, now)
    return PersonalCaller(
        kind=CredentialKind.USER_ACTOR_TOKEN,
        credential_id=claims.token_id,
        client=claims.client,
        user_id=claims.user_id,
        access_token_id=claims.source.id,
        ceiling=DEFAULT_CEILING if claims.ceiling is None else claims.ceiling,
        expires_at=claims.expires_at,
    )


def _by_environment_token(credential: str, now: datetime) -> Caller:
    environment_id = claimed_environment(credential)
    secret = _signing_secret(environment_id) if environment_id else None
    if secret is None:
        raise Unauthenticated(supplied=True)
    claims = read_environment_token(credential, _decrypted_or_refused(secret))
    environment = secret.environment
    if claims.user_id is None:
        key, ceiling = _living_key(claims, now)
        note_use(key, now)
        key_id, client = str(key.id), PUBLIC_TOKEN
    else:
        ceiling = _ceiling_of_person(claims.source.id, claims.user_id, environment, now)
        key_id, client = None, claims.client
    return EnvironmentCaller(
        kind=CredentialKind.ENVIRONMENT_TOKEN,
        credential_id=claims.token_id,
        client=client,
        tenant=environment.tenant(),
        scopes=within(claims.scopes, ceiling),
        user_id=claims.user_id,
        api_key_id=key_id,
        expires_at=claims.expires_at,
    )


def _signing_secret(environment_id: str) -> SigningSecret | None:
    return (
        SigningSecret.objects.select_related("environment__project")
        .filter(environment_id=environment_id)
        .first()
    )


def _decrypted_or_refused(secret: SigningSecret) -> str:
    try:
        return decrypted(secret.encrypted)
    except UnreadableSecret as error:
        # Nobody's fault who calls, and nothing they could mend.
        log.warning("tokens of environment %s are refused: %s", secret.environment_id, error)
        raise Unauthenticated(supplied=True) from None


def _living_key(claims: EnvironmentClaims, now: datetime) -> tuple[ApiKey, tuple[str, ...]]:
    """The key behind a public token, and what it may do now."""
    key = ApiKey.objects.filter(pk=claims.source.id, environment_id=claims.environment_id).first()
    if key is None or not key.is_active(now):
        raise Unauthenticated(supplied=True)
    return key, _scopes_of(key)


def _ceiling_of_person(
    token_id: str, user_id: str, environment: Environment, now: datetime
) -> tuple[str, ...]:
    """What the person behind a token may do in the environment now."""
    token = _living_access_token(token_id, user_id, now)
    role = role_in(user_id, str(environment.project.organization_id))
    if role is None:
        raise Unauthenticated(supplied=True)
    note_use(token, now)
    return ceiling_of(role)


def _living_access_token(token_id: str, user_id: str, now: datetime) -> PersonalAccessToken:
    token = (
        PersonalAccessToken.objects.select_related("user")
        .filter(pk=token_id, user_id=user_id)
        .first()
    )
    if token is None or not token.is_active(now) or not token.user.is_active:
        raise Unauthenticated(supplied=True)
    return token


def _scopes_of(key: ApiKey) -> tuple[str, ...]:
    """A key without listed scopes may do everything in its environment."""
    return tuple(str(scope) for scope in key.scopes) or (ADMIN,)


READERS: Final[Mapping[CredentialKind, Callable[[str, datetime], Caller]]] = {
    CredentialKind.API_KEY: _by_api_key,
    CredentialKind.PERSONAL_ACCESS_TOKEN: _by_personal_access_token,
    CredentialKind.USER_ACTOR_TOKEN: _by_user_actor_token,
    CredentialKind.ENVIRONMENT_TOKEN: _by_environment_token,
}
