"""What the home page tells of tasks and stores, ready to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from errors_app.admin.triage.list_rows import TASK_BYTES, Sparkline, clip
from errors_app.admin.triage.moments import span
from errors_app.admin.triage.places import Place
from errors_app.admin.triage.view_state import LITERAL, PERIOD, SORT, STATUS, TASK
from errors_app.domain.filters import Sort
from errors_app.domain.groups import Status
from errors_app.queries.home import Outcomes, TaskOutcomes
from errors_app.services.home_page import AWAY, FailureRates
from runs_app.domain.times import HOUR
from runs_app.services.back_pressure import SENTENCES
from runs_app.services.store_figures import StoreFigures

# A lag that nobody minds: batches leave many times a second.
USUAL_LAG: Final = timedelta(seconds=10)
RATE_HEIGHT: Final = 20
RATE_STEP: Final = 8


@dataclass(frozen=True, slots=True)
class ShownRate:
    """The runs of a task over the day. `address`: its failures; empty where no list can be asked
    for them."""

    task: str
    address: str
    rate: str
    failed: str
    finished: str
    chart: Sparkline


@dataclass(frozen=True, slots=True)
class ShownRates:
    rows: tuple[ShownRate, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Store:
    """One figure of the stores. `state` is `good`, `bad` or `muted`, as classes have it."""

    name: str
    words: str
    state: str
    is_quarantine: bool = False


# What is left to say when the relational store did not tell.
STORES_AWAY: Final = (Store("Database", "does not answer", "bad"),)


def shown_rates(place: Place, rates: FailureRates) -> ShownRates:
    rows = tuple(_rate_row(place, one, rates.start) for one in rates.shown)
    return ShownRates(rows, rates.tasks - len(rows))


def percent(rate: float) -> str:
    """`12%`, `3.4%`, `<0.1%`: as exact as one looks."""
    if 0 < rate < 0.001:
        return "<0.1%"
    return f"{rate:.1%}".replace(".0%", "%")


def _rate_row(place: Place, one: TaskOutcomes, start: datetime) -> ShownRate:
    # The grammar parts a list of tasks at its commas.
    nameable = "," not in one.task_identifier and one.task_identifier.strip()
    view = {
        STATUS: Status.UNRESOLVED.value,
        PERIOD: "24h",
        SORT: Sort.COUNT_DESC.value,
        TASK: one.task_identifier,
    }
    return ShownRate(
        task=clip(one.task_identifier, TASK_BYTES),
        address=f"{place.list_address}?{urlencode(view, safe=LITERAL)}" if nameable else "",
        rate=percent(one.total.failure_rate),
        failed=f"{one.total.failed:,}",
        finished=f"{one.total.finished:,}",
        chart=_draw_rates(one.hours, start),
    )


def _draw_rates(hours: Sequence[Outcomes], start: datetime) -> Sparkline:
    """A bar for each hour with failures; the highest one fills the height."""
    peak = max((hour.failure_rate for hour in hours), default=0.0)
    width = len(hours) * RATE_STEP
    if not peak:
        return Sparkline("", width, "no hour with failures")
    bars = []
    for number, hour in enumerate(hours):
        if hour.failed:
            top = RATE_HEIGHT - max(2, round(hour.failure_rate / peak * RATE_HEIGHT))
            bars.append(f"M{number * RATE_STEP + RATE_STEP // 2} {RATE_HEIGHT}V{top}")
    at = start + HOUR * next(i for i, hour in enumerate(hours) if hour.failure_rate == peak)
    words = f"at most {percent(peak)} in an hour, from {at:%H:%M} UTC"
    return Sparkline("".join(bars), width, words)


def shown_stores(figures: StoreFigures, clickhouse: str) -> tuple[Store, ...]:
    """`clickhouse`: what kept it from answering, empty where it answered."""
    replication, ingest = figures.replication, figures.ingest
    stores = [
        Store("ClickHouse", *_clickhouse(clickhouse)),
        _lag(replication.waiting_rows, timedelta(seconds=replication.lag_seconds)),
    ]
    if ingest.refused_for is None:
        stores.append(Store("Reports", "taken", "good"))
    else:
        stores.append(Store("Reports", SENTENCES[ingest.refused_for], "bad"))
    if replication.quarantined_rows:
        words = f"{replication.quarantined_rows:,} that ClickHouse refuses"
        stores.append(Store("Set aside", words, "bad", is_quarantine=True))
    if ingest.free_disk is not None:
        stores.append(Store("Free disk", _bytes(ingest.free_disk), "good"))
    if figures.rebuild is not None:
        told, total = figures.rebuild.runs_told, figures.rebuild.runs_total
        stores.append(Store("Rebuild", f"{told:,} of about {total:,} runs", "muted"))
    return tuple(stores)


def _clickhouse(problem: str) -> tuple[str, str]:
    if not problem:
        return "answers", "good"
    return ("is away" if problem == AWAY else "has trouble"), "bad"


def _lag(waiting: int, lag: timedelta) -> Store:
    if not waiting:
        return Store("Replication", "up to date", "good")
    rows = "1 change waits" if waiting == 1 else f"{waiting:,} changes wait"
    state = "good" if lag < USUAL_LAG else "bad"
    return Store("Replication", f"{rows}, the oldest for {span(lag)}", state)


def _bytes(count: int) -> str:
    """`12 GB`, in powers of ten."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1_000:
            break
        value, unit = value / 1_000, larger
    return f"{value:,.0f} {unit}"
