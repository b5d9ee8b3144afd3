"""Loading runs while workers report the same ones, and the replicator does its work."""

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection

from runs_app.domain.records import RunRecord
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import iso, utc_now
from runs_app.management.commands import load_runs as command
from runs_app.models import OutboxEntry, TaskRun
from runs_app.queries import task_runs
from runs_app.services import load as load_service
from runs_app.services.adoption import Adoption
from runs_app.services.replicate import Outcome, Replicator
from runs_app.services.transactions import TRIES
from tests.conftest import Workspace, failed, make_workspace, settle
from tests.counting.figures import Failure, assert_counts
from tests.load.conftest import CREATED, Load, row
from tests.load.test_rows_and_reports import at

RUNS = 36


@pytest.fixture
def prod(transactional_db: None, clickhouse_tables: None) -> Workspace:
    return make_workspace("prod")


def at_once(*actions: Callable[[], object]) -> None:
    """Do all of these in threads of their own, from one moment on."""
    start = threading.Barrier(len(actions))
    done: list[object] = []

    def do(action: Callable[[], object]) -> None:
        try:
            start.wait()
            done.append(action())
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert len(done) == len(actions)


def report_of(number: int) -> dict[str, Any]:
    """Of three runs one fails elsewhere after its row, one heals, and one was told before it."""
    told = {"createdAt": iso(CREATED), "updatedAt": iso(at(60))}
    if number % 3 == 0:
        return failed(f"r{number}", version="2", error={"type": "E", "message": "bang"}, **told)
    if number % 3 == 1:
        return {"id": f"r{number}", "taskIdentifier": "send-mail", "status": "COMPLETED", **told}
    return failed(f"r{number}", **{**told, "updatedAt": iso(at(0))})


@pytest.mark.django_db(transaction=True)
def test_reports_and_rows_of_the_same_runs_count_once_whoever_comes_first(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_service, "LINES_PER_TRANSACTION", 6)
    rows = [row(prod, f"r{number}") for number in range(RUNS)]

    def report(order: int) -> None:
        for first in list(range(0, RUNS, 4))[::order]:
            prod.send(*(report_of(number) for number in range(first, first + 4)))

    at_once(
        lambda: load(rows),
        lambda: load(rows[::-1]),
        lambda: report(1),
        lambda: report(-1),
        lambda: [Replicator().replicate_once() for _ in range(20)],
    )
    settle()

    expected = {f"run_r{n}": Failure("send-mail", "bang", "2") for n in range(0, RUNS, 3)}
    expected |= {f"run_r{n}": Failure("send-mail", "boom") for n in range(2, RUNS, 3)}
    assert_counts(prod, expected)
    assert TaskRun.objects.count() == RUNS
    assert not OutboxEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_load_ends_while_reports_keep_coming(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    replicate_once = Replicator.replicate_once
    reports = iter(range(20))

    def with_another_report(replicator: Replicator) -> Outcome:
        outcome = replicate_once(replicator)
        prod.send(failed(f"late{next(reports)}", error={"type": "E", "message": "boom"}))
        return outcome

    with monkeypatch.context() as patch:
        patch.setattr(Replicator, "replicate_once", with_another_report)
        load([row(prod, "a")])

    assert next(reports) < 20
    assert OutboxEntry.objects.exists()
    settle()
    assert TaskRun.objects.count() >= 2
    assert sum(group["count"] for group in prod.errors()) == TaskRun.objects.count()


@pytest.mark.django_db(transaction=True)
def test_rows_of_a_load_were_taken_when_its_turn_came(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt = load_service.adopt_runs
    looked: list[datetime] = []

    def look_then_tell_when(*arguments: Any) -> Adoption:
        found = adopt(*arguments)
        looked.append(utc_now())
        return found

    monkeypatch.setattr(load_service, "adopt_runs", look_then_tell_when)
    monkeypatch.setattr(command, "deliver_what_waits", lambda _: True)

    load([row(prod, "a")])

    assert OutboxEntry.objects.get().created_at >= looked[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", [1, TRIES])
def test_a_load_whose_runs_another_adds_first_is_done_again_a_few_times(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    insert_runs = task_runs.insert_runs
    left = [None] * times

    def add_twice(tenant: Tenant, records: Iterable[RunRecord]) -> None:
        added = list(records)
        insert_runs(tenant, added)
        if left:
            left.pop()
            insert_runs(tenant, added)

    monkeypatch.setattr(task_runs, "insert_runs", add_twice)

    if times < TRIES:
        assert "Loaded 1 runs" in load([row(prod, "a")])
    else:
        with pytest.raises(CommandError, match=r"many requests at once.*loaded already"):
            load([row(prod, "a")])

    assert TaskRun.objects.count() == (times < TRIES)


@pytest.mark.only_on_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_a_load_that_was_rolled_back_for_others_is_done_again(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    insert_runs = task_runs.insert_runs
    left = [code]

    def lose(tenant: Tenant, records: Iterable[RunRecord]) -> None:
        insert_runs(tenant, records)
        if left:
            with connection.cursor() as cursor:
                cursor.execute(f"DO $$ BEGIN RAISE SQLSTATE '{left.pop()}'; END $$")

    monkeypatch.setattr(task_runs, "insert_runs", lose)

    assert "Loaded 1 runs" in load([row(prod, "a")])

    assert_counts(prod, {"run_a": Failure("send-mail", "boom")})
