"""ClickHouse goes away and comes back: nothing is lost, nothing counts twice."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from runs_app.clickhouse import client
from runs_app.clickhouse.client import ClickHouse, EmbeddedTarget, clickhouse
from runs_app.clickhouse.failures import ClickHouseUnavailable
from runs_app.clickhouse.migrate import migrate
from runs_app.models import OutboxEntry, TaskRun
from runs_app.services.replicate import Outcome, Replicator, registry
from runs_app.services.verify import verify_environment
from tests.conftest import Workspace, failed, settle
from tests.counting.figures import Failure, assert_counts
from tests.replication.conftest import Cut, Line


def boom(run_id: str, message: str = "boom", **members: Any) -> dict[str, Any]:
    return failed(run_id, error={"type": "E", "message": message}, **members)


BOOM = Failure("send-mail", "boom")
BANG = Failure("send-mail", "bang")


def test_while_clickhouse_is_away_reports_are_taken_and_reads_say_so(
    prod: Workspace, line: Line
) -> None:
    prod.report(boom("a"))
    line.down()

    taken = prod.api.post("/api/v1/runs", [boom("b")])
    drained = Replicator().drain()
    lists = [prod.api.get(path) for path in ("/api/v1/errors", "/api/v1/runs")]
    one = prod.api.get("/api/v3/runs/run_b")

    assert (taken.status, taken.body["accepted"]) == (200, 1)
    assert not drained
    for answer in lists:
        assert (answer.status, answer.body["status"]) == (503, 503)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert int(answer.headers["Retry-After"]) > 0
        assert "127.0.0.1" not in json.dumps(answer.body)
    assert one.status == 200


def test_everything_arrives_once_when_clickhouse_is_back(prod: Workspace, line: Line) -> None:
    prod.report(boom("a"), boom("b"), boom("c"))
    line.down()
    prod.send(boom("a", "bang"), boom("d"))
    replicator = Replicator()
    assert [replicator.drain() for _ in range(3)] == [False] * 3
    prod.send({"id": "b", "taskIdentifier": "send-mail", "status": "COMPLETED"})
    assert not Replicator().drain()

    line.up()
    settle()

    assert_counts(prod, {"run_a": BANG, "run_c": BOOM, "run_d": BOOM})
    assert not OutboxEntry.objects.exists()


def test_a_batch_that_was_not_sent_is_free_again(prod: Workspace, line: Line) -> None:
    prod.send(boom("a"))
    line.down()

    outcome = Replicator().replicate_once()

    assert outcome is Outcome.AWAY
    assert OutboxEntry.objects.get().batch_id is None


@pytest.mark.parametrize(("cut", "arrived"), [(Cut.BEFORE_THE_DATA, 0), (Cut.AFTER_THE_DATA, 1)])
def test_an_insert_of_unknown_outcome_is_repaired_not_sent_again(
    prod: Workspace, line: Line, cut: Cut, arrived: int
) -> None:
    prod.report(boom("a"), boom("b"), boom("c"))
    prod.send(
        boom("a", "bang"),
        boom("d", version="2"),
        {"id": "b", "taskIdentifier": "send-mail", "status": "COMPLETED"},
    )
    line.cut = cut

    interrupted = Replicator().replicate_once()
    waiting = OutboxEntry.objects.get()
    rows = clickhouse().query(
        "count rows",
        "SELECT uniq(run_id) FROM task_runs_v2 WHERE environment_id = {environment:String}"
        " AND friendly_id = 'run_d'",
        {"environment": prod.tenant.environment_id},
    )
    repaired = Replicator().replicate_once()

    assert line.cuts == 1
    assert rows == [(arrived,)]
    assert (interrupted, repaired) == (Outcome.AWAY, Outcome.DONE)
    assert waiting.batch_id is not None
    expected = {
        "run_a": BANG,
        "run_c": BOOM,
        "run_d": Failure("send-mail", "boom", "2"),
    }
    assert_counts(prod, expected)
    prod.report({"id": "d", "taskIdentifier": "send-mail", "status": "COMPLETED"})
    del expected["run_d"]
    assert_counts(prod, expected)


def test_an_insert_that_goes_on_after_its_caller_left_counts_once(
    prod: Workspace, line: Line
) -> None:
    trace = {"type": "E", "message": "boom", "stack": "at x\n" * 700}
    for part in range(2):
        prod.send(*(failed(f"r{part}-{n}", error=trace) for n in range(900)))
    line.cut = Cut.DURING_THE_INSERT

    assert Replicator().replicate_once() is Outcome.AWAY
    deadline = time.monotonic() + 60
    while not Replicator().drain():
        assert time.monotonic() < deadline

    assert line.cuts == 1
    [group] = prod.errors()
    assert group["count"] == 1800
    assert verify_environment(prod.tenant, repair=False).found == []


def test_a_repair_that_is_cut_off_is_done_again(prod: Workspace, line: Line) -> None:
    prod.send(boom("a"), boom("b"))
    for cut in (Cut.AFTER_THE_DATA, Cut.BEFORE_THE_DATA, Cut.AFTER_THE_DATA):
        line.cut = cut
        assert Replicator().replicate_once() is Outcome.AWAY
        assert OutboxEntry.objects.get().batch_id is not None

    settle()

    assert line.cuts == 3
    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM})


def test_a_batch_that_arrived_before_a_step_failed_is_not_inserted_again(prod: Workspace) -> None:
    prod.send(boom("a"), boom("b"))

    def fail(_rows: object) -> None:
        raise ClickHouseUnavailable("refused", sent=False)

    replicator = Replicator()
    registry.after_runs.append(fail)
    try:
        outcomes = [replicator.replicate_once() for _ in range(3)]
    finally:
        registry.after_runs.remove(fail)
    assert replicator.drain()

    assert outcomes == [Outcome.AWAY] * 3
    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM})


def test_steps_see_the_rows_of_every_batch(prod: Workspace) -> None:
    seen: list[int] = []

    def look(rows: Any) -> None:
        seen.append(len(rows))

    registry.after_runs.append(look)
    try:
        prod.report(boom("a"), boom("b"))
        prod.report(boom("a", "bang"))
    finally:
        registry.after_runs.remove(look)

    assert seen == [2, 2]


def test_a_killed_engine_has_what_it_acknowledged_and_gets_the_rest(
    prod: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if settings.CLICKHOUSE_URL:
        pytest.skip("an engine of our own is to be killed")
    target = EmbeddedTarget(tmp_path)
    door = ClickHouse(target)
    monkeypatch.setattr(client, "_process_wide", lambda _pid: door)
    migrate(clickhouse())
    prod.report(boom("a"), boom("b"))
    prod.send(boom("b", "bang"), boom("c"))
    endpoint = json.loads((tmp_path / "endpoint.json").read_text())

    os.kill(endpoint["pid"], signal.SIGKILL)
    taken = prod.send(boom("d"))
    deadline = time.monotonic() + 60
    while not Replicator().drain():
        assert time.monotonic() < deadline

    assert taken["accepted"] == 1
    assert TaskRun.objects.count() == 4
    assert_counts(prod, {"run_a": BOOM, "run_b": BANG, "run_c": BOOM, "run_d": BOOM})
    door.close()
    assert target._lease is not None
    target._lease.release()
