"""What the home page of an environment shows. Each part fails alone.

ClickHouse is asked at most six times. Where it is away, nobody waits for it a second time.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from django.db import Error as DatabaseError

from errors_app.domain.buckets import Buckets, buckets_of
from errors_app.domain.filters import GroupFilters, Sort
from errors_app.domain.groups import GroupKey, Status
from errors_app.queries import home, sparklines
from errors_app.queries.groups import Frame, Outline, RankedGroup, rank_groups, read_outlines
from errors_app.queries.home import Regression, TaskOutcomes
from errors_app.queries.merged import Mirror, read_mirror
from errors_app.queries.sparklines import Sparkline
from errors_app.services.browse import retention
from runs_app.clickhouse.failures import ClickHouseFault, ClickHouseUnavailable
from runs_app.domain.errors import Unavailable
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import DAY, HOUR, from_epoch_milliseconds, utc_now
from runs_app.domain.window import Window, WindowRequest, window_of
from runs_app.services.store_figures import StoreFigures, read_store_figures

log = logging.getLogger(__name__)

# How long ago a regression is still news.
REGRESSIONS: Final = timedelta(days=7)
MOST_COUNTED_NEW: Final = 200
SHOWN_GROUPS: Final = 8
SHOWN_TASKS: Final = 12
OPEN: Final = GroupFilters(statuses=frozenset({Status.UNRESOLVED}))

AWAY: Final = "ClickHouse does not answer right now. Nothing is lost; this comes back with it."
BROKEN: Final = "ClickHouse could not answer this; the log says why."
NO_DATABASE: Final = "The database could not answer this; the log says why."

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One part of the page: its value, or a sentence that says why there is none."""

    value: T | None = None
    problem: str = ""

    def map(self, change: Callable[[T], U]) -> "Part[U]":
        """The same problem, or another value."""
        return Part(problem=self.problem) if self.value is None else Part(change(self.value))


@dataclass(frozen=True, slots=True)
class HomeGroup:
    """A group as the home page shows it.

    `outline` and `sparkline` are None where ClickHouse did not tell them. `count` is that of the
    part's own window, the sparkline is of the day.
    """

    key: GroupKey
    count: int
    outline: Outline | None
    sparkline: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class NewGroups:
    """Unresolved groups first seen within the day, the newest first. `count`: how many there are;
    `more`: there are more than that."""

    groups: tuple[HomeGroup, ...]
    count: int
    more: bool


@dataclass(frozen=True, slots=True)
class Reopened:
    """A regression, with what its group looks like where ClickHouse tells it."""

    regression: Regression
    outline: Outline | None
    sparkline: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class FailureRates:
    """The tasks of which most runs failed; `tasks` had runs that came to an end. `start`: of the
    first of the hours."""

    shown: tuple[TaskOutcomes, ...]
    tasks: int
    start: datetime


@dataclass(frozen=True, slots=True)
class HomePage:
    """One environment as of `now`, over the `day` before, which sparklines cut into `buckets`.

    `stores` are the whole deployment's. `clickhouse`: a sentence about what kept it from answering,
    empty where it answered everything.
    """

    now: datetime
    day: Window
    buckets: Buckets
    new: Part[NewGroups]
    regressions: Part[tuple[Reopened, ...]]
    loudest_of_hour: Part[tuple[HomeGroup, ...]]
    loudest_of_day: Part[tuple[HomeGroup, ...]]
    rates: Part[FailureRates]
    stores: Part[StoreFigures]
    clickhouse: str


class _Asking:
    """Asks for parts, and remembers whether ClickHouse is away."""

    def __init__(self) -> None:
        self.problem = ""
        self._away = False

    def clickhouse(self, ask: Callable[[], T]) -> Part[T]:
        if self._away:
            return Part(problem=AWAY)
        try:
            return Part(ask())
        except ClickHouseFault:
            log.exception("home page: ClickHouse refused a statement")
            return self._failed(BROKEN)
        except Unavailable as error:
            log.warning("home page: %s", error)
            self._away = isinstance(error, ClickHouseUnavailable)
            return self._failed(AWAY if self._away else error.user_message)

    def database(self, ask: Callable[[], T]) -> Part[T]:
        try:
            return Part(ask())
        except DatabaseError as error:
            log.warning("home page: %s", error)
            return Part(problem=NO_DATABASE)

    def _failed(self, problem: str) -> Part[T]:
        self.problem = self.problem or problem
        return Part(problem=problem)


