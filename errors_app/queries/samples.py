"""The failed runs behind one group, newest failure first: which they are, and what they look like.

ClickHouse knows which runs failed in the group and in what order; the relational store has what was
reported of them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from errors_app.domain.groups import GroupKey
from errors_app.queries.group_sql import OF_VERSIONS
from errors_app.queries.merged import fingerprints_of
from runs_app.clickhouse.client import Parameter, Row, clickhouse
from runs_app.domain.paging import Direction
from runs_app.domain.records import RunRecord
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import from_epoch_milliseconds
from runs_app.domain.window import Window
from runs_app.models import TaskRun
from runs_app.queries.runs import RunKey, read_listed_runs
from runs_app.queries.task_runs import record_of
from runs_app.queries.tenant_sql import OF_TENANT, tenant_parameters

FAILURES: Final[LiteralString] = (
    """
SELECT
    friendly_id,
    run_id,
    toUnixTimestamp64Milli(failed_at)
FROM error_runs_v1 FINAL"""
    + OF_TENANT
    + """
    AND error_fingerprint IN {fingerprints:Array(String)}
    AND task_identifier = {task:String}
    AND failed_at >= {start:DateTime64(3, 'UTC')}
    AND failed_at < {end:DateTime64(3, 'UTC')}{narrow}{beyond}
ORDER BY {order}
LIMIT {limit:UInt32}"""
)
BEYOND: Final[Mapping[Direction, LiteralString]] = {
    Direction.AFTER: """
    AND (failed_at, run_id) < ({edge:DateTime64(3, 'UTC')}, {edge_run:String})""",
    Direction.BEFORE: """
    AND (failed_at, run_id) > ({edge:DateTime64(3, 'UTC')}, {edge_run:String})""",
}
ORDERS: Final[Mapping[Direction, LiteralString]] = {
    Direction.AFTER: "failed_at DESC, run_id DESC",
    Direction.BEFORE: "failed_at, run_id",
}
# The failures next to one, in one statement: the older one and the newer one, as far as there are.
NEIGHBOURS: Final[LiteralString] = """
SELECT *
FROM ({older}
)
UNION ALL
SELECT *
FROM ({newer}
)"""

# What a page about a failure does not show, and what stands in its place.
UNREAD: Final[Mapping[str, str | None]] = {
    "payload": None,
    "output": None,
    "metadata": None,
    "extra": None,
    "grouping_key": "",
}


@dataclass(frozen=True, slots=True)
class FailedRun:
    """One failure of the group."""

    friendly_id: str
    run_id: str
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class FailureBoundary:
    """Just beyond this failure, in this direction."""

    direction: Direction
    failed_at: datetime
    run_id: str


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The friendly ids of the failures just before and just after one."""

    older: str | None = None
    newer: str | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where some runs ran: how many of `runs` had each queue, machine, region and tag; those that
    most had first."""

    runs: int
    queues: tuple[tuple[str, int], ...]
    machines: tuple[tuple[str, int], ...]
    regions: tuple[tuple[str, int], ...]
    tags: tuple[tuple[str, int], ...]


def read_failures(
    tenant: Tenant,
    key: GroupKey,
    window: Window,
    versions: Sequence[str],
    *,
    boundary: FailureBoundary | None,
    limit: int,
) -> list[FailedRun]:
    """At most `limit` failures in the window from the boundary on, nearest first; only of these
    versions, if any are named."""
    direction = Direction.AFTER if boundary is None else boundary.direction
    beyond = "" if boundary is None else BEYOND[direction]
    rows = clickhouse().query(
        "failures of a group",
        _failures(direction, versions, beyond),
        {
            **_parameters(tenant, key, window, versions),
            **({} if boundary is None else _edge(boundary.failed_at, boundary.run_id)),
            "limit": limit,
        },
    )
    return [_failed_run(row) for row in rows]


def read_neighbours(
    tenant: Tenant,
    key: GroupKey,
    window: Window,
    versions: Sequence[str],
    failed_at: datetime,
    run_id: str,
) -> Neighbours:
    """The failures in the window next to that of a run."""
    sides = {
        direction: _failures(direction, versions, BEYOND[direction]) for direction in Direction
    }
    rows = clickhouse().query(
        "failures next to one",
        NEIGHBOURS.replace("{older}", sides[Direction.AFTER]).replace(
            "{newer}", sides[Direction.BEFORE]
        ),
        {
            **_parameters(tenant, key, window, versions),
            **_edge(failed_at, run_id),
            "limit": 1,
        },
    )
    place = (failed_at, run_id)
    found = [_failed_run(row) for row in rows]
    older = (run.friendly_id for run in found if (run.failed_at, run.run_id) < place)
    newer = (run.friendly_id for run in found if (run.failed_at, run.run_id) > place)
    return Neighbours(next(older, None), next(newer, None))


def read_rows(tenant: Tenant, failed: Sequence[FailedRun]) -> list[RunRecord]:
    """These runs without their content, in this order; one without a row is left out."""
    # Lists of runs know a run by its id; the rest of the key is for their own cursors.
    return read_listed_runs(tenant, [RunKey(run.friendly_id, 0, run.run_id) for run in failed])


def read_sample(tenant: Tenant, friendly_id: str) -> RunRecord | None:
    """A run with its error as it was reported, and without its other content."""
    # No stored id has a NUL in it, and PostgreSQL refuses to be asked for one.
    if "\0" in friendly_id:
        return None
    runs = TaskRun.objects.filter(environment_id=tenant.environment_id, friendly_id=friendly_id)
    run = runs.defer(*UNREAD).first()
    if run is None:
        return None
    for name, nothing in UNREAD.items():
        # A deferred field that is looked at would be a query of its own.
        setattr(run, name, nothing)
    return record_of(run)


def read_surroundings(tenant: Tenant, failed: Sequence[FailedRun]) -> Surroundings:
    """Where these runs ran."""
    rows = TaskRun.objects.filter(
        environment_id=tenant.environment_id, friendly_id__in=[run.friendly_id for run in failed]
    ).values_list("queue", "machine", "region", "tags")
    found = list(rows)
    return Surroundings(
        runs=len(found),
        queues=_most_common(queue for queue, *_ in found),
        machines=_most_common(machine for _, machine, *_ in found),
        regions=_most_common(region for _, _, region, _ in found),
        tags=_most_common(tag for *_, tags in found for tag in set(tags)),
    )


def _failures(
    direction: Direction, versions: Sequence[str], beyond: LiteralString
) -> LiteralString:
    return (
        FAILURES.replace("{narrow}", OF_VERSIONS if versions else "")
        .replace("{beyond}", beyond)
        .replace("{order}", ORDERS[direction])
    )


def _parameters(
    tenant: Tenant, key: GroupKey, window: Window, versions: Sequence[str]
) -> dict[str, Parameter]:
    return {
        **tenant_parameters(tenant),
        "fingerprints": fingerprints_of(tenant, key),
        "task": key.task_identifier,
        "start": window.start,
        "end": window.end,
        **({"versions": versions} if versions else {}),
    }


def _edge(failed_at: datetime, run_id: str) -> dict[str, Parameter]:
    return {"edge": failed_at, "edge_run": run_id}


def _failed_run(row: Row) -> FailedRun:
    friendly_id, run_id, failed_at = row
    return FailedRun(friendly_id, run_id, from_epoch_milliseconds(failed_at))


def _most_common(values: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Those with a name; of as many, in the order of their names."""
    counts = Counter(value for value in values if value)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
