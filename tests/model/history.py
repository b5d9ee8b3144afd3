"""What all rules of a history work with: an environment, its model, and how things are told."""

import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any, Final

from hypothesis.stateful import RuleBasedStateMachine

from runs_app.domain.fault_points import FaultPoint
from runs_app.domain.times import utc_now
from runs_app.models import (
    ClickHouseRebuild,
    Environment,
    OutboxEntry,
    QuarantinedRow,
    TaskRun,
)
from runs_app.services.load import DELETED, DELETED_BUT_STORED, find_deletions, load_runs
from runs_app.services.replicate import Outcome, Replicator
from tests.conftest import make_workspace
from tests.model.clock import Clock
from tests.model.counts import Model
from tests.model.runs import Report, Row
from tests.model.wire import body_of, changed, line_of
from tests.replication.conftest import Line
from tests.replication.spoiling import Spoiler

PATIENCE_SECONDS: Final = 60.0


class Died(BaseException):
    """The process is gone: no handler of the program's may see this."""


class History(RuleBasedStateMachine):
    """Each example has an environment of its own. `line` is what the door to ClickHouse uses."""

    def __init__(self, line: Line, clock: Clock) -> None:
        super().__init__()
        # What an example left must not reach the next one, nor be told again by its rebuilds.
        Environment.objects.all().delete()
        ClickHouseRebuild.objects.all().delete()
        self.line = line
        self.clock = clock
        clock.begin()
        self.workspace = make_workspace()
        self.model = Model()
        self.sent: list[list[Report]] = []
        self.files: list[list[Row]] = []
        self.spoiler = Spoiler()
        self.was_spoiled = False
        # Runs of which a row was dropped: what is shown of them is not promised any more.
        self.dropped: set[str] = set()
        # ClickHouse had lost something since the last sweep: what it counted may have been wrong.
        self.had_lost_something = False
        # Nothing happened since everything had arrived and was compared.
        self.settled = True

    def send(self, reports: list[Report]) -> None:
        self.sent.append(reports)
        self.settled = False
        received = utc_now()
        answers = [self.model.report(report, received) for report in reports]

        answer = self.workspace.api.post("/api/v1/runs", raw=body_of(reports))

        assert answer.status == 200, answer.body
        counts = {name: answers.count(name) for name in ("accepted", "unchanged")}
        assert answer.body == {**counts, "rejected": []}

    def send_changed(self, which: int, change: dict[str, Any], *, again: bool = False) -> None:
        before = self.sent[which % len(self.sent)][-1]
        after = changed(before, change)
        self.send([before, after, before] if again else [after])

    def load(self, rows: list[Row]) -> None:
        self.files.append(rows)
        self.settled = False
        unknown, stored = self.model.load(rows)

        lines = [line_of(self.workspace, row) for row in rows]
        deletions = find_deletions(lines, None, lambda _: None)
        loaded = load_runs(lines, None, deletions, lambda _: None)

        assert loaded.refused == Counter({DELETED: unknown, DELETED_BUT_STORED: stored})


def dying_at(point: FaultPoint, times: int) -> Callable[[FaultPoint], None]:
    """A listener that dies when `point` is reached for the `times`-th time."""
    left = times

    def listener(reached: FaultPoint) -> None:
        nonlocal left
        if reached is point:
            left -= 1
            if left == 0:
                raise Died

    return listener


def runs_of(keys: Collection[int]) -> set[str]:
    """The friendly ids of the runs whose rows are set aside under those keys."""
    run_ids = QuarantinedRow.objects.filter(pk__in=keys).values_list("run_id", flat=True)
    return set(
        TaskRun.objects.filter(run_id__in=list(run_ids)).values_list("friendly_id", flat=True)
    )


def settle_what_is_claimed() -> None:
    """Before it claims anything, a replicator settles what another one had claimed."""
    patiently(lambda: not _is_anything_claimed() or Replicator().replicate_once() is Outcome.IDLE)


def arrive() -> None:
    """Let everything arrive."""
    patiently(lambda: Replicator().drain())


def patiently(attempt: Callable[[], bool]) -> None:
    """Until it succeeds: an insert whose line was cut may go on, and holds a repair up."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not attempt():
        assert time.monotonic() < deadline, "ClickHouse went away"


def _is_anything_claimed() -> bool:
    return OutboxEntry.objects.filter(batch_id__isnull=False).exists()
