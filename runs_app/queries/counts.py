"""Whether the minutes of occurrences say what the failed runs say, and making them so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from runs_app.clickhouse.client import Parameter, clickhouse
from runs_app.clickhouse.failures import ClickHouseUnavailable
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import from_epoch_milliseconds
from runs_app.domain.window import Window
from runs_app.queries.tenant_sql import OF_TENANT, tenant_parameters

# Want minus have for every group, version and minute of a window. Signed on both sides: Int64 and
# UInt64 in one union become a Variant, which cannot be summed.
DIFFERENCES: Final[LiteralString] = (
    """
    SELECT
        organization_id,
        project_id,
        environment_id,
        error_fingerprint,
        task_identifier,
        task_version,
        at,
        sum(difference) AS missing
    FROM (
        SELECT
            organization_id,
            project_id,
            environment_id,
            error_fingerprint,
            task_identifier,
            task_version,
            toDateTime(toStartOfMinute(failed_at), 'UTC') AS at,
            toInt64(1) AS difference
        FROM error_runs_v1 FINAL"""
    + OF_TENANT
    + """
            AND failed_at >= {start:DateTime64(3, 'UTC')}
            AND failed_at < {end:DateTime64(3, 'UTC')}
            AND {groups}
        UNION ALL
        SELECT
            organization_id,
            project_id,
            environment_id,
            error_fingerprint,
            task_identifier,
            task_version,
            minute AS at,
            -count AS difference
        FROM error_occurrences_v1"""
    + OF_TENANT
    + """
            AND minute >= {start:DateTime('UTC')}
            AND minute < {end:DateTime('UTC')}
            AND {groups}
    )
    GROUP BY
        organization_id,
        project_id,
        environment_id,
        error_fingerprint,
        task_identifier,
        task_version,
        at
    HAVING missing != 0
"""
)
FROM_GROUP: Final[LiteralString] = "error_fingerprint > {after:String}"
UNTIL_GROUP: Final[LiteralString] = " AND error_fingerprint <= {until:String}"
SOME_GROUPS: Final[LiteralString] = "error_fingerprint IN {fingerprints:Array(String)}"

REPAIR: Final[LiteralString] = """
INSERT INTO error_occurrences_v1
(
    organization_id,
    project_id,
    environment_id,
    error_fingerprint,
    task_identifier,
    task_version,
    minute,
    count
)
"""
# Nobody else inserts here while the replicator has its turn: one that runs is left over from a
# caller that is gone, and what it adds to the minutes is not there yet.
RUNNING_INSERTS: Final[LiteralString] = """
SELECT count()
FROM system.processes
WHERE query_kind = 'Insert'
    AND current_database = currentDatabase()
    AND match(query, 'INSERT INTO [`\\\\w.]*(task_runs_v2|error_runs_v1|error_occurrences_v1)')
"""
# The last fingerprint of the next so many rows of a table, which are ordered by it.
RANGE_END: Final[LiteralString] = (
    """
SELECT
    max(error_fingerprint),
    count()
FROM (
    SELECT
        error_fingerprint
    FROM {table}"""
    + OF_TENANT
    + """
        AND error_fingerprint > {after:String}
    ORDER BY error_fingerprint
    LIMIT {limit:UInt32}
)"""
)
RANGE_ENDS: Final[LiteralString] = (
    RANGE_END.replace("{table}", "error_runs_v1")
    + "\nUNION ALL"
    + RANGE_END.replace("{table}", "error_occurrences_v1")
)
SHOW: Final[LiteralString] = """
SELECT
    error_fingerprint,
    task_identifier,
    task_version,
    toUnixTimestamp64Milli(toDateTime64(at, 3, 'UTC')),
    missing
FROM (
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One minute that is wrong: `missing` failed runs too few (negative: too many)."""

    error_fingerprint: str
    task_identifier: str
    task_version: str
    minute: datetime
    missing: int


@dataclass(frozen=True, slots=True)
class GroupRange:
    """Groups by fingerprint: beyond `after`, up to `until`, or all that follow where it is None."""

    after: str = ""
    until: str | None = None

    @property
    def condition(self) -> LiteralString:
        return FROM_GROUP if self.until is None else FROM_GROUP + UNTIL_GROUP

    @property
    def parameters(self) -> dict[str, Parameter]:
        bounds: dict[str, Parameter] = {"after": self.after}
        if self.until is not None:
            bounds["until"] = self.until
        return bounds


def next_range(tenant: Tenant, after: str, size: int) -> GroupRange:
    """The groups beyond `after` that about `size` rows tell of; at least one whole group."""
    ends = [
        end
        for end, count in clickhouse().command(
            "end of a range of groups",
            RANGE_ENDS,
            {**tenant_parameters(tenant), "after": after, "limit": size},
        )
        if count >= size
    ]
    return GroupRange(after, min(ends, default=None))


def repair_minutes(tenant: Tenant, fingerprints: Sequence[str], window: Window) -> None:
    """Insert what is missing for these groups in the window. Run twice, it inserts nothing.

    Raises ClickHouseUnavailable while an earlier insert still runs.
    """
    refuse_while_inserting()
    clickhouse().command(
        "repair minutes",
        REPAIR + DIFFERENCES.replace("{groups}", SOME_GROUPS),
        {**_bounds(tenant, window), "fingerprints": list(fingerprints)},
    )


def repair_range(tenant: Tenant, window: Window, groups: GroupRange) -> None:
    """The same for a range of groups."""
    refuse_while_inserting()
    clickhouse().command(
        "repair minutes of a range",
        REPAIR + DIFFERENCES.replace("{groups}", groups.condition),
        {**_bounds(tenant, window), **groups.parameters},
    )


def find_differences(tenant: Tenant, window: Window, groups: GroupRange) -> list[Difference]:
    """Every minute of the window in which the two tables disagree about one of the groups."""
    rows = clickhouse().command(
        "find count differences",
        SHOW + DIFFERENCES.replace("{groups}", groups.condition) + ") ORDER BY 1, 2, 3, 4",
        {**_bounds(tenant, window), **groups.parameters},
    )
    return [
        Difference(fingerprint, task, version, from_epoch_milliseconds(minute), missing)
        for fingerprint, task, version, minute, missing in rows
    ]


def refuse_while_inserting() -> None:
    """Raises ClickHouseUnavailable while an insert runs that feeds counts."""
    [(running,)] = clickhouse().command("running inserts", RUNNING_INSERTS)
    if running:
        raise ClickHouseUnavailable(f"{running} earlier inserts still run", sent=True)


def _bounds(tenant: Tenant, window: Window) -> dict[str, Parameter]:
    return {**tenant_parameters(tenant), "start": window.start, "end": window.end}
