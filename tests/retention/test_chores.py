"""Chores: done every so often beside replication, half of the time at most, and by one worker."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError

from errors_app.services import chores
from errors_app.services.chores import Chore, Chores, all_chores
from runs_app.domain.errors import Unavailable
from runs_app.models import TaskRun
from tests.conftest import Workspace, failed, make_workspace
from tests.retention.sweeping import make_old
from tests.serve.family import within

ROOT = Path(__file__).resolve().parents[2]


class Rests(threading.Event):
    """Notes how long it is waited for, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.rests: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.rests.append(timeout or 0.0)
        return False


@pytest.fixture
def committed(clickhouse_tables: None, transactional_db: None) -> Workspace:
    return make_workspace("prod")


@pytest.fixture
def start(transactional_db: None) -> Iterator[Callable[..., threading.Thread]]:
    """Does chores in a thread, until the end of the test."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def started(*some: Chore) -> threading.Thread:
        thread = threading.Thread(target=Chores(some, stop, first_seconds=0.0).run)
        thread.start()
        threads.append(thread)
        return thread

    yield started
    stop.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_expired_runs_go_by_themselves(
    committed: Workspace, start: Callable[..., threading.Thread]
) -> None:
    committed.report(failed("run_a"), failed("run_b"))
    make_old("run_a")

    start(*all_chores())

    assert within(60, lambda: TaskRun.objects.count() == 1)


def test_each_chore_has_its_own_interval(start: Callable[..., threading.Thread]) -> None:
    done: list[str] = []

    def note(name: str) -> Callable[[], list[object]]:
        return lambda: [done.append(name)]

    start(Chore("often", 0.01, note("often")), Chore("once", 3600, note("once")))

    assert within(60, lambda: done.count("often") >= 5)
    assert done.count("once") == 1


def test_it_rests_after_a_step_as_long_as_it_took_but_not_longer_than_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop = Rests()
    # When it is made; then the beginning and the end of each step, and the last beginning.
    now = iter([0.0, 0.0, 0.125, 10.0, 13.0, 20.0])
    monkeypatch.setattr(chores.time, "monotonic", lambda: next(now))
    chore = Chore("work", 5.0, lambda: [1, 2])
    work = Chores([chore], stop, first_seconds=0.0)

    reached_the_end = work._work(chore)

    assert reached_the_end
    assert stop.rests == [0.125, chores.LONGEST_REST_SECONDS]


def test_a_chore_is_left_between_two_steps(transactional_db: None) -> None:
    stop = threading.Event()
    steps: list[int] = []

    def endless() -> Iterator[None]:
        while True:
            steps.append(1)
            yield

    thread = threading.Thread(
        target=Chores([Chore("endless", 1, endless)], stop, first_seconds=0).run
    )
    thread.start()
    assert within(60, lambda: len(steps) > 3)
    stop.set()
    thread.join(60)

    assert not thread.is_alive()


def test_only_one_worker_does_chores(
    start: Callable[..., threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, go_on, refused = threading.Event(), threading.Event(), threading.Event()
    turn_at_chores = chores._turn_at_chores

    @contextlib.contextmanager
    def noted() -> Iterator[bool]:
        with turn_at_chores() as ours:
            if not ours:
                refused.set()
            yield ours

    monkeypatch.setattr(chores, "_turn_at_chores", noted)
    turned_up: list[str] = []

    def long_one() -> Iterator[None]:
        at_work.set()
        go_on.wait(120)
        yield

    def other() -> list[object]:
        turned_up.append("during" if not go_on.is_set() else "after")
        return []

    start(Chore("long", 3600, long_one))
    assert at_work.wait(60)
    start(Chore("other", 0.01, other))
    assert refused.wait(60)
    go_on.set()

    assert within(60, lambda: turned_up)
    assert set(turned_up) == {"after"}


@pytest.mark.parametrize("error", [OperationalError("gone"), Unavailable(technical_message="gone")])
def test_an_outage_is_told_once_and_its_end_too(
    start: Callable[..., threading.Thread], caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    caplog.set_level(logging.INFO)
    attempts: list[int] = []

    def steps() -> Iterator[None]:
        attempts.append(1)
        yield
        if len(attempts) <= 5:
            raise error

    start(Chore("work", 0.01, steps))

    assert within(60, lambda: len(attempts) > 7)
    told = [record for record in caplog.records if record.name == chores.log.name]
    assert [record.getMessage() for record in told] == [
        "work: a store failed; tried again later: gone",
        "work: works again",
    ]
    assert all(record.exc_info is None for record in told)


def test_a_bug_in_a_chore_is_told_once_with_its_stack_and_does_not_end_the_others(
    start: Callable[..., threading.Thread], caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[int] = []
    others: list[int] = []

    def broken() -> Iterator[None]:
        attempts.append(1)
        yield
        raise KeyError("a bug")

    start(Chore("broken", 0.01, broken), Chore("other", 0.01, lambda: [others.append(1)]))

    assert within(60, lambda: len(attempts) > 3 and len(others) > 3)
    [told] = [record for record in caplog.records if record.name == chores.log.name]
    assert told.exc_info is not None


def test_the_worker_ends_in_order_while_a_chore_is_at_work(tmp_path: Path) -> None:
    """As a process, with a chore that begins at once and hangs."""
    script = (
        "import django, time\n"
        "django.setup()\n"
        "from errors_app.services import chores\n"
        "def hang():\n"
        "    print('at work', flush=True)\n"
        "    time.sleep(60)\n"
        "    yield\n"
        "Chores = chores.Chores\n"
        "from errors_app.management.commands import replicate_runs\n"
        "replicate_runs.Chores = lambda some, stop: Chores(some, stop, first_seconds=0.0)\n"
        "replicate_runs.all_chores = lambda: (chores.Chore('hang', 1.0, hang),)\n"
        "from django.core.management import call_command\n"
        "call_command('replicate_runs')\n"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "FAULTLINE_DATA": str(tmp_path),
        "CLICKHOUSE_URL": settings.CLICKHOUSE_URL,
    }
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        process.send_signal(signal.SIGTERM)

        assert process.wait(30) == 0
