"""A batch that fails again and again holds nobody up for good, and an outage sets nothing aside."""

from collections.abc import Callable
from typing import Any

import pytest

from errors_app.services.worker import LONGEST_PAUSE_SECONDS
from runs_app.clickhouse.failures import ClickHouseUnavailable, QueryTooHeavy
from runs_app.models import OutboxEntry, QuarantinedRow
from runs_app.services.precedence import PROBE_SECONDS, TRIES_ALONE
from runs_app.services.quarantine import try_again
from runs_app.services.replicate import Outcome, Replicator, registry
from tests.conftest import Workspace, failed, settle
from tests.counting.figures import Failure, assert_counts
from tests.replication.spoiling import relational_truth, set_aside_keys
from tests.replication.test_failures import any_code, failing

__all__ = ["any_code"]

MEMORY = 241
LOGICAL = 49
HOUR = 3600.0
BOOM = Failure("send-mail", "boom")


def boom(run_id: str, **members: Any) -> dict[str, Any]:
    return failed(run_id, error={"type": "E", "message": "boom"}, **members)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def replicator(clock: Clock) -> Replicator:
    return Replicator(clock=clock)


def turns_until_away(replicator: Replicator) -> None:
    """What a worker does until it would rest."""
    for _ in range(100):
        if replicator.replicate_once() is not Outcome.DONE:
            return
    raise AssertionError("there is no end of it")


def pass_time(
    prod: Workspace, replicator: Replicator, clock: Clock, until: Callable[[], bool]
) -> list[str]:
    """Reports come in all the time, and the worker works. The runs that were reported."""
    reported: list[str] = []
    for _ in range(TRIES_ALONE):
        replicator.replicate_once()
    while not until():
        assert clock.now < 10 * HOUR
        clock.now += max(5.0, clock.now)
        reported.append(f"at_{clock.now:.0f}")
        prod.send(boom(reported[-1]))
        # What is due is tried first, and where that fails, the next turn is another's.
        for _ in range(3):
            turns_until_away(replicator)
    return reported


@pytest.mark.parametrize("code", [MEMORY, LOGICAL])
def test_a_row_that_never_gets_through_lets_others_go_and_is_set_aside_after_more_than_an_hour(
    prod: Workspace, any_code: None, replicator: Replicator, clock: Clock, code: int
) -> None:
    prod.send(boom("a"), boom("bad"))

    with failing("friendly_id = 'run_bad'", code):
        reported = pass_time(prod, replicator, clock, QuarantinedRow.objects.exists)

        assert clock.now > HOUR
        assert not OutboxEntry.objects.exists()
        assert [row.run_id for row in QuarantinedRow.objects.all()] == ["bad"]
        assert f"code {code}" in QuarantinedRow.objects.get().reason
        assert_counts(prod, {f"run_{run_id}": BOOM for run_id in ("a", *reported)})
    try_again(set_aside_keys())
    settle()

    assert_counts(prod, relational_truth(prod))


def test_two_rows_that_never_get_through_hold_nobody_up(
    prod: Workspace, any_code: None, replicator: Replicator, clock: Clock
) -> None:
    prod.send(boom("bad1"))
    prod.send(boom("bad2"), boom("a"))

    with failing("friendly_id LIKE 'run_bad%'", MEMORY):
        pass_time(prod, replicator, clock, lambda: clock.now > 2 * PROBE_SECONDS)

        assert sorted(OutboxEntry.objects.values_list("row_count", flat=True)) == [1, 1]
    turns_until_away(replicator)

    assert not QuarantinedRow.objects.exists()
    assert not OutboxEntry.objects.exists()
    assert_counts(prod, relational_truth(prod))


def test_a_server_that_fails_everything_has_nothing_set_aside_and_little_claimed(
    prod: Workspace, any_code: None, replicator: Replicator, clock: Clock
) -> None:
    prod.send(boom("a"))
    replicator.replicate_once()

    with failing("1", LOGICAL):
        while clock.now < PROBE_SECONDS:
            clock.now += LONGEST_PAUSE_SECONDS
            prod.send(boom(f"at_{clock.now:.0f}"))
            assert replicator.replicate_once() is Outcome.AWAY

        claimed = OutboxEntry.objects.filter(batch_id__isnull=False)
        assert claimed.values("batch_id").distinct().count() == 2
    turns_until_away(replicator)

    assert not QuarantinedRow.objects.exists()
    assert not OutboxEntry.objects.exists()
    assert_counts(prod, relational_truth(prod))


@pytest.mark.parametrize(
    "error", [ClickHouseUnavailable("away", sent=True, code=LOGICAL), QueryTooHeavy("too much")]
)
def test_a_step_that_fails_for_one_row_only_never_sets_it_aside(
    prod: Workspace, replicator: Replicator, clock: Clock, error: Exception
) -> None:
    prod.send(boom("bad", task="bad"))

    def fail(rows: Any) -> None:
        if any("bad" in row for row in rows):
            raise error

    registry.after_runs.append(fail)
    try:
        pass_time(prod, replicator, clock, lambda: clock.now > 3 * HOUR)

        assert OutboxEntry.objects.count() == 1
    finally:
        registry.after_runs.remove(fail)
    turns_until_away(replicator)

    assert not QuarantinedRow.objects.exists()
    assert not OutboxEntry.objects.exists()
    assert_counts(prod, relational_truth(prod))


def test_what_gave_way_is_tried_as_soon_as_nothing_else_waits(
    prod: Workspace, any_code: None, replicator: Replicator, clock: Clock
) -> None:
    prod.send(boom("bad"))
    with failing("friendly_id = 'run_bad'", MEMORY):
        pass_time(prod, replicator, clock, lambda: clock.now > 200)

    assert replicator.replicate_once() is Outcome.DONE
    assert not OutboxEntry.objects.exists()


def test_nobody_waits_behind_a_batch_whose_environment_was_deleted(
    prod: Workspace, staging: Workspace, any_code: None, replicator: Replicator, clock: Clock
) -> None:
    staging.send(boom("bad"))
    with failing("friendly_id = 'run_bad'", MEMORY):
        pass_time(prod, replicator, clock, lambda: clock.now > 200)
    staging.environment.delete()

    prod.send(boom("a"))

    assert replicator.drain()
    assert not OutboxEntry.objects.exists()
