"""The worker's loop: it goes on, whatever its replicator meets."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError, connections

from errors_app.services.worker import LONGEST_PAUSE_SECONDS, TICK_SECONDS, Worker
from runs_app.domain.errors import Unavailable
from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry
from runs_app.services.replicate import Outcome, Replicator
from tests.conftest import Workspace, failed, make_workspace


class Stop(threading.Event):
    """Notes the pauses instead of making them, and is set after some turns."""

    def __init__(self, turns: int) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._turns = turns

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        if len(self.pauses) == self._turns:
            self.set()
        return self.is_set()


class Scripted(Replicator):
    def __init__(self, *script: Outcome | Exception) -> None:
        super().__init__()
        self._script = iter(script)

    def replicate_once(self) -> Outcome:
        step = next(self._script)
        if isinstance(step, Unavailable):
            self.away = step
            return Outcome.AWAY
        if isinstance(step, Exception):
            raise step
        return step


@pytest.fixture
def prod_committed(clickhouse_tables: None, transactional_db: None) -> Workspace:
    return make_workspace("prod")


@pytest.fixture
def pauses(transactional_db: None) -> Callable[..., list[float]]:
    def run(*script: Outcome | Exception) -> list[float]:
        stop = Stop(len(script))
        Worker(Scripted(*script), stop).run()
        return stop.pauses

    return run


def test_reports_arrive_while_it_runs(prod_committed: Workspace) -> None:
    stop = threading.Event()
    prod_committed.send(failed("run_a"))
    worker = threading.Thread(target=_run_and_close, args=(stop,))
    worker.start()

    deadline = time.monotonic() + 60
    while OutboxEntry.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    worker.join(60)

    assert not worker.is_alive()
    assert [group["count"] for group in prod_committed.errors()] == [1]


def test_it_waits_a_tick_when_nothing_waits(pauses: Callable[..., list[float]]) -> None:
    assert pauses(Outcome.IDLE, Outcome.DONE) == [TICK_SECONDS, TICK_SECONDS]


def test_it_goes_on_at_once_while_somebody_has_waited_for_a_tick(
    prod: Workspace, pauses: Callable[..., list[float]]
) -> None:
    prod.send(failed("run_a"))
    OutboxEntry.objects.update(created_at=utc_now() - timedelta(seconds=1))

    assert pauses(Outcome.DONE, Outcome.DONE, Outcome.IDLE) == [0.0, 0.0, TICK_SECONDS]


def test_a_fresh_report_waits_for_company(
    prod: Workspace, pauses: Callable[..., list[float]]
) -> None:
    prod.send(failed("run_a"))
    OutboxEntry.objects.update(created_at=utc_now() + timedelta(seconds=1))

    assert pauses(Outcome.DONE) == [TICK_SECONDS]


def test_it_backs_off_up_to_two_seconds_and_starts_afresh_after(
    pauses: Callable[..., list[float]],
) -> None:
    away = [Outcome.AWAY] * 7

    waited = pauses(*away, Outcome.IDLE, Outcome.AWAY)

    assert waited[:7] == [0.1, 0.2, 0.4, 0.8, 1.6, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]
    assert waited[7:] == [TICK_SECONDS, 0.1]


def test_an_outage_of_the_relational_store_is_survived(
    pauses: Callable[..., list[float]], caplog: pytest.LogCaptureFixture
) -> None:
    waited = pauses(OperationalError("gone"), OperationalError("gone"), Outcome.IDLE)

    assert waited == [0.1, 0.2, TICK_SECONDS]
    assert all(record.exc_info is None for record in caplog.records)


def test_an_unexpected_failure_is_logged_with_its_stack_and_survived(
    pauses: Callable[..., list[float]], caplog: pytest.LogCaptureFixture
) -> None:
    waited = pauses(KeyError("a bug"), Outcome.IDLE)

    assert waited == [0.1, TICK_SECONDS]
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (OperationalError("gone"), "the relational store failed: gone"),
        (KeyError("a bug"), "a batch failed in an unexpected way; it stays and is tried again"),
        (Unavailable(technical_message="no route"), "a batch waits: no route"),
    ],
)
def test_what_is_wrong_is_told_once_and_its_end_too(
    pauses: Callable[..., list[float]],
    caplog: pytest.LogCaptureFixture,
    failure: Exception,
    told: str,
) -> None:
    pauses(*[failure] * 20, Outcome.IDLE, Outcome.IDLE)

    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == [
        told,
        "replication: works again",
    ]


def _run_and_close(stop: threading.Event) -> None:
    try:
        Worker(Replicator(), stop).run()
    finally:
        connections.close_all()
