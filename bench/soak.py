"""Hours of even load on a service of its own: what grows, what is refused, and whether all counts.

`python -m bench soak` writes a file of JSON lines while it runs, and a summary of it at the end,
also when Ctrl-C ended it. `python -m bench soak-summary FILE` writes that summary again.
"""

import argparse
import contextlib
import os
import platform
import signal
import sys
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import BinaryIO, Final

import django
from rich.console import Console

from bench.family import family_figures
from bench.pacing import Pacer, percentile, wait_until
from bench.readers import Person, Program
from bench.service import HttpClient, Service, now, running
from bench.soak_log import Begin, Comparison, End, Minute, Sample, read_lines, write_line
from bench.soak_summary import summary
from bench.teams import GROUPS, Latencies, Material, Tally, Team, sum_of
from bench.writes import wait_until_visible

ENVIRONMENT: Final = "prod"
SAMPLE_SECONDS: Final = 10.0
SAMPLES_PER_MINUTE: Final = 6
FAMILY_ROLES_OF_ONE: Final = ("serve", "worker", "clickhouse")
console = Console(width=120)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--rate", type=float, default=500.0, help="new runs a second")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--log", type=Path, default=Path(".bench-soak.jsonl"))
    parser.add_argument("--summary", type=Path, default=Path(".bench-soak.md"))
    parser.add_argument("--directory", type=Path, default=Path.cwd(), help="where data goes")


def soak(options: argparse.Namespace) -> None:
    """Runs one. Ends with exit code 1 where a count differs or a report was rejected."""
    stop = threading.Event()
    _catch_signals(stop)
    with (
        tempfile.TemporaryDirectory(prefix=".bench-", dir=options.directory) as directory,
        options.log.open("wb") as log,
    ):
        data = Path(directory)
        os.environ["FAULTLINE_DATA"] = str(data)
        os.environ["CLICKHOUSE_URL"] = ""
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        os.environ.setdefault("FAULTLINE_LOG_LEVEL", "WARNING")
        with running(data) as service:
            django.setup()
            try:
                _Soak(options, service, data, log, stop).run()
            finally:
                options.summary.write_text(summary(list(read_lines(options.log))))
                served = (data / "serve.log").read_text()
    console.print(f"Written: {options.log}, {options.summary}")
    if served:
        console.print(f"The service said:\n{served[-3_000:]}", markup=False)
    ends = [line for line in read_lines(options.log) if isinstance(line, End)]
    if not ends or not is_exact(ends[0]):
        sys.exit("Not everything that was sent was counted as it was sent.")


def is_exact(end: End) -> bool:
    return not end.rejected and all(one.sent == one.found for one in end.comparisons)


class _Soak:
    def __init__(
        self,
        options: argparse.Namespace,
        service: Service,
        data: Path,
        log: BinaryIO,
        stop: threading.Event,
    ) -> None:
        self._options = options
        self._service = service
        self._data = data
        self._log = log
        self._asked_to_stop = stop
        self._stop_sending = threading.Event()
        self._answers = Latencies()
        self._reads = Latencies()
        self._begin = now()
        self._reports_told = 0
        self._pids: set[int] = set()
        self._restarts = 0

    def run(self) -> None:
        options, service = self._options, self._service
        material = Material(Random(0))  # noqa: S311
        write_line(self._log, _beginning(options))
        self._begin = now()
        pacer = Pacer(options.rate, self._begin)
        self._teams = [
            Team(
                number, service, ENVIRONMENT, material, pacer, self._stop_sending, self._answers
            )
            for number in range(options.connections)
        ]  # fmt: skip
        program = Program(service, ENVIRONMENT, self._stop_sending, self._reads)
        person = Person(service, self._stop_sending)
        runs = [*(team.run for team in self._teams), program.run, person.run]
        threads = [threading.Thread(target=run, daemon=True) for run in runs]
        for thread in threads:
            thread.start()
        self._watch()
        self._stop_sending.set()
        for thread in threads:
            thread.join()
        total = sum_of([team.tally for team in self._teams])
        last_acknowledged = now()
        drained_after = wait_until_visible(service, ENVIRONMENT) - last_acknowledged
        write_line(self._log, self._sample())
        write_line(
            self._log,
            End(
                seconds=last_acknowledged - self._begin,
                runs=total.runs,
                reports=total.reports,
                requests=total.requests,
                refused=dict(total.refused),
                broken=total.broken,
                rejected=total.rejected,
                unsettled=total.unsettled,
                latest_ms=total.latest * 1_000,
                drained_after=drained_after,
                reads_failed=dict(program.failed + person.failed),
                admin_pages=person.pages,
                comparisons=_comparisons(service, total),
                restarts=self._restarts,
            ),
        )

    def _watch(self) -> None:
        """Sample until the time is over or somebody asks to stop."""
        sampled = 0
        while (moment := sampled * SAMPLE_SECONDS) < self._options.seconds:
            wait_until(self._begin + moment, sleep=self._asked_to_stop.wait)
            if self._asked_to_stop.is_set():
                return
            sample = self._sample()
            write_line(self._log, sample)
            if sampled and sampled % SAMPLES_PER_MINUTE == 0:
                minute = self._minute()
                write_line(self._log, minute)
                console.print(
                    f"{minute.seconds:6.0f} s: {sample.runs:,} runs, {sample.waiting_rows} rows"
                    f" wait, answers p50 {minute.p50_ms:.0f} ms p95 {minute.p95_ms:.0f} ms,"
                    f" {sample.refused + sample.broken} refused",
                    highlight=False,
                )
            sampled += 1
        wait_until(self._begin + self._options.seconds, sleep=self._asked_to_stop.wait)

    def _sample(self) -> Sample:
        tallies = [team.tally for team in self._teams]
        processes = family_figures(self._service.pid)
        pids = {process.pid for process in processes}
        if self._pids:
            self._restarts += len(pids - self._pids)
        self._pids |= pids
        replication = _replication(self._service)
        parts = _parts()
        return Sample(
            seconds=now() - self._begin,
            runs=sum(tally.runs for tally in tallies),
            reports=sum(tally.reports for tally in tallies),
            refused=sum(sum(list(tally.refused.values())) for tally in tallies),
            broken=sum(tally.broken for tally in tallies),
            processes=processes,
            waiting_rows=None if replication is None else replication[0],
            lag_seconds=None if replication is None else replication[1],
            parts=None if parts is None else {table: count for table, count, _ in parts},
            parts_bytes=None if parts is None else sum(size for _, _, size in parts),
            tracked_memory=_tracked_memory(),
            sqlite=_size(self._data / "faultline.sqlite3"),
            wal=_size(self._data / "faultline.sqlite3-wal"),
            clickhouse_directory=_directory_size(self._data / "clickhouse"),
        )

    def _minute(self) -> Minute:
        answers, reads = self._answers.take(), self._reads.take()
        reports = sum(team.tally.reports for team in self._teams)
        told, self._reports_told = self._reports_told, reports
        return Minute(
            seconds=now() - self._begin,
            reports=reports - told,
            requests=len(answers),
            p50_ms=percentile(answers, 50) * 1_000,
            p95_ms=percentile(answers, 95) * 1_000,
            p99_ms=percentile(answers, 99) * 1_000,
            slowest_ms=max(answers, default=0.0) * 1_000,
            reads=len(reads),
            read_p50_ms=percentile(reads, 50) * 1_000,
            read_p95_ms=percentile(reads, 95) * 1_000,
        )


