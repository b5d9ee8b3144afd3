"""The outbox: what ClickHouse has not been told yet."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet, Sum

from runs_app.domain.run_rows import COLUMNS, RunRow, encode_rows
from runs_app.domain.tenant import Tenant
from runs_app.models import Environment, OutboxEntry, QuarantinedRow

Kind = OutboxEntry.Kind

BATCH_ROWS: Final = 10_000
BATCH_BYTES: Final = 32_000_000
SIZES_AT_ONCE: Final = 200
# Of a longer backlog the rows are estimated from as many entries, looked at in slices.
COUNTED_ENTRIES: Final = 10_000
SLICES: Final = 20


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of one kind, claimed together under a persisted id, in the order of commits."""

    id: uuid.UUID
    kind: OutboxEntry.Kind
    entries: tuple[OutboxEntry, ...]


@dataclass(frozen=True, slots=True)
class OutboxFigures:
    """`oldest`: when the longest-waiting entry was committed; None where nothing waits."""

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
    free = OutboxEntry.objects.filter(kind=kind, batch_id__isnull=True)
    # Looking outside of a transaction first: on SQLite one would take the write lock.
    if not free.exists():
        return None
    batch_id = uuid.uuid4()
    return None if _claim(free, batch_id) is None else read_batch(batch_id)


def claim_between(kind: OutboxEntry.Kind, after: int, until: int) -> int | None:
    """Claim the oldest free entries with ids beyond `after` and up to `until`, as many as one batch
    may have. The id of the last one; None where there is none. Contents are not read."""
    free = OutboxEntry.objects.filter(kind=kind, batch_id__isnull=True, id__gt=after, id__lte=until)
    return _claim(free, uuid.uuid4())


def _claim(free: QuerySet[OutboxEntry], batch_id: uuid.UUID) -> int | None:
    with transaction.atomic():
        last = _last_of_batch(free)
        if last is not None:
            free.filter(id__lte=last).update(batch_id=batch_id)
    return last


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


def oldest_claimed_batch(*, besides: Collection[uuid.UUID] = ()) -> Batch | None:
    """The first of the batches whose outcome nobody knows, `besides` left out: claimed by a process
    that is gone, or tried in vain.

    It costs the same however many wait.
    """
    claimed = OutboxEntry.objects.filter(batch_id__isnull=False).order_by("id")
    if besides:
        claimed = claimed.exclude(batch_id__in=besides)
    while (batch_id := claimed.values_list("batch_id", flat=True).first()) is not None:
        batch = read_batch(batch_id)
        # None: its environment was deleted in between, and it went along.
        if batch is not None:
            return batch
    return None


def newest_id() -> int:
    """The id of the entry that was added last; 0 where nothing waits."""
    return OutboxEntry.objects.order_by("-id").values_list("id", flat=True).first() or 0


def is_waiting(until: int) -> bool:
    """Whether anything waits that has an id up to `until`, or is claimed: what is split, or was
    set aside and is tried again, comes with higher ids."""
    return (
        OutboxEntry.objects.filter(id__lte=until).exists()
        or OutboxEntry.objects.filter(batch_id__isnull=False).exists()
    )


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


def is_whole(batch: Batch) -> bool:
    """Whether every entry of the batch is there and still claimed for it."""
    return OutboxEntry.objects.filter(batch_id=batch.id).count() == len(batch.entries)


def others_are_claimed(batch: Batch) -> bool:
    """Whether there are claimed entries that do not belong to the batch."""
    return OutboxEntry.objects.filter(batch_id__isnull=False).exclude(batch_id=batch.id).exists()


def put_back_if_gone(batch: Batch) -> None:
    """Add the entries of a batch again, still claimed, unless they are there.

    Not those of an environment that was deleted, which took its entries along.
    """
    with transaction.atomic():
        if OutboxEntry.objects.filter(batch_id=batch.id).exists():
            return
        wanted = {entry.environment_id for entry in batch.entries}
        known = set(Environment.objects.filter(pk__in=wanted).values_list("pk", flat=True))
        entries = [entry for entry in batch.entries if entry.environment_id in known]
        for entry in entries:
            entry.pk = None
            entry.batch_id = batch.id
        OutboxEntry.objects.bulk_create(entries)


def arrived_until(tenant: Tenant, now: datetime) -> datetime:
    """The moment up to which ClickHouse was told of every report: `now` if nothing waits."""
    oldest = (
        OutboxEntry.objects.filter(kind=Kind.RUNS, environment_id=tenant.environment_id)
        .order_by("id")
        .values_list("created_at", flat=True)
        .first()
    )
    return now if oldest is None else min(now, oldest)


def waiting_rows() -> int:
    """How many rows wait: estimated where more than 10,000 entries may.

    It costs about the same however long the backlog is. Ids are given out in order and free entries
    leave at the front, so that first and last id bound them; what an id stands for on average is
    taken from slices spread evenly over them. Claimed entries are counted apart, of a great many
    the first: an old one among them would make the span tell nothing.
    """
    free = OutboxEntry.objects.filter(batch_id__isnull=True)
    claimed = OutboxEntry.objects.filter(batch_id__isnull=False).order_by("id")[:COUNTED_ENTRIES]
    rows = _rows_of(claimed)
    ids = free.values_list("id", flat=True)
    first, last = ids.order_by("id").first(), ids.order_by("-id").first()
    if first is None or last is None:
        return rows
    span = last - first + 1
    if span <= COUNTED_ENTRIES:
        return rows + _rows_of(free.filter(id__gte=first, id__lte=last))
    length = COUNTED_ENTRIES // SLICES
    starts = [first + number * (span - length) // (SLICES - 1) for number in range(SLICES)]
    sampled = sum(_rows_of(free.filter(id__gte=at, id__lt=at + length)) for at in starts)
    return rows + sampled * span // (SLICES * length)


def _rows_of(entries: QuerySet[OutboxEntry]) -> int:
    rows: int | None = entries.aggregate(rows=Sum("row_count"))["rows"]
    return rows or 0


def figures() -> OutboxFigures:
    oldest = OutboxEntry.objects.order_by("id").values_list("created_at", flat=True).first()
    quarantined = QuarantinedRow.objects.filter(dropped_at__isnull=True).aggregate(
        rows=Sum("row_count")
    )
    return OutboxFigures(
        oldest=oldest,
        quarantined_rows=quarantined["rows"] or 0,
    )
