"""What pages say of runs."""

from datetime import timedelta

from runs_app.domain.records import RunRecord
from runs_app.domain.run_status import SHOWN, RunStatus
from runs_app.domain.times import MILLISECOND


def status_class(status: RunStatus) -> str:
    """Failed runs look like unresolved groups, successful ones like resolved groups."""
    flags = SHOWN[status].flags
    if flags.is_failed and not flags.is_cancelled:
        return "fl-state-unresolved"
    return "fl-state-resolved" if flags.is_success else "fl-state-ignored"


def duration(run: RunRecord) -> str:
    """How long it took, as reported, or else between start and end; empty where nobody knows."""
    if run.duration_ms:
        return length(run.duration_ms * MILLISECOND)
    end = run.completed_at or run.failed_at
    if run.started_at is None or end is None or end < run.started_at:
        return ""
    return length(end - run.started_at)


def length(span: timedelta) -> str:
    """`340 ms`, `2.4 s`, `3 min 20 s`, `5 h 2 min`, `3 d 4 h`"""
    milliseconds = span // MILLISECOND
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days:,} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
