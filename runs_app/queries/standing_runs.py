"""What ClickHouse knows of runs as it stands there, for comparing it with the relational store.

Times are epoch milliseconds, as ClickHouse keeps them. Reads of maintenance: bounded by the
caller's slices, not by the limits of a request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.tenant import Tenant
from runs_app.queries.counts import GroupRange
from runs_app.queries.tenant_sql import OF_TENANT, tenant_parameters

# By version, with the number of forms a version has: of several nobody knows which one wins.
KNOWN_RUNS: Final[LiteralString] = (
    """
SELECT
    run_id,
    toUnixTimestamp64Milli(created_at),
    _version,
    any(_is_deleted),
    uniqExact(_is_deleted)
FROM task_runs_v2"""
    + OF_TENANT
    + """
    AND created_at >= {first:DateTime64(3, 'UTC')}
    AND created_at <= {last:DateTime64(3, 'UTC')}
    AND run_id IN {runs:Array(String)}
GROUP BY
    run_id,
    created_at,
    _version
ORDER BY _version"""
)
PLACES: Final[LiteralString] = (
    """
SELECT
    run_id,
    error_fingerprint,
    toUnixTimestamp64Milli(failed_at),
    _version,
    any(_is_deleted),
    any(task_identifier),
    any(task_version),
    uniqExact(_is_deleted, task_identifier, task_version)
FROM error_runs_v1"""
    + OF_TENANT
    + """
    AND error_fingerprint IN {fingerprints:Array(String)}
    AND failed_at >= {first:DateTime64(3, 'UTC')}
    AND failed_at <= {last:DateTime64(3, 'UTC')}
    AND run_id IN {runs:Array(String)}
GROUP BY
    run_id,
    error_fingerprint,
    failed_at,
    _version
ORDER BY _version"""
)
# In the order of the table, so that a slice is read and no more; not FINAL, which would read all
# that is left before it is cut. Tombstones come along and are counted, lest a stretch of them alone
# look like the end.
FAILED_RUNS: Final[LiteralString] = (
    """
SELECT
    error_fingerprint,
    toUnixTimestamp64Milli(failed_at),
    run_id,
    task_identifier,
    task_version,
    friendly_id,
    status,
    toUnixTimestamp64Milli(created_at),
    is_test,
    _version,
    _is_deleted
FROM error_runs_v1"""
    + OF_TENANT
    + """
    AND error_fingerprint >= {fingerprint:String}
    AND (
        error_fingerprint > {fingerprint:String}
        OR failed_at > fromUnixTimestamp64Milli({failed_at:Int64}, 'UTC')
        OR failed_at = fromUnixTimestamp64Milli({failed_at:Int64}, 'UTC') AND run_id > {run:String}
    )
    AND failed_at >= {since:DateTime64(3, 'UTC')}
ORDER BY
    error_fingerprint,
    failed_at,
    run_id,
    _version DESC,
    _is_deleted
LIMIT 1 BY
    error_fingerprint,
    failed_at,
    run_id
LIMIT {limit:UInt32}"""
)
# Groups whose own row knows less than their failed runs tell, with the runs that would mend it.
OUTDATED_GROUPS: Final[LiteralString] = (
    """
SELECT
    error_fingerprint,
    task_identifier,
    newest_run,
    oldest_run
FROM (
    SELECT
        error_fingerprint,
        task_identifier,
        max(tuple(failed_at, _version)) AS newest_known,
        min(failed_at) AS oldest_known,
        argMax(friendly_id, tuple(failed_at, _version)) AS newest_run,
        argMin(friendly_id, tuple(failed_at, _version)) AS oldest_run
    FROM error_runs_v1 FINAL"""
    + OF_TENANT
    + """
        AND failed_at >= {since:DateTime64(3, 'UTC')}
        AND {groups}
    GROUP BY
        error_fingerprint,
        task_identifier
) AS counted
LEFT JOIN (
    SELECT
        error_fingerprint,
        task_identifier,
        count() AS shown_rows,
        max(newest) AS newest_shown,
        max(sample) AS newest_sample,
        min(first_seen) AS shown_since,
        max(last_seen) AS shown_until
    FROM errors_v1"""
    + OF_TENANT
    + """
        AND {groups}
    GROUP BY
        error_fingerprint,
        task_identifier
) AS shown USING (error_fingerprint, task_identifier)
WHERE shown_rows = 0
    OR tuple(newest_shown.1, newest_shown.2) < newest_known
    OR tuple(newest_sample.1, newest_sample.2) < newest_known
    OR shown_since > oldest_known
    OR shown_until < newest_known.1
