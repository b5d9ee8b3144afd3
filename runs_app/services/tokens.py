"""Signed tokens: what is in them, and how they are signed and read. They know no database.

An environment token is what the published clients call a public access token: HS256 under its
environment's signing secret. A user actor token is signed under the installation's own secret and
speaks for a person. Each names the credential it came from.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import jwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.tokens import Token
from rest_framework_simplejwt.utils import datetime_to_epoch

from runs_app.domain.errors import Unauthenticated
from runs_app.domain.ids import UAT_PREFIX
from runs_app.services.installation_secrets import user_actor_signing_key

ALGORITHM: Final = "HS256"
# What servers and proxies take in one header, with some of it left for its other words.
LONGEST_TOKEN: Final = 8_000
# What the published clients write and expect.
ISSUER: Final = "https://id.trigger.dev"
AUDIENCE: Final = "https://api.trigger.dev"
# Ours alone reads these.
USER_ACTOR_ISSUER: Final = "faultline"
USER_ACTOR_AUDIENCE: Final = "faultline:user-actor-token"


class SourceKind(StrEnum):
    """What kind of stored credential a token came from."""

    API_KEY = "key"
    PERSONAL_ACCESS_TOKEN = "pat"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Source:
    """The stored credential a token came from: with it the token ends."""

    kind: SourceKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class EnvironmentClaims:
    """`user_id` and `client` where a person stands behind the token, as behind each that came from
    a personal access token, and no other. `realtime` is carried for clients that look for it."""

    environment_id: str
    scopes: tuple[str, ...]
    source: Source
    expires_at: datetime
    user_id: str | None = None
    client: str = ""
    realtime: Mapping[str, Any] | None = None
    token_id: str = ""


@dataclass(frozen=True, slots=True)
class UserActorClaims:
    """`ceiling` None: what the token's kind has by default."""

    user_id: str
    source: Source
    expires_at: datetime
    client: str
    ceiling: tuple[str, ...] | None = None
    token_id: str = ""


class _SignedToken(Token):
    """simplejwt's token under a key that is not the site's."""

    # Until `expire` says when.
    lifetime = timedelta(hours=1)
    issuer: str
    audience: str

    def __init__(self, key: str, token: str | None = None) -> None:
        self._token_backend = TokenBackend(
            ALGORITHM, key, audience=self.audience, issuer=self.issuer
        )
        super().__init__(token)  # type: ignore[arg-type]

    def verify(self) -> None:
        super().verify()
        # A list with our audience in it would do for PyJWT.
        if self.payload.get("aud") != self.audience:
            raise TokenError("Token has another audience")

    def expire(self, at: datetime) -> None:
        self.payload["exp"] = datetime_to_epoch(at)


class EnvironmentToken(_SignedToken):
    token_type = "environment"  # noqa: S105
    issuer, audience = ISSUER, AUDIENCE


class UserActorToken(_SignedToken):
    token_type = "user_actor"  # noqa: S105
    issuer, audience = USER_ACTOR_ISSUER, USER_ACTOR_AUDIENCE


class Malformed(Exception):
    """Signed by us, with contents that we would not write."""


def sign_environment_token(claims: EnvironmentClaims, secret: str) -> str:
    token = EnvironmentToken(secret)
    token.expire(claims.expires_at)
    token["sub"] = claims.environment_id
    token["pub"] = True
    token["scopes"] = list(claims.scopes)
    token["src"] = str(claims.source)
    if claims.user_id is not None:
        token["act"] = {"sub": claims.user_id, "client": claims.client}
    if claims.realtime is not None:
        token["realtime"] = claims.realtime
    return str(token)


def sign_user_actor_token(claims: UserActorClaims) -> str:
    """The token with its prefix."""
    token = UserActorToken(user_actor_signing_key())
    token.expire(claims.expires_at)
    token["sub"] = claims.user_id
    token["src"] = str(claims.source)
    token["client"] = claims.client
    if claims.ceiling is not None:
        token["cap"] = list(claims.ceiling)
    return UAT_PREFIX + str(token)


