"""The model's reports and rows as clients and exports write them, and strategies for both."""

import json
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from runs_app.domain.times import epoch_milliseconds, iso, utc_now
from runs_app.domain.window import floor_minute
from tests.conftest import Workspace
from tests.load.conftest import row as export_row
from tests.model.decisions import ODD_VERSION, OLDEST_FIRST
from tests.model.runs import FAILING, FINGERPRINTS, Report, Row, Run

START: Final = floor_minute(utc_now()) - timedelta(minutes=10)
RUNS: Final = 4
TASKS: Final = ("mail", "mail", "bill")
STATUSES: Final = (
    "FAILED", "FAILED", "FAILED", "CRASHED", "TIMED_OUT", "COMPLETED", "EXECUTING", "CANCELED",
)  # fmt: skip
VERSIONS: Final = (*OLDEST_FIRST, ODD_VERSION)
FOREIGN_FINGERPRINT: Final = "feedfacefeedface"
# Twice in one minute, in minutes apart, and in another partition of each table.
BEFORE_START: Final = (
    timedelta(0), timedelta(seconds=20), timedelta(minutes=1), timedelta(minutes=3),
    timedelta(days=40),
)  # fmt: skip
STORED_STATUSES: Final = {
    "FAILED": "COMPLETED_WITH_ERRORS",
    "COMPLETED": "COMPLETED_SUCCESSFULLY",
}


def _moment(run: int, before_start: timedelta | None) -> datetime | None:
    """No two runs have a moment in common: which of two failures is newer would be open."""
    return None if before_start is None else START - before_start + timedelta(milliseconds=7 * run)


def _report(
    run: int,
    created: timedelta,
    failed: timedelta | None,
    finished: timedelta | None,
    updated: timedelta | None,
    **members: Any,
) -> Report:
    if members["status"] in FAILING and not (failed or finished or updated):
        # Without any time it would have failed when it was received, which no model knows.
        failed = timedelta(0)
    return Report(
        run=f"r{run}",
        created_at=START - created,
        failed_at=_moment(run, failed),
        finished_at=_moment(run, finished),
        updated_at=_moment(run, updated),
        **members,
    )


def _row(run: int, created: timedelta, updated: timedelta, **columns: Any) -> Row:
    finished = columns.pop("finished")
    failing = columns["status"] in FAILING
    told = columns["fingerprint"] if failing else ""
    fingerprint = FINGERPRINTS[columns["message"]] if told == "rule" else told
    return Row(
        run=f"r{run}",
        created_at=START - created,
        updated_at=START - updated + timedelta(milliseconds=7 * run),
        finished_at=_moment(run, finished),
        **{
            **columns,
            "fingerprint": fingerprint,
            "message": columns["message"] if fingerprint else None,
        },
    )


def mostly_absent(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.none(), values)


_RUN = st.integers(0, RUNS - 1)
TIMES = st.sampled_from(BEFORE_START)
_UPDATED = st.integers(1, 6).map(lambda minutes: timedelta(minutes=minutes))
_CREATED = st.sampled_from((timedelta(hours=1), timedelta(days=45)))
_MESSAGE = st.sampled_from(tuple(FINGERPRINTS))

