"""Failures over time, stacked by version: the geometry of a chart, and the same as a table."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from errors_app.domain.buckets import Buckets
from errors_app.queries.occurrences import Bucket
from runs_app.domain.times import DAY
from runs_app.domain.window import Window

# As many colours as the eye keeps apart; all other versions share one more.
NAMED: Final = 6
# Of these so many are the newest ones, however seldom they fail: whether an error is still there in
# the last release is what people look for.
NEWEST: Final = 3
OTHERS: Final = "other versions"
UNKNOWN: Final = "no version"
# The chart is drawn in these units and stretched to the width there is.
STEP: Final = 10
HEIGHT: Final = 100
GAP: Final = 1.6
# One failure beside thousands is to be seen, too.
LOWEST: Final = 1.5


@dataclass(frozen=True, slots=True)
class Series:
    """One version, or the rest of them. `colour` is the name of its class in the stylesheet."""

    name: str
    colour: str
    count: int


@dataclass(frozen=True, slots=True)
class Bar:
    colour: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Column:
    """One stretch of time that had failures. `counts` are in the order of the series."""

    label: str
    title: str
    x: str
    total: int
    counts: tuple[int, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """`highest`: failures of the highest column. `ticks` are times below the chart: its start, its
    middle and its end."""

    width: int
    height: int
    step: str
    bar: str
    highest: str
    series: tuple[Series, ...]
    columns: tuple[Column, ...]
    ticks: tuple[str, ...]
    bucket: str


def draw_histogram(
    found: Sequence[Bucket], buckets: Buckets, window: Window, versions: Sequence[str]
) -> Chart:
    """`versions`: the order of the series, the newest first; those that it has not come last."""
    series_of, series = _series(found, versions)
    by_start: dict[datetime, Counter[int]] = defaultdict(Counter)
    for bucket in found:
        by_start[bucket.start][series_of[bucket.task_version]] += bucket.count
    highest = max((counts.total() for counts in by_start.values()), default=0)
    columns = []
    for number, start in enumerate(buckets.starts):
        if counts := by_start.get(start):
            label = _label(max(start, window.start), min(start + buckets.size, window.end))
            columns.append(_column(number, label, counts, series, highest))
    return Chart(
        width=buckets.count * STEP,
        height=HEIGHT,
        step=f"{STEP}",
        bar=f"{STEP - GAP:g}",
        highest=f"{highest:,}",
        series=series,
        columns=tuple(columns),
        ticks=_ticks(buckets),
        bucket=_length(buckets),
    )


def _series(
    found: Iterable[Bucket], versions: Sequence[str]
) -> tuple[dict[str, int], tuple[Series, ...]]:
    """Which series each version is in, and the series: the newest, and those that failed most."""
    totals: Counter[str] = Counter()
    for bucket in found:
        totals[bucket.task_version] += bucket.count
    places = {version: place for place, version in enumerate(versions)}
    by_age = sorted(totals, key=lambda version: (places.get(version, len(places)), version))
    newest, older = by_age[:NEWEST], by_age[NEWEST:]
    most = sorted(older, key=lambda version: -totals[version])[: NAMED - NEWEST]
    named = [*newest, *(version for version in older if version in most)]
    series_of = {version: named.index(version) for version in named}
    series = [
        Series(version or UNKNOWN, f"fl-v{place}", totals[version])
        for place, version in enumerate(named)
    ]
    rest = [version for version in by_age if version not in series_of]
    if rest:
        series_of.update(dict.fromkeys(rest, len(named)))
        series.append(Series(OTHERS, "fl-v-rest", sum(totals[version] for version in rest)))
    return series_of, tuple(series)


def _column(
    number: int, label: str, counts: Counter[int], series: Sequence[Series], highest: int
) -> Column:
    bars: list[Bar] = []
    told: list[str] = []
    top = float(HEIGHT)
    # The newest version, which is first, stands on top.
    for place in range(len(series) - 1, -1, -1):
        if count := counts[place]:
            height = max(LOWEST, count * HEIGHT / highest)
            top = max(0.0, top - height)
            bars.append(Bar(series[place].colour, f"{top:.2f}", f"{height:.2f}"))
            told.insert(0, f"{series[place].name}: {count:,}")
    total = counts.total()
    failed = "1 failure" if total == 1 else f"{total:,} failures"
    return Column(
        label=label,
        title="\n".join((f"{label}: {failed}", *told)),
        x=f"{number * STEP}",
        total=total,
        counts=tuple(counts[place] for place in range(len(series))),
        bars=tuple(bars),
    )


def _label(start: datetime, end: datetime) -> str:
    """`2026-11-20 10:00 – 10:30`, the day said twice only where it changes."""
    until = "%H:%M" if start.date() == end.date() else "%Y-%m-%d %H:%M"
    return f"{start:%Y-%m-%d %H:%M} – {end:{until}}"


def _ticks(buckets: Buckets) -> tuple[str, ...]:
    length = buckets.count * buckets.size
    form = "%H:%M" if length <= DAY / 2 else "%d %b %H:%M" if length <= 14 * DAY else "%d %b"
    moments = (buckets.start, buckets.start + length / 2, buckets.start + length)
    return tuple(f"{moment:{form}}" for moment in moments)


def _length(buckets: Buckets) -> str:
    """How long a column is."""
    minutes = int(buckets.size.total_seconds() // 60)
    for unit, name in ((1440, "day"), (60, "hour")):
        if minutes % unit == 0:
            count = minutes // unit
            return f"{count} {name}" + ("s" if count > 1 else "")
    return f"{minutes} min"
