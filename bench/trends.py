"""Whether a figure stays where it is: its slope, by least squares, and a limit for that."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

SECONDS_PER_HOUR: Final = 3_600.0
# In less time, noise makes any slope.
LEAST_SPAN_SECONDS: Final = 600.0

Point = tuple[float, float]


class Verdict(Enum):
    FLAT = "flat"
    GROWS = "grows"
    TOO_SHORT = "too short to say"


@dataclass(frozen=True, slots=True)
class Limit:
    """How much a figure may grow an hour and still be called flat: `floor` in its own unit, or
    `share` of its mean, whichever is more."""

    floor: float
    share: float = 0.0

    def allowed(self, mean: float) -> float:
        return max(self.floor, self.share * mean)


@dataclass(frozen=True, slots=True)
class Trend:
    """Of the second half of a measurement: the first is for warming up."""

    per_hour: float
    mean: float
    span_seconds: float

    def verdict(self, limit: Limit) -> Verdict:
        if self.span_seconds < LEAST_SPAN_SECONDS:
            return Verdict.TOO_SHORT
        return Verdict.FLAT if self.per_hour <= limit.allowed(self.mean) else Verdict.GROWS


def trend_of(points: Sequence[Point]) -> Trend:
    """The trend of (seconds, value) points, of which the second half counts."""
    half = second_half(points)
    if not half:
        return Trend(0.0, 0.0, 0.0)
    mean = sum(value for _, value in half) / len(half)
    return Trend(slope(half) * SECONDS_PER_HOUR, mean, half[-1][0] - half[0][0])


def second_half(points: Sequence[Point]) -> Sequence[Point]:
    if not points:
        return points
    middle = (points[0][0] + points[-1][0]) / 2
    return [point for point in points if point[0] >= middle]


def slope(points: Sequence[Point]) -> float:
    """By least squares, in units a second; 0 where time does not pass."""
    count = len(points)
    if not count:
        return 0.0
    time_mean = sum(time for time, _ in points) / count
    value_mean = sum(value for _, value in points) / count
    spread = sum((time - time_mean) ** 2 for time, _ in points)
    if not spread:
        return 0.0
    return sum((time - time_mean) * (value - value_mean) for time, value in points) / spread