def read_home(tenant: Tenant) -> HomePage:
    """Raises nothing that a store's failure is the cause of."""
    now = utc_now()
    asking = _Asking()
    stores = asking.database(read_store_figures)
    mirror = asking.database(lambda: read_mirror(tenant, statuses_matter=True)).value or Mirror()
    came_back = asking.database(
        lambda: home.read_regressions(tenant, now - REGRESSIONS, SHOWN_GROUPS)
    )
    day, hour = _last(DAY, now), _last(HOUR, now)

    def rank(sort: Sort, window: Window, limit: int) -> Part[list[RankedGroup]]:
        frame = Frame(window, now, everything=True)
        return asking.clickhouse(
            lambda: rank_groups(
                tenant, OPEN, sort, frame, boundary=None, limit=limit, mirror=mirror, now=now
            )
        )

    newest = rank(Sort.FIRST_SEEN_DESC, day, MOST_COUNTED_NEW + 1)
    of_hour = rank(Sort.COUNT_DESC, hour, SHOWN_GROUPS)
    of_day = rank(Sort.COUNT_DESC, day, SHOWN_GROUPS)
    new = [one for one in newest.value or () if from_epoch_milliseconds(one.rank) >= day.start]
    ranked = (*new[:SHOWN_GROUPS], *(of_hour.value or ()), *(of_day.value or ()))
    keys = [one.key for one in ranked] + [one.key for one in came_back.value or ()]
    looks = _read_looks(asking, tenant, sorted(set(keys)), Frame(day, now, everything=True))
    return HomePage(
        now=now,
        day=day,
        buckets=looks.buckets,
        new=newest.map(lambda _: _new_groups(new, looks)),
        regressions=came_back.map(lambda found: tuple(_reopened(one, looks) for one in found)),
        loudest_of_hour=of_hour.map(lambda found: tuple(_home_group(one, looks) for one in found)),
        loudest_of_day=of_day.map(lambda found: tuple(_home_group(one, looks) for one in found)),
        rates=asking.clickhouse(lambda: _rates(tenant, now)),
        stores=stores,
        clickhouse=asking.problem,
    )


@dataclass(frozen=True, slots=True)
class _Looks:
    """What the groups of all parts look like, as far as ClickHouse told it."""

    outlines: Mapping[GroupKey, Outline]
    lines: Mapping[GroupKey, Sparkline]
    buckets: Buckets

    def sparkline(self, key: GroupKey) -> tuple[int, ...] | None:
        line = self.lines.get(key)
        return None if line is None else line.counts


def _read_looks(asking: _Asking, tenant: Tenant, keys: list[GroupKey], frame: Frame) -> _Looks:
    buckets = buckets_of(frame.window)
    outlines = asking.clickhouse(lambda: read_outlines(tenant, keys))
    lines = asking.clickhouse(
        lambda: sparklines.read_sparklines(tenant, keys, GroupFilters(), frame, buckets)
    )
    return _Looks(outlines.value or {}, lines.value or {}, buckets)


def _new_groups(found: list[RankedGroup], looks: _Looks) -> NewGroups:
    return NewGroups(
        groups=tuple(_home_group(one, looks) for one in found[:SHOWN_GROUPS]),
        count=min(len(found), MOST_COUNTED_NEW),
        more=len(found) > MOST_COUNTED_NEW,
    )


def _home_group(ranked: RankedGroup, looks: _Looks) -> HomeGroup:
    key = ranked.key
    return HomeGroup(key, ranked.count, looks.outlines.get(key), looks.sparkline(key))


def _reopened(regression: Regression, looks: _Looks) -> Reopened:
    key = regression.key
    return Reopened(regression, looks.outlines.get(key), looks.sparkline(key))


def _rates(tenant: Tenant, now: datetime) -> FailureRates:
    """Of the hour that runs and the 23 before it."""
    start = now.replace(minute=0, second=0, microsecond=0) - DAY + HOUR
    found = home.read_outcomes(tenant, Window(start, start + DAY))
    return FailureRates(tuple(found[:SHOWN_TASKS]), len(found), start)


def _last(period: timedelta, now: datetime) -> Window:
    """As the list of groups has it."""
    return window_of(WindowRequest(period=period), now=now, retention=retention())
