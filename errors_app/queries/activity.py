"""The trails of groups, newest first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from errors_app.domain.activity import ActivityEntry, NamedActor
from errors_app.domain.groups import Action, ActorKind, GroupKey, Status
from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.domain.paging import Direction
from runs_app.domain.tenant import Tenant
from runs_app.models import ApiKey, User

# By the number within the group, and not by the id: PostgreSQL would go through all that was done
# to any group, because that is in the order of ids, too.
ORDERS: Final[Mapping[Direction, str]] = {
    Direction.AFTER: "-state_version",
    Direction.BEFORE: "state_version",
}
BEYOND: Final[Mapping[Direction, str]] = {
    Direction.AFTER: "state_version__lt",
    Direction.BEFORE: "state_version__gt",
}


@dataclass(frozen=True, slots=True)
class ActivityBoundary:
    """Beyond which entry to go on, in which direction."""

    direction: Direction
    number: int


def read_activity(
    tenant: Tenant, key: GroupKey, *, boundary: ActivityBoundary | None, limit: int
) -> list[ActivityEntry]:
    """Entries of the group, nearest to the boundary first; the newest first where there is none.

    Who changes a group holds its state's row meanwhile, so that a higher number was also committed
    later: nothing appears behind a boundary afterwards.
    """
    # As a value of its own: of a join the whole trail would be sorted.
    state = ErrorGroupState.objects.filter(
        environment_id=tenant.environment_id,
        error_fingerprint=key.error_fingerprint,
        task_identifier=key.task_identifier,
    ).values("pk")[:1]
    rows = ErrorGroupActivity.objects.filter(state_id=state).select_related("user")
    direction = Direction.AFTER
    if boundary is not None:
        direction = boundary.direction
        rows = rows.filter(**{BEYOND[direction]: boundary.number})
    found = list(rows.order_by(ORDERS[direction])[:limit])
    names = _names_of_keys(tenant, {row.api_key_id for row in found if row.api_key_id is not None})
    return [_entry(row, names) for row in found]


def name_of_person(person: User) -> str:
    """As others know them."""
    return person.get_full_name().strip() or person.get_username()


def _names_of_keys(tenant: Tenant, ids: Iterable[UUID]) -> dict[UUID, str]:
    """The trail names keys without pointing at them: one that is gone has no name."""
    keys = ApiKey.objects.filter(pk__in=ids, environment_id=tenant.environment_id)
    return dict(keys.values_list("pk", "name"))


def _entry(row: ErrorGroupActivity, names_of_keys: Mapping[UUID, str]) -> ActivityEntry:
    return ActivityEntry(
        id=row.pk,
        number=row.state_version,
        action=Action(row.action),
        from_status=Status(row.from_status),
        to_status=Status(row.to_status),
        actor=_actor(row, names_of_keys),
        reason=row.reason,
        details=row.details,
        run_id=row.run_id,
        task_version=row.task_version,
        created_at=row.created_at,
    )


def _actor(row: ErrorGroupActivity, names_of_keys: Mapping[UUID, str]) -> NamedActor:
    kind = ActorKind(row.actor_kind)
    id_, name = None, None
    if kind is ActorKind.RULE:
        name = row.rule
    elif kind is ActorKind.USER and row.user is not None:
        id_, name = str(row.user.pk), name_of_person(row.user)
    elif kind is ActorKind.KEY and row.api_key_id is not None:
        id_, name = str(row.api_key_id), names_of_keys.get(row.api_key_id)
    return NamedActor(kind, id_, name, row.client or None)
