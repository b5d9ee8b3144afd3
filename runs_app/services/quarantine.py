"""Finding the row ClickHouse refuses, so that everything beside it flows on.

A refused batch is split under new persisted ids until the bad row stands alone; that row is set
aside with the reason.
"""

import logging
import uuid
from collections.abc import Sequence

from django.db import transaction

from runs_app.domain.run_rows import split_content
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
        halves = split_content(entry.content)
        if halves:
            _replace(entry, halves)
            return
        # By a filter: a state that was written after all may be gone already.
        OutboxEntry.objects.filter(pk=entry.pk).update(
            quarantined_at=utc_now(),
            reason=reason[:2000].replace("\0", "\N{REPLACEMENT CHARACTER}"),
        )
    log.error("set aside outbox entry %s: %s", entry.pk, reason)


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
