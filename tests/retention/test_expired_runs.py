"""Runs past retention leave the relational store, and no others do."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry, TaskRun
from runs_app.queries import expired_runs
from runs_app.services import retention
from runs_app.services.retention import Kind, Swept, sweep_retention
from tests.conftest import Workspace, failed, make_workspace
from tests.retention.sweeping import after_retention, make_old, run_ids, sweep

DONE = {"taskIdentifier": "send-mail", "status": "COMPLETED"}


@pytest.fixture
def committed(clickhouse_tables: None, transactional_db: None) -> Workspace:
    return make_workspace("prod")


def test_runs_created_and_counted_before_retention_go(prod: Workspace) -> None:
    prod.report(failed("run_a"), failed("run_b"), {"id": "run_c", **DONE}, {"id": "run_d", **DONE})
    make_old("run_a", "run_c")

    deleted = sweep()

    assert deleted == {Kind.RUNS: 2}
    assert run_ids() == ["run_b", "run_d"]


def test_a_run_created_long_ago_that_failed_lately_stays(prod: Workspace) -> None:
    prod.report(failed("run_a"))
    make_old("run_a")
    TaskRun.objects.update(counted_failed_at=utc_now())

    assert sweep() == {}
    assert run_ids() == ["run_a"]


def test_a_run_goes_once_no_window_can_show_it(prod: Workspace) -> None:
    prod.report(failed("run_a"))
    now = utc_now().replace(second=30, microsecond=0)
    kept_since = now.replace(second=0) - timedelta(days=90)
    TaskRun.objects.update(created_at=kept_since, counted_failed_at=kept_since)

    assert sweep(now) == {}
    assert sweep(now + timedelta(minutes=1)) == {Kind.RUNS: 1}


def test_runs_of_every_environment_go(prod: Workspace, staging: Workspace) -> None:
    prod.report(failed("run_a"))
    staging.report(failed("run_a"))

    assert sweep(after_retention())[Kind.RUNS] == 2


def test_what_still_waits_for_clickhouse_stays(prod: Workspace) -> None:
    prod.send(failed("run_a"))

    deleted = sweep(after_retention())

    assert deleted == {Kind.RUNS: 1}
    assert OutboxEntry.objects.count() == 1


def test_a_step_ends_when_its_time_is_over(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod.send(*(failed(f"run_{number}") for number in range(25)))
    monkeypatch.setattr(retention, "FIRST_PIECE", 10)
    instants = iter(range(1000))
    monkeypatch.setattr(retention.time, "monotonic", lambda: next(instants))
    monkeypatch.setattr(retention, "BATCH_SECONDS", 1.5)

    steps = list(sweep_retention(after_retention()))

    assert [step for step in steps if step.kind is Kind.RUNS] == [
        Swept(Kind.RUNS, 10),
        Swept(Kind.RUNS, 10),
        Swept(Kind.RUNS, 5),
    ]


def test_runs_that_stay_are_passed_over_however_many_come_first(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_ROWS", 2)
    prod.send(*(failed(f"run_{number}") for number in range(9)))
    make_old(*run_ids())
    stay = ["run_0", "run_1", "run_2", "run_5", "run_8"]
    TaskRun.objects.filter(friendly_id__in=stay).update(counted_failed_at=utc_now())

    assert sweep() == {Kind.RUNS: 4}
    assert run_ids() == stay


def test_no_text_of_a_run_is_read(prod: Workspace) -> None:
    prod.send(failed("run_a", payload={"large": "x" * 10_000}))

    with CaptureQueriesContext(
        connection,
    ) as captured:
        sweep(after_retention())

    about_runs = [query["sql"] for query in captured if "runs_app_taskrun" in query["sql"]]
    assert any(sql.startswith("DELETE") for sql in about_runs)
    assert not any('"payload"' in sql for sql in about_runs)


def test_a_run_that_fails_anew_between_the_look_and_the_deletion_stays(prod: Workspace) -> None:
    prod.report({"id": "run_a", **DONE})
    make_old("run_a")
    cutoff = utc_now() - timedelta(days=90)
    found = expired_runs.find_expired_runs(cutoff, after=None, limit=10)
    prod.send(failed("run_a"))

    deleted = expired_runs.delete_expired_runs(cutoff, found)

    assert [run.run_id for run in found] == list(TaskRun.objects.values_list("run_id", flat=True))
    assert deleted == []


def test_a_swept_run_that_is_reported_again_counts_once(prod: Workspace) -> None:
    prod.report(failed("run_a"))
    make_old("run_a")
    sweep()

    # Its first failure is among the counts of today, for only the row was made old.
    prod.report(failed("run_b"), failed("run_b"))

    assert [group["count"] for group in prod.errors()] == [2]


@pytest.mark.only_on_postgresql  # SQLite locks no rows.
def test_a_run_that_is_being_reported_is_skipped(committed: Workspace) -> None:
    committed.send(failed("run_a"), failed("run_b"))
    make_old("run_a", "run_b")
    locked, done = threading.Event(), threading.Event()

    def report() -> None:
        try:
            with transaction.atomic():
                TaskRun.objects.select_for_update().get(friendly_id="run_a")
                locked.set()
                done.wait(30)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        reporting = pool.submit(report)
        assert locked.wait(30)
        beside = sweep()
        done.set()
        reporting.result(30)

    assert beside == {Kind.RUNS: 1}
    assert run_ids() == ["run_a"]
    assert sweep() == {Kind.RUNS: 1}


def test_sweeps_at_once_and_reports_beside_them_do_no_harm(
    committed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_ROWS", 20)
    committed.send(*(failed(f"run_{number:03}") for number in range(300)))
    make_old(*run_ids())
    OutboxEntry.objects.all().delete()

    def swept(_: int) -> int:
        try:
            return sweep()[Kind.RUNS]
        finally:
            connections.close_all()

    def reported(_: int) -> None:
        try:
            for number in range(10):
                # Some of them new, some of those that go.
                committed.send(failed(f"run_{number:03}"), failed(f"run_new_{number}"))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        sweeps = [pool.submit(swept, number) for number in range(2)]
        reports = [pool.submit(reported, number) for number in range(2)]
        deleted = sum(sweep_.result(60) for sweep_ in sweeps)
        for report in reports:
            report.result(60)

    left = run_ids()
    assert {run_id for run_id in left if "new" in run_id} == {
        f"run_new_{number}" for number in range(10)
    }
    assert set(left) <= {f"run_new_{n}" for n in range(10)} | {f"run_{n:03}" for n in range(10)}
    assert 290 <= deleted <= 300