ORDER BY
    error_fingerprint,
    task_identifier"""
)
COPIED_STATES: Final[LiteralString] = (
    """
SELECT
    error_fingerprint,
    task_identifier,
    max(version)
FROM error_group_states_v1"""
    + OF_TENANT
    + """
    AND error_fingerprint >= {first:String}
    AND error_fingerprint <= {last:String}
GROUP BY
    error_fingerprint,
    task_identifier"""
)


@dataclass(frozen=True, slots=True)
class KnownRun:
    """The newest row of a run in `task_runs_v2`. `torn`: its version is there in several forms."""

    version: int
    deleted: bool
    torn: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands among the failed runs: a key of `error_runs_v1`."""

    run_id: str
    error_fingerprint: str
    failed_at: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest row at a place; `deleted`: a tombstone. `torn`: its version is there in several
    forms."""

    version: int
    deleted: bool
    task_identifier: str
    task_version: str
    torn: bool = False


@dataclass(frozen=True, slots=True)
class FailedRun:
    """The newest row at a place, with everything `error_runs_v1` has of it."""

    place: Place
    standing: Standing
    friendly_id: str
    status: str
    created_at: int
    is_test: bool


@dataclass(frozen=True, slots=True)
class OutdatedGroup:
    """A group whose row in `errors_v1` is missing or old. The runs are friendly ids."""

    error_fingerprint: str
    task_identifier: str
    newest_run: str
    oldest_run: str


def read_known(
    tenant: Tenant, first: datetime, last: datetime, run_ids: Sequence[str]
) -> dict[tuple[str, int], KnownRun]:
    """By run id and creation: these runs, as far as they were created from `first` to `last`."""
    rows = clickhouse().command(
        "read known runs",
        KNOWN_RUNS,
        {**tenant_parameters(tenant), "first": first, "last": last, "runs": run_ids},
    )
    return {
        (run_id, created_at): KnownRun(version, bool(deleted), forms > 1)
        for run_id, created_at, version, deleted, forms in rows
    }


def read_places(
    tenant: Tenant,
    first: datetime,
    last: datetime,
    fingerprints: Sequence[str],
    run_ids: Sequence[str],
) -> dict[Place, Standing]:
    """Where these runs stand in these groups, having failed from `first` to `last`."""
    rows = clickhouse().command(
        "read places of runs",
        PLACES,
        {
            **tenant_parameters(tenant),
            "first": first,
            "last": last,
            "fingerprints": fingerprints,
            "runs": run_ids,
        },
    )
    return {
        Place(*place): Standing(version, bool(deleted), task, task_version, forms > 1)
        for *place, version, deleted, task, task_version, forms in rows
    }


def read_failed_runs(
    tenant: Tenant, after: Place | None, since: datetime, limit: int
) -> list[FailedRun]:
    """The next places in the order of the table, tombstones included: fewer at the end only."""
    rows = clickhouse().command(
        "read failed runs",
        FAILED_RUNS,
        {
            **tenant_parameters(tenant),
            "fingerprint": "" if after is None else after.error_fingerprint,
            "failed_at": 0 if after is None else after.failed_at,
            "run": "" if after is None else after.run_id,
            "since": since,
            "limit": limit,
        },
    )
    return [_failed_run(row) for row in rows]


def _failed_run(row: Sequence[Any]) -> FailedRun:
    fingerprint, failed_at, run_id, task, task_version, friendly_id, status, created_at = row[:8]
    is_test, version, deleted = row[8:]
    return FailedRun(
        Place(run_id, fingerprint, failed_at),
        Standing(version, bool(deleted), task, task_version),
        friendly_id,
        status,
        created_at,
        bool(is_test),
    )


def find_outdated_groups(
    tenant: Tenant, since: datetime, groups: GroupRange
) -> list[OutdatedGroup]:
    """Groups with failed runs whose own row is missing, or older than those runs."""
    rows = clickhouse().command(
        "find outdated groups",
        OUTDATED_GROUPS.replace("{groups}", groups.condition),
        {**tenant_parameters(tenant), **groups.parameters, "since": since},
    )
    return [OutdatedGroup(*row) for row in rows]


def read_copied_states(tenant: Tenant, first: str, last: str) -> dict[tuple[str, str], int]:
    """Versions of the states ClickHouse holds, by fingerprint (from `first` to `last`) and task."""
    rows = clickhouse().command(
        "read copied states",
        COPIED_STATES,
        {**tenant_parameters(tenant), "first": first, "last": last},
    )
    return {(fingerprint, task): version for fingerprint, task, version in rows}