REPORTS = st.builds(
    _report,
    run=_RUN,
    created=_CREATED,
    task=st.sampled_from(TASKS),
    status=st.sampled_from(STATUSES),
    version=st.sampled_from((None, None, *VERSIONS)),
    message=st.one_of(st.none(), _MESSAGE, _MESSAGE),
    tag=mostly_absent(st.sampled_from("xy")),
    failed=st.one_of(st.none(), TIMES, TIMES),
    finished=mostly_absent(TIMES),
    updated=mostly_absent(_UPDATED),
)
ROWS = st.builds(
    _row,
    run=_RUN,
    created=_CREATED,
    updated=_UPDATED,
    task=st.sampled_from(TASKS),
    status=st.sampled_from(STATUSES),
    number=st.integers(1, 6),
    version=st.sampled_from(("", *VERSIONS)),
    message=_MESSAGE,
    fingerprint=st.sampled_from((FOREIGN_FINGERPRINT, "rule", "rule", "")),
    tag=mostly_absent(st.sampled_from("xy")),
    finished=mostly_absent(TIMES),
    deleted=st.sampled_from((False, False, False, False, True)),
)
# One member changed, everything else as it was told before.
CHANGES = st.one_of(
    st.sampled_from("xyz").map(lambda tag: {"tag": tag}),
    st.sampled_from(("mail", "bill")).map(lambda task: {"task": task}),
    _MESSAGE.map(lambda message: {"message": message}),
    st.sampled_from(VERSIONS).map(lambda version: {"version": version}),
    st.sampled_from(STATUSES).map(lambda status: {"status": status}),
    TIMES.map(lambda time: {"failed_before": time}),
    _UPDATED.map(lambda time: {"updated_before": time}),
)


def changed(report: Report, change: dict[str, Any]) -> Report:
    """`report` with one of CHANGES."""
    values = vars(report) | change
    run = int(report.run.removeprefix("r"))
    for name in ("failed", "updated"):
        if f"{name}_before" in values:
            values[f"{name}_at"] = _moment(run, values.pop(f"{name}_before"))
    times = (values["failed_at"], values["finished_at"], values["updated_at"])
    if values["status"] in FAILING and not any(times):
        values["failed_at"] = _moment(run, timedelta(0))
    return Report(**values)


def failing_now(run: int, task: str, message: str, version: str | None, at: datetime) -> Report:
    """A failure that is told as it happens. Whole seconds of `at` keep runs' moments apart."""
    return Report(
        run=f"r{run}",
        task=task,
        status="FAILED",
        created_at=START - timedelta(hours=1),
        version=version,
        message=message,
        failed_at=at - timedelta(milliseconds=100 - 7 * run),
    )


def later_row(run_id: str, run: Run, number: int, finished: timedelta, *, named: bool) -> Row:
    """A row that tells a known failure again, at a time after everything a report may tell."""
    return Row(
        run=run_id,
        task=run.task,
        status="CRASHED",
        created_at=run.created_at,
        updated_at=START + timedelta(minutes=number),
        number=number,
        message=run.message if named else None,
        fingerprint=run.fingerprint if named else "",
        finished_at=_moment(int(run_id.removeprefix("r")), finished),
    )


def body_of(reports: list[Report]) -> bytes:
    """Compact, as an export's errors are kept: the same error is the same text in both."""
    return json.dumps([_members(report) for report in reports], separators=(",", ":")).encode()


def line_of(workspace: Workspace, row: Row) -> bytes:
    columns = export_row(
        workspace,
        row.run,
        task_identifier=row.task,
        status=STORED_STATUSES.get(row.status, row.status),
        created_at=str(epoch_milliseconds(row.created_at)),
        updated_at=str(epoch_milliseconds(row.updated_at)),
        completed_at=row.finished_at and str(epoch_milliseconds(row.finished_at)),
        error={} if row.message is None else {"data": _error(row.message)},
        error_fingerprint=row.fingerprint,
        task_version=row.version,
        tags=[] if row.tag is None else [row.tag],
        _version=str(row.number),
        _is_deleted=int(row.deleted),
    )
    return json.dumps(columns).encode() + b"\n"


def _members(report: Report) -> dict[str, Any]:
    members = {
        "id": report.run,
        "taskIdentifier": report.task,
        "status": report.status,
        "version": report.version,
        "tags": None if report.tag is None else [report.tag],
        "error": None if report.message is None else _error(report.message),
        "createdAt": iso(report.created_at),
        "failedAt": report.failed_at and iso(report.failed_at),
        "finishedAt": report.finished_at and iso(report.finished_at),
        "updatedAt": report.updated_at and iso(report.updated_at),
    }
    return {name: value for name, value in members.items() if value is not None}


def _error(message: str) -> dict[str, str]:
    return {"type": "E", "message": message}
