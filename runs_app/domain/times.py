"""Times: aware, UTC, whole milliseconds, because that is what ClickHouse keeps of them."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


def utc_now() -> datetime:
    """Now, to the millisecond."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(value: datetime) -> datetime:
    """In UTC, cut to the millisecond; a time without a zone is taken as UTC.

    Raises OverflowError at the ends of the calendar.
    """
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    elif value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    excess = value.microsecond % 1000
    return value.replace(microsecond=value.microsecond - excess) if excess else value


def epoch_milliseconds(value: datetime) -> int:
    return (value - EPOCH) // MILLISECOND


def from_epoch_milliseconds(value: int) -> datetime:
    return EPOCH + timedelta(milliseconds=value)


def iso(value: datetime) -> str:
    """`2025-01-02T03:04:05.678Z`"""
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
