"""Lists of error groups: counts in a window, ordered, filtered and paged inside ClickHouse.

A page after the first one is computed as of the moment the first one was asked for: failures
since then are taken off the minutes, and "last seen" is taken from before it. So a page boundary
neither repeats nor skips a group while new failures arrive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from errors_app.domain.filters import GroupFilters, Sort
from errors_app.domain.groups import GroupKey, Status
from errors_app.queries.states import PendingState
from runs_app.clickhouse.client import Parameter, clickhouse
from runs_app.domain.paging import Direction
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import from_epoch_milliseconds
from runs_app.domain.window import Window

OF_TENANT: Final[LiteralString] = """
        WHERE organization_id = {organization:String}
            AND project_id = {project:String}
            AND environment_id = {environment:String}"""

# Failed runs per group inside the window.
FRESH_COUNTS: Final[LiteralString] = (
    """
    SELECT
        error_fingerprint,
        task_identifier,
        sum(count) AS n
    FROM error_occurrences_v1"""
    + OF_TENANT
    + """
            AND minute >= {start:DateTime('UTC')}
            AND minute < {end:DateTime('UTC')}{narrow}
    GROUP BY
        error_fingerprint,
        task_identifier
    HAVING n > 0"""
)
# The same as of a moment inside the window: without what failed since.
FROZEN_COUNTS: Final[LiteralString] = (
    """
    SELECT
        error_fingerprint,
        task_identifier,
        sum(occurrences) AS n
    FROM (
        SELECT
            error_fingerprint,
            task_identifier,
            count AS occurrences
        FROM error_occurrences_v1"""
    + OF_TENANT
    + """
            AND minute >= {start:DateTime('UTC')}
            AND minute < {end:DateTime('UTC')}{narrow}
        UNION ALL
        SELECT
            error_fingerprint,
            task_identifier,
            toInt64(-1) AS occurrences
        FROM error_runs_v1 FINAL"""
    + OF_TENANT
    + """
            AND failed_at >= {as_of:DateTime64(3, 'UTC')}
            AND failed_at < {end:DateTime64(3, 'UTC')}{narrow}
    )
    GROUP BY
        error_fingerprint,
        task_identifier
    HAVING n > 0"""
)
OF_TASKS: Final[LiteralString] = """
            AND task_identifier IN {tasks:Array(String)}"""
OF_VERSIONS: Final[LiteralString] = """
            AND task_version IN {versions:Array(String)}"""

# Groups that failed after the frozen end are looked up among the failed runs; for the others the
# group's own last time is the one as of the end. That one knows no healing, so runs that left the
# group speak here too (no FINAL): else a group would move by failing again.
LAST_SEEN: Final[LiteralString] = (
    """
    SELECT
        error_fingerprint,
        task_identifier,
        toUnixTimestamp64Milli(seen) AS rank
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
        HAVING seen < {as_of:DateTime64(3, 'UTC')}
        UNION ALL
        SELECT
            error_fingerprint,
            task_identifier,
            max(failed_at) AS seen
        FROM error_runs_v1"""
    + OF_TENANT
    + """
            AND failed_at >= {start:DateTime64(3, 'UTC')}
            AND failed_at < {as_of:DateTime64(3, 'UTC')}
            AND (error_fingerprint, task_identifier) IN (
                SELECT
                    error_fingerprint,
                    task_identifier
                FROM errors_v1"""
    + OF_TENANT
    + """
                GROUP BY
                    error_fingerprint,
                    task_identifier
                HAVING max(last_seen) >= {as_of:DateTime64(3, 'UTC')}
            )
        GROUP BY
            error_fingerprint,
            task_identifier
    )"""
)
FIRST_SEEN: Final[LiteralString] = (
    """
    SELECT
        error_fingerprint,
        task_identifier,
        toUnixTimestamp64Milli(min(first_seen)) AS rank
    FROM errors_v1"""
    + OF_TENANT
    + """
    GROUP BY
        error_fingerprint,
        task_identifier"""
)

BY_COUNT: Final[LiteralString] = """
SELECT
    error_fingerprint,
    task_identifier,
    n,
    n AS rank
FROM ({counts}
)
WHERE 1 = 1{conditions}
ORDER BY {order}
LIMIT {limit:UInt32}"""
BY_SEEN: Final[LiteralString] = """
SELECT
    error_fingerprint,
    task_identifier,
    n,
    rank
