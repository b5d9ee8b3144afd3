"""Times as people read them: how long ago, with the exact time at hand."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from runs_app.domain.times import DAY, HOUR, iso
from runs_app.domain.window import MINUTE


@dataclass(frozen=True, slots=True)
class ToldTime:
    """For `<time datetime="{{ iso }}" title="{{ exact }}">{{ ago }}</time>`."""

    iso: str
    exact: str
    ago: str


def told_time(moment: datetime, now: datetime) -> ToldTime:
    return ToldTime(iso(moment), exact(moment), ago(moment, now))


def exact(moment: datetime) -> str:
    """`2025-01-02 03:04:05 UTC`"""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(moment: datetime, now: datetime) -> str:
    """`5 min ago`, `3 h ago`, `12 d ago`; hours until there are two days of them."""
    past = now - moment
    if past < MINUTE:
        return "just now"
    if past < HOUR:
        return f"{past // MINUTE} min ago"
    if past < 2 * DAY:
        return f"{past // HOUR} h ago"
    return f"{past // DAY} d ago"


def minute(moment: datetime) -> str:
    """`2025-01-02 03:04`, in UTC"""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def span(length: timedelta) -> str:
    """`48 min`, `2 h`, `3 d`: a length of time in its largest fitting unit."""
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if length >= unit:
            return f"{length / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{round(length.total_seconds())} s"
