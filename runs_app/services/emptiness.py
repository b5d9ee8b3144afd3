"""Noticing that ClickHouse was lost: that it is empty while the relational store has runs."""

import logging
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import Sum

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.times import utc_now
from runs_app.domain.window import retained_window
from runs_app.models import OutboxEntry, QuarantinedRow, TaskRun
from runs_app.queries import rebuilds
from runs_app.services.write_turns import write_turn

log = logging.getLogger(__name__)

MARGIN: Final = timedelta(days=1)

LOST: Final = (
    "ClickHouse has no runs although the relational store has %d that it was told of:"
    " `manage.py rebuild_clickhouse` fills it again. Until then lists and counts show only what"
    " is reported from now on."
)
LOST_AGAIN: Final = (
    "ClickHouse was lost in the middle of a rebuild, which begins again from its start:"
    " `manage.py rebuild_clickhouse` does it."
)


def warn_if_lost() -> bool:
    """Log what to do where ClickHouse has no run at all of those it was told; whether that is so.
    An unfinished rebuild begins again: what it told is gone.

    For new tables; the caller holds the replicator's turn, in which nothing leaves the outbox for
    ClickHouse. Raises Unavailable.
    """
    if not _is_empty():
        return False
    rebuild = rebuilds.unfinished()
    if rebuild is not None:
        if rebuild.emptied_at is None:
            # It is about to tell everything.
            return False
        with write_turn():
            rebuilds.put_back()
        log.warning(LOST_AGAIN)
        return True
    # The runs first: whoever reports one meanwhile adds to the rows as well.
    told = _runs_to_be_there() - _rows_not_told()
    if told <= 0:
        return False
    log.warning(LOST, told)
    return True


def _is_empty() -> bool:
    return not clickhouse().query("look for runs", "SELECT run_id FROM task_runs_v2 LIMIT 1", {})


def _runs_to_be_there() -> int:
    """How many runs the table of runs keeps. Both stores drop what is old at moments of their own:
    the last day of the retention is nobody's loss."""
    kept = retained_window(utc_now(), timedelta(days=settings.RETENTION_DAYS))
    return TaskRun.objects.filter(created_at__gte=kept.start + MARGIN).count()


def _rows_not_told() -> int:
    """How many rows wait or are set aside: at least as many as there are runs of which ClickHouse
    was told nothing."""
    waiting = OutboxEntry.objects.aggregate(rows=Sum("row_count"))["rows"] or 0
    set_aside = QuarantinedRow.objects.aggregate(rows=Sum("row_count"))["rows"] or 0
    return int(waiting) + int(set_aside)