FROM ({counts}
) AS counted
INNER JOIN ({seen}
) AS seen USING (error_fingerprint, task_identifier)
WHERE 1 = 1{conditions}
ORDER BY {order}
LIMIT {limit:UInt32}"""

SEARCH: Final[LiteralString] = (
    """
    AND (error_fingerprint, task_identifier) IN (
        SELECT
            error_fingerprint,
            task_identifier
        FROM errors_v1"""
    + OF_TENANT
    + """
        GROUP BY
            error_fingerprint,
            task_identifier
        HAVING positionCaseInsensitiveUTF8(ifNull(anyLast(error_type), ''), {search:String}) > 0
            OR positionCaseInsensitiveUTF8(ifNull(anyLast(error_message), ''), {search:String}) > 0
    )"""
)

# Groups whose state, as it reads now, is one of {statuses}; what the outbox still holds overrules
# ClickHouse's copy.
IN_STATES: Final[LiteralString] = (
    """ (
        SELECT
            error_fingerprint,
            task_identifier
        FROM error_group_states_v1 FINAL"""
    + OF_TENANT
    + """
            AND if(
                status = 'ignored' AND ignored_until <= {now:DateTime64(3, 'UTC')},
                'unresolved',
                status
            ) IN {statuses:Array(String)}"""
)
NOT_PENDING: Final[LiteralString] = """
            AND (error_fingerprint, task_identifier) NOT IN (
                SELECT
                    pair.1,
                    pair.2
                FROM (
                    SELECT arrayJoin(arrayZip(
                        {pending_fingerprints:Array(String)},
                        {pending_tasks:Array(String)}
                    )) AS pair
                )
            )
        UNION ALL
        SELECT
            pair.1,
            pair.2
        FROM (
            SELECT arrayJoin(arrayZip(
                {pending_fingerprints:Array(String)},
                {pending_tasks:Array(String)},
                {pending_statuses:Array(String)}
            )) AS pair
        )
        WHERE pair.3 IN {statuses:Array(String)}"""

KEY_AFTER: Final[LiteralString] = (
    "(error_fingerprint, task_identifier) > ({after_fingerprint:String}, {after_task:String})"
)
KEY_BEFORE: Final[LiteralString] = (
    "(error_fingerprint, task_identifier) < ({after_fingerprint:String}, {after_task:String})"
)
# By whether the rank descends, and the direction of the page: where it starts, and its order.
BOUNDARIES: Final[Mapping[tuple[bool, Direction], LiteralString]] = {
    (True, Direction.AFTER): "rank < {rank:Int64} OR rank = {rank:Int64} AND " + KEY_AFTER,
    (True, Direction.BEFORE): "rank > {rank:Int64} OR rank = {rank:Int64} AND " + KEY_BEFORE,
    (False, Direction.AFTER): "rank > {rank:Int64} OR rank = {rank:Int64} AND " + KEY_AFTER,
    (False, Direction.BEFORE): "rank < {rank:Int64} OR rank = {rank:Int64} AND " + KEY_BEFORE,
}
ORDERS: Final[Mapping[tuple[bool, Direction], LiteralString]] = {
    (True, Direction.AFTER): "rank DESC, error_fingerprint, task_identifier",
    (True, Direction.BEFORE): "rank, error_fingerprint DESC, task_identifier DESC",
    (False, Direction.AFTER): "rank, error_fingerprint, task_identifier",
    (False, Direction.BEFORE): "rank DESC, error_fingerprint DESC, task_identifier DESC",
}
SEEN_BY_SORT: Final[Mapping[Sort, LiteralString]] = {
    Sort.LAST_SEEN: LAST_SEEN,
    Sort.LAST_SEEN_DESC: LAST_SEEN,
    Sort.FIRST_SEEN: FIRST_SEEN,
    Sort.FIRST_SEEN_DESC: FIRST_SEEN,
}

OUTLINES: Final[LiteralString] = (
    """
SELECT
    error_fingerprint,
    task_identifier,
    ifNull(anyLast(error_type), ''),
    ifNull(anyLast(error_message), ''),
    toUnixTimestamp64Milli(min(first_seen)),
    toUnixTimestamp64Milli(max(last_seen))
FROM errors_v1"""
    + OF_TENANT
    + """
    AND error_fingerprint IN {fingerprints:Array(String)}
    AND task_identifier IN {tasks:Array(String)}
GROUP BY
    error_fingerprint,
    task_identifier"""
)


@dataclass(frozen=True, slots=True)
class Frame:
    """The frozen frame of a list: its window, and the moment of its first page."""

    window: Window
    as_of: datetime
    is_first_page: bool


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a page starts: just beyond this row, in this direction. None: at the top."""

    direction: Direction
    rank: int
    key: GroupKey


@dataclass(frozen=True, slots=True)
class RankedGroup:
    """`count`: failed runs inside the window; `rank`: what the list is ordered by."""

    key: GroupKey
    count: int
    rank: int


@dataclass(frozen=True, slots=True)
class Outline:
    """What a group looks like, and when it was seen over all time."""

    error_type: str
    error_message: str
    first_seen: datetime
    last_seen: datetime


def rank_groups(
    tenant: Tenant,
    filters: GroupFilters,
    sort: Sort,
    frame: Frame,
    *,
    boundary: Boundary | None,
    limit: int,
    pending: Sequence[PendingState],
    now: datetime,
) -> list[RankedGroup]:
    """At most `limit` groups from the boundary on, nearest first."""
    direction = Direction.AFTER if boundary is None else boundary.direction
    descending = sort.startswith("-")
    counts = FRESH_COUNTS if frame.is_first_page else FROZEN_COUNTS
    seen = SEEN_BY_SORT.get(sort)
    sql = BY_COUNT if seen is None else BY_SEEN.replace("{seen}", seen)
    sql = sql.replace("{counts}", counts.replace("{narrow}", _narrow(filters)))
    conditions = _conditions(filters, pending)
    if boundary is not None:
        conditions += "\n    AND (" + BOUNDARIES[descending, direction] + ")"
    sql = sql.replace("{conditions}", conditions).replace("{order}", ORDERS[descending, direction])
    parameters = {
        **tenant_parameters(tenant),
        **_filter_parameters(filters, pending, now),
        "start": frame.window.start,
        "end": frame.window.end,
        "as_of": min(frame.as_of, frame.window.end),
        "limit": limit,
    }
    if boundary is not None:
        parameters["rank"] = boundary.rank
        parameters["after_fingerprint"] = boundary.key.error_fingerprint
        parameters["after_task"] = boundary.key.task_identifier
    rows = clickhouse().query("list groups", sql, parameters)
    return [
        RankedGroup(GroupKey(fingerprint, task), count, rank)
        for fingerprint, task, count, rank in rows
    ]


def read_outlines(tenant: Tenant, keys: Sequence[GroupKey]) -> dict[GroupKey, Outline]:
    """The outlines of these groups."""
    if not keys:
        return {}
    rows = clickhouse().query(
        "outline groups",
        OUTLINES,
        {
            **tenant_parameters(tenant),
            "fingerprints": sorted({key.error_fingerprint for key in keys}),
            "tasks": sorted({key.task_identifier for key in keys}),
        },
    )
    return {
        GroupKey(fingerprint, task): Outline(
            error_type,
            message,
            from_epoch_milliseconds(first_seen),
            from_epoch_milliseconds(last_seen),
        )
        for fingerprint, task, error_type, message, first_seen, last_seen in rows
    }


def tenant_parameters(tenant: Tenant) -> dict[str, Parameter]:
    return {
        "organization": tenant.organization_id,
        "project": tenant.project_id,
        "environment": tenant.environment_id,
    }


def _narrow(filters: GroupFilters) -> LiteralString:
    narrow: LiteralString = ""
    if filters.task_identifiers:
        narrow += OF_TASKS
    if filters.versions:
        narrow += OF_VERSIONS
    return narrow


def _conditions(filters: GroupFilters, pending: Sequence[PendingState]) -> LiteralString:
    conditions: LiteralString = SEARCH if filters.search else ""
    if filters.statuses == frozenset(Status):
        return conditions
    # Most groups have no state, and read as unresolved: where those are wanted, leave out the
    # groups of the other states; else take in the groups of the wanted ones.
    negation: LiteralString = "NOT " if Status.UNRESOLVED in filters.statuses else ""
    overlay: LiteralString = NOT_PENDING if pending else ""
    return (
        conditions
        + "\n    AND (error_fingerprint, task_identifier) "
        + negation
        + "IN"
        + IN_STATES
        + overlay
        + ")"
    )


def _filter_parameters(
    filters: GroupFilters, pending: Sequence[PendingState], now: datetime
) -> dict[str, Parameter]:
    parameters: dict[str, Parameter] = {"now": now}
    if filters.task_identifiers:
        parameters["tasks"] = filters.task_identifiers
    if filters.versions:
        parameters["versions"] = filters.versions
    if filters.search:
        parameters["search"] = filters.search
    if filters.statuses == frozenset(Status):
        return parameters
    wanted = filters.statuses
    if Status.UNRESOLVED in wanted:
        wanted = frozenset(Status) - wanted
    parameters["statuses"] = sorted(wanted)
    if pending:
        parameters["pending_fingerprints"] = [one.key.error_fingerprint for one in pending]
        parameters["pending_tasks"] = [one.key.task_identifier for one in pending]
        parameters["pending_statuses"] = [_reads_as(one, now) for one in pending]
    return parameters


def _reads_as(pending: PendingState, now: datetime) -> str:
    over = pending.ignored_until is not None and pending.ignored_until <= now
    expired = pending.status is Status.IGNORED and over
    return Status.UNRESOLVED if expired else pending.status
