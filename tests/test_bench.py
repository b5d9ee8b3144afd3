"""The arithmetic of the bench: pacing, trends, timers, and the page that a soak ends with; and that
its populations are what they are called."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.decided import Decided, fail_again, make_decided
from bench.family import ProcessFigures
from bench.pacing import Pacer, percentile, wait_until
from bench.soak_log import Begin, Comparison, End, Minute, Sample, read_lines, write_line
from bench.soak_summary import summary
from bench.stages import Stages
from bench.tables import Table
from bench.trends import Limit, Verdict, slope, trend_of
from errors_app.services.sweep import sweep
from runs_app.domain.times import utc_now
from tests.conftest import Workspace

HOUR = 3_600


def test_a_pacer_spreads_runs_evenly_however_they_are_batched() -> None:
    pacer = Pacer(rate=500, begin=100.0)

    moments = [pacer.due(runs) for runs in (50, 25, 10, 1)]

    assert moments == [100.0, 100.1, 100.15, 100.17]


def test_what_is_due_in_the_past_is_sent_at_once_and_told_as_late() -> None:
    slept: list[float] = []

    early = wait_until(12.0, clock=lambda: 10.0, sleep=slept.append)
    late = wait_until(7.5, clock=lambda: 10.0, sleep=slept.append)

    assert (early, late, slept) == (0.0, 2.5, [2.0])


def test_percentiles_are_values_that_were_measured() -> None:
    hundred = [float(number) for number in range(100)]

    assert [percentile(hundred, percent) for percent in (0, 50, 95, 100)] == [0, 50, 95, 99]
    assert percentile([], 50) == 0


def test_a_slope_is_found_among_noise_that_cancels_out() -> None:
    points = [(float(second), 5 + 0.25 * second + (-1) ** second) for second in range(1_000)]

    assert slope(points) == pytest.approx(0.25, abs=0.001)
    assert slope([(1.0, 7.0), (1.0, 9.0)]) == 0


def test_only_the_second_half_decides_whether_something_grows() -> None:
    warming = [(float(second), float(min(second, 1_800))) for second in range(0, HOUR + 1, 10)]
    leaking = [(float(second), float(second)) for second in range(0, HOUR + 1, 10)]
    limit = Limit(floor=100.0)

    assert trend_of(warming).verdict(limit) is Verdict.FLAT
    assert trend_of(leaking).verdict(limit) is Verdict.GROWS
    assert trend_of(leaking).per_hour == pytest.approx(HOUR)


def test_a_share_of_the_mean_may_be_allowed() -> None:
    points = [(float(second), 1_000 + second / 60) for second in range(0, HOUR + 1, 10)]

    assert trend_of(points).verdict(Limit(floor=10.0)) is Verdict.GROWS
    assert trend_of(points).verdict(Limit(floor=10.0, share=0.1)) is Verdict.FLAT


def test_too_little_time_gives_no_verdict() -> None:
    points = [(float(second), float(second)) for second in range(0, 600, 10)]

    assert trend_of(points).verdict(Limit(floor=1.0)) is Verdict.TOO_SHORT


class Clock:
    """In the place of the module `time`: passes when told."""

    def __init__(self) -> None:
        self.now = 0

    def work(self, nanoseconds: int) -> None:
        self.now += nanoseconds

    def perf_counter_ns(self) -> int:
        return self.now

    thread_time_ns = perf_counter_ns


def test_time_goes_to_the_innermost_stage_also_of_generators_and_context_managers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr("bench.stages.time", clock)
    stages = Stages()

    def numbers() -> Iterator[int]:
        for number in range(2):
            clock.work(10)
            yield number

    @contextlib.contextmanager
    def manager() -> Iterator[None]:
        clock.work(3)
        yield
        clock.work(4)

    work = stages.timed("inner", clock.work)
    with stages.stage("outer"):
        work(100)
        clock.work(1)
        for _ in stages.timed("generator", numbers)():
            work(100)
            clock.work(1)
        with stages.timed("manager", manager)():
            work(100)
            clock.work(1)
    spent = stages.take()

    assert {name: stage.wall for name, stage in spent.items()} == {
        "inner": 400, "outer": 4, "generator": 20, "manager": 7}  # fmt: skip
    assert spent["inner"].calls == 4
    assert stages.take() == {}


def lines(*, found: int, own_memory_per_sample: int) -> list[Begin | Sample | Minute | End]:
    samples = [
        Sample(
            seconds=float(second),
            runs=second * 500,
            reports=second * 600,
            refused=0,
            broken=0,
            processes=[
                ProcessFigures(
                    pid=1,
                    role="web",
                    resident=200_000_000,
                    anonymous=100_000_000 + number * own_memory_per_sample,
                    pss=150_000_000,
                    descriptors=20,
                    threads=8,
                    cpu_seconds=second * 0.25,
                )
            ],
            waiting_rows=100,
            lag_seconds=0.2,
            parts={"task_runs_v2": 4},
            parts_bytes=second * 500 * 70,
            tracked_memory=None,
            sqlite=second * 500 * 2_400,
            wal=4_000_000,
            clickhouse_directory=10_000_000,
        )
        for number, second in enumerate(range(0, HOUR + 1, 10))
    ]
    return [
        Begin("2026-01-01T00:00:00+00:00", HOUR, 500, 4, 2_000, 2, "3.11", "Linux", "26.9",
              "sqlite"),
        *samples,
        Minute(60.0, 36_000, 900, 10.0, 20.0, 30.0, 40.0, 100, 15.0, 25.0),
        End(
            seconds=HOUR, runs=1_800_000, reports=2_160_000, requests=60_000, refused={503: 2},
            broken=0, rejected=0, unsettled=0, latest_ms=40.0, drained_after=0.3, reads_failed={},
            admin_pages=240, comparisons=[Comparison("runs", 1_800_000, found)], restarts=0,
        ),
    ]  # fmt: skip


def row_of(page: str, name: str) -> list[str]:
    row = next(line for line in page.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_page_of_a_soak_says_what_is_flat_and_what_grows() -> None:
    flat = summary(lines(found=1_800_000, own_memory_per_sample=0))
    leaking = summary(lines(found=1_800_000, own_memory_per_sample=1_000_000))

    assert row_of(flat, "web: own memory, MB")[1:] == [
        *["100"] * 7, "+0.0", "20.0", "flat"]  # fmt: skip
    assert row_of(leaking, "web: own memory, MB")[-3:] == ["+360.0", "20.0", "grows"]
    assert row_of(flat, "web: cores in use")[-1] == "flat"
    assert row_of(flat, "SQLite")[-2:] == ["2,400", "2,400"]
    assert "2 requests refused (2 with 503)" in flat


def test_the_page_of_a_soak_says_what_was_lost() -> None:
    page = summary(lines(found=1_799_999, own_memory_per_sample=0))

    assert row_of(page, "runs") == ["runs", "1,800,000", "1,799,999", "**no**"]


def test_a_log_that_was_cut_short_can_be_read_and_told(tmp_path: Path) -> None:
    written = lines(found=0, own_memory_per_sample=0)[:20]
    with (tmp_path / "log").open("wb") as log:
        for line in written:
            write_line(log, line)
        log.write(b'{"kind":"sample","sec')

    read = list(read_lines(tmp_path / "log"))

    assert read == written
    assert "did not come to its end: 90,000 runs" in summary(read)


def test_a_table_tells_each_row_when_it_is_measured() -> None:
    measured: list[str] = []

    def rows() -> Iterator[tuple[str, str]]:
        for name in ("one", "two"):
            measured.append(name)
            yield name, "1.0"

    lines = Table("Title", ("read", "ms"), rows()).lines()

    assert [next(lines) for _ in range(3)] == ["\nTitle:\n", "| read | ms |", "| --- | ---: |"]
    assert (next(lines), measured) == ("| one | 1.0 |", ["one"])
    assert (list(lines), measured) == (["| two | 1.0 |"], ["one", "two"])


@pytest.fixture
def decided(prod: Workspace) -> Decided:
    return make_decided(prod.key, 24)


def test_where_nearly_all_is_decided_the_lists_say_so(prod: Workspace, decided: Decided) -> None:
    counts = {
        status: len(prod.errors(status=status, period="90d"))
        for status in ("unresolved", "resolved", "ignored")
    }

    assert counts == {"unresolved": 2, "resolved": decided.resolved, "ignored": decided.ignored}
    assert (decided.resolved, decided.ignored) == (20, 2)


def test_groups_that_fail_again_come_back_in_a_newer_version_only(decided: Decided) -> None:
    def came_back() -> int:
        return sum(sum(part.values()) for part in sweep(decided.tenant))

    fail_again(decided.tenant, [2, 3, 4], "20260101.1", utc_now())
    older = came_back()
    fail_again(decided.tenant, [2, 3], "20260101.9", utc_now())
    newer = came_back()

    assert (older, newer, came_back()) == (0, 2, 0)
