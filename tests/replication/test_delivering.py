"""Delivering what waits by now, which ends while more comes; and what is claimed for it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs_app.domain.fault_points import FaultPoint, listening
from runs_app.domain.times import utc_now
from runs_app.models import ClickHouseRebuild, OutboxEntry, QuarantinedRow
from runs_app.queries import outbox
from runs_app.services.replicate import Outcome, Replicator, deliver_what_waits, registry
from tests.conftest import Workspace, failed, settle
from tests.counting.figures import Failure, assert_counts
from tests.replication.conftest import Line
from tests.replication.spoiling import Spoiler

BOOM = Failure("send-mail", "boom")
RUNS = OutboxEntry.Kind.RUNS


def boom(run_id: str, message: str = "boom", **members: Any) -> dict[str, Any]:
    return failed(run_id, error={"type": "E", "message": message}, **members)


@pytest.fixture
def reports_meanwhile(prod: Workspace) -> Iterator[list[str]]:
    """A report comes in with every batch that arrives."""
    sent: list[str] = []

    def report(_rows: object) -> None:
        assert len(sent) < 20, "it does not end"
        sent.append(f"later{len(sent)}")
        prod.send(boom(sent[-1]))

    registry.after_runs.append(report)
    yield sent
    registry.after_runs.remove(report)


def test_what_comes_meanwhile_is_not_waited_for(
    prod: Workspace, reports_meanwhile: list[str]
) -> None:
    prod.send(boom("a"))

    assert deliver_what_waits(Replicator())

    assert reports_meanwhile == ["later0"]
    assert OutboxEntry.objects.count() == 1
    assert_counts(prod, {"run_a": BOOM})


def test_the_parts_of_a_refused_batch_are_waited_for(prod: Workspace) -> None:
    prod.send(*(boom(name) for name in ("a", "b", "bad", "c")))
    Spoiler().spoil(lambda row: row["run_id"] == "bad")

    assert deliver_what_waits(Replicator())

    assert not OutboxEntry.objects.exists()
    assert QuarantinedRow.objects.get().run_id == "bad"
    assert_counts(prod, {f"run_{name}": BOOM for name in ("a", "b", "c")})


def test_why_it_stopped_is_told(prod: Workspace, line: Line) -> None:
    prod.send(boom("a"))
    line.down()
    replicator = Replicator()

    assert not deliver_what_waits(replicator)

    assert "refused" in str(replicator.away)
    line.up()
    assert deliver_what_waits(replicator)
    assert_counts(prod, {"run_a": BOOM})


@pytest.mark.parametrize("is_rebuilt", [False, True])
def test_a_batch_is_set_free_only_where_no_part_of_it_was_sent(
    prod: Workspace, line: Line, is_rebuilt: bool
) -> None:
    prod.report(boom("moved"))
    rebuild = ClickHouseRebuild.objects.create(
        started_at=utc_now(), finished_at=None if is_rebuilt else utc_now()
    )
    prod.send(boom("moved", "bang"), boom("new"))
    fall_at = FaultPoint.AFTER_ROWS_AGAIN if is_rebuilt else FaultPoint.BEFORE_INSERT

    def fall(point: FaultPoint) -> None:
        if point is fall_at:
            line.down()

    replicator = Replicator()
    with listening(fall):
        outcomes = [replicator.replicate_once(), replicator.replicate_once()]

    assert outcomes == [Outcome.AWAY, Outcome.AWAY]
    assert (OutboxEntry.objects.get().batch_id is not None) is is_rebuilt
    line.up()
    rebuild.finished_at = utc_now()
    rebuild.save()
    settle()
    assert_counts(prod, {"run_moved": Failure("send-mail", "bang"), "run_new": BOOM})


def put(workspace: Workspace) -> int:
    entry = OutboxEntry.objects.create(
        kind=RUNS,
        environment=workspace.environment,
        content=b"[[],[]]",
        row_count=1,
        size=7,
        created_at=workspace.environment.created_at,
    )
    return int(entry.pk)


def test_claims_between_two_ids_take_neither_more_nor_contents(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH_ROWS", 2)
    pks = [put(prod) for _ in range(6)]

    with CaptureQueriesContext(connection) as queries:
        ends = [outbox.claim_between(RUNS, pks[0], pks[4])]
        ends.append(outbox.claim_between(RUNS, ends[0] or 0, pks[4]))
        ends.append(outbox.claim_between(RUNS, ends[1] or 0, pks[4]))

    assert ends == [pks[2], pks[4], None]
    assert not any("content" in query["sql"] for query in queries)
    free = OutboxEntry.objects.filter(batch_id=None).values_list("pk", flat=True)
    assert sorted(free) == [pks[0], pks[5]]
    assert len(set(OutboxEntry.objects.exclude(batch_id=None).values_list("batch_id"))) == 2


def test_the_oldest_claimed_batch_is_the_one_with_the_lowest_id(prod: Workspace) -> None:
    pks = [put(prod) for _ in range(4)]
    assert outbox.oldest_claimed_batch() is None
    for pk in (pks[3], pks[1]):
        outbox.claim_between(RUNS, pk - 1, pk)

    oldest = outbox.oldest_claimed_batch()

    assert oldest is not None
    assert [entry.pk for entry in oldest.entries] == [pks[1]]
