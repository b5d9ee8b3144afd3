"""Taking reports of runs: one transaction for the runs and for what ClickHouse must be told."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.conf import settings

from runs_app.domain.counting import decide
from runs_app.domain.errors import Detail
from runs_app.domain.ids import friendly_run_id
from runs_app.domain.records import RunRecord, same_content
from runs_app.domain.report_bodies import ReportBody
from runs_app.domain.reporting import PreparedReport, apply_report, prepare_report
from runs_app.domain.reports import ReportRefused, ReportRules, decode_report
from runs_app.domain.run_rows import RunRow, change_of
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry
from runs_app.queries import outbox, task_runs
from runs_app.services.transactions import write_runs


@dataclass(frozen=True, slots=True)
class RefusedReport:
    """One report of a request that was not taken. `index`: its place in the request."""

    index: int
    run_id: str | None
    details: tuple[Detail, ...]


@dataclass(frozen=True, slots=True)
class IngestResult:
    """`accepted`: reports that changed something; `unchanged`: those that had nothing new."""

    accepted: int
    unchanged: int
    rejected: tuple[RefusedReport, ...]


@dataclass(slots=True)
class _Work:
    """The state of applying reports to some runs: as they become, and rows in order."""

    runs: dict[str, RunRecord]
    changed: dict[str, RunRecord] = field(default_factory=dict)
    rows: list[RunRow] = field(default_factory=list)
    accepted: int = 0


def report_rules(now: datetime) -> ReportRules:
    return ReportRules(now=now, retention=timedelta(days=settings.RETENTION_DAYS))


def ingest(tenant: Tenant, body: ReportBody) -> IngestResult:
    """Take the reports of one request. Once this returns they are kept, whatever dies next."""
    rules = report_rules(utc_now())
    reports, rejected = _prepare(tenant, body, rules)
    accepted = _apply_in_turn(tenant, reports, rules) if reports else 0
    return IngestResult(
        accepted=accepted, unchanged=len(reports) - accepted, rejected=tuple(rejected)
    )


def _prepare(
    tenant: Tenant, body: ReportBody, rules: ReportRules
) -> tuple[list[PreparedReport], list[RefusedReport]]:
    reports: list[PreparedReport] = []
    rejected: list[RefusedReport] = []
    for index, item in enumerate(body.items):
        try:
            report = decode_report(item, body.path(index), rules)
        except ReportRefused as refusal:
            rejected.append(RefusedReport(index, refusal.run_id, tuple(refusal.details)))
        else:
            reports.append(prepare_report(report, tenant.grouping))
    return reports, rejected


def _apply_in_turn(tenant: Tenant, reports: Sequence[PreparedReport], rules: ReportRules) -> int:
    """Apply the reports in their order; how many changed something."""

    def apply() -> int:
        # Received is when the turn has come: what a list takes as arrived by then is.
        return _apply(tenant, reports, replace(rules, now=utc_now()))

    return write_runs(apply)


def _apply(tenant: Tenant, reports: Sequence[PreparedReport], rules: ReportRules) -> int:
    accepted = 0
    rows: list[RunRow] = []
    ids = [friendly_run_id(prepared.report.id) for prepared in reports]
    for part, runs in task_runs.lock_runs(tenant, set(ids)):
        work = _Work(runs=runs)
        for friendly_id, prepared in zip(ids, reports, strict=True):
            if friendly_id in part:
                _apply_one(tenant, work, prepared, rules)
        if work.changed:
            task_runs.update_runs(run for run in work.changed.values() if run.pk is not None)
            task_runs.insert_runs(tenant, (run for run in work.changed.values() if run.pk is None))
        rows += work.rows
        accepted += work.accepted
    if rows:
        outbox.enqueue(tenant, OutboxEntry.Kind.RUNS, rows, rules.now)
    return accepted


def _apply_one(tenant: Tenant, work: _Work, prepared: PreparedReport, rules: ReportRules) -> None:
    friendly_id = friendly_run_id(prepared.report.id)
    before = work.runs.get(friendly_id)
    after = apply_report(before, prepared, rules, tenant.grouping)
    if after is None:
        return
    if before is not None and same_content(before, after):
        # The same, said at a newer time: to be remembered, but nothing to tell anybody.
        work.runs[friendly_id] = work.changed[friendly_id] = after
        return
    counted = before.counted if before is not None else None
    change = change_of(tenant, after, decide(counted, after.wanted_count()))
    work.runs[friendly_id] = work.changed[friendly_id] = change.record
    work.rows.extend(change.rows)
    work.accepted += 1
