"""Wherever a process dies, each decision that is over is given up once, and told of once."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, connections

from errors_app.models import ErrorGroupActivity
from errors_app.services import sweep as sweeping
from runs_app.domain.fault_points import FaultPoint
from runs_app.models import OutboxEntry
from runs_app.services.replicate import Replicator
from tests.conftest import Workspace, make_workspace, settle
from tests.lifecycle.deciding import ago, assert_mirror_is_right, boom, ignore, resolve, swept
from tests.lifecycle.telling import no_steps
from tests.replication.test_fault_points import Death, dying

Act = Callable[[], object]
Begin = Callable[[Workspace], Act]

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 100

# By the message of the group: what ends the decision about it.
ENDS = {
    "alpha": "regression",
    "bravo": "ignore_total",
    "charlie": "ignore_rate",
    "delta": "ignore_expired",
}


def decide(workspace: Workspace) -> list[dict[str, object]]:
    """Decisions of each kind, and the failures that end them."""
    workspace.report(*(boom(name, ago(hours=2), message=name) for name in (*ENDS, "echo")))
    resolve(workspace, ago(hours=1), "20240101.10", message="alpha")
    ignore(workspace, ago(hours=1), total=2, message="bravo")
    ignore(workspace, ago(hours=1), rate=2, message="charlie")
    ignore(workspace, ago(hours=1), until=ago(minutes=1), message="delta")
    resolve(workspace, ago(hours=1), "20240101.10", message="echo")
    return [
        boom(f"{name}-{number}", ago(minutes=9), f"20240101.{version}", name)
        for name, version in [*((name, 11) for name in ENDS), ("echo", 9)]
        for number in range(2)
    ]


def a_batch_waits(workspace: Workspace) -> Act:
    workspace.send(*decide(workspace))
    return Replicator().drain


def a_batch_is_left_over(workspace: Workspace) -> Act:
    """A replicator died after its insert: the next one repairs the batch."""
    workspace.send(*decide(workspace))
    with dying(FaultPoint.AFTER_INSERT), suppress(Death):
        Replicator().drain()
    return Replicator().drain


def no_step_was_done(workspace: Workspace) -> Act:
    with no_steps():
        workspace.report(*decide(workspace))
    return lambda: list(sweeping.sweep())


CHANGING = (
    FaultPoint.BEFORE_STATES_COMMIT,
    FaultPoint.AFTER_STATES_COMMIT,
    FaultPoint.AFTER_STATES_TOLD,
)
AROUND = (FaultPoint.BEFORE_STEP, FaultPoint.AFTER_STEPS, FaultPoint.AFTER_DELETE)
PASSED: dict[Begin, tuple[FaultPoint, ...]] = {
    a_batch_waits: (*AROUND, *CHANGING),
    a_batch_is_left_over: (FaultPoint.BEFORE_STEP, *CHANGING),
    no_step_was_done: (*CHANGING, FaultPoint.BETWEEN_SWEEP_PARTS),
}
DEATHS = [(begin, point) for begin, points in PASSED.items() for point in points]


def assert_each_came_back_once(workspace: Workspace) -> None:
    by_rules = ErrorGroupActivity.objects.filter(actor_kind="rule")
    groups = {group["fingerprint"]: group for group in workspace.errors()}
    told = [
        (groups[row.state.error_fingerprint]["errorMessage"], row.rule)
        for row in by_rules.select_related("state")
    ]
    assert sorted(told) == sorted(ENDS.items())
    assert {group["errorMessage"]: group["status"] for group in groups.values()} == {
        **dict.fromkeys(ENDS, "unresolved"),
        "echo": "resolved",
    }
    assert not OutboxEntry.objects.exists()
    assert_mirror_is_right(workspace)


@pytest.mark.parametrize(
    ("begin", "point"), DEATHS, ids=[f"{begin.__name__}-{point.name}" for begin, point in DEATHS]
)
def test_each_decision_is_given_up_once_after_a_death_at(
    prod: Workspace, begin: Begin, point: FaultPoint
) -> None:
    act = begin(prod)

    with dying(point), pytest.raises(Death):
        act()

    settle()
    swept(prod)
    settle()
    assert_each_came_back_once(prod)


def test_each_decision_is_given_up_once_after_one_death_after_the_other(prod: Workspace) -> None:
    begun = a_batch_waits(prod)

    def sweep() -> object:
        return list(sweeping.sweep())

    for act in (begun, sweep):
        for passes in range(3):
            for point in (*CHANGING, FaultPoint.AFTER_STEPS, FaultPoint.BETWEEN_SWEEP_PARTS):
                # Where a point is not passed that often any more, everything was done alive.
                with dying(point, passes), suppress(Death):
                    act()

    settle()
    assert_each_came_back_once(prod)


def test_a_step_that_is_done_again_overrules_nobody(prod: Workspace) -> None:
    """Who resolved the group after the step knew of the failures that the step looks at again."""
    prod.report(boom("first", ago(hours=2)))
    resolve(prod, ago(hours=1))
    prod.send(boom("again", ago(minutes=5)))
    with dying(FaultPoint.AFTER_STEPS), pytest.raises(Death):
        Replicator().drain()
    resolve(prod, ago(minutes=1))

    settle()

    assert [group["status"] for group in prod.errors()] == ["resolved"]
    assert ErrorGroupActivity.objects.filter(actor_kind="rule").count() == 1


def test_all_points_of_changes_and_sweeps_are_died_at() -> None:
    of_states = {point for point in FaultPoint if "STATES" in point.name or "SWEEP" in point.name}

    assert of_states <= {point for _, point in DEATHS}


KILLED_AT = """
import os, signal, sys
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[2]
from errors_app.services.sweep import sweep
from runs_app.domain.fault_points import FaultPoint, listening
from runs_app.services.replicate import Replicator

def die(point):
    if point is FaultPoint[sys.argv[1]]:
        os.kill(os.getpid(), signal.SIGKILL)

with listening(die):
    Replicator().drain()
    list(sweep())
"""


@pytest.fixture
def open_workspace(transactional_db: None, clickhouse_tables: None) -> Iterator[Workspace]:
    """A workspace whose rows other processes see."""
    yield make_workspace()
    connections.close_all()


@pytest.mark.parametrize(
    ("begin", "point"),
    [
        (a_batch_waits, FaultPoint.BEFORE_STATES_COMMIT),
        (a_batch_waits, FaultPoint.AFTER_STATES_COMMIT),
        (no_step_was_done, FaultPoint.AFTER_STATES_TOLD),
        (no_step_was_done, FaultPoint.BETWEEN_SWEEP_PARTS),
    ],
)
def test_each_decision_is_given_up_once_after_a_kill_at(
    open_workspace: Workspace, begin: Begin, point: FaultPoint
) -> None:
    begin(open_workspace)

    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT, point.name, str(connection.settings_dict["NAME"])],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "FAULTLINE_DATA": str(settings.FAULTLINE_DATA),
        },
        timeout=DEADLINE_SECONDS,
        check=False,
    )

    assert killed.returncode == -signal.SIGKILL
    settle()
    swept(open_workspace)
    settle()
    assert_each_came_back_once(open_workspace)
