"""What a report makes of a run: a new record, a changed one, or nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from runs_app.domain.error_text import read_error
from runs_app.domain.grouping import client_fingerprint, keywords, structured
from runs_app.domain.grouping.reported import reported_error
from runs_app.domain.grouping.resolve import group_error, slice_of
from runs_app.domain.grouping.settings import GroupingSettings
from runs_app.domain.grouping.stored import stored_signals
from runs_app.domain.ids import bare_run_id, friendly_run_id
from runs_app.domain.records import EXPORT_RULE, RunRecord, same_content
from runs_app.domain.reports import ReportedRun, ReportRules, status_of
from runs_app.domain.run_status import FAILED_STATUSES, RunStatus

MAX_KEY_CHARACTERS: Final = 10_000


# Under these the slice is a part of the key, as it is or as the default of a client's parts.
RULES_BY_SLICE: Final = frozenset({client_fingerprint.RULE, keywords.RULE, structured.RULE})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ErrorFields:
    """What a record says about its run's error. `text` is JSON as it was sent."""

    text: str | None
    fingerprint: str = ""
    rule: str = ""
    key: str = ""
    category: str = ""
    signals: str = ""
    expected: bool = False
    expected_by: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """What of a run besides its error decides its group, where the error has no slice."""

    slice: str
    queue: str
    task_identifier: str


@dataclass(frozen=True, slots=True)
class PreparedReport:
    """A report with all that can be computed before the run's row is locked.

    `error` is None where the report brings no error. It is grouped as that of a run in `place`,
    which is all the report tells of it.
    """

    report: ReportedRun
    status: RunStatus
    error: ErrorFields | None
    place: Place


def prepare_report(report: ReportedRun, settings: GroupingSettings) -> PreparedReport:
    """Group the error of a failed run, which is the costly part of applying its report."""
    status = status_of(report)
    text = _text(report.error)
    place = Place(report.slice or "", report.queue or "", report.task_identifier)
    if text is None:
        return PreparedReport(report, status, None, place)
    if status not in FAILED_STATUSES:
        return PreparedReport(report, status, ErrorFields(text), place)
    return PreparedReport(report, status, _grouped(text, place, settings), place)


def apply_report(
    before: RunRecord | None,
    prepared: PreparedReport,
    rules: ReportRules,
    settings: GroupingSettings,
) -> RunRecord | None:
    """The run after `report`, or None where the report changes nothing.

    A member that is absent keeps what was there. A report whose `updatedAt` is older than one
    already seen comes too late and changes nothing; therefore one that says the same at a newer
    time gives a record that differs in `reported_at` alone. `createdAt` counts in the first
    report only: it orders ClickHouse's tables.
    """
    if before is None:
        return _first_record(prepared, rules)
    told_at, seen_at = prepared.report.updated_at, before.reported_at
    if told_at is not None and seen_at is not None and told_at < seen_at:
        return None
    after = _changed_record(before, prepared, rules, settings)
    if not same_content(before, after):
        return after
    if told_at is None or told_at == seen_at:
        return None
    return msgspec.structs.replace(before, reported_at=told_at)


def _first_record(prepared: PreparedReport, rules: ReportRules) -> RunRecord:
    report, status = prepared.report, prepared.status
    created_at = report.created_at or _earliest_time(report, rules)
    updated_at = report.updated_at or created_at
    error = prepared.error or ErrorFields(None)
    friendly_id = friendly_run_id(report.id)
    return RunRecord(
        run_id=bare_run_id(friendly_id),
        friendly_id=friendly_id,
        status=status,
        task_identifier=report.task_identifier,
        created_at=created_at,
        updated_at=updated_at,
        reported_at=report.updated_at,
        task_version=report.version or "",
        queue=report.queue or "",
        schedule_id=report.schedule or "",
        batch_id=report.batch or "",
        idempotency_key=report.idempotency_key or "",
        machine=report.machine or "",
        region=report.region or "",
        ttl=report.ttl or "",
        slice=report.slice or "",
        tags=tuple(report.tags or ()),
        attempt=1 if report.attempt_number is None else report.attempt_number,
        depth=report.depth or 0,
        is_test=report.is_test or False,
        duration_ms=int(report.duration_ms or 0),
        cost_in_cents=report.cost_in_cents or 0.0,
        base_cost_in_cents=report.base_cost_in_cents or 0.0,
        queued_at=report.queued_at,
        delay_until=report.delayed_until,
        started_at=report.started_at,
        completed_at=report.finished_at,
        failed_at=_failed_at(report, status, rules, otherwise=updated_at),
        expired_at=report.expired_at,
        payload=_text(report.payload),
        output=_text(report.output),
        metadata=_text(report.metadata),
        error=error.text,
        error_fingerprint=error.fingerprint,
        grouping_rule=error.rule,
        grouping_key=error.key,
        error_category=error.category,
        error_signals=error.signals,
        expected=error.expected,
        expected_by=error.expected_by,
    )


