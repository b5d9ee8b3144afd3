"""Finding the row ClickHouse refuses, so that everything beside it flows on.

A refused batch is split under new persisted ids until the bad row stands alone; that row is set
aside with the reason.
"""

import logging
import uuid
from collections.abc import Sequence

import msgspec
from django.db import transaction

from runs_app.domain.run_rows import RunRow, decode_rows, encode_rows
from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry
from runs_app.queries.outbox import Batch
from runs_app.services.write_turns import write_turn

log = logging.getLogger(__name__)


def set_apart(batch: Batch, reason: str) -> None:
    """Split a refused batch in two batches, or set its only row aside.

    The halves stay claimed: that ClickHouse refused the whole does not tell whether it stored a
    part of it, so that each half is repaired, not inserted.
    """
    with write_turn(), transaction.atomic():
        if len(batch.entries) > 1:
            middle = len(batch.entries) // 2
            _claim_anew(batch.entries[:middle])
            _claim_anew(batch.entries[middle:])
            return
        [entry] = batch.entries
        rows = _rows(entry)
        if len(rows) > 1:
            _split_entry(entry, rows)
            return
        entry.quarantined_at = utc_now()
        entry.reason = reason[:2000].replace("\0", "\N{REPLACEMENT CHARACTER}")
        entry.save(update_fields=["quarantined_at", "reason"])
    log.error("set aside outbox entry %s: %s", entry.pk, reason)


def _claim_anew(entries: Sequence[OutboxEntry]) -> None:
    OutboxEntry.objects.filter(id__in=[entry.pk for entry in entries]).update(batch_id=uuid.uuid4())


def _rows(entry: OutboxEntry) -> list[RunRow]:
    """The entry's rows; none where its content cannot be read."""
    try:
        return decode_rows(bytes(entry.content))
    except msgspec.DecodeError:
        return []


def _split_entry(entry: OutboxEntry, rows: list[RunRow]) -> None:
    middle = len(rows) // 2
    for half in (rows[:middle], rows[middle:]):
        content = encode_rows(half)
        OutboxEntry.objects.create(
            kind=entry.kind,
            environment_id=entry.environment_id,
            content=content,
            row_count=len(half),
            size=len(content),
            created_at=entry.created_at,
            batch_id=uuid.uuid4(),
        )
    entry.delete()
