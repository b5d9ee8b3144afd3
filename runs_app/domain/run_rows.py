"""The rows of `task_runs_v2` that tell ClickHouse of a change, as the outbox keeps them.

A row is a list of values in the order of `COLUMNS`; times are epoch milliseconds. Nothing a
client sends reaches a JSON column unchecked: `error` is rebuilt here from three texts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from runs_app.domain.counting import Count, Decision
from runs_app.domain.error_text import read_error
from runs_app.domain.grouping.reported import reported_error
from runs_app.domain.grouping.stored import read_stored_signals
from runs_app.domain.records import RunRecord
from runs_app.domain.run_status import RunStatus
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import epoch_milliseconds

GROUPING_COLUMNS: Final = (
    "error_category", "error_http_status", "error_code", "expected", "grouping_rule",
    "grouping_key",
)  # fmt: skip
COLUMNS: Final = (
    "organization_id", "project_id", "environment_id", "environment_type",
    "run_id", "friendly_id", "status", "task_identifier", "task_version",
    "error_fingerprint", "failed_at", "error_delta", "_version",
    "created_at", "updated_at", "queued_at", "delay_until", "started_at", "completed_at",
    "expired_at", "expiration_ttl",
    "queue", "schedule_id", "batch_id", "idempotency_key", "machine_preset", "region", "tags",
    "attempt", "depth", "is_test", "usage_duration_ms", "cost_in_cents", "base_cost_in_cents",
    "error", *GROUPING_COLUMNS,
    "root_run_id", "parent_run_id", "span_id", "trace_id", "sdk_version", "cli_version",
)  # fmt: skip
EXTRA_COLUMNS: Final = (
    "root_run_id", "parent_run_id", "span_id", "trace_id", "sdk_version", "cli_version",
)  # fmt: skip

FINGERPRINT: Final = COLUMNS.index("error_fingerprint")
TASK: Final = COLUMNS.index("task_identifier")
TASK_VERSION: Final = COLUMNS.index("task_version")
FAILED_AT: Final = COLUMNS.index("failed_at")
DELTA: Final = COLUMNS.index("error_delta")
ENVIRONMENT: Final = COLUMNS.index("environment_id")
RUN_ID: Final = COLUMNS.index("run_id")
FRIENDLY_ID: Final = COLUMNS.index("friendly_id")
VERSION: Final = COLUMNS.index("_version")
ERROR: Final = COLUMNS.index("error")

TYPE_CHARACTERS: Final = 500
MESSAGE_CHARACTERS: Final = 2_000
STACK_CHARACTERS: Final = 20_000
CODE_CHARACTERS: Final = 200
KEY_CHARACTERS: Final = 2_000
MOST_HTTP_STATUS: Final = 2**16 - 1

RunRow = list[Any]

ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Change:
    """A run after a change: its record with the new count, and the rows to send in this order."""

    record: RunRecord
    rows: tuple[RunRow, ...]


def change_of(tenant: Tenant, record: RunRecord, decision: Decision) -> Change:
    """The rows for a decision. `record.row_version` is still that of the previous row.

    The compensating row's version lies one below the run's new row: above it, it would become
    the current row; below the old one, it would leave the run in its old group.
    """
    version = record.row_version + 2
    failed_at = decision.counted.failed_at if decision.counted else record.failed_at
    record = msgspec.structs.replace(
        record, row_version=version, counted=decision.counted, failed_at=failed_at
    )
    row = _row(tenant, record, decision.delta)
    if decision.taken_back is None:
        return Change(record, (row,))
    return Change(record, (_compensation(row, decision.taken_back, version - 1), row))


def row_of_record(tenant: Tenant, record: RunRecord) -> RunRow:
    """The row a run has now, adding nothing: to tell again what was told before."""
    return _row(tenant, record, 0)


def _compensation(row: RunRow, taken_back: Count, version: int) -> RunRow:
    """The old count with -1: it must carry the old values exactly, and pass the views' filter."""
    values = dict(zip(COLUMNS, row, strict=True))
    values.update(
        status=RunStatus.COMPLETED_WITH_ERRORS.value,
        task_identifier=taken_back.task_identifier,
        error_fingerprint=taken_back.error_fingerprint,
        task_version=taken_back.task_version,
        failed_at=epoch_milliseconds(taken_back.failed_at),
        error_delta=-1,
        error="{}",
        _version=version,
    )
    return [values[name] for name in COLUMNS]