def claimed_environment(token: str) -> str | None:
    """The environment that a token says it is for, which decides with what it has to be signed.

    Nothing is verified yet. None for text that is no token, or names no environment.
    """
    try:
        subject = jwt.decode(token, options={"verify_signature": False}).get("sub")
        return str(UUID(subject)) if isinstance(subject, str) else None
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return None


def read_environment_token(token: str, secret: str) -> EnvironmentClaims:
    """Raises Unauthenticated; where it has our signature and is malformed, that error says so."""
    payload = _verified(EnvironmentToken, secret, token)
    with _refusing_malformed():
        if payload["pub"] is not True:
            raise Malformed("pub is not true")
        source, act = _source(payload["src"]), payload.get("act")
        if (source.kind is SourceKind.PERSONAL_ACCESS_TOKEN) != (act is not None):
            raise Malformed("a person acts where none stands behind it, or the other way round")
        realtime = payload.get("realtime")
        return EnvironmentClaims(
            environment_id=str(UUID(payload["sub"])),
            scopes=_texts(payload["scopes"]),
            source=source,
            expires_at=datetime.fromtimestamp(payload["exp"], UTC),
            user_id=None if act is None else str(UUID(act["sub"])),
            client="" if act is None else _text(act["client"]),
            realtime=realtime if isinstance(realtime, dict) else None,
            token_id=_text(payload["jti"]),
        )


def read_user_actor_token(token: str) -> UserActorClaims:
    """`token` with its prefix. Raises Unauthenticated as `read_environment_token` does."""
    bare = token.removeprefix(UAT_PREFIX)
    payload = _verified(UserActorToken, user_actor_signing_key(), bare)
    with _refusing_malformed():
        source, cap = _source(payload["src"]), payload.get("cap")
        if source.kind is not SourceKind.PERSONAL_ACCESS_TOKEN:
            raise Malformed("it came from no personal access token")
        return UserActorClaims(
            user_id=str(UUID(payload["sub"])),
            source=source,
            expires_at=datetime.fromtimestamp(payload["exp"], UTC),
            client=_text(payload["client"]),
            ceiling=None if cap is None else _texts(cap),
            token_id=_text(payload["jti"]),
        )


def _verified(token_class: type[_SignedToken], key: str, token: str) -> Mapping[str, Any]:
    """The claims of a token whose signature, times, issuer, audience and type are right."""
    if not _is_signed(token, key):
        raise Unauthenticated(supplied=True)
    try:
        return token_class(key, token).payload
    except ExpiredTokenError:
        raise Unauthenticated(supplied=True) from None
    except (TokenError, ValueError, TypeError, OverflowError, RecursionError) as error:
        # What a library stumbles over is of no more worth than what it refuses.
        raise Unauthenticated(
            supplied=True, signed_but_malformed=True, technical_message=type(error).__name__
        ) from None


def _is_signed(token: str, key: str) -> bool:
    """Whether the signature is good, whatever was signed: it tells our own mistakes, which are
    worth a warning, from what anybody may send."""
    try:
        jwt.PyJWS().decode(token, key, algorithms=[ALGORITHM])
    except (jwt.InvalidTokenError, ValueError):
        return False
    return True


@contextlib.contextmanager
def _refusing_malformed() -> Iterator[None]:
    try:
        yield
    except (Malformed, KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        # The kind of failure, and not its words, which may quote the token.
        reason = str(error) if isinstance(error, Malformed) else type(error).__name__
        raise Unauthenticated(
            supplied=True, signed_but_malformed=True, technical_message=reason
        ) from None


def _source(text: Any) -> Source:
    kind, _, id_ = _text(text).partition(":")
    return Source(SourceKind(kind), str(UUID(id_)))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Malformed("a claim is no text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Malformed("a claim is no list")
    return tuple(_text(one) for one in value)
