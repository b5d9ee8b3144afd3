"""Groups that something was decided about, whose decision may end."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from errors_app.domain.groups import GroupKey, GroupState, Status
from errors_app.models import ErrorGroupState
from errors_app.queries.merged import GroupOf
from errors_app.queries.states import state_of
from runs_app.domain.tenant import Tenant
from runs_app.models import Environment

DECIDED: Final = (Status.RESOLVED, Status.IGNORED)
FINGERPRINTS_PER_QUERY: Final = 500

COLUMNS: Final = (
    "error_fingerprint", "task_identifier", *(field.name for field in fields(GroupState)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DecidedGroup:
    """A resolved or ignored group, with its state as it is written."""

    tenant: Tenant
    key: GroupKey
    state: GroupState


def find_decided(groups: Collection[GroupOf]) -> list[DecidedGroup]:
    """Those of the groups, of any environments, that are resolved or ignored."""
    environments = {environment for environment, _ in groups}
    fingerprints = sorted({key.error_fingerprint for _, key in groups})
    found = []
    for part in _some_at_a_time(fingerprints):
        rows = ErrorGroupState.objects.filter(
            environment_id__in=environments, error_fingerprint__in=part, status__in=DECIDED
        ).select_related("environment__project")
        for row in rows:
            key = _key_of(row)
            if (str(row.environment_id), key) in groups:
                found.append(DecidedGroup(row.environment.tenant(), key, state_of(row)))
    return found


def tenants_with(status: Status) -> list[Tenant]:
    """The environments that have groups of this status."""
    states = ErrorGroupState.objects.filter(environment_id=OuterRef("pk"), status=status)
    environments = Environment.objects.filter(Exists(states)).select_related("project")
    return [environment.tenant() for environment in environments.order_by("created_at")]


def read_resolved(tenant: Tenant, keys: Sequence[GroupKey]) -> dict[GroupKey, GroupState]:
    """The states of those of the groups that are resolved."""
    wanted = set(keys)
    fingerprints = sorted({key.error_fingerprint for key in keys})
    found: dict[GroupKey, GroupState] = {}
    for part in _some_at_a_time(fingerprints):
        rows = _of_status(tenant, Status.RESOLVED).filter(error_fingerprint__in=part)
        found.update(map(_state, rows.values_list(*COLUMNS)))
    return {key: state for key, state in found.items() if key in wanted}


def expired_ignores(
    tenant: Tenant, now: datetime, size: int
) -> Iterator[dict[GroupKey, GroupState]]:
    """Ignored groups whose time has passed at `now`, `size` at a time."""
    yield from _parts(_of_status(tenant, Status.IGNORED).filter(ignored_until__lte=now), size)


def ignores_by_figures(tenant: Tenant, size: int) -> Iterator[dict[GroupKey, GroupState]]:
    """Ignored groups that come back at a rate or after a number, `size` at a time."""
    with_condition = Q(ignored_until_occurrence_rate__isnull=False) | Q(
        ignored_until_total_occurrences__isnull=False
    )
    yield from _parts(_of_status(tenant, Status.IGNORED).filter(with_condition), size)


def _of_status(tenant: Tenant, status: Status) -> QuerySet[ErrorGroupState]:
    """What was decided about a merged group has no effect, so that nothing ends it either."""
    return ErrorGroupState.objects.filter(
        environment_id=tenant.environment_id, status=status, merged_into__isnull=True
    )


def _parts(rows: QuerySet[ErrorGroupState], size: int) -> Iterator[dict[GroupKey, GroupState]]:
    """In the order of their ids, so that whatever becomes of a part, the next one goes on behind
    it."""
    left = rows
    while found := list(left.order_by("pk").values_list("pk", *COLUMNS)[:size]):
        yield dict(map(_state, (values for _, *values in found)))
        left = rows.filter(pk__gt=found[-1][0])


def _state(values: Sequence[Any]) -> tuple[GroupKey, GroupState]:
    """A row of COLUMNS. Thousands are looked at: the ORM's objects would take most of the time."""
    fingerprint, task, status, *others = values
    state = GroupState(Status(status), *others)
    if state.resolved_by is not None or state.ignored_by is not None:
        resolved_by, ignored_by = _id(state.resolved_by), _id(state.ignored_by)
        state = replace(state, resolved_by=resolved_by, ignored_by=ignored_by)
    return GroupKey(fingerprint, task), state


def _some_at_a_time(fingerprints: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(fingerprints), FINGERPRINTS_PER_QUERY):
        yield fingerprints[start : start + FINGERPRINTS_PER_QUERY]


def _key_of(row: ErrorGroupState) -> GroupKey:
    return GroupKey(row.error_fingerprint, row.task_identifier)


def _id(value: object) -> str | None:
    return None if value is None else str(value)
