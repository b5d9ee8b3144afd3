"""What narrows a list of runs."""

from dataclasses import dataclass, field

from runs_app.domain.run_status import RunStatus
from runs_app.domain.window import WindowRequest


@dataclass(frozen=True, slots=True)
class FailedGroup:
    """The failed runs of one task with one fingerprint."""

    error_fingerprint: str
    task_identifier: str


@dataclass(frozen=True, slots=True)
class RunFilters:
    """Empty tuples do not narrow; within one, any of its values will do.

    `tags`: a run with any of them. `error_fingerprints`: runs that are failed and in one of these
    groups. `expected`: whether the error was to be expected. `created`: the window of creation;
    nothing asked for means all that is kept.
    """

    statuses: tuple[RunStatus, ...] = ()
    task_identifiers: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    error_fingerprints: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    is_test: bool | None = None
    expected: bool | None = None
    created: WindowRequest = field(default_factory=WindowRequest)
