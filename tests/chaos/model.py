"""What is true of the runs that were sent, kept apart from the service that counts them."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

STORED: Final = {"FAILED": "COMPLETED_WITH_ERRORS", "COMPLETED": "COMPLETED_SUCCESSFULLY"}
FAILURES: Final = ("FAILED", "CRASHED", "TIMED_OUT", "SYSTEM_FAILURE")


class Group(NamedTuple):
    """The message of an error makes its fingerprint here: it has no numbers and no stack."""

    task: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """One report of one run. Times in milliseconds since 1970; a failure always has its time."""

    run_id: str
    task: str
    status: str
    version: str | None
    message: str | None
    failed_at: int | None
    updated_at: int | None

    def body(self, created_at: int) -> dict[str, Any]:
        members: dict[str, Any] = {
            "id": self.run_id,
            "taskIdentifier": self.task,
            "status": self.status,
            "version": self.version,
            "createdAt": iso(created_at),
            "failedAt": None if self.failed_at is None else iso(self.failed_at),
            "updatedAt": None if self.updated_at is None else iso(self.updated_at),
        }
        if self.message is not None:
            members["error"] = {"type": "StormError", "message": self.message}
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as a reader of the documentation expects it after its reports."""

    status: str = ""
    task: str = ""
    version: str = ""
    message: str | None = None
    failed_at: int | None = None
    updated_at: int | None = None

    @property
    def group(self) -> Group | None:
        """Where the run counts; None for one that does not."""
        if self.status not in FAILURES or self.message is None:
            return None
        return Group(self.task, self.message)

    def after(self, report: Report) -> "RunState":
        told, seen = report.updated_at, self.updated_at
        if told is not None and seen is not None and told < seen:
            return self
        message = report.message
        if message is None and report.status != "COMPLETED":
            message = self.message
        new = RunState(
            status=report.status,
            task=report.task,
            version=self.version if report.version is None else report.version,
            message=message,
            failed_at=report.failed_at,
            updated_at=told or seen,
        )
        both_failed = self.failed_at is not None and new.failed_at is not None
        place = (self.task, self.version, self.message)
        if both_failed and place == (new.task, new.version, new.message):
            # The same failure, told again: its first time stands.
            return replace(new, failed_at=self.failed_at)
        return new


@dataclass(slots=True)
class Observation:
    """While it is open: which runs count whenever they are looked at, and which may."""

    certain: set[str]
    possible: set[str]


@dataclass(slots=True)
class Sightings:
    """When a group was seen, over all failures that ever counted in it."""

    first: int
    last: int


@dataclass
class Ledger:
    """The runs of all clients: what was acknowledged, and what is on its way."""

    runs: dict[str, RunState] = field(default_factory=dict)
    on_the_way: dict[str, RunState] = field(default_factory=dict)
    ever_failed: set[str] = field(default_factory=set)
    sightings: dict[Group, Sightings] = field(default_factory=dict)
    requests: int = 0
    _observations: list[Observation] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, reports: Sequence[Report]) -> None:
        """Before the first byte of these reports leaves; each is about another run."""
        with self._lock:
            for report in reports:
                state = self.runs.get(report.run_id, RunState()).after(report)
                self.on_the_way[report.run_id] = state
                counts = state.group is not None
                if counts:
                    self.ever_failed.add(report.run_id)
                for observation in self._observations:
                    observation.certain.discard(report.run_id)
                    if counts:
                        observation.possible.add(report.run_id)

    def acknowledge(self, reports: Sequence[Report]) -> None:
        """After their 2xx."""
        with self._lock:
            self.requests += 1
            for report in reports:
                state = self.on_the_way.pop(report.run_id)
                self.runs[report.run_id] = state
                if state.group is not None and state.failed_at is not None:
                    self._see(state.group, state.failed_at)

    @contextmanager
    def observe(self) -> Iterator[Observation]:
        with self._lock:
            counting = {run_id for run_id, state in self.runs.items() if state.group is not None}
            sent = {run_id for run_id, state in self.on_the_way.items() if state.group is not None}
            observation = Observation(counting - self.on_the_way.keys(), counting | sent)
            self._observations.append(observation)
        try:
            yield observation
        finally:
            with self._lock:
                self._observations.remove(observation)

    def most_that_may_count(self) -> int:
        """How many runs were ever sent as failed."""
        with self._lock:
            return len(self.ever_failed)

    def failures(self) -> Mapping[str, RunState]:
        """The runs that count, by id. For moments in which nothing is on its way."""
        with self._lock:
            if self.on_the_way:
                raise AssertionError("Reports are on their way.")
            return {run_id: state for run_id, state in self.runs.items() if state.group is not None}

    def _see(self, group: Group, at: int) -> None:
        known = self.sightings.setdefault(group, Sightings(at, at))
        known.first, known.last = min(known.first, at), max(known.last, at)


def iso(milliseconds: int) -> str:
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"