def _catch_signals(stop: threading.Event) -> None:
    """The first request to stop ends the load, and lets the rest be told; a second one is rude."""

    def caught(number: int, _frame: object) -> None:
        if stop.is_set():
            sys.exit(128 + number)
        stop.set()

    signal.signal(signal.SIGTERM, caught)
    signal.signal(signal.SIGINT, caught)


def _beginning(options: argparse.Namespace) -> Begin:
    # They need Django's settings, as everything below this line.
    from django.db import connection  # noqa: PLC0415

    from runs_app.clickhouse.client import clickhouse  # noqa: PLC0415

    return Begin(
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=options.seconds,
        rate=options.rate,
        connections=options.connections,
        groups=GROUPS,
        cores=os.cpu_count() or 1,
        python=platform.python_version(),
        system=platform.system(),
        engine=str(clickhouse().command("bench engine", "SELECT version()")[0][0]),
        relational=connection.vendor,
    )


def _replication(service: Service) -> tuple[int, float] | None:
    """Rows that wait and for how long, or None where the service does not say."""
    try:
        connection = HttpClient(service.port, service.keys[ENVIRONMENT])
        with contextlib.closing(connection):
            told = connection.get_json("/readyz")["replication"]
    except (OSError, EOFError, RuntimeError):
        return None
    return int(told["waitingRows"]), float(told["lagSeconds"])


def _parts() -> list[tuple[str, int, int]] | None:
    """Table, active parts and their bytes."""
    from runs_app.clickhouse.client import clickhouse  # noqa: PLC0415
    from runs_app.domain.errors import DomainError  # noqa: PLC0415

    try:
        rows = clickhouse().command(
            "bench parts",
            "SELECT table, count(), sum(bytes_on_disk) FROM system.parts"
            " WHERE active AND database = currentDatabase() GROUP BY table",
        )
    except DomainError:
        return None
    return [(str(table), int(count), int(size)) for table, count, size in rows]


def _tracked_memory() -> int | None:
    """What the engine believes it has allocated."""
    from runs_app.clickhouse.client import clickhouse  # noqa: PLC0415
    from runs_app.domain.errors import DomainError  # noqa: PLC0415

    try:
        rows = clickhouse().command(
            "bench memory", "SELECT value FROM system.metrics WHERE metric = 'MemoryTracking'"
        )
    except DomainError:
        return None
    return int(rows[0][0]) if rows else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _directory_size(directory: Path) -> int:
    """What the files below occupy. They come and go meanwhile."""
    total = 0
    for path, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(path, name).stat().st_blocks * 512
    return total


def _comparisons(service: Service, total: Tally) -> list[Comparison]:
    """What was sent, beside what both stores and the API say."""
    from bench.soak_counts import compare_counts  # noqa: PLC0415

    return compare_counts(service, ENVIRONMENT, total)
