"""A batch that a dead process had claimed is made right, whatever of it had arrived."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.failures import ClickHouseUnavailable
from runs_app.domain.run_rows import decode_rows
from runs_app.domain.times import iso, utc_now
from runs_app.domain.window import Window, covering_window
from runs_app.models import OutboxEntry
from runs_app.queries import counts, outbox
from runs_app.queries.counts import RUNNING_INSERTS
from runs_app.services.repair import repair_rows
from runs_app.services.replicate import Outcome, Replicator
from runs_app.services.replicator_turn import replicator_turn
from tests.conftest import Workspace, failed, settle
from tests.counting.figures import Failure, assert_counts
from tests.replication.accidents import ACCIDENTS, claim, insert_minutes


def boom(run_id: str, message: str = "boom", **members: Any) -> dict[str, Any]:
    return failed(run_id, error={"type": "E", "message": message}, **members)


def healed(run_id: str) -> dict[str, Any]:
    return {"id": run_id, "taskIdentifier": "send-mail", "status": "COMPLETED"}


BOOM = Failure("send-mail", "boom")
EXPECTED = {
    "run_moved": Failure("send-mail", "bang"),
    "run_version": Failure("send-mail", "boom", "2"),
    "run_task": Failure("other", "boom"),
    "run_same": BOOM,
    "run_new": BOOM,
    "run_back": BOOM,
    "run_bystander": BOOM,
    "run_again": BOOM,
}


@pytest.fixture
def waiting(prod: Workspace) -> Workspace:
    """Seven runs have arrived; a batch waits in which some are new, moved, healed, or both."""
    names = ("moved", "version", "task", "same", "healed", "back", "bystander", "again")
    prod.report(*(boom(name) for name in names))
    prod.send(boom("moved", "bang"), boom("version", version="2"), boom("task", task="other"))
    prod.send(boom("same", tags=["x"]), healed("healed"), boom("new"), boom("brief"))
    prod.send(healed("brief"), boom("back", "bang"), healed("again"))
    prod.send(boom("back"), boom("again"))
    return prod


@pytest.mark.parametrize("accident", ACCIDENTS.values(), ids=ACCIDENTS)
def test_a_batch_claimed_by_a_dead_process_is_repaired(
    waiting: Workspace, accident: Callable[[], None]
) -> None:
    accident()

    outcome = Replicator().replicate_once()

    assert outcome is Outcome.DONE
    assert not OutboxEntry.objects.exists()
    assert_counts(waiting, EXPECTED)


def test_a_repair_done_twice_and_after_the_fact_changes_nothing(waiting: Workspace) -> None:
    rows = [
        row
        for entry in OutboxEntry.objects.order_by("id")
        for row in decode_rows(bytes(entry.content))
    ]
    settle()

    for _ in range(2):
        with replicator_turn():
            repair_rows(rows)

        assert_counts(waiting, EXPECTED)


def test_what_is_reported_after_the_accident_comes_after_the_repair(waiting: Workspace) -> None:
    ACCIDENTS["half_of_the_rows_arrived"]()
    waiting.send(boom("moved"), healed("new"), boom("late", "bang"))

    assert Replicator().drain()

    expected = {**EXPECTED, "run_moved": BOOM, "run_late": Failure("send-mail", "bang")}
    del expected["run_new"]
    assert_counts(waiting, expected)


def test_every_batch_of_several_dead_processes_is_repaired(prod: Workspace) -> None:
    for number, accident in enumerate(ACCIDENTS.values()):
        prod.send(boom(f"r{number}"), boom("shared", version=str(number)))
        accident()

    settle()

    last = Failure("send-mail", "boom", str(len(ACCIDENTS) - 1))
    assert_counts(prod, {**{f"run_r{n}": BOOM for n in range(len(ACCIDENTS))}, "run_shared": last})


def test_a_repair_leaves_other_environments_alone(prod: Workspace, staging: Workspace) -> None:
    staging.report(boom("a"), boom("b"))
    prod.send(boom("a"))
    staging.send(boom("c"))
    ACCIDENTS["all_arrived"]()

    settle()

    assert_counts(prod, {"run_a": BOOM})
    assert_counts(staging, {"run_a": BOOM, "run_b": BOOM, "run_c": BOOM})


def test_minutes_that_went_wrong_are_mended_by_a_repair_of_their_group(prod: Workspace) -> None:
    prod.report(boom("a"))
    prod.send(boom("b"))
    rows = claim()
    for _ in range(3):
        insert_minutes(rows)

    settle()

    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM})


def test_a_batch_of_a_deleted_environment_holds_nobody_up(
    prod: Workspace, staging: Workspace
) -> None:
    staging.send(boom("a"))
    entry = OutboxEntry.objects.get()
    OutboxEntry.objects.filter(pk=entry.pk).update(environment_id=prod.environment.pk)
    staging.environment.delete()
    prod.send(boom("b"))
    outbox.claim_batch(OutboxEntry.Kind.RUNS)

    settle()

    assert_counts(prod, {"run_b": BOOM})


def test_one_old_run_does_not_have_every_group_read_from_its_day_on(
    prod: Workspace, staging: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utc_now()
    old = now - timedelta(days=60)
    created = {"createdAt": iso(old - timedelta(days=1))}
    prod.send(boom("old", "ancient", failedAt=iso(old), **created))
    prod.send(boom("older", failedAt=iso(old - timedelta(hours=1)), **created))
    prod.send(*(boom(f"r{n}", failedAt=iso(now)) for n in range(3)))
    staging.send(boom("a", failedAt=iso(now)))
    asked: list[tuple[str, int, Window]] = []
    repair_minutes = counts.repair_minutes

    def look(tenant: Any, fingerprints: Sequence[str], window: Window) -> None:
        asked.append((tenant.environment_id, len(fingerprints), window))
        repair_minutes(tenant, fingerprints, window)

    monkeypatch.setattr(counts, "repair_minutes", look)
    ACCIDENTS["half_of_the_rows_arrived"]()

    settle()

    assert all(window.end - window.start <= timedelta(days=1) for _, _, window in asked)
    today = [entry for entry in asked if entry[2].end > now]
    assert sorted(today) == sorted(
        [
            (prod.tenant.environment_id, 1, covering_window(now, now)),
            (staging.tenant.environment_id, 1, covering_window(now, now)),
        ],
    )
    expected = {f"run_r{n}": BOOM for n in range(3)}
    ancient = Failure("send-mail", "ancient")
    assert_counts(prod, {**expected, "run_old": ancient, "run_older": BOOM})
    assert_counts(staging, {"run_a": BOOM})


SLOW_INSERT = """
INSERT INTO error_occurrences_v1
SELECT 'slow', 'slow', 'slow', 'slow', 'slow', 'slow', now(), sleep(0.5)
FROM numbers(600)
SETTINGS max_block_size = 1, max_threads = 1
"""
END_SLOW_INSERTS = """
KILL QUERY WHERE query_kind = 'Insert' AND query LIKE '%FROM numbers(600)%' SYNC
"""


def test_a_repair_waits_for_an_insert_that_still_runs(prod: Workspace) -> None:
    prod.send(boom("a"))
    ACCIDENTS["nothing_arrived"]()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(clickhouse().command, "slow insert", SLOW_INSERT)
        try:
            while clickhouse().command("running", RUNNING_INSERTS) == [(0,)]:
                assert not running.done()
            outcome = Replicator().replicate_once()
            assert not running.done()
        finally:
            clickhouse().command("end the slow insert", END_SLOW_INSERTS)
        assert isinstance(running.exception(timeout=60), ClickHouseUnavailable)

    assert outcome is Outcome.AWAY
    assert Replicator().replicate_once() is Outcome.DONE
    assert_counts(prod, {"run_a": BOOM})
