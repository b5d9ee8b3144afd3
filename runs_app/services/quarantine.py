"""Finding the row ClickHouse refuses, so that everything beside it flows on; and what people do
with such rows.

A refused batch is split under new persisted ids until the bad row stands alone; that row is set
aside with the reason. It can be tried again or dropped.
"""

import logging
import uuid
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from django.db import transaction
from django.db.models.functions import Length

from runs_app.domain.run_rows import run_id_of, split_content
from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry, QuarantinedRow
from runs_app.queries import outbox
from runs_app.queries.outbox import BATCH_BYTES, Batch
from runs_app.queries.quarantine import rows_not_dropped
from runs_app.services.write_turns import write_turn

log = logging.getLogger(__name__)

ROWS_AT_ONCE: Final = 1_000
REASON_CHARACTERS: Final = 2_000
RUN_ID_CHARACTERS: Final = QuarantinedRow._meta.get_field("run_id").max_length or 0


def set_apart(batch: Batch, reason: str) -> bool:
    """Split a refused batch in two batches, or set its only row aside.

    The halves stay claimed: that ClickHouse refused the whole does not tell whether it stored a
    part of it, so that each half is repaired, not inserted. False where the batch is not there any
    more as it was: somebody else took it over, and nothing was changed.
    """
    with write_turn(), transaction.atomic():
        if not outbox.is_whole(batch):
            return False
        if _split(batch):
            return True
        row = _set_aside(batch.entries[0], reason)
    log.error(
        "set aside row %s of run %s, environment %s: %s",
        row.pk, row.run_id or "?", row.environment_id, row.reason,
    )  # fmt: skip
    return True


def halve(batch: Batch) -> bool:
    """Split a batch that is too heavy in two. False where it is one row, or not there as it was."""
    with write_turn(), transaction.atomic():
        return outbox.is_whole(batch) and _split(batch)


def try_again(ids: Collection[int], *, by: str = "somebody") -> int:
    """Send rows that were set aside back; how many there were to send, of those not dropped.

    They return as batches whose outcome is unknown, so that they are repaired: what ClickHouse was
    told of their runs since then stays right, and a row that did arrive counts once. What is
    refused again comes back.
    """
    moved = sum(_send_back(portion) for portion in _portions(ids))
    log.info("%s had %d rows tried again that were set aside", by, moved)
    return moved


def drop(ids: Collection[int], *, by: str = "somebody") -> int:
    """Give up rows that were set aside: their content is gone. How many that were.

    The mark stays, because ClickHouse still does not know what it was told of the run.
    """
    wanted = sorted(set(ids))
    dropped = 0
    for start in range(0, len(wanted), ROWS_AT_ONCE):
        rows = rows_not_dropped().filter(pk__in=wanted[start : start + ROWS_AT_ONCE])
        with write_turn(), transaction.atomic():
            dropped += rows.update(content=b"", dropped_at=utc_now())
    log.info("%s dropped %d rows that were set aside", by, dropped)
    return dropped


def _split(batch: Batch) -> bool:
    """Whether there was more than one row to split."""
    if len(batch.entries) > 1:
        middle = len(batch.entries) // 2
        _claim_anew(batch.entries[:middle])
        _claim_anew(batch.entries[middle:])
        return True
    [entry] = batch.entries
    halves = split_content(entry.content)
    if halves:
        _replace(entry, halves)
    return bool(halves)


def _claim_anew(entries: Sequence[OutboxEntry]) -> None:
    OutboxEntry.objects.filter(id__in=[entry.pk for entry in entries]).update(batch_id=uuid.uuid4())


def _replace(entry: OutboxEntry, contents: Sequence[tuple[bytes, int]]) -> None:
    for content, row_count in contents:
        OutboxEntry.objects.create(
            kind=entry.kind,
            environment_id=entry.environment_id,
            content=content,
            row_count=row_count,
            size=len(content),
            created_at=entry.created_at,
            batch_id=uuid.uuid4(),
        )
    entry.delete()


def _set_aside(entry: OutboxEntry, reason: str) -> QuarantinedRow:
    row = QuarantinedRow.objects.create(
        kind=entry.kind,
        environment_id=entry.environment_id,
        run_id=_run_id(entry),
        row_count=entry.row_count,
        reason=reason.strip()[:REASON_CHARACTERS].replace("\0", "\N{REPLACEMENT CHARACTER}"),
        created_at=entry.created_at,
        quarantined_at=utc_now(),
        content=entry.content,
    )
    entry.delete()
    return row


def _run_id(entry: OutboxEntry) -> str:
    """Empty where there is none that a run can have."""
    if entry.kind != OutboxEntry.Kind.RUNS:
        return ""
    run_id = run_id_of(entry.content)
    return run_id if len(run_id) <= RUN_ID_CHARACTERS and run_id.isprintable() else ""


def _portions(ids: Collection[int]) -> Iterator[list[int]]:
    """The ids of rows that wait, in their order, as many together as one batch can hold."""
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), ROWS_AT_ONCE):
        rows = rows_not_dropped().filter(pk__in=wanted[start : start + ROWS_AT_ONCE]).order_by("id")
        portion: list[int] = []
        size = 0
        for pk, length in list(rows.values_list("pk", Length("content"))):
            if portion and size + length > BATCH_BYTES:
                yield portion
                portion, size = [], 0
            portion.append(pk)
            size += length
        if portion:
            yield portion


def _send_back(ids: Sequence[int]) -> int:
    """Move rows into the outbox, in one transaction: a row is here or there."""
    with write_turn(), transaction.atomic():
        rows = list(rows_not_dropped().filter(pk__in=ids).order_by("id").select_for_update())
        batches = {kind: uuid.uuid4() for kind in OutboxEntry.Kind.values}
        OutboxEntry.objects.bulk_create(
            OutboxEntry(
                kind=row.kind,
                environment_id=row.environment_id,
                content=row.content,
                row_count=row.row_count,
                size=len(row.content),
                created_at=row.created_at,
                batch_id=batches[row.kind],
            )
            for row in rows
        )
        QuarantinedRow.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)
