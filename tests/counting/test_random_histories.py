"""Random lives of runs against a plain model, however the replicator comes between."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs_app.domain.times import iso, utc_now
from runs_app.models import OutboxEntry
from runs_app.services.replicate import Replicator
from tests.conftest import Workspace, make_workspace, settle
from tests.counting.figures import Failure, assert_counts
from tests.replication.accidents import ACCIDENTS

FAILED = ("FAILED", "CRASHED")


@dataclass(frozen=True)
class Step:
    """A report of one run; times are minutes before the start of the history."""

    run: int
    task: str
    status: str
    version: str | None
    message: str | None
    failed: int
    updated: int | None


@dataclass(frozen=True)
class Model:
    """A run as the spec has it."""

    failed: bool = False
    task: str = ""
    version: str = ""
    message: str | None = None
    at: datetime | None = None
    updated: datetime | None = None

    def after(self, step: Step, start: datetime) -> "Model":
        told = None if step.updated is None else start - timedelta(minutes=step.updated)
        if told is not None and self.updated is not None and told < self.updated:
            return self
        fails = step.status in FAILED
        message = step.message
        if message is None and step.status != "COMPLETED":
            message = self.message
        new = Model(
            failed=fails,
            task=step.task,
            version=self.version if step.version is None else step.version,
            message=message,
            at=start - timedelta(minutes=step.failed) if fails else None,
            updated=told or self.updated,
        )
        same = (self.failed, self.task, self.version, self.message) == (
            new.failed, new.task, new.version, new.message,
        )  # fmt: skip
        return replace(new, at=self.at) if same else new


STEPS = st.builds(
    Step,
    run=st.integers(0, 2),
    task=st.sampled_from(["a", "a", "b"]),
    status=st.sampled_from(["FAILED", "FAILED", "CRASHED", "COMPLETED", "EXECUTING"]),
    version=st.sampled_from([None, "1", "2"]),
    message=st.sampled_from([None, "boom", "boom", "bang"]),
    failed=st.integers(0, 3),
    updated=st.sampled_from([None, None, 1, 2, 3]),
)


@dataclass
class History:
    workspace: Workspace
    start: datetime = field(default_factory=lambda: utc_now() - timedelta(minutes=10))
    runs: dict[int, Model] = field(default_factory=dict)
    last: list[dict[str, Any]] = field(default_factory=list)

    def report(self, steps: list[Step]) -> None:
        for step in steps:
            self.runs[step.run] = self.runs.get(step.run, Model()).after(step, self.start)
        self.last = [self._body(step) for step in steps]
        assert self.workspace.send(*self.last)["rejected"] == []

    def _body(self, step: Step) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": f"r{step.run}",
            "taskIdentifier": step.task,
            "status": step.status,
            "version": step.version,
            "createdAt": iso(self.start - timedelta(hours=1)),
            "failedAt": iso(self.start - timedelta(minutes=step.failed)),
        }
        if step.message is not None:
            body["error"] = {"type": "E", "message": step.message}
        if step.updated is not None:
            body["updatedAt"] = iso(self.start - timedelta(minutes=step.updated))
        return body

    def expected(self) -> dict[str, Failure]:
        return {
            f"run_r{number}": Failure(run.task, run.message, run.version, run.at)
            for number, run in self.runs.items()
            if run.failed and run.message is not None
        }


ACTIONS = st.one_of(
    st.lists(STEPS, min_size=1, max_size=3),
    st.lists(STEPS, min_size=1, max_size=3),
    st.sampled_from(["replicate", *ACCIDENTS]),
)


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(ACTIONS, min_size=2, max_size=14))
def test_counts_equal_a_model_after_any_history(
    db: None, clickhouse_tables: None, actions: list[list[Step] | str]
) -> None:
    history = History(make_workspace())

    for action in actions:
        if isinstance(action, list):
            history.report(action)
        elif action == "replicate":
            settle()
        elif not OutboxEntry.objects.filter(batch_id__isnull=False).exists():
            ACCIDENTS[action]()
        else:
            Replicator().replicate_once()
    settle()

    assert_counts(history.workspace, history.expected())
    assert not OutboxEntry.objects.exists()
