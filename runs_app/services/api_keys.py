"""The API keys of an environment, as people make, list and revoke them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from runs_app.domain.errors import AccessDenied, NotFound
from runs_app.domain.paging import (
    LATEST_MOMENT,
    Cursor,
    Direction,
    Page,
    PageRequest,
    cursor_about,
    encode_cursor,
    rows_of_page,
)
from runs_app.domain.roles import may_manage_keys
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import EPOCH
from runs_app.models import ApiKey
from runs_app.queries.memberships import read_project_of, tenant_of_project
from runs_app.services.credentials import give_secret, revoke
from runs_app.services.write_turns import write_turn

# When the key of a page's edge was made, in microseconds as the databases keep it, and its id.
CURSOR_KEYS: Final = (int, str)
ABOUT: Final = "api-keys"
MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What may be told of a key. No scopes means all; people are named by their ids."""

    id: str
    name: str
    last_four: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str | None
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """`secret` is to be shown once."""

    record: KeyRecord
    secret: str = field(repr=False)


def tenant_for_keys(user_id: str, project_ref: str, environment_slug: str) -> Tenant:
    """The environment whose keys the person may manage.

    Raises NotFound where they are no member of the project's organization, whether or not there is
    such a project, and AccessDenied where their role does not do.
    """
    project = read_project_of(user_id, project_ref)
    if not may_manage_keys(project.role):
        raise AccessDenied(
            actor_id=user_id,
            owner_id=project.organization.id,
            object_id=project.id,
            technical_message=f"a {project.role} does not manage API keys",
        )
    return tenant_of_project(project, environment_slug)


def about_keys(tenant: Tenant) -> str:
    """What a cursor must have been made for to go on in this list."""
    return cursor_about(ABOUT, tenant.environment_id)


def list_keys(tenant: Tenant, request: PageRequest) -> Page[KeyRecord]:
    """A page of keys, the newest first, with those that were revoked or have expired."""
    keys = _from_boundary(_keys_of(tenant), request)
    order = ("-created_at", "-id") if request.direction is Direction.AFTER else ("created_at", "id")
    page = rows_of_page(list(keys.order_by(*order)[: request.size + 1]), request)
    about = about_keys(tenant)
    return Page(
        tuple(_record(key) for key in page.rows),
        next=_cursor(about, page.rows[-1]) if page.has_next else None,
        previous=_cursor(about, page.rows[0]) if page.has_previous else None,
    )


def create_key(
    tenant: Tenant,
    *,
    name: str,
    scopes: tuple[str, ...],
    expires_at: datetime | None,
    created_by: str,
) -> NewKey:
    """Make a key, with each scope once."""
    key = ApiKey(
        environment_id=tenant.environment_id,
        name=name,
        scopes=list(dict.fromkeys(scopes)),
        expires_at=expires_at,
        created_by_id=created_by,
    )
    secret = give_secret(key)
    with write_turn():
        key.save(force_insert=True)
    return NewKey(_record(key), secret)


def revoke_key(tenant: Tenant, key_id: str, *, by: str) -> None:
    """Revoke a key for good; one that is revoked already stays as it is. Raises NotFound."""
    try:
        keys = _keys_of(tenant).filter(pk=UUID(key_id))
    except ValueError:
        raise NotFound("There is no such API key.") from None
    if not keys.exists():
        raise NotFound("There is no such API key.")
    revoke(keys, by=by)


def _keys_of(tenant: Tenant) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(environment_id=tenant.environment_id)


def _from_boundary(keys: QuerySet[ApiKey], request: PageRequest) -> QuerySet[ApiKey]:
    if request.cursor is None:
        return keys
    microseconds, key_id = request.cursor.keys
    # A cursor somebody made by hand may point beyond the calendar, or at no id at all.
    edge = EPOCH + min(max(int(microseconds), 0), LATEST_MOMENT * 1000) * MICROSECOND
    id_ = _uuid_or_least(str(key_id))
    if request.direction is Direction.AFTER:
        return keys.filter(Q(created_at__lt=edge) | Q(created_at=edge, id__lt=id_))
    return keys.filter(Q(created_at__gt=edge) | Q(created_at=edge, id__gt=id_))


def _uuid_or_least(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _cursor(about: str, key: ApiKey) -> str:
    microseconds = (key.created_at - EPOCH) // MICROSECOND
    keys = (microseconds, str(key.id))
    # The list has no window.
    return encode_cursor(Cursor(about=about, start=0, end=0, as_of=0, keys=keys))


def _record(key: ApiKey) -> KeyRecord:
    return KeyRecord(
        id=str(key.id),
        name=key.name,
        last_four=key.last_four,
        scopes=tuple(str(scope) for scope in key.scopes),
        created_at=key.created_at,
        created_by=_text(key.created_by_id),
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
        revoked_by=_text(key.revoked_by_id),
    )


def _text(user_id: UUID | None) -> str | None:
    return None if user_id is None else str(user_id)
