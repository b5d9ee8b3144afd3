"""When a bug bites: each pattern becomes moments at which failing runs are created."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp
from random import Random

from errors_app.domain.demo.deployments import Deployment, DeploymentHistory
from errors_app.domain.demo.moments import DAY, HOUR, MINUTE, day_of, weekday_of, working_day
from errors_app.domain.demo.rhythm import Rhythm


@dataclass(frozen=True, slots=True)
class Steady:
    """So many a day, in the task's rhythm, between two ages in days. `growth` is the factor
    from the first day to the last one."""

    per_day: float
    since: float = 90
    until: float = 0
    growth: float = 1


@dataclass(frozen=True, slots=True)
class Burst:
    """An outage that began at that hour (UTC) of the working day so many days ago."""

    age: int
    hour: float
    minutes: int
    count: int


@dataclass(frozen=True, slots=True)
class Recent:
    """So many since so many minutes ago."""

    minutes: float
    count: int


@dataclass(frozen=True, slots=True)
class BadDeployment:
    """Every affected run of one version fails until its hotfix; a few on workers left over."""

    age: int
    count: int


Pattern = Steady | Burst | Recent | BadDeployment


@dataclass(frozen=True, slots=True)
class Occurrence:
    """`deployment` is set where only that version can fail."""

    created: int
    deployment: Deployment | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a pattern is laid over. `scale` is the environment's share of production's load."""

    start: int
    now: int
    history: DeploymentHistory
    scale: float


def occurrences(
    pattern: Pattern, calendar: Calendar, rhythm: Rhythm, rng: Random
) -> Iterator[Occurrence]:
    """The pattern's occurrences, in no order; some may lie outside the calendar."""
    match pattern:
        case Steady():
            yield from _steady(pattern, calendar, rhythm, rng)
        case Burst():
            start = working_day(day_of(calendar.now) - pattern.age) * DAY
            start += int(pattern.hour * HOUR)
            for _ in range(_scaled(pattern.count, calendar)):
                yield Occurrence(start + rng.randrange(pattern.minutes * MINUTE))
        case Recent():
            width = int(pattern.minutes * MINUTE)
            for _ in range(_scaled(pattern.count, calendar)):
                yield Occurrence(calendar.now - rng.randrange(width))
        case BadDeployment():
            yield from _bad_deployment(pattern, calendar, rng)


def _steady(
    pattern: Steady, calendar: Calendar, rhythm: Rhythm, rng: Random
) -> Iterator[Occurrence]:
    first = max(calendar.start, calendar.now - int(pattern.since * DAY))
    last = calendar.now - int(pattern.until * DAY)
    for day in range(day_of(first), day_of(last) + 1):
        progress = (day * DAY - first) / max(DAY, last - first)
        rate = pattern.per_day * calendar.scale * rhythm.weekdays[weekday_of(day)]
        rate *= pattern.growth ** min(1.0, max(0.0, progress))
        for _ in range(_poisson(rate, rng)):
            created = day * DAY + rhythm.offset_at(rng.random())
            if first < created <= last:
                yield Occurrence(created)


def _bad_deployment(
    pattern: BadDeployment, calendar: Calendar, rng: Random
) -> Iterator[Occurrence]:
    bad = calendar.history.aged(pattern.age)
    mended = calendar.history.after(bad).at
    for _ in range(_scaled(pattern.count, calendar)):
        yield Occurrence(bad.at + rng.randrange(mended - bad.at), bad)
    for _ in range(_scaled(pattern.count, calendar) // 12):
        yield Occurrence(mended + rng.randrange(5 * HOUR), bad)


def _scaled(count: int, calendar: Calendar) -> int:
    return max(1, round(count * calendar.scale))


def _poisson(mean: float, rng: Random) -> int:
    """Knuth's method (The Art of Computer Programming, 3.4.1): right for small means."""
    limit = exp(-mean)
    count = 0
    product = rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count