def _row(tenant: Tenant, record: RunRecord, delta: int) -> RunRow:
    extra: dict[str, Any] = msgspec.json.decode(record.extra) if record.extra else {}
    created_at = epoch_milliseconds(record.created_at)
    return [
        tenant.organization_id,
        tenant.project_id,
        tenant.environment_id,
        tenant.environment_type.value,
        record.run_id,
        record.friendly_id,
        record.status.value,
        record.task_identifier,
        record.task_version,
        record.error_fingerprint,
        created_at if record.failed_at is None else epoch_milliseconds(record.failed_at),
        delta,
        record.row_version,
        created_at,
        epoch_milliseconds(record.updated_at),
        *(
            None if value is None else epoch_milliseconds(value)
            for value in (
                record.queued_at,
                record.delay_until,
                record.started_at,
                record.completed_at,
                record.expired_at,
            )
        ),
        record.ttl,
        record.queue,
        record.schedule_id,
        record.batch_id,
        record.idempotency_key,
        record.machine,
        record.region,
        record.tags,
        record.attempt,
        record.depth,
        record.is_test,
        record.duration_ms,
        record.cost_in_cents,
        record.base_cost_in_cents,
        _error_column(record),
        *_grouping_columns(record),
        *(str(extra.get(name, "")) for name in EXTRA_COLUMNS),
    ]


def _error_column(record: RunRecord) -> str:
    """`{"data": {"type", "message", "stack"}}`, cut to what a list can show."""
    if record.error is None:
        return "{}"
    error = reported_error(read_error(record.error))
    data = {
        "type": _shown(error.type, TYPE_CHARACTERS),
        "message": _shown(error.message, MESSAGE_CHARACTERS),
        "stack": _shown(error.stack, STACK_CHARACTERS),
    }
    return ENCODER.encode({"data": data}).decode()


def _grouping_columns(record: RunRecord) -> tuple[Any, ...]:
    """What decided about the error's group, in the order of `GROUPING_COLUMNS`. A status that is
    none, or not known, is 0."""
    signals = read_stored_signals(record.error_signals)
    status = signals.http_status or 0
    return (
        record.error_category,
        status if 0 <= status <= MOST_HTTP_STATUS else 0,
        _shown(signals.code or "", CODE_CHARACTERS),
        record.expected,
        record.grouping_rule,
        _shown(record.grouping_key, KEY_CHARACTERS),
    )


def _shown(text: str, limit: int) -> str:
    """Cut, without NUL and without halves of characters."""
    text = text[:limit].replace("\0", "\N{REPLACEMENT CHARACTER}")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class Content(msgspec.Struct, frozen=True, array_like=True):
    """What an outbox entry holds: rows, and which columns they have.

    A release may find entries of another one: during an upgrade, or left over from before it.
    """

    columns: tuple[str, ...]
    rows: list[list[Any]]


class UnreadableRows(Exception):
    """Content that is no rows, or lacks a column for which there is no default."""


CONTENT: Final = msgspec.json.Decoder(Content)
# For rows that an earlier release wrote: values of the columns added since.
DEFAULTS: Final[Mapping[str, Any]] = {
    "resolved_at": None,
    "merged_into": "",
    "error_category": "",
    "error_http_status": 0,
    "error_code": "",
    "expected": False,
    "grouping_rule": "",
    "grouping_key": "",
}


def encode_rows(rows: Sequence[RunRow], columns: Sequence[str] = COLUMNS) -> bytes:
    return ENCODER.encode(Content(tuple(columns), list(rows)))


def read_content(content: bytes | memoryview) -> Content:
    """As it was written. Raises msgspec.DecodeError."""
    return CONTENT.decode(content)


def values_of(content: bytes | memoryview, names: Sequence[str]) -> list[tuple[object, ...]]:
    """These columns of every row; empty where the content cannot be read, or lacks one of them."""
    try:
        told = read_content(content)
        positions = [told.columns.index(name) for name in names]
        return [tuple(row[position] for position in positions) for row in told.rows]
    except (msgspec.DecodeError, ValueError, IndexError):
        return []


def decode_rows(content: bytes | memoryview, columns: Sequence[str] = COLUMNS) -> list[RunRow]:
    """The rows in the order of `columns`: unknown ones dropped, missing ones with their default.

    Raises msgspec.DecodeError or UnreadableRows for anything `encode_rows` did not write.
    """
    told = read_content(content)
    if any(len(row) != len(told.columns) for row in told.rows):
        raise UnreadableRows("a row and its columns do not match")
    if told.columns == tuple(columns):
        return told.rows
    missing = [name for name in columns if name not in told.columns and name not in DEFAULTS]
    if missing:
        raise UnreadableRows(f"rows without {', '.join(missing)}")
    return [
        [{**DEFAULTS, **dict(zip(told.columns, row, strict=True))}[name] for name in columns]
        for row in told.rows
    ]


def run_id_of(content: bytes | memoryview) -> str:
    """Whose row the only row of `content` is; empty where it does not tell."""
    try:
        told = read_content(content)
    except msgspec.DecodeError:
        return ""
    if len(told.rows) != 1 or "run_id" not in told.columns:
        return ""
    value = dict(zip(told.columns, told.rows[0], strict=False)).get("run_id")
    return value if isinstance(value, str) else ""


def split_content(content: bytes | memoryview) -> list[tuple[bytes, int]]:
    """Two halves with their numbers of rows; empty where there is only one row, or none to read."""
    try:
        told = read_content(content)
    except msgspec.DecodeError:
        return []
    middle = len(told.rows) // 2
    if middle == 0:
        return []
    return [
        (encode_rows(half, told.columns), len(half))
        for half in (told.rows[:middle], told.rows[middle:])
    ]
