"""Rows of `task_runs_v2` in JSONEachRow form, as an export of Trigger.dev holds them."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from runs_app.domain.error_text import read_error
from runs_app.domain.grouping.keywords import CATEGORIES
from runs_app.domain.grouping.resolve import group_error
from runs_app.domain.grouping.stored import stored_signals
from runs_app.domain.ids import friendly_run_id
from runs_app.domain.records import EXPORT_RULE, RunRecord
from runs_app.domain.report_bodies import mend_surrogates
from runs_app.domain.reports import CONTROL, ID_PATTERN, ReportRules
from runs_app.domain.run_rows import EXTRA_COLUMNS
from runs_app.domain.run_status import FAILED_STATUSES, RunStatus
from runs_app.domain.times import from_epoch_milliseconds, to_milliseconds

# Versions are doubled, so that between two of them there is room for a compensating row.
MOST_VERSION: Final = 2**61
MOST_COUNT: Final = 2**31 - 1
DIGITS: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
# ClickHouse quotes 64-bit integers or not, as it is set; times are text or epoch milliseconds.
Number = int | float | str | None
Flag = bool | int | float | str | None
Time = int | float | str | None


class ExportRow(msgspec.Struct, kw_only=True):
    """The columns that are read; any other is passed over."""

    environment_id: str = ""
    run_id: str
    friendly_id: str | None = None
    status: str
    task_identifier: str
    attempt: Number = 1
    queue: str | None = ""
    schedule_id: str | None = ""
    batch_id: str | None = ""
    root_run_id: str | None = ""
    parent_run_id: str | None = ""
    depth: Number = 0
    span_id: str | None = ""
    trace_id: str | None = ""
    idempotency_key: str | None = ""
    created_at: Time
    updated_at: Time = None
    started_at: Time = None
    completed_at: Time = None
    delay_until: Time = None
    queued_at: Time = None
    expired_at: Time = None
    failed_at: Time = None
    expiration_ttl: str | None = ""
    usage_duration_ms: Number = 0
    cost_in_cents: Number = 0
    base_cost_in_cents: Number = 0
    output: Any = None
    error: Any = None
    tags: list[str] | None = None
    task_version: str | None = ""
    sdk_version: str | None = ""
    cli_version: str | None = ""
    machine_preset: str | None = ""
    is_test: bool | int | str | None = False
    region: str | None = ""
    error_fingerprint: str | None = ""
    error_category: str | None = ""
    version: Number = msgspec.field(name="_version", default=0)
    is_deleted: Flag = msgspec.field(name="_is_deleted", default=0)


# What every line has that tells of a deletion, and few others.
DELETION: Final = re.compile(rb'"_is_deleted"\s*:\s*"?(?:true|[0-9.]*[1-9])')

DECODER: Final = msgspec.json.Decoder(ExportRow)
ENCODER: Final = msgspec.json.Encoder()


class RowRefused(Exception):
    """A row that cannot be loaded; the text is a short reason to count by."""


def decode_row(line: bytes) -> ExportRow:
    """Raises RowRefused."""
    try:
        return DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return DECODER.decode(mend_surrogates(line))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RowRefused("unreadable") from None


def record_of_row(row: ExportRow, rules: ReportRules) -> RunRecord:
    """The run of a row, with `row_version` one step below the one it will have.

    Raises RowRefused.
    """
    created_at = _time(row.created_at)
    if created_at is None:
        raise RowRefused("without created_at")
    if created_at < rules.now - rules.retention:
        raise RowRefused("older than the retention period")
    if created_at > rules.now + rules.ahead:
        raise RowRefused("created in the future")
    status = _status(row.status)
    updated_at = _time(row.updated_at) or created_at
    completed_at = _time(row.completed_at)
    failed_at = None
    if status in FAILED_STATUSES:
        told = _time(row.failed_at) or completed_at or updated_at
        failed_at = max(min(told, rules.now), rules.now - rules.retention)
    error = _unwrapped(row.error)
    fingerprint = row.error_fingerprint or ""
    return RunRecord(
        run_id=_id(row.run_id),
        friendly_id=friendly_id_of(row),
        status=status,
        task_identifier=_text(row.task_identifier, 255),
        created_at=created_at,
        updated_at=updated_at,
        reported_at=_time(row.updated_at),
        task_version=_text(row.task_version, 100),
        queue=_text(row.queue, 255),
        schedule_id=_text(row.schedule_id, 132),
        batch_id=_text(row.batch_id, 132),
        idempotency_key=_text(row.idempotency_key, 255),
        machine=_text(row.machine_preset, 64),
        region=_text(row.region, 64),
        ttl=_text(row.expiration_ttl, 32),
        tags=tuple(_text(tag, 255) for tag in row.tags or ()),
        attempt=_count(row.attempt),
        depth=_count(row.depth),
        is_test=row.is_test in (True, 1, "1", "true"),
        duration_ms=int(_number(row.usage_duration_ms)),
        cost_in_cents=_number(row.cost_in_cents),
        base_cost_in_cents=_number(row.base_cost_in_cents),
        queued_at=_time(row.queued_at),
        delay_until=_time(row.delay_until),
        started_at=_time(row.started_at),
        completed_at=completed_at,
        failed_at=failed_at,
        expired_at=_time(row.expired_at),
        output=_json(row.output),
        error=_json(error),
        extra=_extra(row),
        error_fingerprint=_text(fingerprint, 64) if status in FAILED_STATUSES else "",
        grouping_rule=EXPORT_RULE if status in FAILED_STATUSES else "",
        **(_traits(error, row) if status in FAILED_STATUSES else {}),
        row_version=2 * row_version(row),
    )


def _traits(error: object, row: ExportRow) -> dict[str, Any]:
    """What the error says of its kind. An export may have the error in short, so that a category
    it brings is the better one."""
    grouping = group_error(error)
    brought = row.error_category or ""
    return {
        "error_category": brought if brought in CATEGORIES else grouping.category,
        "error_signals": stored_signals(grouping.signals),
        "expected": grouping.expected,
        "expected_by": grouping.expected_by,
    }


def row_version(row: ExportRow) -> int:
    """Raises RowRefused for a version that leaves no room for later changes."""
    version = int(_number(row.version))
    if version > MOST_VERSION:
        raise RowRefused("with a _version beyond 2^61")
    return version


def is_deleted(row: ExportRow) -> bool:
    """Raises RowRefused for what is neither a number nor true or false."""
    if row.is_deleted in ("true", "false"):
        return row.is_deleted == "true"
    return _number(row.is_deleted) != 0


def may_be_deleted(line: bytes) -> bool:
    """Whether it is worth decoding a line that is only looked at for a deletion."""
    return DELETION.search(line) is not None


def friendly_id_of(row: ExportRow) -> str:
    """Raises RowRefused."""
    return _id(friendly_run_id(row.friendly_id or row.run_id))


def _status(name: str) -> RunStatus:
    try:
        return RunStatus(name)
    except ValueError:
        raise RowRefused("with an unknown status") from None


def _id(text: str) -> str:
    if not ID_PATTERN.fullmatch(text) or len(text) > 132:
        raise RowRefused("with an unusable id")
    return text


def _text(text: str | None, most: int) -> str:
    if not text:
        return ""
    if len(text) > most or CONTROL.search(text):
        raise RowRefused("with a text that is too long or has control characters")
    return text


def _number(value: Number) -> float:
    if value is None:
        return 0
    if isinstance(value, str) and DIGITS.fullmatch(value):
        value = int(value)
    try:
        number = value if isinstance(value, int) else float(value)
    except ValueError:
        raise RowRefused("with text for a number") from None
    if not 0 <= number < 2**63:
        raise RowRefused("with a number out of range")
    return number


def _count(value: Number) -> int:
    number = int(_number(value))
    if number > MOST_COUNT:
        raise RowRefused("with a number out of range")
    return number


def _time(value: Time) -> datetime | None:
    """`2025-01-02 03:04:05.678` in UTC, ISO 8601, or epoch milliseconds. Zero is no time."""
    if value in (None, "", 0, "0"):
        return None
    try:
        if isinstance(value, str) and not DIGITS.fullmatch(value):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            moment = to_milliseconds(moment)
        else:
            moment = from_epoch_milliseconds(int(value or 0))
    except (ValueError, OverflowError):
        raise RowRefused("with an unreadable time") from None
    if moment.year == 1970 and moment.timestamp() == 0:
        return None
    if not 2000 <= moment.year < 2200:
        raise RowRefused("with a time out of range")
    return moment


def _unwrapped(error: Any) -> Any:
    """The error inside `{"data": ...}`, which may itself be JSON text."""
    if isinstance(error, str):
        try:
            error = read_error(mend_surrogates(error.encode()).decode())
        except ValueError:
            return error or None
    if isinstance(error, dict) and "data" in error:
        error = error["data"]
    return error or None


def _json(value: Any) -> str | None:
    if value in (None, {}, ""):
        return None
    try:
        return ENCODER.encode(value).decode()
    except RecursionError:
        raise RowRefused("nested too deeply") from None


def _extra(row: ExportRow) -> str | None:
    found = {name: value for name in EXTRA_COLUMNS if (value := getattr(row, name))}
    return ENCODER.encode(found).decode() if found else None
