"""Where the time of a report goes: `python -m bench profile`.

Everything is done in this process, one thing after another, so that the clock of a thread tells
what each stage takes: the WSGI application with requests of 1, 100 and 1,000 runs, then the
replicator. Only the embedded engine is another process, as ever; of it, CPU time is read.
"""

import argparse
import io
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

import django
from rich.console import Console

from bench.family import cpu_seconds
from bench.reports import templates
from bench.stages import Spent, Stages
from bench.tables import markdown_table

BATCHES: Final = (1, 100, 1_000)
# Requests of each batch size, for which the clocks are fine enough.
REQUESTS: Final[Mapping[int, int]] = {1: 600, 100: 150, 1_000: 25}
WARM_UP: Final = 10
ROWS_PER_INSERT: Final = (100, 1_000, 10_000)
ROWS_INSERTED: Final = 50_000
LEAST_INSERTS: Final = 10
MANY_INSERTS: Final = 100
GROUPS: Final = 500
THE_REST: Final = "Django, DRF, the answer"
REPLICATOR: Final = "the rest of the turn"
console = Console(soft_wrap=True)

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]
Parts = Sequence[tuple[bytes, bytes]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--directory", type=Path, default=Path.cwd(), help="where data goes")


def profile(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=options.directory) as directory:
        os.environ["FAULTLINE_DATA"] = directory
        os.environ["CLICKHOUSE_URL"] = ""
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        os.environ.setdefault("FAULTLINE_LOG_LEVEL", "WARNING")
        django.setup()
        _profile()


def _profile() -> None:
    # They need Django's settings, as everything imported below.
    from config.wsgi import application  # noqa: PLC0415
    from runs_app.clickhouse.client import clickhouse  # noqa: PLC0415
    from runs_app.services.bootstrap import bootstrap  # noqa: PLC0415
    from runs_app.services.replicate import Replicator  # noqa: PLC0415
    from runs_app.services.stores import migrate_stores  # noqa: PLC0415

    migrate_stores()
    secrets = bootstrap().secrets
    if secrets is None:
        raise SystemExit("The directory was not empty.")
    key = secrets.api_keys["staging"]
    prepared = list(templates(GROUPS))
    stages, replicator = Stages(), Replicator()
    requests: dict[int, dict[str, Spent]] = {}
    batches: dict[int, dict[str, Spent]] = {}
    numbers = itertools.count()
    rows: list[Any] = []
    with _kept(rows), _ingest_stages(stages), _replicator_stages(stages):
        for size in BATCHES:
            for measured in (WARM_UP, REQUESTS[size]):
                replicator.drain()
                stages.take()
                for number in itertools.islice(numbers, measured):
                    _report(application, key, _body(prepared, size, number), stages)
                requests[size] = stages.take()
            with stages.stage(REPLICATOR):
                replicator.drain()
            batches[size] = stages.take()
    _print_stages("A request, microseconds a run", requests)
    _print_stages("The worker, microseconds a run", batches)
    _print_engine(rows)
    clickhouse().close()


def _report(application: Application, key: str, body: bytes, stages: Stages) -> None:
    answers: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/v1/runs",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    with stages.stage(THE_REST):
        response = application(environ, lambda status, headers, failed=None: answers.append(status))
        content = b"".join(response)
        response.close()
    if not answers[0].startswith("200"):
        raise SystemExit(f"A report was answered {answers[0]}: {content[:300]!r}")


def _body(prepared: Parts, size: int, number: int) -> bytes:
    items = []
    for place in range(size):
        before, after = prepared[(number * size + place) % len(prepared)]
        items.append(b"%srun_profile%dn%dp%d%s" % (before, size, number, place, after))
    return items[0] if size == 1 else b"[" + b",".join(items) + b"]"


@contextmanager
def _ingest_stages(stages: Stages) -> Iterator[None]:
    """Timers around what a request calls, where it is looked up."""
    from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: PLC0415

    from runs_app.api import runs  # noqa: PLC0415
    from runs_app.queries import outbox, task_runs  # noqa: PLC0415
    from runs_app.services import ingest, transactions  # noqa: PLC0415
    from runs_app.web import authentication  # noqa: PLC0415

    timed: tuple[tuple[object, str, str], ...] = (
        (authentication, "authenticate", "authentication"),
        (runs, "read_body", "reading and splitting the body"),
        (runs, "split_body", "reading and splitting the body"),
        (ingest, "decode_report", "decoding and checking a report"),
        (ingest, "prepare_report", "the fingerprint"),
        (transactions, "write_turn", "the turn at the write lock"),
        (task_runs, "_lock_rows", "looking for known runs"),
        (task_runs, "_read_runs", "looking for known runs"),
        (ingest, "apply_report", "applying a report"),
        (ingest, "change_of", "the rows for ClickHouse"),
        (task_runs, "insert_runs", "INSERT of runs"),
        (task_runs, "update_runs", "INSERT of runs"),
        (outbox, "encode_rows", "encoding the outbox entry"),
        (outbox, "enqueue", "INSERT of the outbox entry"),
        (BaseDatabaseWrapper, "commit", "COMMIT, with its sync"),
    )
    with _patched(stages, timed):
        yield


@contextmanager
def _replicator_stages(stages: Stages) -> Iterator[None]:
    from runs_app.clickhouse.client import ClickHouse  # noqa: PLC0415
    from runs_app.queries import outbox  # noqa: PLC0415
    from runs_app.services import replicate  # noqa: PLC0415

    timed: tuple[tuple[object, str, str], ...] = (
        (outbox, "claim_batch", "claiming a batch"),
        (outbox, "read_batch", "reading it"),
        (replicate, "decode_rows", "decoding its rows"),
        (ClickHouse, "insert", "the INSERT into ClickHouse, with waiting for it"),
        (outbox, "delete_batch", "deleting it"),
    )
    with _patched(stages, timed):
        yield


@contextmanager
def _patched(stages: Stages, timed: Sequence[tuple[object, str, str]]) -> Iterator[None]:
    with ExitStack() as stack:
        for place, name, stage in timed:
            function = stages.timed(stage, getattr(place, name))
            stack.enter_context(mock.patch.object(place, name, function))
        yield


def _print_stages(title: str, spent: Mapping[int, Mapping[str, Spent]]) -> None:
    names = list(dict.fromkeys(name for stages in spent.values() for name in stages))
    columns = [title]
    for size in spent:
        columns += [f"{size:,}: CPU", "wall"]
    rows = []
    for name in [*names, "together"]:
        row = [name]
        for size, stages in spent.items():
            runs = size * REQUESTS[size]
            found = list(stages.values()) if name == "together" else [stages.get(name, Spent())]
            row.append(_microseconds(sum(one.cpu for one in found) / runs))
            row.append(_microseconds(sum(one.wall for one in found) / runs))
        rows.append(row)
    console.print(f"\n{markdown_table(columns, rows)}", markup=False, highlight=False)


def _microseconds(nanoseconds: float) -> str:
    value = nanoseconds / 1_000
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


@contextmanager
def _kept(rows: list[Any]) -> Iterator[None]:
    """Adds the rows of every insert into the runs table."""
    from runs_app.clickhouse.client import ClickHouse  # noqa: PLC0415

    insert = ClickHouse.insert

    def keep(door: ClickHouse, table: str, columns: Any, inserted: Any, **more: Any) -> None:
        if table == "task_runs_v2":
            rows.extend(inserted)
        insert(door, table, columns, inserted, **more)

    with mock.patch.object(ClickHouse, "insert", keep):
        yield


def _print_engine(rows: Sequence[Any]) -> None:
    """What the engine spends on an insert of so many rows, with its views and without."""
    from django.conf import settings  # noqa: PLC0415

    from runs_app.clickhouse.client import clickhouse  # noqa: PLC0415
    from runs_app.clickhouse.embedded.places import Places  # noqa: PLC0415

    told = Places(settings.FAULTLINE_DATA / "clickhouse").read_endpoint()
    if told is None:
        raise SystemExit("The engine is not there.")
    pid = told[1].pid
    clickhouse().command("bench plain", "CREATE TABLE bench_plain AS task_runs_v2")
    told_rows = []
    for size in ROWS_PER_INSERT:
        plain = _engine_microseconds(pid, "bench_plain", rows, size)
        viewed = _engine_microseconds(pid, "task_runs_v2", rows, size)
        told_rows.append(
            (f"{size:,}", f"{viewed:.1f}", f"{plain:.1f}", f"{viewed - plain:.1f}",
             f"{viewed * size / 1_000:,.1f}")
        )  # fmt: skip
    columns = ("Rows an insert", "the engine, CPU microseconds a row", "the table alone",
               "its views", "CPU ms an insert")  # fmt: skip
    console.print(f"\n{markdown_table(columns, told_rows)}", markup=False, highlight=False)


def _engine_microseconds(pid: int, table: str, rows: Sequence[Any], size: int) -> float:
    """CPU time a row, merges that run meanwhile included."""
    from runs_app.clickhouse.client import clickhouse  # noqa: PLC0415
    from runs_app.domain.run_rows import COLUMNS  # noqa: PLC0415

    inserts = max(ROWS_INSERTED // size, LEAST_INSERTS) if size >= 1_000 else MANY_INSERTS
    spent = cpu_seconds(pid)
    for number in range(inserts):
        first = number * size % max(len(rows) - size, 1)
        clickhouse().insert(table, COLUMNS, rows[first : first + size])
    return (cpu_seconds(pid) - spent) * 1e6 / (inserts * size)