def _changed_record(
    before: RunRecord, prepared: PreparedReport, rules: ReportRules, settings: GroupingSettings
) -> RunRecord:
    report, status = prepared.report, prepared.status
    updated_at = report.updated_at or rules.now
    error = _error_after(before, prepared, settings)
    task_version = _kept(report.version, before.task_version)
    failed_at = _failed_at(report, status, rules, otherwise=updated_at)
    if failed_at is not None and before.failed_at is not None:
        place = (report.task_identifier, error.fingerprint, task_version)
        if place == (before.task_identifier, before.error_fingerprint, before.task_version):
            # The same failure, told again: its first time stands.
            failed_at = before.failed_at
    return msgspec.structs.replace(
        before,
        status=status,
        task_identifier=report.task_identifier,
        updated_at=updated_at,
        reported_at=report.updated_at or before.reported_at,
        task_version=task_version,
        queue=_kept(report.queue, before.queue),
        schedule_id=_kept(report.schedule, before.schedule_id),
        batch_id=_kept(report.batch, before.batch_id),
        idempotency_key=_kept(report.idempotency_key, before.idempotency_key),
        machine=_kept(report.machine, before.machine),
        region=_kept(report.region, before.region),
        ttl=_kept(report.ttl, before.ttl),
        slice=_kept(report.slice, before.slice),
        tags=before.tags if report.tags is None else tuple(report.tags),
        attempt=_kept(report.attempt_number, before.attempt),
        depth=_kept(report.depth, before.depth),
        is_test=_kept(report.is_test, before.is_test),
        duration_ms=int(_kept(report.duration_ms, before.duration_ms)),
        cost_in_cents=_kept(report.cost_in_cents, before.cost_in_cents),
        base_cost_in_cents=_kept(report.base_cost_in_cents, before.base_cost_in_cents),
        queued_at=_kept(report.queued_at, before.queued_at),
        delay_until=_kept(report.delayed_until, before.delay_until),
        started_at=_kept(report.started_at, before.started_at),
        completed_at=_kept(report.finished_at, before.completed_at),
        failed_at=failed_at,
        expired_at=_kept(report.expired_at, before.expired_at),
        payload=_kept(_text(report.payload), before.payload),
        output=_kept(_text(report.output), before.output),
        metadata=_kept(_text(report.metadata), before.metadata),
        error=error.text,
        error_fingerprint=error.fingerprint,
        grouping_rule=error.rule,
        grouping_key=error.key,
        error_category=error.category,
        error_signals=error.signals,
        expected=error.expected,
        expected_by=error.expected_by,
    )


def _kept(sent: T | None, before: T) -> T:
    return before if sent is None else sent


def _text(raw: msgspec.Raw) -> str | None:
    content = bytes(raw)
    return None if content in (b"", b"null") else content.decode()


def _earliest_time(report: ReportedRun, rules: ReportRules) -> datetime:
    """When a run was created whose report does not say: no later than anything it tells of."""
    told = (
        report.queued_at,
        report.started_at,
        report.finished_at,
        report.failed_at,
        report.expired_at,
        report.updated_at,
    )
    earliest = min((time for time in told if time is not None), default=rules.now)
    return max(min(earliest, rules.now), rules.now - rules.retention)


def _failed_at(
    report: ReportedRun, status: RunStatus, rules: ReportRules, *, otherwise: datetime
) -> datetime | None:
    """When the run failed: never later than its receipt, never before what is kept."""
    if status not in FAILED_STATUSES:
        return None
    told = report.failed_at or report.finished_at or otherwise
    return max(min(told, rules.now), rules.now - rules.retention)


def _error_after(
    before: RunRecord, prepared: PreparedReport, settings: GroupingSettings
) -> ErrorFields:
    """A failed run has a fingerprint; any other keeps its last error for reading only.

    A failure reported again keeps the fingerprint it had: a loaded run came with its own, or with
    none, which a report that tells the error gives it.
    """
    told = prepared.error
    if prepared.status not in FAILED_STATUSES:
        healed = prepared.status is RunStatus.COMPLETED_SUCCESSFULLY
        return told or ErrorFields(None if healed else before.error)
    ungrouped = before.grouping_rule == EXPORT_RULE and not before.error_fingerprint
    if before.grouping_rule and (told is None or (not ungrouped and _same_error(told, before))):
        return ErrorFields(
            before.error,
            before.error_fingerprint,
            before.grouping_rule,
            before.grouping_key,
            before.error_category,
            before.error_signals,
            before.expected,
            before.expected_by,
        )
    report = prepared.report
    place = Place(
        _kept(report.slice, before.slice), _kept(report.queue, before.queue), report.task_identifier
    )
    if told is None:
        text = before.error
        return ErrorFields(None) if text is None else _grouped(text, place, settings)
    if told.text is not None and told.rule in RULES_BY_SLICE and place != prepared.place:
        return _grouped(told.text, place, settings)
    return told


def _same_error(told: ErrorFields, before: RunRecord) -> bool:
    """Whether an error is the one already known, however its JSON is written.

    Of an export only what an error consists of is compared: a client may send more, or under
    another name.
    """
    if told.text is None or before.error is None:
        return False
    if told.text == before.error:
        return True
    one, other = read_error(told.text), read_error(before.error)
    if before.grouping_rule == EXPORT_RULE:
        return reported_error(one) == reported_error(other)
    return one == other


def _grouped(text: str, place: Place, settings: GroupingSettings) -> ErrorFields:
    error = read_error(text)
    part = slice_of(place.slice, error, place.queue, place.task_identifier)
    grouping = group_error(error, part, settings)
    return ErrorFields(
        text,
        grouping.fingerprint,
        grouping.rule,
        _storable(grouping.key[:MAX_KEY_CHARACTERS]),
        grouping.category,
        stored_signals(grouping.signals),
        grouping.expected,
        grouping.expected_by,
    )


def _storable(key: str) -> str:
    """PostgreSQL keeps no NUL in text."""
    return key.replace("\0", "\N{REPLACEMENT CHARACTER}")
