"""Whether ClickHouse is being rebuilt, and how far that has come."""

from dataclasses import dataclass
from datetime import datetime

from runs_app.models import ClickHouseRebuild


@dataclass(frozen=True, slots=True)
class RebuildProgress:
    """`runs_told` of about `runs_total`: runs that expire meanwhile are never told."""

    runs_told: int
    runs_total: int
    started_at: datetime


def is_under_way() -> bool:
    """Whether a rebuild was begun and is not finished, be its command running or not."""
    return ClickHouseRebuild.objects.filter(finished_at__isnull=True).exists()


def unfinished() -> ClickHouseRebuild | None:
    return ClickHouseRebuild.objects.filter(finished_at__isnull=True).order_by("id").first()


def put_back() -> None:
    """Have the unfinished rebuild, if there is one, empty the tables again and tell everything."""
    ClickHouseRebuild.objects.filter(finished_at__isnull=True).update(
        emptied_at=None, states_told_at=None, next_run=None, slice_begun=False, runs_told=0
    )


def progress() -> RebuildProgress | None:
    """How far the unfinished rebuild is; None where there is none."""
    rebuild = unfinished()
    if rebuild is None:
        return None
    return RebuildProgress(rebuild.runs_told, rebuild.runs_total, rebuild.started_at)
