"""The page that tells of a soak: what it did, what it found, and what grew."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from bench.soak_log import Begin, End, Line, Minute, Sample
from bench.tables import markdown_table
from bench.teams import (
    BATCH,
    FAILED_SHARE,
    HEALED_SHARE,
    OPEN_SECONDS,
    OPEN_SHARE,
    PAYLOAD_BYTES,
    REPEATED_SHARE,
)
from bench.trends import Limit, Point, second_half, trend_of

MB: Final = 1_000_000
COLUMNS_OF_TIME: Final = 7
STEPS_SECONDS: Final = (10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 43_200)
CPU_SPAN_SECONDS: Final = 60.0
ROLES: Final = ("serve", "web", "worker", "clickhouse")

MEMORY_LIMIT: Final = Limit(floor=20.0, share=0.05)
ENGINE_LIMIT: Final = Limit(floor=50.0, share=0.10)
HANDLES_LIMIT: Final = Limit(floor=2.0)
ENGINE_HANDLES_LIMIT: Final = Limit(floor=20.0, share=0.10)
PARTS_LIMIT: Final = Limit(floor=20.0, share=0.25)
ROWS_LIMIT: Final = Limit(floor=200.0, share=0.25)
LAG_LIMIT: Final = Limit(floor=0.2, share=0.25)
WAL_LIMIT: Final = Limit(floor=4.0, share=0.25)
CPU_LIMIT: Final = Limit(floor=0.05, share=0.10)
TIME_LIMIT: Final = Limit(floor=10.0, share=0.25)


@dataclass(frozen=True, slots=True)
class Series:
    """One figure over time. Without a limit it is shown, and not judged."""

    name: str
    points: Sequence[Point]
    digits: int = 0
    limit: Limit | None = None


def summary(lines: Sequence[Line]) -> str:
    """The page, in markdown. A soak that was cut short is told as far as it went."""
    begin = next((line for line in lines if isinstance(line, Begin)), None)
    samples = [line for line in lines if isinstance(line, Sample)]
    minutes = [line for line in lines if isinstance(line, Minute)]
    end = next((line for line in lines if isinstance(line, End)), None)
    if begin is None or not samples:
        return "# Soak\n\nNothing was measured.\n"
    sections = [
        "# Soak",
        _about(begin),
        "## What arrived",
        _arrived(begin, samples, end),
        "## What grew",
        _ABOUT_GROWTH,
        _series_table(list(_figures(samples)), samples),
        "## What is kept",
        _kept(samples),
    ]
    if minutes:
        sections += [
            "## Answers",
            "Milliseconds, over all answers of a minute; those that refused are among them.",
            _series_table(list(_answers(minutes)), minutes),
        ]
    return "\n\n".join(sections) + "\n"


_ABOUT_GROWTH: Final = (
    "Slopes are by least squares over the second half of the time. Flat is what grows by no more"
    " than is allowed for an hour: a fixed amount or a share of the mean, whichever is more."
    " Own memory is what no file stands behind; PSS adds what processes share, each its part,"
    " such as the mapped SQLite file, of which a process maps 268 MB at most."
)


def _about(begin: Begin) -> str:
    return (
        f"`python -m bench soak --seconds {begin.seconds:g} --rate {begin.rate:g}`, started"
        f" {begin.started_at}, on {begin.cores} cores shared with the load itself, {begin.system},"
        f" Python {begin.python}, {begin.relational} with each commit synced, embedded ClickHouse"
        f" {begin.engine} with each insert synced. The service began with empty stores.\n\n"
        f"{begin.rate:,.0f} new runs a second over {begin.connections} connections that stay open,"
        f" {BATCH[0]} to {BATCH[1]} to a request, with a payload of {PAYLOAD_BYTES[0]:,} to"
        f" {PAYLOAD_BYTES[1]:,} bytes. {FAILED_SHARE:.0%} fail, spread unevenly over"
        f" {begin.groups:,} groups, with an error of a kilobyte. {OPEN_SHARE:.0%} are reported"
        f" twice: queued or executing first, and ended {OPEN_SECONDS[0]:.0f} to"
        f" {OPEN_SECONDS[1]:.0f} seconds later; {REPEATED_SHARE:.0%} of the failures are reported"
        f" again unchanged, {HEALED_SHARE:.0%} complete after all. Meanwhile a program reads a list"
        " and a detail of the API each second, and a person a page of the admin every 15 seconds."
    )


def _arrived(begin: Begin, samples: Sequence[Sample], end: End | None) -> str:
    if end is None:
        return f"The soak did not come to its end: {samples[-1].runs:,} runs were acknowledged."
    early = (
        f" It was ended before its {begin.seconds:g} seconds were over."
        if end.seconds < begin.seconds - 1
        else ""
    )
    told = (
        f"{end.runs:,} new runs in {end.seconds:,.0f} seconds ({end.runs / end.seconds:,.0f} a"
        f" second), {end.reports:,} reports in {end.requests:,} requests.{early} Not taken at"
        f" first and sent again: {sum(end.refused.values())} requests refused"
        f"{_of(end.refused)}, {end.broken} broken connections. {end.rejected} reports rejected,"
        f" {end.unsettled} never acknowledged. The latest request left"
        f" {end.latest_ms:,.0f} ms behind its time. {end.drained_after:.1f} seconds after the last"
        f" acknowledgement nothing waited. Reads that failed: {_failed_reads(end)}; pages of the"
        f" admin: {end.admin_pages}. Processes that were started anew: {end.restarts}."
    )
    rows = [
        (one.what, f"{one.sent:,}", f"{one.found:,}", "yes" if one.sent == one.found else "**no**")
        for one in end.comparisons
    ]
    return told + "\n\n" + markdown_table(("", "sent", "found", "equal"), rows)


def _of(refused: dict[int, int]) -> str:
    listed = ", ".join(f"{count} with {status}" for status, count in sorted(refused.items()))
    return f" ({listed})" if listed else ""


def _failed_reads(end: End) -> str:
    return ", ".join(f"{count} of {what}" for what, count in end.reads_failed.items()) or "none"


def _figures(samples: Sequence[Sample]) -> Iterator[Series]:
    for role in ROLES:
        engine = role == "clickhouse"
        yield Series(
            f"{role}: own memory, MB",
            _of_role(samples, role, lambda process: process.anonymous / MB),
            limit=ENGINE_LIMIT if engine else MEMORY_LIMIT,
        )
        yield Series(f"{role}: PSS, MB", _of_role(samples, role, lambda process: process.pss / MB))
        yield Series(
            f"{role}: RSS, MB", _of_role(samples, role, lambda process: process.resident / MB)
        )
        yield Series(
            f"{role}: open files",
            _of_role(samples, role, lambda process: process.descriptors),
            limit=ENGINE_HANDLES_LIMIT if engine else HANDLES_LIMIT,
        )
        yield Series(
            f"{role}: threads",
            _of_role(samples, role, lambda process: process.threads),
            limit=ENGINE_HANDLES_LIMIT if engine else HANDLES_LIMIT,
        )
        yield Series(f"{role}: cores in use", _cores(samples, role), digits=3, limit=CPU_LIMIT)
    yield Series(
        "the engine's own account of its memory, MB",
        _known(samples, lambda sample: sample.tracked_memory, MB),
        limit=ENGINE_LIMIT,
    )
    yield Series(
        "rows that wait in the outbox",
        _known(samples, lambda sample: sample.waiting_rows),
        limit=ROWS_LIMIT,
    )
    yield Series(
        "lag, seconds", _known(samples, lambda sample: sample.lag_seconds), 2, limit=LAG_LIMIT
    )
    yield Series(
        "active parts in ClickHouse",
        _known(samples, lambda sample: sum((sample.parts or {}).values())),
        limit=PARTS_LIMIT,
    )
    tables = sorted({table for sample in samples for table in sample.parts or ()})
    for table in tables:
        yield Series(
            f"of them {table}",
            [(one.seconds, one.parts.get(table, 0)) for one in samples if one.parts is not None],
        )
    yield Series(
        "SQLite's -wal, MB", [(one.seconds, one.wal / MB) for one in samples], 1, limit=WAL_LIMIT
    )


def _answers(minutes: Sequence[Minute]) -> Iterator[Series]:
    named: tuple[tuple[str, Callable[[Minute], float], Limit | None], ...] = (
        ("reports, p50", lambda minute: minute.p50_ms, TIME_LIMIT),
        ("reports, p95", lambda minute: minute.p95_ms, TIME_LIMIT),
        ("reports, p99", lambda minute: minute.p99_ms, TIME_LIMIT),
        ("reports, slowest", lambda minute: minute.slowest_ms, None),
        ("reads, p50", lambda minute: minute.read_p50_ms, TIME_LIMIT),
        ("reads, p95", lambda minute: minute.read_p95_ms, TIME_LIMIT),
    )
    for name, value, limit in named:
        yield Series(name, [(one.seconds, value(one)) for one in minutes], limit=limit)


def _kept(samples: Sequence[Sample]) -> str:
    """Sizes that must grow with the runs, so that what counts is the size of one run."""
    named: tuple[tuple[str, Callable[[Sample], int]], ...] = (
        ("SQLite", lambda sample: sample.sqlite),
        ("ClickHouse, active parts", lambda sample: sample.parts_bytes or 0),
        ("ClickHouse, its directory", lambda sample: sample.clickhouse_directory),
    )
    half = second_half([(sample.seconds, sample.runs) for sample in samples])
    middle = next(sample for sample in samples if sample.seconds >= half[0][0])
    last = samples[-1]
    rows = [
        (
            name,
            f"{size(samples[0]) / MB:,.1f}",
            f"{size(middle) / MB:,.1f}",
            f"{size(last) / MB:,.1f}",
            f"{_per_run(size(middle), middle.runs):,.0f}",
            f"{_per_run(size(last), last.runs):,.0f}",
        )
        for name, size in named
    ]
    columns = ("", "MB at first", "in the middle", "at the end",
               "bytes a run until the middle", "until the end")  # fmt: skip
    return markdown_table(columns, rows)


def _per_run(size: int, runs: int) -> float:
    return size / runs if runs else 0.0


def _series_table(series: Sequence[Series], lines: Sequence[Sample] | Sequence[Minute]) -> str:
    moments = _moments(lines[0].seconds, lines[-1].seconds)
    columns = (
        "",
        "start",
        *(_time_label(moment) for moment in moments[1:]),
        "slope an hour",
        "allowed",
        "",
    )
    return markdown_table(columns, (_series_row(one, moments) for one in series if one.points))


def _series_row(series: Series, moments: Sequence[float]) -> list[str]:
    trend = trend_of(series.points)
    shown = [f"{_value_at(series.points, moment):,.{series.digits}f}" for moment in moments]
    slope = f"{trend.per_hour:+,.{series.digits or 1}f}"
    if series.limit is None:
        return [series.name, *shown, slope, "", ""]
    allowed = f"{series.limit.allowed(trend.mean):,.{series.digits or 1}f}"
    return [series.name, *shown, slope, allowed, trend.verdict(series.limit).value]


def _moments(first: float, last: float) -> list[float]:
    """Round times between the first and the last, and these two."""
    step = next(
        (step for step in STEPS_SECONDS if (last - first) / step <= COLUMNS_OF_TIME - 1),
        STEPS_SECONDS[-1],
    )
    between = [
        float(number * step)
        for number in range(1, int(last // step) + 1)
        if first < number * step < last - step / 2
    ]
    return [first, *between, last]


def _time_label(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _value_at(points: Sequence[Point], moment: float) -> float:
    return min(points, key=lambda point: abs(point[0] - moment))[1]


def _of_role(samples: Sequence[Sample], role: str, value: Callable[..., float]) -> list[Point]:
    """The sum over the processes of one role."""
    return [
        (sample.seconds, sum(value(one) for one in sample.processes if one.role == role))
        for sample in samples
        if any(one.role == role for one in sample.processes)
    ]


def _known(
    samples: Sequence[Sample], value: Callable[[Sample], float | None], unit: float = 1.0
) -> list[Point]:
    told = ((sample.seconds, value(sample)) for sample in samples)
    return [(seconds, found / unit) for seconds, found in told if found is not None]


def _cores(samples: Sequence[Sample], role: str) -> list[Point]:
    """CPU seconds a second, of a role, over at least a minute."""
    spent = _of_role(samples, role, lambda process: process.cpu_seconds)
    apart: list[Point] = []
    for point in spent:
        if not apart or point[0] - apart[-1][0] >= CPU_SPAN_SECONDS - 1:
            apart.append(point)
    return [
        (after[0], max(after[1] - before[1], 0.0) / (after[0] - before[0]))
        for before, after in pairwise(apart)
    ]
