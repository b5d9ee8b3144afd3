"""Wherever a replicator dies, the next one ends with exact counts."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections

from runs_app.domain.fault_points import FaultPoint, listening
from runs_app.models import OutboxEntry, QuarantinedRow
from runs_app.queries import outbox
from runs_app.services.quarantine import try_again
from runs_app.services.replicate import Replicator, registry
from tests.conftest import Workspace, failed, make_workspace, settle
from tests.counting.figures import Failure, assert_counts
from tests.replication.conftest import Cut, Line
from tests.replication.spoiling import Spoiler, assert_minutes_say_what_the_failed_runs_say

Begin = Callable[[Workspace], Spoiler]

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 100


class Death(BaseException):
    """What nobody on the way catches."""


def boom(run_id: str, message: str = "boom", **members: Any) -> dict[str, Any]:
    return failed(run_id, error={"type": "E", "message": message}, **members)


def healed(run_id: str) -> dict[str, Any]:
    return {"id": run_id, "taskIdentifier": "send-mail", "status": "COMPLETED"}


EXPECTED = {
    "run_moved": Failure("send-mail", "bang"),
    "run_version": Failure("send-mail", "boom", "2"),
    "run_same": Failure("send-mail", "boom"),
    "run_new": Failure("send-mail", "boom"),
    "run_bystander": Failure("send-mail", "boom"),
}


def send_changes(workspace: Workspace) -> None:
    """Rows of every kind wait, in two entries: new, moved, healed, changed in place."""
    workspace.report(*map(boom, ("moved", "version", "same", "healed", "bystander")))
    workspace.send(boom("moved", "bang"), boom("same", tags=["x"]), healed("healed"))
    workspace.send(boom("version", version="2"), boom("new"), boom("brief"), healed("brief"))


def fresh(workspace: Workspace) -> Spoiler:
    send_changes(workspace)
    return Spoiler()


def left_over(workspace: Workspace) -> Spoiler:
    send_changes(workspace)
    outbox.claim_batch(OutboxEntry.Kind.RUNS)
    return Spoiler()


def refused(workspace: Workspace) -> Spoiler:
    """Three rows of the batch are refused: the first place of a move, and both rows of another."""
    send_changes(workspace)
    spoiler = Spoiler()
    assert spoiler.spoil(lambda row: row["friendly_id"] in {"run_version", "run_new"}) == 3
    return spoiler


def of_marked_runs(workspace: Workspace) -> Spoiler:
    """The batch takes back what never arrived."""
    workspace.send(boom("moved", "other"), boom("healed", "other"))
    spoiler = Spoiler()
    assert spoiler.spoil(lambda row: True) == 2
    settle()
    workspace.send(boom("moved", "bang"), healed("healed"), boom("version", version="2"))
    workspace.send(boom("same"), boom("new"), boom("bystander"))
    return spoiler


IN_A_REPAIR = (
    FaultPoint.BEFORE_REPAIR,
    FaultPoint.AFTER_ROWS_AGAIN,
    FaultPoint.AFTER_TOMBSTONES,
    FaultPoint.BEFORE_MINUTES,
    FaultPoint.AFTER_MINUTES,
)
AT_THE_END = (FaultPoint.BEFORE_STEP, FaultPoint.AFTER_STEPS, FaultPoint.AFTER_DELETE)
CLAIMING = (FaultPoint.BEFORE_CLAIM, FaultPoint.AFTER_CLAIM)
INSERTING = (FaultPoint.BEFORE_INSERT, FaultPoint.AFTER_INSERT)
PASSED: dict[Begin, tuple[FaultPoint, ...]] = {
    fresh: (*CLAIMING, *INSERTING, *AT_THE_END),
    left_over: (*IN_A_REPAIR, *AT_THE_END),
    refused: (FaultPoint.BEFORE_SPLIT, FaultPoint.AFTER_SPLIT),
    of_marked_runs: (FaultPoint.BEFORE_MINUTES, FaultPoint.AFTER_MINUTES, FaultPoint.BEFORE_STEP),
}
DEATHS = [(begin, point) for begin, points in PASSED.items() for point in points]


@contextmanager
def dying(at: FaultPoint, passes: int = 0) -> Iterator[list[FaultPoint]]:
    """Die at a point that was passed so often before; what was passed by then."""
    seen: list[FaultPoint] = []

    def listen(point: FaultPoint) -> None:
        seen.append(point)
        if point is at and seen.count(at) == passes + 1:
            raise Death(at)

    with listening(listen):
        yield seen


@pytest.fixture(autouse=True)
def a_step() -> Iterator[list[int]]:
    """A step as another app registers one, so that there is something to die before and after."""
    seen: list[int] = []

    def step(rows: Any) -> None:
        seen.append(len(rows))

    registry.after_runs.append(step)
    yield seen
    registry.after_runs.remove(step)


def assert_the_next_one_gets_it_right(workspace: Workspace, spoiler: Spoiler) -> None:
    settle()
    assert_minutes_say_what_the_failed_runs_say(workspace)
    assert QuarantinedRow.objects.count() == len(spoiler.originals)
    try_again(spoiler.mend())
    settle()
    assert_counts(workspace, EXPECTED)
    assert not OutboxEntry.objects.exists()


@pytest.mark.parametrize(
    ("begin", "point"), DEATHS, ids=[f"{begin.__name__}-{point.name}" for begin, point in DEATHS]
)
def test_counts_are_exact_after_a_death_at(
    prod: Workspace, begin: Begin, point: FaultPoint
) -> None:
    spoiler = begin(prod)

    with dying(point), pytest.raises(Death):
        Replicator().drain()

    assert_the_next_one_gets_it_right(prod, spoiler)


@pytest.mark.parametrize("begin", PASSED)
def test_every_point_that_a_batch_passes_is_one_to_die_at(prod: Workspace, begin: Begin) -> None:
    begin(prod)
    seen: list[FaultPoint] = []

    with listening(seen.append):
        settle()

    tried = {point for _, point in DEATHS}
    assert set(PASSED[begin]) <= set(seen) <= tried


def test_all_points_of_a_batch_are_died_at() -> None:
    """Those of changes of states and of sweeps are died at in `tests/lifecycle`."""
    of_states = {point for point in FaultPoint if "STATES" in point.name or "SWEEP" in point.name}

    assert {point for _, point in DEATHS} == set(FaultPoint) - of_states


def test_counts_are_exact_after_one_death_after_the_other(prod: Workspace) -> None:
    spoiler = refused(prod)

    for passes in range(3):
        for point in (FaultPoint.AFTER_SPLIT, *IN_A_REPAIR, FaultPoint.AFTER_STEPS):
            # Where a point is not passed that often any more, everything was settled alive.
            with dying(point, passes), suppress(Death):
                Replicator().drain()

    assert_the_next_one_gets_it_right(prod, spoiler)


@pytest.mark.parametrize("cut", [Cut.BEFORE_THE_DATA, Cut.DURING_THE_INSERT, Cut.AFTER_THE_DATA])
def test_counts_are_exact_after_a_cut_in_an_insert_of_marked_runs(
    prod: Workspace, line: Line, cut: Cut
) -> None:
    spoiler = of_marked_runs(prod)
    line.cut = cut

    Replicator().replicate_once()

    assert line.cuts == 1
    # An insert whose caller is gone may still run for a while, which a repair waits for.
    while not Replicator().drain():
        pass
    assert_the_next_one_gets_it_right(prod, spoiler)


KILLED_AT = """
import os, signal, sys
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[2]
from runs_app.domain.fault_points import FaultPoint, listening
from runs_app.services.replicate import Replicator

def die(point):
    if point is FaultPoint[sys.argv[1]]:
        os.kill(os.getpid(), signal.SIGKILL)

with listening(die):
    Replicator().drain()
"""


@pytest.fixture
def open_workspace(transactional_db: None, clickhouse_tables: None) -> Iterator[Workspace]:
    """A workspace whose rows other processes see."""
    yield make_workspace()
    connections.close_all()


@pytest.mark.parametrize(
    ("begin", "point"),
    [
        (fresh, FaultPoint.AFTER_INSERT),
        (left_over, FaultPoint.AFTER_TOMBSTONES),
        (refused, FaultPoint.AFTER_SPLIT),
    ],
)
def test_counts_are_exact_after_a_kill_at(
    open_workspace: Workspace, begin: Begin, point: FaultPoint
) -> None:
    spoiler = begin(open_workspace)

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
    assert OutboxEntry.objects.filter(batch_id__isnull=False).exists()
    assert_the_next_one_gets_it_right(open_workspace, spoiler)
