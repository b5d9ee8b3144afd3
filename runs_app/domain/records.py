"""A run as both stores know it, between the report that tells of it and the rows that keep it."""

from datetime import datetime
from typing import Final

import msgspec

from runs_app.domain.counting import Count
from runs_app.domain.run_status import FAILED_STATUSES, RunStatus

# What decided the group of a run that was loaded from an export: whoever wrote the export.
EXPORT_RULE: Final = "export"


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one environment. Field names are the columns of `TaskRun`.

    Times are aware, in UTC, whole milliseconds. `payload`, `output`, `metadata` and `error` are
    JSON text as it was sent, or None. `error_signals` is a JSON object as text, or empty; an error
    that was `expected` is in a group all the same unless its project keeps such errors out, and
    `expected_by` says who expected it. `extra` holds columns of an export that only ClickHouse
    shows (trace ids, parent run ...). `counted` is what ClickHouse was told to count.
    """

    run_id: str
    friendly_id: str
    status: RunStatus
    task_identifier: str
    created_at: datetime
    updated_at: datetime
    task_version: str = ""
    queue: str = ""
    schedule_id: str = ""
    batch_id: str = ""
    idempotency_key: str = ""
    machine: str = ""
    region: str = ""
    ttl: str = ""
    slice: str = ""
    tags: tuple[str, ...] = ()
    attempt: int = 1
    depth: int = 0
    is_test: bool = False
    duration_ms: int = 0
    cost_in_cents: float = 0.0
    base_cost_in_cents: float = 0.0
    reported_at: datetime | None = None
    queued_at: datetime | None = None
    delay_until: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    expired_at: datetime | None = None
    payload: str | None = None
    output: str | None = None
    metadata: str | None = None
    error: str | None = None
    extra: str | None = None
    error_fingerprint: str = ""
    grouping_rule: str = ""
    grouping_key: str = ""
    error_category: str = ""
    error_signals: str = ""
    expected: bool = False
    expected_by: str = ""
    row_version: int = 0
    counted: Count | None = None
    pk: int | None = None

    def wanted_count(self) -> Count | None:
        """How this run is to be counted, were it counted now."""
        if self.failed_at is None or not self.error_fingerprint:
            return None
        if self.status not in FAILED_STATUSES:
            return None
        return Count(
            task_identifier=self.task_identifier,
            error_fingerprint=self.error_fingerprint,
            task_version=self.task_version,
            failed_at=self.failed_at,
        )


# What a client may change after its first report; times of the record itself are kept apart.
BOOKKEEPING: Final = frozenset(
    {"pk", "row_version", "counted", "reported_at", "updated_at", "created_at", "run_id"}
)
CONTENT: Final = tuple(name for name in RunRecord.__struct_fields__ if name not in BOOKKEEPING)


def same_content(one: RunRecord, other: RunRecord) -> bool:
    """Whether two records say the same about a run, whenever they were reported."""
    return all(getattr(one, name) == getattr(other, name) for name in CONTENT)
