"""What ClickHouse need not agree with yet, or never will: what waits, and what it refuses."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Final

import msgspec

from runs_app.domain.run_rows import values_of
from runs_app.domain.tenant import Tenant
from runs_app.models import OutboxEntry, QuarantinedRow

ENTRIES_AT_ONCE: Final = 20


# As far as the minutes go, which end where 32 bits of seconds do.
Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=(1 << 32) * 1000)]
Version = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


class ComingRow(msgspec.Struct, frozen=True, array_like=True):
    """A row that is to arrive out of its turn, and where it would stand."""

    friendly_id: str
    run_id: str
    error_fingerprint: str
    failed_at: Milliseconds
    version: Version


COMING: Final = ("friendly_id", "run_id", "error_fingerprint", "failed_at", "_version")


def waiting_runs(tenant: Tenant, run_ids: Iterable[str]) -> set[str]:
    """Those of these runs of which the outbox holds a change.

    All of the tenant's backlog is read, a few entries at a time.
    """
    asked = set(run_ids)
    found: set[str] = set()
    for (run_id,) in _members(tenant, OutboxEntry.Kind.RUNS, ("run_id",)):
        if run_id in asked:
            found.add(run_id)
    return found


def waiting_groups(tenant: Tenant) -> set[tuple[object, object]]:
    """Fingerprint and task of the groups of which the outbox holds a state."""
    columns = ("error_fingerprint", "task_identifier")
    return {
        (fingerprint, task)
        for fingerprint, task in _members(tenant, OutboxEntry.Kind.GROUP_STATES, columns)
    }


def rows_out_of_turn(tenant: Tenant) -> Iterator[ComingRow]:
    """Rows of groups that are set aside or claimed, as far as they can be read.

    What else waits arrives in the order of changes; these may come after newer rows of their run.
    The quarantine is read first: a row that is tried again meanwhile is seen here or there.
    """
    of_runs = {"kind": OutboxEntry.Kind.RUNS, "environment_id": tenant.environment_id}
    for entries in (
        QuarantinedRow.objects.filter(**of_runs, dropped_at__isnull=True),
        OutboxEntry.objects.filter(**of_runs, batch_id__isnull=False),
    ):
        for content in entries.values_list("content", flat=True).iterator(ENTRIES_AT_ONCE):
            for values in values_of(content, COMING):
                with suppress(msgspec.ValidationError):
                    row = msgspec.convert(values, ComingRow)
                    if row.error_fingerprint:
                        yield row


def _members(
    tenant: Tenant, kind: OutboxEntry.Kind, columns: Sequence[str]
) -> Iterator[tuple[object, ...]]:
    """These columns of every waiting row; what cannot be read, the replicator sets aside."""
    contents = OutboxEntry.objects.filter(
        kind=kind, environment_id=tenant.environment_id
    ).values_list("content", flat=True)
    for content in contents.iterator(chunk_size=ENTRIES_AT_ONCE):
        yield from values_of(content, columns)
