"""Making secrets and recognising them. Only digests are stored."""

import hmac
from datetime import datetime
from hashlib import sha256

from runs_app.domain.ids import new_api_key, new_personal_access_token
from runs_app.domain.times import utc_now
from runs_app.models import ApiKey, Environment, PersonalAccessToken, User


def digest_of(secret: str) -> str:
    """SHA-256 in hex. The secrets are long and random, so that a slow hash would add nothing."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def create_api_key(
    environment: Environment,
    *,
    name: str,
    scopes: tuple[str, ...] = (),
    expires_at: datetime | None = None,
) -> str:
    """The new key, to be shown once."""
    secret = new_api_key(environment.slug)
    ApiKey.objects.create(
        environment=environment,
        name=name,
        digest=digest_of(secret),
        last_four=secret[-4:],
        scopes=list(scopes),
        expires_at=expires_at,
    )
    return secret


def create_personal_access_token(
    user: User, *, name: str, expires_at: datetime | None = None
) -> str:
    """The new token, to be shown once."""
    secret = new_personal_access_token()
    PersonalAccessToken.objects.create(
        user=user,
        name=name,
        digest=digest_of(secret),
        last_four=secret[-4:],
        expires_at=expires_at,
    )
    return secret


def find_api_key(secret: str) -> ApiKey | None:
    """The active key with this secret, its environment and project loaded; else None."""
    digest = digest_of(secret)
    key = ApiKey.objects.select_related("environment__project").filter(digest=digest).first()
    if key is None or not hmac.compare_digest(key.digest, digest):
        return None
    return key if key.is_active(utc_now()) else None
