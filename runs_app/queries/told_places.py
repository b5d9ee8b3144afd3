"""What ClickHouse has of runs, whoever told it: for those that the relational store lacks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from runs_app.clickhouse.client import Parameter, clickhouse
from runs_app.domain.counting import Count
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import epoch_milliseconds, from_epoch_milliseconds
from runs_app.queries.tenant_sql import OF_TENANT, tenant_parameters

ANY_ROW: Final[LiteralString] = (
    """
SELECT
    1
FROM {table}"""
    + OF_TENANT
    + """
LIMIT 1
"""
)
ANY_OF_TABLES: Final = (
    ANY_ROW.replace("{table}", "task_runs_v2"),
    ANY_ROW.replace("{table}", "error_runs_v1"),
)
OF_RUNS: Final[LiteralString] = """
    AND (run_id IN {run_ids:Array(String)} OR friendly_id IN {friendly_ids:Array(String)})"""
# One statement, so that the ids, which are thousands, are sent once.
ANY_OF_RUNS: Final[LiteralString] = (
    """
SELECT
    1
FROM error_runs_v1"""
    + OF_TENANT
    + OF_RUNS
    + """
LIMIT 1
UNION ALL
SELECT
    1
FROM task_runs_v2"""
    + OF_TENANT
    + """
    AND created_at >= {start:DateTime64(3, 'UTC')}
    AND created_at <= {end:DateTime64(3, 'UTC')}"""
    + OF_RUNS
    + """
LIMIT 1
"""
)
# Grouped, not FINAL, which would merge all that the tenant has before it looks at the ids.
KEYS: Final[LiteralString] = (
    """
SELECT
    run_id,
    toUnixTimestamp64Milli(created_at) AS created_ms,
    argMax(friendly_id, _version) AS name,
    max(_version) AS version,
    argMax(_is_deleted, _version) AS is_gone
FROM task_runs_v2"""
    + OF_TENANT
    + """
    AND created_at >= {start:DateTime64(3, 'UTC')}
    AND created_at <= {end:DateTime64(3, 'UTC')}"""
    + OF_RUNS
    + """
GROUP BY run_id, created_at
"""
)
# Of a run whose fingerprint and time of failing nobody knows: all that is kept has to be looked at.
PLACES: Final[LiteralString] = (
    """
SELECT
    run_id,
    argMax(friendly_id, _version) AS name,
    toUnixTimestamp64Milli(argMax(created_at, _version)) AS created_ms,
    argMax(task_identifier, _version) AS task,
    error_fingerprint,
    argMax(task_version, _version) AS task_release,
    toUnixTimestamp64Milli(failed_at) AS failed_ms,
    max(_version) AS version
FROM error_runs_v1"""
    + OF_TENANT
    + OF_RUNS
    + """
GROUP BY error_fingerprint, failed_at, run_id
HAVING argMax(_is_deleted, _version) = 0
"""
)
TENANT_COLUMNS: Final = ("organization_id", "project_id", "environment_id")
REMOVED: Final = (
    *TENANT_COLUMNS, "run_id", "friendly_id", "created_at", "error_delta", "_version",
    "_is_deleted",
)  # fmt: skip
NO_LONGER_THERE: Final = (
    *TENANT_COLUMNS, "error_fingerprint", "task_identifier", "failed_at", "run_id", "friendly_id",
    "task_version", "created_at", "_version", "_is_deleted",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunIds:
    """Two ids of each run: ClickHouse's key for it, and the one shown everywhere."""

    run_ids: Sequence[str]
    friendly_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class ToldRun:
    """A run as `task_runs_v2` has it under one key. `deleted`: its newest row says so."""

    run_id: str
    friendly_id: str
    created_at: datetime
    version: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class ToldPlace:
    """Where `error_runs_v1` has a run as failed; a run has more than one if it was told so."""

    run_id: str
    friendly_id: str
    created_at: datetime
    count: Count
    version: int


def has_runs(tenant: Tenant) -> bool:
    """Whether ClickHouse has anything of this tenant, which is cheap to ask."""
    return any(
        clickhouse().command("any run", sql, tenant_parameters(tenant)) for sql in ANY_OF_TABLES
    )


def knows_any(tenant: Tenant, ids: RunIds, *, first: datetime, last: datetime) -> bool:
    """Whether ClickHouse has, or had, any of these runs: as failed, or as created from `first` to
    `last`, both included."""
    bounds: dict[str, Parameter] = {"start": first, "end": last}
    return bool(
        clickhouse().command(
            "any of some runs", ANY_OF_RUNS, {**_parameters(tenant, ids), **bounds}
        )
    )


def find_told_runs(
    tenant: Tenant, ids: RunIds, *, first: datetime, last: datetime
) -> list[ToldRun]:
    """The runs that have one of the ids and were created from `first` to `last`, both included."""
    rows = clickhouse().command(
        "find told runs", KEYS, {**_parameters(tenant, ids), "start": first, "end": last}
    )
    return [
        ToldRun(run_id, name, from_epoch_milliseconds(created_ms), version, bool(is_gone))
        for run_id, created_ms, name, version, is_gone in rows
    ]


def find_told_places(tenant: Tenant, ids: RunIds) -> list[ToldPlace]:
    """Where the runs with one of these ids count."""
    rows = clickhouse().command("find told places", PLACES, _parameters(tenant, ids))
    return [
        ToldPlace(
            run_id,
            name,
            from_epoch_milliseconds(created_ms),
            Count(task, fingerprint, release, from_epoch_milliseconds(failed_ms)),
            version,
        )
        for run_id, name, created_ms, task, fingerprint, release, failed_ms, version in rows
    ]


def remove_runs(tenant: Tenant, told: Collection[ToldRun]) -> None:
    """Take keys out of the runs table; no view looks at such rows. May be repeated."""
    values = _values(tenant)
    clickhouse().insert(
        "task_runs_v2",
        REMOVED,
        [
            (
                *values,
                run.run_id,
                run.friendly_id,
                epoch_milliseconds(run.created_at),
                0,
                run.version + 1,
                1,
            )
            for run in told
        ],
    )


def remove_places(tenant: Tenant, told: Collection[ToldPlace]) -> None:
    """Take failed runs out of places, but not off their minutes. May be repeated."""
    values = _values(tenant)
    clickhouse().insert(
        "error_runs_v1",
        NO_LONGER_THERE,
        [
            (
                *values,
                place.count.error_fingerprint,
                place.count.task_identifier,
                epoch_milliseconds(place.count.failed_at),
                place.run_id,
                place.friendly_id,
                place.count.task_version,
                epoch_milliseconds(place.created_at),
                place.version + 1,
                1,
            )
            for place in told
        ],
    )


def _parameters(tenant: Tenant, ids: RunIds) -> dict[str, Parameter]:
    return {
        **tenant_parameters(tenant),
        "run_ids": ids.run_ids,
        "friendly_ids": ids.friendly_ids,
    }


def _values(tenant: Tenant) -> tuple[str, ...]:
    parameters = tenant_parameters(tenant)
    return tuple(str(parameters[name.removesuffix("_id")]) for name in TENANT_COLUMNS)
