"""What probes ask: without credentials, at any time, and never for long."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from config import health
from runs_app.clickhouse.failures import ClickHouseUnavailable
from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry
from runs_app.queries import outbox
from tests.conftest import Workspace, failed, settle


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
    }
    assert answer.headers["Cache-Control"] == "no-store"


def test_readyz_tells_how_far_replication_is_behind(prod: Workspace) -> None:
    prod.send(failed("run_a"), failed("run_b"))
    OutboxEntry.objects.update(created_at=utc_now() - timedelta(seconds=90))

    waiting = get("/readyz").json()["replication"]
    settle()
    settled = get("/readyz").json()["replication"]

    assert waiting["waitingRows"] == 2
    assert 90 <= waiting["lagSeconds"] < 100
    assert settled == {"waitingRows": 0, "lagSeconds": 0.0, "quarantinedRows": 0}


def test_rows_set_aside_degrade_and_do_not_stop_traffic(prod: Workspace) -> None:
    prod.send(failed("run_a"))
    OutboxEntry.objects.update(quarantined_at=utc_now(), reason="refused")

    answer = get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["replication"]["quarantinedRows"] == 1


def test_a_clickhouse_that_is_away_is_told_in_a_constant_word(prod: Workspace, away: None) -> None:
    answer = get("/readyz")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["status"] == "unavailable"
    assert answer.json()["clickhouse"] == "unavailable"
    assert answer.json()["database"] == "ok"
    assert "10.1.2.3" not in answer.content.decode()


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


def test_pending_migrations_are_not_ready(prod: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "relational_migrated", health.Migrated(lambda: True))
    monkeypatch.setattr(health, "clickhouse_migrated", health.Migrated(lambda: True))

    answer = get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["database"] == "migrations pending"
    assert answer.json()["clickhouse"] == "migrations pending"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_only_read(path: str) -> None:
    assert Client().post(path).status_code == 405
