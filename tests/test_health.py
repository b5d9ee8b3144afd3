"""What probes ask: without credentials, at any time, and never for long."""

import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config import health
from runs_app.clickhouse.client import ClickHouse, EmbeddedTarget
from runs_app.clickhouse.failures import ClickHouseUnavailable
from runs_app.clickhouse.migrate import migrate, pending
from runs_app.domain.times import utc_now
from runs_app.models import ClickHouseRebuild, OutboxEntry, QuarantinedRow
from runs_app.queries import outbox
from runs_app.services import back_pressure
from tests.conftest import Workspace, failed, settle


class Clock:
    """The monotonic clock of the gauge; time passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(back_pressure, "time", clock)
    monkeypatch.setattr(back_pressure, "gauge", back_pressure.Gauge())
    return clock


def get(path: str) -> Any:
    return Client().get(path)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def query(self, *_: Any) -> None:
            raise ClickHouseUnavailable("10.1.2.3:9000 refused", sent=False)

    monkeypatch.setattr(health, "clickhouse", Away)
    monkeypatch.setattr(health.clickhouse_migrated, "seen", True)


def test_healthz_answers_without_any_store() -> None:
    # No database fixture: a query would fail the test.
    answer = get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["Cache-Control"] == "no-store"


def test_readyz_is_ok_when_both_stores_answer(prod: Workspace) -> None:
    answer = get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "database": "ok",
        "clickhouse": "ok",
        "replication": {"waitingRows": 0, "lagSeconds": 0.0, "quarantinedRows": 0},
        "ingest": {
            "accepting": True,
            "refusedFor": None,
            "freeDiskBytes": answer.json()["ingest"]["freeDiskBytes"],
        },
        "rebuild": None,
    }
    assert answer.headers["Cache-Control"] == "no-store"


def test_readyz_tells_how_far_replication_is_behind(prod: Workspace, clock: Clock) -> None:
    prod.send(failed("run_a"), failed("run_b"))
    clock.now += back_pressure.FRESH_SECONDS
    OutboxEntry.objects.update(created_at=utc_now() - timedelta(seconds=90))

    waiting = get("/readyz").json()["replication"]
    settle()
    clock.now += back_pressure.FRESH_SECONDS
    settled = get("/readyz").json()["replication"]

    assert waiting["waitingRows"] == 2
    assert 90 <= waiting["lagSeconds"] < 100
    assert settled == {"waitingRows": 0, "lagSeconds": 0.0, "quarantinedRows": 0}


def test_rows_set_aside_degrade_and_do_not_stop_traffic(prod: Workspace) -> None:
    QuarantinedRow.objects.create(
        kind=OutboxEntry.Kind.RUNS,
        environment=prod.environment,
        row_count=1,
        reason="refused",
        created_at=utc_now(),
        quarantined_at=utc_now(),
        content=b"",
    )

    answer = get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["replication"]["quarantinedRows"] == 1


def test_a_rebuild_of_clickhouse_degrades_and_tells_how_far_it_has_come(prod: Workspace) -> None:
    ClickHouseRebuild.objects.create(started_at=utc_now(), finished_at=utc_now(), runs_total=7)
    before = get("/readyz").json()
    ClickHouseRebuild.objects.create(started_at=utc_now(), runs_total=40, runs_told=10)

    answer = get("/readyz")

    assert (before["status"], before["rebuild"]) == ("ok", None)
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["rebuild"] == {"runsTold": 10, "runsTotal": 40}


@pytest.mark.parametrize(
    ("limit", "value", "word"),
    [("MAX_WAITING_ROWS", 1, "backlog"), ("MIN_FREE_DISK", 2**63, "disk")],
)
def test_refused_reports_degrade_and_are_told_in_a_constant_word(
    prod: Workspace,
    settings: Any,
    clock: Clock,
    limit: str,
    value: int,
    word: str,
) -> None:
    settings.DATA_HOLDS_A_STORE = True
    prod.send(failed("run_a"), failed("run_b"))
    clock.now += back_pressure.FRESH_SECONDS
    setattr(settings, limit, value)

    answer = get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["ingest"]["accepting"] is False
    assert answer.json()["ingest"]["refusedFor"] == word


def test_the_disk_is_told_only_where_a_store_is_on_it(
    prod: Workspace, settings: Any, clock: Clock
) -> None:
    settings.DATA_HOLDS_A_STORE = True
    here = get("/readyz").json()["ingest"]["freeDiskBytes"]
    settings.DATA_HOLDS_A_STORE = False
    clock.now += back_pressure.FRESH_SECONDS
    elsewhere = get("/readyz").json()["ingest"]["freeDiskBytes"]

    assert here > 0
    assert elsewhere is None


def test_a_clickhouse_that_is_away_is_told_in_a_constant_word(prod: Workspace, away: None) -> None:
    answer = get("/readyz")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["status"] == "unavailable"
    assert answer.json()["clickhouse"] == "unavailable"
    assert answer.json()["database"] == "ok"
    assert "10.1.2.3" not in answer.content.decode()


def test_a_probe_that_finds_a_store_away_is_no_line_of_the_error_log(
    prod: Workspace, away: None, caplog: pytest.LogCaptureFixture
) -> None:
    answer = get("/readyz")

    assert answer.status_code == 503
    assert "django.request" not in {record.name for record in caplog.records}


def test_a_database_that_is_away_is_told_in_a_constant_word(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise OperationalError("could not connect to 10.1.2.3")

    monkeypatch.setattr(outbox, "figures", broken)

    answer = get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["database"] == "unavailable"
    assert answer.json()["clickhouse"] == "ok"
    assert answer.json()["replication"] is None
    assert answer.json()["ingest"] is None
    assert "10.1.2.3" not in answer.content.decode()


def test_a_clickhouse_that_hangs_costs_a_bounded_wait_and_one_thread(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    asked = []

    def hang() -> str:
        asked.append(None)
        release.wait(20)
        return health.OK

    monkeypatch.setattr(health, "clickhouse_probe", health.Probe(hang))
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.3)
    began = time.monotonic()

    answers = [get("/readyz") for _ in range(3)]

    took = time.monotonic() - began
    release.set()
    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert took < 10
    assert len(asked) == 1


def test_however_many_probe_the_backlog_is_counted_once_a_second(
    prod: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    count = outbox.waiting_rows

    def counting() -> int:
        counted.append(count())
        return counted[-1]

    monkeypatch.setattr(outbox, "waiting_rows", counting)
    prod.send(failed("run_a"))
    clock.now += back_pressure.FRESH_SECONDS
    counted.clear()

    first = [get("/readyz").json()["replication"]["waitingRows"] for _ in range(3)]
    clock.now += back_pressure.FRESH_SECONDS
    second = [get("/readyz").json()["replication"]["waitingRows"] for _ in range(3)]

    assert first == second == [1, 1, 1]
    assert counted == [1, 1]


def test_a_probe_of_a_deep_backlog_costs_the_same_queries(
    prod: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "COUNTED_ENTRIES", 20)
    monkeypatch.setattr(outbox, "SLICES", 5)
    monkeypatch.setattr(health.relational_migrated, "seen", True)

    def queries_at(entries: int) -> int:
        OutboxEntry.objects.bulk_create(
            OutboxEntry(
                kind=OutboxEntry.Kind.RUNS,
                environment=prod.environment,
                content=b"",
                row_count=1,
                size=0,
                created_at=utc_now(),
            )
            for _ in range(entries)
        )
        clock.now += back_pressure.FRESH_SECONDS
        with CaptureQueriesContext(connection) as queries:
            assert get("/readyz").status_code == 200
        return len(queries)

    assert queries_at(100) == queries_at(2_000) <= 12


def test_pending_migrations_are_not_ready(prod: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "relational_migrated", health.Migrated(lambda: True))
    monkeypatch.setattr(health, "clickhouse_migrated", health.Migrated(lambda: True))

    answer = get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["database"] == "migrations pending"
    assert answer.json()["clickhouse"] == "migrations pending"


def test_a_lost_table_is_unavailable_and_an_emptied_clickhouse_is_to_be_migrated(
    prod: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if settings.CLICKHOUSE_URL:
        pytest.skip("an engine of our own is to lose its tables")
    target = EmbeddedTarget(tmp_path / "clickhouse")
    door = ClickHouse(target)
    monkeypatch.setattr(health, "clickhouse", lambda: door)
    seen = health.Migrated(lambda: bool(pending(door)))
    monkeypatch.setattr(health, "clickhouse_migrated", seen)
    migrate(door)
    before = get("/readyz")
    door.command("test", "DROP TABLE errors_v1 SYNC")
    without_a_table = get("/readyz")
    door.command("test", "DROP DATABASE faultline SYNC")
    door.command("test", "CREATE DATABASE faultline")
    emptied = get("/readyz")
    migrate(door)
    after = get("/readyz")
    door.close()
    target._lease.release()

    assert before.status_code == 200
    assert without_a_table.status_code == 503
    assert without_a_table.json()["clickhouse"] == "unavailable"
    assert emptied.status_code == 503
    assert emptied.json()["clickhouse"] == "migrations pending"
    assert after.status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_only_read(path: str) -> None:
    assert Client().post(path).status_code == 405
