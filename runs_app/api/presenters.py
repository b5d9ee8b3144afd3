"""Runs as the API shows them. Absent members are left out: the SDK's schemas reject null."""

from collections.abc import Mapping
from typing import Any

import msgspec

from runs_app.domain.error_text import read_error
from runs_app.domain.grouping.reported import NOT_AN_ERROR, reported_error
from runs_app.domain.grouping.stored import read_stored_signals, signals_members
from runs_app.domain.records import RunRecord
from runs_app.domain.run_status import SHOWN
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import iso
from runs_app.services.ingest import IngestResult


def run_item(tenant: Tenant, run: RunRecord) -> dict[str, Any]:
    """One row of the runs list."""
    shown = SHOWN[run.status]
    flags = shown.flags
    optional = {
        "idempotencyKey": run.idempotency_key,
        "version": run.task_version,
        "ttl": run.ttl,
        "region": run.region,
        "startedAt": run.started_at and iso(run.started_at),
        "finishedAt": run.completed_at and iso(run.completed_at),
        "delayedUntil": run.delay_until and iso(run.delay_until),
        "expiredAt": run.expired_at and iso(run.expired_at),
    }
    item: dict[str, Any] = {
        "id": run.friendly_id,
        "status": shown.status.value,
        "taskIdentifier": run.task_identifier,
        "createdAt": iso(run.created_at),
        "updatedAt": iso(run.updated_at),
        "isTest": run.is_test,
        "tags": list(run.tags),
        "costInCents": run.cost_in_cents,
        "baseCostInCents": run.base_cost_in_cents,
        "durationMs": run.duration_ms,
        "depth": run.depth,
        "taskKind": "STANDARD",
        "env": {"id": tenant.environment_id, "name": tenant.environment_slug},
        "isQueued": flags.is_queued,
        "isExecuting": flags.is_executing,
        "isWaiting": flags.is_waiting,
        "isCompleted": flags.is_completed,
        "isSuccess": flags.is_success,
        "isFailed": flags.is_failed,
        "isCancelled": flags.is_cancelled,
    }
    item.update({name: value for name, value in optional.items() if value})
    # The SDK's schemas take an object only, and refuse a whole page for one run that has another.
    if run.metadata is not None and run.metadata.startswith("{"):
        item["metadata"] = msgspec.Raw(run.metadata.encode())
    return item


def run_detail(tenant: Tenant, run: RunRecord) -> dict[str, Any]:
    """One run with its content."""
    detail = {
        **run_item(tenant, run),
        "attemptCount": run.attempt,
        "triggerFunction": "trigger",
        "relatedRuns": {},
    }
    for name, text in (("payload", run.payload), ("output", run.output)):
        if text is not None:
            detail[name] = msgspec.Raw(text.encode())
    error = _error(run)
    if error:
        detail["error"] = error
    if run.grouping_rule:
        detail["grouping"] = _grouping(run)
    return detail


def ingest_answer(result: IngestResult) -> dict[str, Any]:
    return {
        "accepted": result.accepted,
        "unchanged": result.unchanged,
        "rejected": [
            {
                "index": refused.index,
                **({} if refused.run_id is None else {"id": refused.run_id}),
                "error": "invalid_input",
                "detail": refused.details[0].message,
                "details": [
                    {"message": detail.message, "path": detail.path, "code": detail.code}
                    for detail in refused.details
                ],
            }
            for refused in result.rejected
        ],
    }


def _grouping(run: RunRecord) -> Mapping[str, Any]:
    """Why a failed run is in its group, or in none."""
    optional = {
        "fingerprint": run.error_fingerprint,
        "key": run.grouping_key,
        "category": run.error_category,
        "expectedBy": run.expected_by,
    }
    return {
        "rule": run.grouping_rule,
        "signals": signals_members(read_stored_signals(run.error_signals)),
        "expected": run.expected,
        **{name: value for name, value in optional.items() if value},
    }


def _error(run: RunRecord) -> Mapping[str, str] | None:
    if run.error is None:
        return None
    error = reported_error(read_error(run.error))
    if error == NOT_AN_ERROR:
        return None
    shown = {"message": error.message, "name": error.type}
    return {**shown, "stackTrace": error.stack} if error.stack else shown
