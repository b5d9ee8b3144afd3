"""Moments as whole milliseconds since 1970 in UTC: quick to add, compare and sort."""

from datetime import UTC, datetime, timedelta

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday


def moment_of(when: datetime) -> int:
    """The moment of an aware datetime, cut to milliseconds; ValueError for a naive one."""
    if when.tzinfo is None:
        raise ValueError("Pass an aware datetime, such as datetime.now(UTC).")
    return (when - _EPOCH) // timedelta(milliseconds=1)


def datetime_of(moment: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=moment)


def iso(moment: int) -> str:
    """ISO 8601 in UTC with milliseconds and Z, as the API writes times."""
    return datetime_of(moment).isoformat(timespec="milliseconds")[:-6] + "Z"


def day_of(moment: int) -> int:
    """The day's number since 1970."""
    return moment // DAY


def weekday_of(day: int) -> int:
    """0 is Monday, 6 is Sunday."""
    return (day + _EPOCH_WEEKDAY) % 7


def working_day(day: int) -> int:
    """The day itself, or the Friday before when it lies on a weekend."""
    return day - max(0, weekday_of(day) - 4)
