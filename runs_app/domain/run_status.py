"""Run statuses: as they are stored, and as the API shows, takes and filters them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class RunStatus(StrEnum):
    """What the stores hold."""

    DELAYED = "DELAYED"
    PENDING = "PENDING"
    PENDING_VERSION = "PENDING_VERSION"
    WAITING_FOR_DEPLOY = "WAITING_FOR_DEPLOY"
    DEQUEUED = "DEQUEUED"
    EXECUTING = "EXECUTING"
    RETRYING_AFTER_FAILURE = "RETRYING_AFTER_FAILURE"
    WAITING_TO_RESUME = "WAITING_TO_RESUME"
    PAUSED = "PAUSED"
    COMPLETED_SUCCESSFULLY = "COMPLETED_SUCCESSFULLY"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    INTERRUPTED = "INTERRUPTED"
    CRASHED = "CRASHED"
    SYSTEM_FAILURE = "SYSTEM_FAILURE"
    TIMED_OUT = "TIMED_OUT"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


class ApiRunStatus(StrEnum):
    """What the API shows."""

    DELAYED = "DELAYED"
    QUEUED = "QUEUED"
    PENDING_VERSION = "PENDING_VERSION"
    DEQUEUED = "DEQUEUED"
    EXECUTING = "EXECUTING"
    WAITING = "WAITING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CRASHED = "CRASHED"
    SYSTEM_FAILURE = "SYSTEM_FAILURE"
    TIMED_OUT = "TIMED_OUT"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


@dataclass(frozen=True, slots=True)
class StatusFlags:
    """The booleans beside a run's status."""

    is_queued: bool = False
    is_executing: bool = False
    is_waiting: bool = False
    is_completed: bool = False
    is_success: bool = False
    is_failed: bool = False
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class ShownStatus:
    """A stored status as the API shows it."""

    status: ApiRunStatus
    flags: StatusFlags


_QUEUED: Final = StatusFlags(is_queued=True)
_EXECUTING: Final = StatusFlags(is_executing=True)
_WAITING: Final = StatusFlags(is_waiting=True)
_SUCCESS: Final = StatusFlags(is_completed=True, is_success=True)
_FAILED: Final = StatusFlags(is_completed=True, is_failed=True)
_CANCELLED: Final = StatusFlags(is_completed=True, is_failed=True, is_cancelled=True)

SHOWN: Final[Mapping[RunStatus, ShownStatus]] = {
    RunStatus.DELAYED: ShownStatus(ApiRunStatus.DELAYED, _QUEUED),
    RunStatus.PENDING: ShownStatus(ApiRunStatus.QUEUED, _QUEUED),
    RunStatus.PENDING_VERSION: ShownStatus(ApiRunStatus.PENDING_VERSION, _QUEUED),
    RunStatus.WAITING_FOR_DEPLOY: ShownStatus(ApiRunStatus.PENDING_VERSION, _QUEUED),
    RunStatus.DEQUEUED: ShownStatus(ApiRunStatus.DEQUEUED, _EXECUTING),
    RunStatus.EXECUTING: ShownStatus(ApiRunStatus.EXECUTING, _EXECUTING),
    RunStatus.RETRYING_AFTER_FAILURE: ShownStatus(ApiRunStatus.EXECUTING, _EXECUTING),
    RunStatus.WAITING_TO_RESUME: ShownStatus(ApiRunStatus.WAITING, _WAITING),
    RunStatus.PAUSED: ShownStatus(ApiRunStatus.WAITING, _WAITING),
    RunStatus.COMPLETED_SUCCESSFULLY: ShownStatus(ApiRunStatus.COMPLETED, _SUCCESS),
    RunStatus.COMPLETED_WITH_ERRORS: ShownStatus(ApiRunStatus.FAILED, _FAILED),
    RunStatus.INTERRUPTED: ShownStatus(ApiRunStatus.FAILED, _FAILED),
    RunStatus.CRASHED: ShownStatus(ApiRunStatus.CRASHED, _FAILED),
    RunStatus.SYSTEM_FAILURE: ShownStatus(ApiRunStatus.SYSTEM_FAILURE, _FAILED),
    RunStatus.TIMED_OUT: ShownStatus(ApiRunStatus.TIMED_OUT, _FAILED),
    RunStatus.EXPIRED: ShownStatus(ApiRunStatus.EXPIRED, _FAILED),
    RunStatus.CANCELED: ShownStatus(ApiRunStatus.CANCELED, _CANCELLED),
}

# The failures that belong to an error group, if they also have a fingerprint.
FAILED_STATUSES: Final = frozenset(
    {
        RunStatus.SYSTEM_FAILURE,
        RunStatus.CRASHED,
        RunStatus.INTERRUPTED,
        RunStatus.COMPLETED_WITH_ERRORS,
        RunStatus.TIMED_OUT,
    }
)

_STORED_BY_FILTER: Final[Mapping[str, tuple[RunStatus, ...]]] = {
    **{stored.value: (stored,) for stored in RunStatus},
    # Where a name is both, the API's meaning holds: EXECUTING includes a retry.
    **{
        api.value: tuple(stored for stored, shown in SHOWN.items() if shown.status is api)
        for api in ApiRunStatus
    },
}

_STORED_BY_INPUT: Final[Mapping[str, RunStatus]] = {
    ApiRunStatus.QUEUED.value: RunStatus.PENDING,
    ApiRunStatus.WAITING.value: RunStatus.WAITING_TO_RESUME,
    ApiRunStatus.COMPLETED.value: RunStatus.COMPLETED_SUCCESSFULLY,
    ApiRunStatus.FAILED.value: RunStatus.COMPLETED_WITH_ERRORS,
    **{stored.value: stored for stored in RunStatus},
}


def stored_from_input(name: str) -> RunStatus | None:
    """Give the status to store for a reported one, an API or a stored name; None for others."""
    return _STORED_BY_INPUT.get(name)


def stored_for_filter(name: str) -> tuple[RunStatus, ...]:
    """Give the stored statuses that a filter on an API or stored name means; none for others."""
    return _STORED_BY_FILTER.get(name, ())
