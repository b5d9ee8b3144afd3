"""How load rises and falls over a day and a week."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from errors_app.domain.demo.moments import HOUR


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`before[h]` is the share of a day's load that comes before hour h (25 values, 0 to 1);
    `weekdays` is each weekday's load, Monday first, 1 on average over the week."""

    before: tuple[float, ...]
    weekdays: tuple[float, ...]

    def share_before(self, offset: int) -> float:
        """The share of a day's load in its first `offset` milliseconds."""
        hour, rest = divmod(offset, HOUR)
        if hour >= 24:
            return 1.0
        return self.before[hour] + (self.before[hour + 1] - self.before[hour]) * rest / HOUR

    def offset_at(self, share: float) -> int:
        """The inverse of `share_before`: milliseconds after midnight."""
        hour = min(23, bisect_right(self.before, share) - 1)
        width = self.before[hour + 1] - self.before[hour]
        inside = (share - self.before[hour]) / width if width else 0.0
        return int((hour + min(inside, 0.999999)) * HOUR)


def rhythm(hours: tuple[float, ...], weekdays: tuple[float, ...]) -> Rhythm:
    """A rhythm from 24 hourly and 7 daily weights of any scale."""
    day = sum(hours)
    week = sum(weekdays)
    return Rhythm(
        before=(0.0, *(part / day for part in accumulate(hours))),
        weekdays=tuple(weight * 7 / week for weight in weekdays),
    )


_MORNING_RISE = (2, 1.5, 1, 1, 1, 2, 5, 9)
_OFFICE_HOURS = (14, 17, 18, 16, 13, 15, 17, 16, 13, 10)
_EVENING_FALL = (8, 7, 6, 5, 4, 3)

OFFICE = rhythm(_MORNING_RISE + _OFFICE_HOURS + _EVENING_FALL, (11, 11.5, 11, 11, 9.5, 3, 2.5))
EVEN = rhythm((5, 4, 4, 4, 4, 4, 5, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 5, 5), (1,) * 7)
NIGHT = rhythm(
    (6, 14, 18, 16, 9, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3),
    (1, 1, 1, 1, 1, 0.8, 0.8),
)
