"""What a row of an export makes of a run that is known already.

A run remembers in `extra` which row it was last loaded from. Rows and reports have no version in
common: where a report changed the run since, their times decide.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from runs_app.domain.records import RunRecord
from runs_app.domain.run_status import FAILED_STATUSES, RunStatus

# The member of `extra` that is no column.
LOADED: Final = "loaded"
# ClickHouse writes what is not known as an empty text, an empty list or zero.
KEPT_WHERE_EMPTY: Final = (
    "task_version", "queue", "schedule_id", "batch_id", "idempotency_key", "machine", "region",
    "ttl", "tags", "depth", "is_test", "duration_ms", "cost_in_cents", "base_cost_in_cents",
    "queued_at", "delay_until", "started_at", "completed_at", "expired_at", "output",
)  # fmt: skip

ENCODER: Final = msgspec.json.Encoder()


class Loaded(msgspec.Struct, frozen=True, array_like=True):
    """The row that a run was last loaded from, by its `row_version`, and how the run stood then:
    where it has another `row_version` or `reported_at` by now, a report came after the row."""

    row: int
    row_version: int
    reported_at: datetime | None


class _Extra(msgspec.Struct):
    loaded: Loaded | None = None


def apply_row(before: RunRecord | None, row: RunRecord) -> RunRecord | None:
    """The run after a row, or None where the row is not newer than what is known.

    Where the run stands as a row left it, the higher `_version` is newer. Where a report changed
    or confirmed it since, the row is newer if its `updated_at` is later than every time that the
    reports told. What a row does not say is kept, as with a report.
    """
    if before is None:
        return row
    loaded = _loaded(before)
    if loaded is not None:
        return _merged(before, row) if row.row_version > loaded.row else None
    return _merged(before, row) if row.updated_at > _last_told(before) else None


def remember_row(after: RunRecord, row: RunRecord) -> RunRecord:
    """`after`, as it is to be stored, with the row that it was loaded from."""
    loaded = Loaded(row.row_version, after.row_version, after.reported_at)
    extra = {**_members(after.extra), LOADED: loaded}
    return msgspec.structs.replace(after, extra=ENCODER.encode(extra).decode())


def move_memory(extra: str | None, version: int, raised: int) -> str | None:
    """`extra` of a run whose stored version is raised without a change: a run that stood at
    `version` as a row left it stands so at `raised`."""
    loaded = msgspec.json.decode(extra, type=_Extra).loaded if extra else None
    if loaded is None or loaded.row_version != version:
        return extra
    moved = msgspec.structs.replace(loaded, row_version=raised)
    return ENCODER.encode({**_members(extra), LOADED: moved}).decode()


def _loaded(run: RunRecord) -> Loaded | None:
    """The row a run stands as it left it; None where there is none, or a report came after it."""
    if run.extra is None:
        return None
    loaded = msgspec.json.decode(run.extra, type=_Extra).loaded
    if loaded is None:
        return None
    stands = (loaded.row_version, loaded.reported_at) == (run.row_version, run.reported_at)
    return loaded if stands else None


def _last_told(run: RunRecord) -> datetime:
    """The latest time a run is known at. A first report without `updatedAt` leaves no other trace
    of when it was made than the times it tells of."""
    told = (
        run.updated_at,
        run.reported_at,
        run.queued_at,
        run.started_at,
        run.completed_at,
        run.failed_at,
        run.expired_at,
    )
    return max(time for time in told if time is not None)


def _merged(before: RunRecord, row: RunRecord) -> RunRecord:
    kept = {name: getattr(before, name) for name in KEPT_WHERE_EMPTY if not getattr(row, name)}
    reported = [time for time in (before.reported_at, row.reported_at) if time is not None]
    extra = {**_members(before.extra), **_members(row.extra)}
    return msgspec.structs.replace(
        row,
        pk=before.pk,
        run_id=before.run_id,
        created_at=before.created_at,
        counted=before.counted,
        row_version=max(before.row_version, row.row_version),
        reported_at=max(reported, default=None),
        attempt=max(before.attempt, row.attempt),
        slice=before.slice,
        payload=before.payload,
        metadata=before.metadata,
        extra=ENCODER.encode(extra).decode() if extra else None,
        **kept,
        **_error_kept(before, row),
    )


def _error_kept(before: RunRecord, row: RunRecord) -> dict[str, Any]:
    """What is kept about the error. A failure that comes without a fingerprint is the one that
    is known; one in the known group is explained as before."""
    if row.status not in FAILED_STATUSES:
        healed = row.status is RunStatus.COMPLETED_SUCCESSFULLY
        return {"error": row.error or (None if healed else before.error)}
    if not before.error_fingerprint:
        return {}
    if row.error_fingerprint not in {"", before.error_fingerprint}:
        return {}
    told = row if row.error_fingerprint and row.error else before
    return {
        "error": told.error,
        "error_fingerprint": before.error_fingerprint,
        "grouping_rule": before.grouping_rule,
        "grouping_key": before.grouping_key,
        "error_category": told.error_category,
        "error_signals": told.error_signals,
        "expected": told.expected,
        "expected_by": told.expected_by,
    }


def _members(extra: str | None) -> dict[str, Any]:
    return msgspec.json.decode(extra, type=dict[str, Any]) if extra else {}
