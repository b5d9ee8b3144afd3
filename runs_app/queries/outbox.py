"""The outbox: what ClickHouse has not been told yet."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Min, QuerySet, Sum

from runs_app.domain.run_rows import COLUMNS, RunRow, encode_rows
from runs_app.domain.tenant import Tenant
from runs_app.models import OutboxEntry

Kind = OutboxEntry.Kind

BATCH_ROWS: Final = 10_000
BATCH_BYTES: Final = 32_000_000
SIZES_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of one kind, claimed together under a persisted id, in the order of commits."""

    id: uuid.UUID
    kind: OutboxEntry.Kind
    entries: tuple[OutboxEntry, ...]


@dataclass(frozen=True, slots=True)
class OutboxFigures:
    """`oldest`: when the longest-waiting entry was committed; None where nothing waits."""

    waiting_rows: int
    oldest: datetime | None
    quarantined_rows: int


def enqueue(
    tenant: Tenant,
    kind: OutboxEntry.Kind,
    rows: Sequence[RunRow],
    now: datetime,
    *,
    columns: Sequence[str] = COLUMNS,
) -> OutboxEntry:
    """Add rows, each in the order of `columns`, in the caller's transaction."""
    content = encode_rows(rows, columns)
    return OutboxEntry.objects.create(
        kind=kind,
        environment_id=tenant.environment_id,
        content=content,
        row_count=len(rows),
        size=len(content),
        created_at=now,
    )


def claim_batch(kind: OutboxEntry.Kind) -> Batch | None:
    """Claim the oldest free entries: at most 10,000 rows and 32 MB, but at least one entry."""
    free = OutboxEntry.objects.filter(kind=kind, batch_id__isnull=True, quarantined_at__isnull=True)
    # Looking outside of a transaction first: on SQLite one would take the write lock.
    if not free.exists():
        return None
    batch_id = uuid.uuid4()
    with transaction.atomic():
        last = _last_of_batch(free)
        if last is None:
            return None
        free.filter(id__lte=last).update(batch_id=batch_id)
    return read_batch(batch_id)


def _last_of_batch(free: QuerySet[OutboxEntry]) -> int | None:
    """The id of the last entry that still fits into one batch."""
    last: int | None = None
    rows = size = 0
    sizes = free.order_by("id").values_list("id", "row_count", "size")
    # In chunks: a backlog may be far longer than a batch.
    for pk, row_count, entry_size in sizes.iterator(chunk_size=SIZES_AT_ONCE):
        rows += row_count
        size += entry_size
        if last is not None and (rows > BATCH_ROWS or size > BATCH_BYTES):
            break
        last = pk
    return last


def claimed_batches() -> list[uuid.UUID]:
    """Batches whose outcome nobody knows: claimed by a process that is gone."""
    claimed = (
        OutboxEntry.objects.filter(batch_id__isnull=False, quarantined_at__isnull=True)
        .values_list("batch_id")
        .annotate(first=Min("id"))
        .order_by("first")
    )
    return [batch_id for batch_id, _ in claimed if batch_id is not None]


def read_batch(batch_id: uuid.UUID) -> Batch | None:
    entries = tuple(OutboxEntry.objects.filter(batch_id=batch_id).order_by("id"))
    if not entries:
        return None
    return Batch(batch_id, Kind(entries[0].kind), entries)


def release_batch(batch: Batch) -> None:
    """Give back the claim on a batch that certainly was not sent."""
    OutboxEntry.objects.filter(batch_id=batch.id).update(batch_id=None)


def delete_batch(batch: Batch) -> int:
    """How many entries were there to delete: less than the batch has if somebody else did."""
    deleted, _ = OutboxEntry.objects.filter(batch_id=batch.id).delete()
    return deleted


def put_back_if_gone(batch: Batch) -> None:
    """Add the entries of a batch again, still claimed, unless they are there."""
    with transaction.atomic():
        if not OutboxEntry.objects.filter(batch_id=batch.id).exists():
            for entry in batch.entries:
                entry.pk = None
                entry.batch_id = batch.id
            OutboxEntry.objects.bulk_create(batch.entries)


def arrived_until(tenant: Tenant, now: datetime) -> datetime:
    """The moment up to which ClickHouse was told of every report: `now` if nothing waits."""
    oldest = (
        OutboxEntry.objects.filter(
            kind=Kind.RUNS, environment_id=tenant.environment_id, quarantined_at__isnull=True
        )
        .order_by("id")
        .values_list("created_at", flat=True)
        .first()
    )
    return now if oldest is None else min(now, oldest)


def figures() -> OutboxFigures:
    waiting = OutboxEntry.objects.filter(quarantined_at__isnull=True).aggregate(
        rows=Sum("row_count"), oldest=Min("created_at")
    )
    quarantined = OutboxEntry.objects.filter(quarantined_at__isnull=False).aggregate(
        rows=Sum("row_count")
    )
    return OutboxFigures(
        waiting_rows=waiting["rows"] or 0,
        oldest=waiting["oldest"],
        quarantined_rows=quarantined["rows"] or 0,
    )
