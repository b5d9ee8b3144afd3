"""Lists of runs, newest first: ids from ClickHouse, rows from the relational store."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString

from runs_app.clickhouse.client import Parameter, clickhouse
from runs_app.domain.paging import Direction
from runs_app.domain.records import RunRecord
from runs_app.domain.run_filters import FailedGroup, RunFilters
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import MILLISECOND
from runs_app.domain.window import Window
from runs_app.models import TaskRun
from runs_app.queries.task_runs import record_of
from runs_app.queries.tenant_sql import OF_TENANT, tenant_parameters

# FINAL, because a filter on an older version of a run would bring it back as it no longer is. It
# reads all that the primary key admits, so that lists are read in slices of time.
RUNS: Final[LiteralString] = (
    """
SELECT
    friendly_id,
    toUnixTimestamp64Milli(created_at),
    run_id
FROM {table} FINAL"""
    + OF_TENANT
    + """
    AND created_at >= {start:DateTime64(3, 'UTC')}
    AND created_at < {end:DateTime64(3, 'UTC')}{conditions}
ORDER BY {order}
LIMIT {limit:UInt32}"""
)

ALL_RUNS: Final[LiteralString] = "task_runs_v2"
FAILED_RUNS: Final[LiteralString] = "error_runs_v1"
# What both tables have: with these filters alone, the runs behind a group are read from the table
# that is ordered by group.
FILTERS_OF_FAILED_RUNS: Final = frozenset({"statuses", "task_identifiers", "versions", "is_test"})

OF_GROUPS: Final[LiteralString] = """
    AND error_fingerprint IN {fingerprints:Array(String)}"""
# The same with groups that count for the others in one task each.
OF_THESE_AND_OTHERS: Final[LiteralString] = """
    AND (
        error_fingerprint IN {fingerprints:Array(String)}
        OR (error_fingerprint, task_identifier) IN (
            SELECT
                other.1,
                other.2
            FROM (
                SELECT arrayJoin(arrayZip(
                    {other_fingerprints:Array(String)},
                    {other_tasks:Array(String)}
                )) AS other
            )
        )
    )"""

BOUNDARIES: Final[Mapping[Direction, LiteralString]] = {
    Direction.AFTER: """
    AND (created_at, run_id) < ({edge:DateTime64(3, 'UTC')}, {edge_run:String})""",
    Direction.BEFORE: """
    AND (created_at, run_id) > ({edge:DateTime64(3, 'UTC')}, {edge_run:String})""",
}
ORDERS: Final[Mapping[Direction, LiteralString]] = {
    Direction.AFTER: "created_at DESC, run_id DESC",
    Direction.BEFORE: "created_at ASC, run_id ASC",
}
CONDITIONS: Final[Mapping[str, LiteralString]] = {
    "statuses": "status IN {statuses:Array(String)}",
    "task_identifiers": "task_identifier IN {task_identifiers:Array(String)}",
    "versions": "task_version IN {versions:Array(String)}",
    "tags": "hasAny(tags, {tags:Array(String)})",
    "batches": "batch_id IN {batches:Array(String)}",
    "schedules": "schedule_id IN {schedules:Array(String)}",
    "queues": "queue IN {queues:Array(String)}",
    "machines": "machine_preset IN {machines:Array(String)}",
    "regions": "region IN {regions:Array(String)}",
    "is_test": "is_test = {is_test:Bool}",
    "expected": "expected = {expected:Bool}",
}
# The first stretches of a window that are read; the third is all the rest, so that a page costs
# three reads at most.
SLICES: Final = (timedelta(hours=2), timedelta(days=3))

# What a list does not show and may be long, and what stands in its place.
UNREAD: Final[Mapping[str, str | None]] = {
    "payload": None,
    "output": None,
    "error": None,
    "extra": None,
    "grouping_key": "",
}


@dataclass(frozen=True, slots=True)
class RunKey:
    """Where a run stands in the list."""

    friendly_id: str
    created_at_ms: int
    run_id: str


@dataclass(frozen=True, slots=True)
class RunBoundary:
    """Just beyond this run, in this direction."""

    direction: Direction
    created_at: datetime
    run_id: str


def list_run_keys(
    tenant: Tenant,
    filters: RunFilters,
    window: Window,
    *,
    boundary: RunBoundary | None,
    limit: int,
    others: Sequence[FailedGroup] = (),
) -> list[RunKey]:
    """At most `limit` runs from the boundary on, nearest first. `others`: groups whose runs are
    those of the groups that the filters name, too."""
    direction = Direction.AFTER if boundary is None else boundary.direction
    used = [name for name in CONDITIONS if getattr(filters, name) not in ((), None)]
    of_groups = bool(filters.error_fingerprints)
    by_group = of_groups and FILTERS_OF_FAILED_RUNS.issuperset(used)
    conditions: LiteralString = "" if boundary is None else BOUNDARIES[direction]
    if of_groups:
        conditions += OF_THESE_AND_OTHERS if others else OF_GROUPS
    for name in used:
        conditions += "\n    AND " + CONDITIONS[name]
    sql = (
        RUNS.replace("{table}", FAILED_RUNS if by_group else ALL_RUNS)
        .replace("{conditions}", conditions)
        .replace("{order}", ORDERS[direction])
    )
    parameters: dict[str, Parameter] = {name: getattr(filters, name) for name in used}
    if of_groups:
        parameters["fingerprints"] = filters.error_fingerprints
        if others:
            parameters["other_fingerprints"] = [other.error_fingerprint for other in others]
            parameters["other_tasks"] = [other.task_identifier for other in others]
    if boundary is not None:
        parameters["edge"] = boundary.created_at
        parameters["edge_run"] = boundary.run_id
    slices = [window] if by_group else _slices(window, boundary, direction)
    return _read_slices(tenant, sql, parameters, slices, limit)


def _read_slices(
    tenant: Tenant,
    sql: LiteralString,
    parameters: Mapping[str, Parameter],
    slices: Iterable[Window],
    limit: int,
) -> list[RunKey]:
    found: list[RunKey] = []
    for part in slices:
        rows = clickhouse().query(
            "list runs",
            sql,
            {
                **parameters,
                **tenant_parameters(tenant),
                "start": part.start,
                "end": part.end,
                "limit": limit - len(found),
            },
        )
        found += [RunKey(*row) for row in rows]
        if len(found) == limit:
            break
    return found


def _slices(window: Window, boundary: RunBoundary | None, direction: Direction) -> Iterator[Window]:
    """The window in three stretches that grow, from where the page starts outward.

    A run's time of creation never changes, so that no run falls between two of them.
    """
    start, end = window.start, window.end
    lengths = (*SLICES, end - start)
    if direction is Direction.AFTER:
        if boundary is not None:
            end = min(end, boundary.created_at + MILLISECOND)
        for length in lengths:
            if start < end:
                edge = max(start, end - length)
                yield Window(edge, end)
                end = edge
        return
    if boundary is not None:
        start = max(start, boundary.created_at)
    for length in lengths:
        if start < end:
            edge = min(end, start + length)
            yield Window(start, edge)
            start = edge


def read_listed_runs(tenant: Tenant, keys: Sequence[RunKey]) -> list[RunRecord]:
    """The runs in the order of `keys`, without their content; one without a row is left out."""
    runs = TaskRun.objects.filter(
        environment_id=tenant.environment_id, friendly_id__in=[key.friendly_id for key in keys]
    ).defer(*UNREAD)
    by_id = {}
    for run in runs:
        for name, nothing in UNREAD.items():
            # A deferred field that is looked at would be a query of its own.
            setattr(run, name, nothing)
        by_id[run.friendly_id] = record_of(run)
    return [by_id[key.friendly_id] for key in keys if key.friendly_id in by_id]


def find_run(tenant: Tenant, friendly_ids: Sequence[str]) -> RunRecord | None:
    """The run with the first of these ids that exists."""
    runs = TaskRun.objects.filter(
        environment_id=tenant.environment_id, friendly_id__in=list(friendly_ids)
    )
    by_id = {run.friendly_id: run for run in runs}
    for friendly_id in friendly_ids:
        if friendly_id in by_id:
            return record_of(by_id[friendly_id])
    return None
