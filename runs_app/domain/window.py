"""Windows: half-open, of minute precision, inside what is kept."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from runs_app.domain.times import from_epoch_milliseconds, to_milliseconds

MINUTE: Final = timedelta(minutes=1)
DEFAULT_PERIOD: Final = timedelta(days=1)
UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
PERIOD: Final = re.compile(r"([0-9]{1,5})([mhdw])", re.ASCII)
# ClickHouse's DateTime ends early in 2106.
FIRST_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MOMENT: Final = datetime(2100, 1, 1, tzinfo=UTC)
EPOCH_MILLISECONDS: Final = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` until just before `end`, both at full minutes, in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class WindowRequest:
    """What a caller asked for. A period counts back from now and stands alone."""

    period: timedelta | None = None
    start: datetime | None = None
    end: datetime | None = None


def floor_minute(value: datetime) -> datetime:
    return value.replace(second=0, microsecond=0)


def ceil_minute(value: datetime) -> datetime:
    """The next full minute, or the value itself where it is one."""
    floored = floor_minute(value)
    return floored if floored == value else floored + MINUTE


def until_now(now: datetime) -> datetime:
    """The end of a window that holds `now`: a failure of this very moment belongs to it."""
    return floor_minute(now) + MINUTE


def covering_window(first: datetime, last: datetime) -> Window:
    """The window that holds both moments."""
    return Window(floor_minute(first), floor_minute(last) + MINUTE)


def retained_window(now: datetime, retention: timedelta) -> Window:
    """All that is kept at `now`."""
    return Window(floor_minute(now - retention), until_now(now))


def window_of(
    request: WindowRequest,
    *,
    now: datetime,
    retention: timedelta,
    default: timedelta = DEFAULT_PERIOD,
) -> Window:
    """The window for a request: start floored, end ceiled, start clamped to the retention.

    A start alone means until now; an end alone means all that is kept until then; neither means
    the default period. A window that lies before all that is kept is empty.
    """
    oldest = floor_minute(now - retention)
    if request.start is None and request.end is None:
        start = floor_minute(now - (request.period or default))
        return Window(max(start, oldest), until_now(now))
    start = oldest if request.start is None else max(floor_minute(request.start), oldest)
    end = until_now(now) if request.end is None else ceil_minute(request.end)
    return Window(start, max(start, end))


def is_empty(start: datetime, end: datetime) -> bool:
    """Whether these bounds, as a caller gave them, contradict each other or hold no minute."""
    return end < start or ceil_minute(end) <= floor_minute(start)


def parse_period(text: str) -> timedelta:
    """`30m`, `12h`, `1d`, `2w`. Raises ValueError with a sentence."""
    match = PERIOD.fullmatch(text)
    if match is None or int(match.group(1)) == 0:
        raise ValueError("A period is a whole number and one of m, h, d, w, such as 30m or 7d.")
    return int(match.group(1)) * UNITS[match.group(2)]


def parse_moment(text: str) -> datetime:
    """ISO 8601 or epoch milliseconds, in UTC. Raises ValueError with a sentence."""
    sentence = "A time is ISO 8601, such as 2025-01-02T03:04:05Z, or epoch milliseconds."
    try:
        if EPOCH_MILLISECONDS.fullmatch(text):
            moment = from_epoch_milliseconds(int(text))
        else:
            # In a query string a bare plus sign arrives as a space.
            moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        moment = to_milliseconds(moment)
    except (ValueError, OverflowError):
        raise ValueError(sentence) from None
    if not FIRST_MOMENT <= moment < LAST_MOMENT:
        raise ValueError("A time must lie between the years 1970 and 2100.")
    return moment
