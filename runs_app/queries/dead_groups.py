"""Groups whose last failure is past retention, in the one table of groups that has no TTL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.tenant import Tenant
from runs_app.queries.tenant_sql import OF_TENANT, tenant_parameters

# A merged group lives as long as any that it is one with: the survivor was first seen when the
# first of them was.
DEAD: Final[LiteralString] = (
    """
    SELECT
        error_fingerprint,
        task_identifier
    FROM (
        SELECT
            error_fingerprint,
            task_identifier,
            max(seen) OVER (
                PARTITION BY if(merged_into = '', error_fingerprint, merged_into), task_identifier
            ) AS seen_as_one
        FROM (
            SELECT
                error_fingerprint,
                task_identifier,
                max(last_seen) AS seen
            FROM errors_v1"""
    + OF_TENANT
    + """
            GROUP BY
                error_fingerprint,
                task_identifier
        ) AS told
        LEFT ANY JOIN (
            SELECT
                error_fingerprint,
                task_identifier,
                merged_into
            FROM error_group_states_v1 FINAL"""
    + OF_TENANT
    + """
                AND merged_into != ''
        ) AS merged USING (error_fingerprint, task_identifier)
    )
    WHERE seen_as_one < {cutoff:DateTime64(3, 'UTC')}"""
)
COUNT: Final[LiteralString] = "SELECT count() FROM (" + DEAD + ")"  # noqa: S608
FIND: Final[LiteralString] = (
    DEAD
    + """
    ORDER BY
        error_fingerprint,
        task_identifier
    LIMIT {limit:UInt32}"""
)
# Each row is judged by its own last time as well: a statement that runs on after its caller is
# gone meets groups that fail again, and must leave what was written of that. A lightweight delete
# hides rows at once and leaves the stacks where they are until parts merge.
DELETE: Final[LiteralString] = (
    """
    DELETE FROM errors_v1"""  # noqa: S608
    + OF_TENANT
    + """
            AND last_seen < {cutoff:DateTime64(3, 'UTC')}
            AND (error_fingerprint, task_identifier) IN (
                SELECT
                    pair.1,
                    pair.2
                FROM (
                    SELECT arrayJoin(arrayZip(
                        {fingerprints:Array(String)},
                        {tasks:Array(String)}
                    )) AS pair
                )
            )
    SETTINGS lightweight_deletes_sync = 2, mutations_sync = 2"""
)


@dataclass(frozen=True, slots=True)
class DeadGroup:
    error_fingerprint: str
    task_identifier: str


def count_dead_groups(tenant: Tenant, cutoff: datetime) -> int:
    """Groups whose every failure, ever, and of all they are merged with, was before `cutoff`."""
    [(count,)] = clickhouse().command(
        "count dead groups", COUNT, {**tenant_parameters(tenant), "cutoff": cutoff}
    )
    return int(count)


def find_dead_groups(tenant: Tenant, cutoff: datetime, limit: int) -> list[DeadGroup]:
    rows = clickhouse().command(
        "find dead groups",
        FIND,
        {**tenant_parameters(tenant), "cutoff": cutoff, "limit": limit},
    )
    return [DeadGroup(*row) for row in rows]


def delete_dead_groups(tenant: Tenant, cutoff: datetime, groups: Sequence[DeadGroup]) -> None:
    """Delete what was written of these groups before `cutoff`. Returns once that is done."""
    clickhouse().command(
        "delete dead groups",
        DELETE,
        {
            **tenant_parameters(tenant),
            "cutoff": cutoff,
            "fingerprints": [group.error_fingerprint for group in groups],
            "tasks": [group.task_identifier for group in groups],
        },
    )
