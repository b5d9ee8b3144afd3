"""States of groups: the relational truth, its copy in ClickHouse, and what is on its way there."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from django.db.models import Q

from errors_app.domain.groups import UNTOUCHED, GroupKey, GroupState, Status
from errors_app.models import ErrorGroupState
from runs_app.clickhouse.client import INSERT_PATIENCE_SECONDS, clickhouse
from runs_app.domain.run_rows import UnreadableRows, decode_rows
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import epoch_milliseconds
from runs_app.models import OutboxEntry

MIRROR_COLUMNS: Final = (
    "organization_id", "project_id", "environment_id", "error_fingerprint", "task_identifier",
    "status", "ignored_until", "resolved_at", "version", "merged_into",
)  # fmt: skip

FINGERPRINT: Final = MIRROR_COLUMNS.index("error_fingerprint")
TASK: Final = MIRROR_COLUMNS.index("task_identifier")

KEYS_PER_QUERY: Final = 200
STATES_PER_CHUNK: Final = 5_000


@dataclass(frozen=True, slots=True)
class PendingState:
    """A state ClickHouse may not know yet, as it is written."""

    key: GroupKey
    state: GroupState


def mirror_row(tenant: Tenant, key: GroupKey, state: GroupState, version: int) -> list[Any]:
    """The row of ClickHouse's copy, as the outbox keeps it."""
    return [
        tenant.organization_id,
        tenant.project_id,
        tenant.environment_id,
        key.error_fingerprint,
        key.task_identifier,
        state.status.value,
        _milliseconds(state.ignored_until),
        _milliseconds(state.resolved_at),
        version,
        state.merged_into or "",
    ]


def read_mirror_rows(tenant: Tenant) -> Iterator[list[list[Any]]]:
    """What ClickHouse's copy is to hold of the tenant, in chunks in the order of the groups."""
    states = ErrorGroupState.objects.filter(environment_id=tenant.environment_id).order_by(
        "error_fingerprint", "task_identifier"
    )
    last: ErrorGroupState | None = None
    while True:
        left = states
        if last is not None:
            left = states.filter(
                Q(error_fingerprint__gt=last.error_fingerprint)
                | Q(
                    error_fingerprint=last.error_fingerprint,
                    task_identifier__gt=last.task_identifier,
                ),
                error_fingerprint__gte=last.error_fingerprint,
            )
        chunk = list(left[:STATES_PER_CHUNK])
        if not chunk:
            return
        yield [
            mirror_row(
                tenant,
                GroupKey(row.error_fingerprint, row.task_identifier),
                state_of(row),
                row.version,
            )
            for row in chunk
        ]
        last = chunk[-1]


def write_mirror_rows(
    rows: Sequence[Sequence[Any]], *, patience: float = INSERT_PATIENCE_SECONDS
) -> None:
    """Tell ClickHouse. The highest version of a group wins, so that repeating does no harm."""
    clickhouse().insert("error_group_states_v1", MIRROR_COLUMNS, rows, patience=patience)


def pending_states(tenant: Tenant) -> list[PendingState]:
    """The states of the groups that the outbox still holds a state of.

    The outbox only says which groups: an entry that waits may be older than what ClickHouse was
    told since.
    """
    contents = OutboxEntry.objects.filter(
        kind=OutboxEntry.Kind.GROUP_STATES, environment_id=tenant.environment_id
    ).values_list("content", flat=True)
    keys = {GroupKey(row[FINGERPRINT], row[TASK]) for content in contents for row in _rows(content)}
    return [PendingState(key, state) for key, state in read_states(tenant, sorted(keys)).items()]


def _rows(content: bytes | memoryview) -> list[list[Any]]:
    """None where the content cannot be read: the replicator sets that aside and says so."""
    try:
        return decode_rows(content, MIRROR_COLUMNS)
    except (msgspec.DecodeError, UnreadableRows):
        return []


def read_states(tenant: Tenant, keys: Iterable[GroupKey]) -> dict[GroupKey, GroupState]:
    """The stored states of the groups that have one, as written (not as they read by now)."""
    wanted = list(keys)
    found: dict[GroupKey, GroupState] = {}
    for start in range(0, len(wanted), KEYS_PER_QUERY):
        part = wanted[start : start + KEYS_PER_QUERY]
        condition = Q(error_fingerprint__in={key.error_fingerprint for key in part})
        rows = ErrorGroupState.objects.filter(condition, environment_id=tenant.environment_id)
        for row in rows:
            found[GroupKey(row.error_fingerprint, row.task_identifier)] = state_of(row)
    return {key: found.get(key, UNTOUCHED) for key in wanted}


def state_of(row: ErrorGroupState) -> GroupState:
    return GroupState(
        status=Status(row.status),
        resolved_at=row.resolved_at,
        resolved_in_version=row.resolved_in_version,
        resolved_after_version=row.resolved_after_version,
        resolved_by=_id(row.resolved_by_id),
        ignored_at=row.ignored_at,
        ignored_until=row.ignored_until,
        ignored_until_occurrence_rate=row.ignored_until_occurrence_rate,
        ignored_until_total_occurrences=row.ignored_until_total_occurrences,
        ignored_at_occurrence_count=row.ignored_at_occurrence_count,
        ignored_reason=row.ignored_reason,
        ignored_by=_id(row.ignored_by_id),
        merged_into=row.merged_into,
    )


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else epoch_milliseconds(moment)


def _id(value: object) -> str | None:
    return None if value is None else str(value)
