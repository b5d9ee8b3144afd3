"""The counting rule: what ClickHouse is to be told so that a failed run counts exactly once.

ClickHouse's views add up a delta per row. What it has been told to count for a run is remembered
with the run; a report that changes it sends the old count back (-1) beside the new one (+1).
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Count:
    """The four values under which one failed run is counted; `failed_at` to the millisecond."""

    task_identifier: str
    error_fingerprint: str
    task_version: str
    failed_at: datetime

    def same_place(self, other: "Count") -> bool:
        """Whether both count in the same group and version, at whatever time."""
        return (
            self.error_fingerprint == other.error_fingerprint
            and self.task_identifier == other.task_identifier
            and self.task_version == other.task_version
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """`taken_back`: the old count to compensate with -1, exactly as it was. `delta`: what the
    run's own row adds. `counted`: what ClickHouse will have been told afterwards."""

    taken_back: Count | None
    delta: int
    counted: Count | None


def decide(counted: Count | None, wanted: Count | None) -> Decision:
    """What to send when `counted` is what ClickHouse was told and `wanted` is what is true now.

    The time of failing is pinned by the first failure of a count: a later report with another
    one moves nothing.
    """
    if counted is None:
        return Decision(taken_back=None, delta=0 if wanted is None else 1, counted=wanted)
    if wanted is not None and wanted.same_place(counted):
        return Decision(taken_back=None, delta=0, counted=counted)
    return Decision(taken_back=counted, delta=0 if wanted is None else 1, counted=wanted)
