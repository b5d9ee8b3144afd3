"""What the relational store keeps no longer: expired runs, and what is left over of them.

`cutoff` is the start of all that is kept. Everything is found a bounded number at a time, and
deleted without reading a row's texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from runs_app.models import ClickHouseRebuild, QuarantinedRow, TaskRun

# A run's creation may lie this far ahead of the moment its report was accepted.
AHEAD: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ExpiredRun:
    pk: int
    created_at: datetime
    environment_id: UUID
    run_id: str


def count_expired_runs(cutoff: datetime) -> int:
    return _expired(cutoff).count()


def find_expired_runs(
    cutoff: datetime, *, after: ExpiredRun | None, limit: int
) -> list[ExpiredRun]:
    """At most `limit` runs in the order of their creation, from just after `after` on: so runs that
    were created long ago and failed lately are passed once, not with every batch."""
    runs = _expired(cutoff)
    if after is not None:
        runs = runs.filter(created_at__gte=after.created_at).exclude(
            created_at=after.created_at, pk__lte=after.pk
        )
    found = runs.order_by("created_at", "pk").values_list(
        "pk", "created_at", "environment_id", "run_id"
    )
    return [ExpiredRun(*values) for values in found[:limit]]


def delete_expired_runs(cutoff: datetime, runs: Sequence[ExpiredRun]) -> list[ExpiredRun]:
    """Delete those that are still there and still expired; which they were.

    In the caller's transaction. On PostgreSQL a run that somebody else has locked is left: it is
    being reported, or another sweep deletes it.
    """
    expired = _expired(cutoff).filter(pk__in=[run.pk for run in runs])
    ours = set(expired.select_for_update(skip_locked=True).values_list("pk", flat=True))
    TaskRun.objects.filter(pk__in=ours).delete()
    return [run for run in runs if run.pk in ours]


def any_marks() -> bool:
    """Whether there are marks of dropped rows at all."""
    return QuarantinedRow.objects.filter(dropped_at__isnull=False).exists()


def delete_marks_of(runs: Sequence[ExpiredRun]) -> int:
    """Delete what marks these runs as ones of which rows were dropped."""
    deleted = 0
    ordered = sorted(runs, key=_environment_of)
    for environment_id, members in groupby(ordered, key=_environment_of):
        deleted += QuarantinedRow.objects.filter(
            environment_id=environment_id,
            run_id__in=[run.run_id for run in members],
            dropped_at__isnull=False,
        ).delete()[0]
    return deleted


def find_expired_quarantined(
    cutoff: datetime, *, after: int, limit: int
) -> tuple[list[int], int | None]:
    """Rows set aside that were accepted before `cutoff` and whose run is gone, if they had one: a
    run that is kept needs the mark, whatever its age.

    Looks at `limit` rows with keys above `after`: the expired among them, and the last key looked
    at, None at the end. A run cannot have been created later than `AHEAD` after its row was
    accepted, so that a look at the runs created before `cutoff` tells.
    """
    rows = list(
        QuarantinedRow.objects.filter(created_at__lt=cutoff - AHEAD, pk__gt=after)
        .order_by("pk")
        .values_list("pk", "environment_id", "run_id")[:limit]
    )
    if not rows:
        return [], None
    kept = set(
        TaskRun.objects.filter(
            created_at__lt=cutoff, run_id__in={run_id for _, _, run_id in rows if run_id}
        ).values_list("environment_id", "run_id")
    )
    expired = [pk for pk, environment_id, run_id in rows if (environment_id, run_id) not in kept]
    return expired, rows[-1][0]


def delete_quarantined(pks: Sequence[int]) -> int:
    return QuarantinedRow.objects.filter(pk__in=list(pks)).delete()[0]


def count_expired_rebuilds(cutoff: datetime) -> int:
    return _rebuilds(cutoff).count()


def delete_expired_rebuilds(cutoff: datetime) -> int:
    return _rebuilds(cutoff).delete()[0]


def _expired(cutoff: datetime) -> QuerySet[TaskRun]:
    """A run that failed since is counted, however long ago it was created."""
    not_counted = Q(counted_failed_at__isnull=True) | Q(counted_failed_at__lt=cutoff)
    return TaskRun.objects.filter(not_counted, created_at__lt=cutoff)


def _rebuilds(cutoff: datetime) -> QuerySet[ClickHouseRebuild]:
    return ClickHouseRebuild.objects.filter(finished_at__lt=cutoff)


def _environment_of(run: ExpiredRun) -> UUID:
    return run.environment_id
