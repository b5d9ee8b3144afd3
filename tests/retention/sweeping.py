"""Sweeping as of another moment, and runs that are old."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from runs_app.domain.times import utc_now
from runs_app.models import TaskRun
from runs_app.services.retention import Kind, sweep_retention


def after_retention() -> datetime:
    """A moment at which all that is there now has expired."""
    return utc_now() + timedelta(days=settings.RETENTION_DAYS, hours=2)


def before_retention() -> datetime:
    """A moment of which nothing is kept now."""
    return utc_now() - timedelta(days=settings.RETENTION_DAYS, hours=2)


def sweep(now: datetime | None = None) -> Counter[Kind]:
    """What was deleted."""
    deleted: Counter[Kind] = Counter()
    for swept in sweep_retention(now or utc_now()):
        deleted[swept.kind] += swept.count
    return +deleted


def make_old(*run_ids: str, **changes: Any) -> None:
    """As if these runs had been created, and counted where they failed, before retention."""
    old = before_retention()
    TaskRun.objects.filter(friendly_id__in=run_ids).update(created_at=old, **changes)
    TaskRun.objects.filter(friendly_id__in=run_ids, counted_failed_at__isnull=False).update(
        counted_failed_at=old, **changes
    )


def run_ids() -> list[str]:
    return sorted(TaskRun.objects.values_list("friendly_id", flat=True))
