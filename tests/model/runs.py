"""What a run is after all that was said of it, in plain Python, written from the specification.

Nothing here calls the code under test. The rules are those of the README, the design's section on
ingest, and decision 4 (reports are merged).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

# Two texts of one group, because numbers do not tell errors apart; and the fingerprint of each.
FINGERPRINTS: Final[Mapping[str, str]] = {
    "boom": "69bd9a6c7f26cfd3",
    "bang": "522d10971aee2bdc",
    "User 1001 is gone": "8a1101fe82aa1b8c",
    "User 1002 is gone": "8a1101fe82aa1b8c",
}
FAILING: Final = frozenset({"FAILED", "CRASHED", "TIMED_OUT", "SYSTEM_FAILURE"})


@dataclass(frozen=True)
class Report:
    """What a client says about a run. None: the member is absent."""

    run: str
    task: str
    status: str
    created_at: datetime
    version: str | None = None
    message: str | None = None
    tag: str | None = None
    failed_at: datetime | None = None
    finished_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True)
class Row:
    """A row of an export. Empty or None: the column says nothing. `deleted`: it says that the run
    is, by the row's number."""

    run: str
    task: str
    status: str
    created_at: datetime
    updated_at: datetime
    number: int
    version: str = ""
    message: str | None = None
    fingerprint: str = ""
    tag: str | None = None
    finished_at: datetime | None = None
    deleted: bool = False


class Count(NamedTuple):
    """Where a run counts, and when it failed first in that count."""

    task: str
    fingerprint: str
    version: str
    at: datetime


@dataclass(frozen=True)
class Run:
    """All that is known of a run. `row`: the number of the row it still stands as."""

    task: str
    status: str
    created_at: datetime
    updated_at: datetime
    version: str = ""
    message: str | None = None
    fingerprint: str = ""
    tag: str | None = None
    failed_at: datetime | None = None
    finished_at: datetime | None = None
    newest_told: datetime | None = None
    row: int | None = None
    count: Count | None = None

    @property
    def content(self) -> tuple[object, ...]:
        """What a report may change; one that changes none of it has nothing new."""
        return (
            self.task, self.status, self.version, self.message, self.fingerprint, self.tag,
            self.failed_at, self.finished_at,
        )  # fmt: skip

    def counted(self) -> "Run":
        """With the count that is true now. The time is pinned by the first failure of a count."""
        if self.failed_at is None or not self.fingerprint:
            return replace(self, count=None)
        count = Count(self.task, self.fingerprint, self.version, self.failed_at)
        if self.count is not None and self.count[:3] == count[:3]:
            count = self.count
        return replace(self, count=count, failed_at=count.at)

    def last_known_at(self) -> datetime:
        times = (self.updated_at, self.newest_told, self.finished_at, self.failed_at)
        return max(time for time in times if time is not None)


def reported_first(report: Report) -> Run:
    failing = report.status in FAILING
    told = report.failed_at or report.finished_at or report.updated_at or report.created_at
    return Run(
        task=report.task,
        status=report.status,
        created_at=report.created_at,
        updated_at=report.updated_at or report.created_at,
        version=report.version or "",
        message=report.message,
        fingerprint=FINGERPRINTS[report.message] if failing and report.message else "",
        tag=report.tag,
        failed_at=told if failing else None,
        finished_at=report.finished_at,
        newest_told=report.updated_at,
    )


def reported_again(before: Run, report: Report, received: datetime) -> Run:
    """An absent member keeps what was there; a success forgets the error."""
    failing, failed = report.status in FAILING, before.failed_at is not None
    message = report.message
    if message is None and report.status != "COMPLETED":
        message = before.message
    fingerprint = ""
    if failing and message is not None:
        # A failure told again stays in its group, whoever gave that its fingerprint.
        again = failed and message == before.message
        fingerprint = before.fingerprint if again else FINGERPRINTS[message]
    version = before.version if report.version is None else report.version
    updated_at = report.updated_at or received
    failed_at = None
    if failing:
        failed_at = report.failed_at or report.finished_at or updated_at
        place = (report.task, fingerprint, version)
        if failed and place == (before.task, before.fingerprint, before.version):
            failed_at = before.failed_at
    return replace(
        before,
        task=report.task,
        status=report.status,
        updated_at=updated_at,
        version=version,
        message=message,
        fingerprint=fingerprint,
        tag=before.tag if report.tag is None else report.tag,
        failed_at=failed_at,
        finished_at=report.finished_at or before.finished_at,
        newest_told=report.updated_at or before.newest_told,
    )


def loaded_first(row: Row) -> Run:
    failing = row.status in FAILING
    return Run(
        task=row.task,
        status=row.status,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        message=row.message,
        fingerprint=row.fingerprint if failing else "",
        tag=row.tag,
        failed_at=(row.finished_at or row.updated_at) if failing else None,
        finished_at=row.finished_at,
        newest_told=row.updated_at,
        row=row.number,
    )


def loaded_again(before: Run, row: Row) -> Run:
    """A row that wins is merged like a report, and a failure without a fingerprint keeps its
    error and its group."""
    after = loaded_first(row)
    message, fingerprint = after.message, after.fingerprint
    if row.status in FAILING and before.fingerprint and fingerprint in {"", before.fingerprint}:
        message = (fingerprint and message) or before.message
        fingerprint = before.fingerprint
    elif row.status not in FAILING and message is None and row.status != "COMPLETED":
        message = before.message
    return replace(
        after,
        created_at=before.created_at,
        version=row.version or before.version,
        message=message,
        fingerprint=fingerprint,
        tag=row.tag or before.tag,
        finished_at=row.finished_at or before.finished_at,
        newest_told=max(row.updated_at, before.newest_told or row.updated_at),
        count=before.count,
    )
