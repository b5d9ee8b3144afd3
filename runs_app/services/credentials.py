"""Making secrets and recognising them. Only digests are stored."""

import hmac
import logging
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, TypeVar

from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import Q, QuerySet

from runs_app.domain.ids import new_api_key, new_personal_access_token
from runs_app.domain.times import utc_now
from runs_app.models import ApiKey, Environment, PersonalAccessToken, User
from runs_app.services.write_turns import try_write_turn, write_turn

log = logging.getLogger(__name__)

USE_INTERVAL: Final = timedelta(minutes=1)

Found = TypeVar("Found", ApiKey, PersonalAccessToken)


def digest_of(secret: str) -> str:
    """SHA-256 in hex. The secrets are long and random, so that a slow hash would add nothing."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def give_secret(credential: ApiKey | PersonalAccessToken) -> str:
    """Make the secret of a credential that is not stored yet; to be shown once."""
    if isinstance(credential, ApiKey):
        secret = new_api_key(credential.environment.slug)
    else:
        secret = new_personal_access_token()
    credential.digest = digest_of(secret)
    credential.last_four = secret[-4:]
    return secret


def create_api_key(
    environment: Environment,
    *,
    name: str,
    scopes: tuple[str, ...] = (),
    expires_at: datetime | None = None,
) -> str:
    """The new key, to be shown once. For set-up: people make theirs in `api_keys`."""
    key = ApiKey(environment=environment, name=name, scopes=list(scopes), expires_at=expires_at)
    secret = give_secret(key)
    key.save(force_insert=True)
    return secret


def create_personal_access_token(
    user: User, *, name: str, expires_at: datetime | None = None
) -> str:
    """The new token, to be shown once."""
    token = PersonalAccessToken(user=user, name=name, expires_at=expires_at)
    secret = give_secret(token)
    token.save(force_insert=True)
    return secret


def revoke(credentials: QuerySet[Found], *, by: str) -> list[Found]:
    """Revoke for good; those of `credentials` that were not revoked before. `by`: a user's id."""
    changes: dict[str, object] = {"revoked_at": utc_now()}
    if credentials.model is ApiKey:
        changes["revoked_by"] = by
    every = credentials.model.objects
    with write_turn(), transaction.atomic():
        found = list(credentials.filter(revoked_at=None))
        # Somebody else may have been faster: then it is they who did it, and are told so.
        locked = every.filter(pk__in=[one.pk for one in found], revoked_at=None).select_for_update()
        ours = set(locked.values_list("pk", flat=True))
        every.filter(pk__in=ours).update(**changes)
    return [one for one in found if one.pk in ours]


def find_api_key(secret: str, now: datetime | None = None) -> ApiKey | None:
    """The active key with this secret, its environment and project loaded; else None."""
    keys = ApiKey.objects.select_related("environment__project")
    return _active(keys, secret, now or utc_now())


def find_personal_access_token(secret: str, now: datetime) -> PersonalAccessToken | None:
    """The active token with this secret, of a person who is active, too; else None."""
    token = _active(PersonalAccessToken.objects.select_related("user"), secret, now)
    return token if token is not None and token.user.is_active else None


def note_use(credential: ApiKey | PersonalAccessToken, now: datetime) -> None:
    """Remember that the credential is in use, at most once a minute.

    Nobody waits for it, and nothing fails with it: where it cannot be written now, the next use
    tries again.
    """
    last = credential.last_used_at
    if last is not None and now - last < USE_INTERVAL:
        return
    try:
        with try_write_turn() as ours:
            if ours:
                _write_use(credential, now)
    except DatabaseError as error:
        log.info("the use of a credential could not be noted: %s", type(error).__name__)


def _write_use(credential: ApiKey | PersonalAccessToken, now: datetime) -> None:
    unnoted = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_INTERVAL)
    rows = type(credential)._default_manager.filter(unnoted, pk=credential.pk)
    with transaction.atomic():
        # On PostgreSQL somebody may hold the row; SQLite locks all or nothing.
        if rows.select_for_update(skip_locked=True, no_key=True).values_list("pk").first():
            rows.update(last_used_at=now)


def _active(candidates: QuerySet[Found], secret: str, now: datetime) -> Found | None:
    digest = digest_of(secret)
    found = candidates.filter(digest=digest).first()
    if found is None or not hmac.compare_digest(found.digest, digest):
        return None
    return found if found.is_active(now) else None
