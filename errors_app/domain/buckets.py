"""Windows in stretches of equal length, as charts show them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from runs_app.domain.times import EPOCH
from runs_app.domain.window import MINUTE, Window

MOST_BUCKETS: Final = 48
# Lengths, in minutes, that a clock and a calendar know.
ROUND_LENGTHS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)
MOST_ROUND_BUCKETS: Final = 64


@dataclass(frozen=True, slots=True)
class Buckets:
    """`count` stretches of `size`, which is whole minutes; the first one begins at `start`."""

    start: datetime
    size: timedelta
    count: int

    @property
    def starts(self) -> tuple[datetime, ...]:
        return tuple(self.start + number * self.size for number in range(self.count))


def buckets_of(window: Window, most: int = MOST_BUCKETS) -> Buckets:
    """At most `most` stretches, and more than half of that unless the window has fewer minutes.

    The last one ends with the window: one that is cut short there would look as if failures
    became fewer. So it is the first one that may begin before the window.
    """
    length = window.end - window.start
    size = max(1, -(-length // (most * MINUTE))) * MINUTE
    count = -(-length // size)
    return Buckets(window.end - count * size, size, count)


def round_buckets_of(window: Window, most: int = MOST_ROUND_BUCKETS) -> Buckets:
    """At most `most` stretches of a round length that begin at round times (UTC), so that a person
    can name them. The first one and the last one may reach beyond the window."""
    minutes = max(1, (window.end - window.start) // MINUTE)
    fitting = (length for length in ROUND_LENGTHS if minutes <= length * (most - 1))
    size = next(fitting, minutes) * MINUTE
    start = EPOCH + (window.start - EPOCH) // size * size
    return Buckets(start, size, -(-(window.end - start) // size))
