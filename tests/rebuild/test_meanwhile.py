"""A rebuild while runs are reported and replicated, and one that is killed."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections

from errors_app.services.worker import Worker
from runs_app.models import ClickHouseRebuild
from runs_app.queries import rebuilds
from runs_app.services import rebuild as service
from runs_app.services.rebuild import begin_anew, rebuild
from runs_app.services.replicate import Replicator, registry
from tests.conftest import Workspace, make_workspace, settle
from tests.counting.figures import Failure, assert_counts
from tests.verify.history import at, boom, healed, resolve

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 100
RUNS = 40
MESSAGES = ("boom", "bang", "crash")

KILLED = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from runs_app.domain.fault_points import FaultPoint, listening
from runs_app.services import rebuild
rebuild.SLICE_ROWS = 8
passed = []

def die(point):
    passed.append(point)
    if passed.count(FaultPoint[sys.argv[2]]) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

with listening(die):
    call_command("rebuild_clickhouse", "--yes")
"""


class Reporter:
    """Reports runs that are new, move, heal and fail again, and knows where each counts."""

    def __init__(self, workspace: Workspace, seed: int) -> None:
        self._workspace = workspace
        self._random = random.Random(seed)
        self.failures: dict[str, Failure] = {}

    def tell(self) -> None:
        body: list[dict[str, Any]] = []
        for name in self._random.sample(range(RUNS), 5):
            run, minute = f"r{name}", name % 5
            if self._random.random() < 0.25:
                body.append(healed(run))
                self.failures.pop(f"run_{run}", None)
            else:
                message, version = self._random.choice(MESSAGES), self._random.choice("12")
                body.append(boom(run, message, minute, version=version))
                self.failures[f"run_{run}"] = Failure("send-mail", message, version, at(minute))
        self._workspace.send(*body)


@pytest.fixture
def workspace(transactional_db: None, clickhouse_tables: None) -> Iterator[Workspace]:
    """A workspace whose rows other threads and processes see."""
    yield make_workspace()
    connections.close_all()


def in_thread(work: Any, failures: list[BaseException]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_counts_are_exact_after_a_rebuild_among_reports_and_batches(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "SLICE_ROWS", 4)
    reporter = Reporter(workspace, seed=7)
    for _ in range(6):
        reporter.tell()
    settle()
    stop = threading.Event()
    failures: list[BaseException] = []
    told: list[int] = []

    def report() -> None:
        while not stop.is_set():
            reporter.tell()
            told.append(1)

    threads = [
        in_thread(report, failures),
        in_thread(Worker(Replicator(), stop).run, failures),
    ]
    reports: list[int] = []

    def wait_for_reports(_progress: rebuilds.RebuildProgress) -> None:
        # Something is to happen between two steps, however slow the machine is.
        reports.append(len(told))
        stop.wait(0.05)

    rebuild(lambda _: False, wait_for_reports)
    stop.set()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)

    assert not failures
    assert reports[-1] > reports[0]
    settle()
    assert_counts(workspace, reporter.failures)


def test_a_rebuild_that_is_begun_anew_in_the_middle_of_a_step_tells_everything_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.report(boom("a", "alpha", 0))
    resolve(workspace, "alpha")
    write = registry.write_states
    assert write is not None
    failures: list[BaseException] = []
    others: list[threading.Thread] = []

    def begin_anew_meanwhile(rows: Any) -> None:
        write(rows)
        if not others:
            others.append(in_thread(begin_anew, failures))
            # Where nothing kept it from it, it has done so by then.
            others[0].join(2.0)

    monkeypatch.setattr(registry, "write_states", begin_anew_meanwhile)
    shown: list[int] = []

    def wait_for_the_other(progress: rebuilds.RebuildProgress) -> None:
        for thread in others:
            thread.join(DEADLINE_SECONDS)
        shown.append(progress.runs_told)

    rebuild(lambda _: False, wait_for_the_other)

    assert not failures
    assert (shown.count(0), shown[-1]) == (2, 1)
    assert [group["errorMessage"] for group in workspace.errors(status="resolved")] == ["alpha"]


@pytest.mark.parametrize("point", ["AFTER_ROWS_AGAIN", "AFTER_MINUTES"])
def test_a_killed_rebuild_goes_on_and_ends_exact(workspace: Workspace, point: str) -> None:
    reporter = Reporter(workspace, seed=11)
    for _ in range(6):
        reporter.tell()
    settle()

    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(connection.settings_dict["NAME"]), point],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "FAULTLINE_DATA": str(settings.FAULTLINE_DATA),
        },
        timeout=DEADLINE_SECONDS,
        check=False,
        capture_output=True,
    )

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert 0 < ClickHouseRebuild.objects.get().runs_told <= 8
    reporter.tell()
    settle()
    rebuild(lambda _: False, lambda _: None)
    reporter.tell()
    settle()
    assert_counts(workspace, reporter.failures)
