"""How statements over all groups of an environment count merged ones for their survivors.

Where nothing is merged, which is what most environments are, a statement stays as it is. Else each
group is looked up, after its rows were added up and before anything is ordered or cut off, in
ClickHouse's copy of the states, overruled by what the outbox still holds.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, LiteralString

from errors_app.domain.groups import GroupKey
from errors_app.queries.group_sql import GROUP
from errors_app.queries.merged import Mirror
from runs_app.clickhouse.client import Parameter
from runs_app.queries.tenant_sql import OF_TENANT

_MERGED: Final[LiteralString] = (
    """
        SELECT
            error_fingerprint,
            task_identifier,
            merged_into
        FROM error_group_states_v1 FINAL"""
    + OF_TENANT
    + """
            AND merged_into != ''"""
)
_NOT_TOLD_YET: Final[LiteralString] = (
    """
            AND """  # noqa: S608 constants all
    + GROUP
    + r""" NOT IN (
                SELECT concat(pair.1, '\0', pair.2)
                FROM (
                    SELECT arrayJoin(arrayZip(
                        {pending_fingerprints:Array(String)},
                        {pending_tasks:Array(String)}
                    )) AS pair
                )
            )
        UNION ALL
        SELECT
            pair.1 AS error_fingerprint,
            pair.2 AS task_identifier,
            pair.3 AS merged_into
        FROM (
            SELECT arrayJoin(arrayZip(
                {pending_fingerprints:Array(String)},
                {pending_tasks:Array(String)},
                {pending_merged:Array(String)}
            )) AS pair
        )
        WHERE merged_into != ''"""
)
# Of each `fingerprint` and task: the fingerprint that it counts for, empty where that is its own.
_SURVIVORS: Final[LiteralString] = """
        LEFT ANY JOIN (
            SELECT
                error_fingerprint AS fingerprint,
                task_identifier,
                merged_into AS into
            FROM ({merged}
            )
        ) AS merged USING (fingerprint, task_identifier)"""
# Columns of a folded table: those that a group's own are, and what is told of it.
_ERRORS: Final[LiteralString] = "FROM errors_v1" + OF_TENANT
_FOLDED_ERRORS: Final[LiteralString] = (
    """FROM (
        SELECT
            organization_id,
            project_id,
            environment_id,
            if(into != '', into, fingerprint) AS error_fingerprint,
            task_identifier,
            newest,
            newest_category,
            first_seen,
            last_seen
        FROM (
            SELECT
                organization_id,
                project_id,
                environment_id,
                error_fingerprint AS fingerprint,
                task_identifier,
                newest,
                newest_category,
                first_seen,
                last_seen
            FROM errors_v1"""
    + OF_TENANT
    + """
        ) AS told"""
    + _SURVIVORS
    + """
    ) AS folded"""
    + OF_TENANT
)
_RUNS: Final[LiteralString] = "FROM error_runs_v1" + OF_TENANT
_FOLDED_RUNS: Final[LiteralString] = (
    """FROM (
        SELECT
            organization_id,
            project_id,
            environment_id,
            if(into != '', into, fingerprint) AS error_fingerprint,
            task_identifier,
            failed_at
        FROM (
            SELECT
                organization_id,
                project_id,
                environment_id,
                error_fingerprint AS fingerprint,
                task_identifier,
                failed_at
            FROM error_runs_v1"""
    + OF_TENANT
    + """
                AND failed_at >= {start:DateTime64(3, 'UTC')}
                AND failed_at < {as_of:DateTime64(3, 'UTC')}
        ) AS told"""
    + _SURVIVORS
    + """
    ) AS folded"""
    + OF_TENANT
)
_FOLDED_COUNTS: Final[LiteralString] = (
    """
    SELECT
        if(into != '', into, fingerprint) AS error_fingerprint,
        task_identifier,
        sum(part) AS n
    FROM (
        SELECT
            error_fingerprint AS fingerprint,
            task_identifier,
            n AS part
        FROM ({counts}
        )
    ) AS counted"""
    + _SURVIVORS
    + """
    GROUP BY
        error_fingerprint,
        task_identifier
    HAVING n > 0"""
)


def folded_counts(counts: LiteralString, mirror: Mirror) -> LiteralString:
    """Counts by group, as `FRESH_COUNTS` and `FROZEN_COUNTS` are."""
    if not mirror.merged:
        return counts
    return _FOLDED_COUNTS.replace("{counts}", counts).replace("{merged}", _merged(mirror))


def folded(sql: LiteralString, mirror: Mirror) -> LiteralString:
    """A statement that reads the tables of groups or, of failed runs, when they failed."""
    if not mirror.merged:
        return sql
    sql = sql.replace(_ERRORS, _FOLDED_ERRORS).replace(_RUNS, _FOLDED_RUNS)
    return sql.replace("{merged}", _merged(mirror))


def mirror_parameters(mirror: Mirror, now: datetime) -> dict[str, Parameter]:
    """What statements ask for that overrule ClickHouse's copy."""
    if not mirror.pending:
        return {}
    pending = mirror.pending
    return {
        "pending_fingerprints": [one.key.error_fingerprint for one in pending],
        "pending_tasks": [one.key.task_identifier for one in pending],
        "pending_statuses": [one.state.at(now).status for one in pending],
        "pending_merged": [one.state.merged_into or "" for one in pending],
    }


def spread_parameters(spread: Mapping[GroupKey, GroupKey]) -> dict[str, Parameter]:
    """What statements about named groups ask for: the groups and what is merged into them, each
    with the one it counts for. Needs at least one."""
    return {
        "shown_fingerprints": sorted({key.error_fingerprint for key in spread}),
        "shown_tasks": sorted({key.task_identifier for key in spread}),
        "members": [key.error_fingerprint for key in spread],
        "member_tasks": [key.task_identifier for key in spread],
        "survivors": [into.error_fingerprint for into in spread.values()],
    }


def _merged(mirror: Mirror) -> LiteralString:
    return _MERGED + _NOT_TOLD_YET if mirror.pending else _MERGED
