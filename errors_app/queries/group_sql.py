"""The SQL of lists of groups: how groups are counted, ranked, narrowed and paged."""

from collections.abc import Mapping
from typing import Final, LiteralString

from errors_app.domain.filters import Sort
from runs_app.domain.paging import Direction
from runs_app.queries.tenant_sql import OF_TENANT

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
                    AND last_seen >= {as_of:DateTime64(3, 'UTC')}
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
MATCHES: Final[LiteralString] = """
SELECT count()
FROM ({counts}
)
WHERE 1 = 1{conditions}"""
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
        HAVING positionCaseInsensitiveUTF8(max(newest).error_type, {search:String}) > 0
            OR positionCaseInsensitiveUTF8(max(newest).error_message, {search:String}) > 0
    )"""
)

# By the category of the newest failure.
OF_CATEGORIES: Final[LiteralString] = (
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
        HAVING max(newest_category).category IN {categories:Array(String)}
    )"""
)

# A group as one text, which is no other group's: neither part holds NUL. A set of such texts takes
# half the time of a set of pairs.
GROUP: Final[LiteralString] = r"concat(error_fingerprint, '\0', task_identifier)"
PENDING_GROUP: Final[LiteralString] = r"concat(pair.1, '\0', pair.2)"

# Groups whose state, as it reads now, is one of {statuses}, of which unresolved is none; what the
# outbox still holds overrules ClickHouse's copy.
IN_STATES: Final[LiteralString] = (
    """ (
        SELECT """  # noqa: S608 constants all
    + GROUP
    + """
        FROM error_group_states_v1 FINAL"""
    + OF_TENANT
    + """
            AND status IN {statuses:Array(String)}
            AND (ignored_until IS NULL OR ignored_until > {now:DateTime64(3, 'UTC')})"""
)
NOT_PENDING: Final[LiteralString] = (
    """
            AND """  # noqa: S608 constants all
    + GROUP
    + """ NOT IN (
                SELECT """
    + PENDING_GROUP
    + """
                FROM (
                    SELECT arrayJoin(arrayZip(
                        {pending_fingerprints:Array(String)},
                        {pending_tasks:Array(String)}
                    )) AS pair
                )
            )"""
)
# After a change the table is in several parts, and putting them together costs more on many threads
# than on one.
IN_ONE_GO: Final[LiteralString] = """
        SETTINGS split_intersecting_parts_ranges_into_layers_final = 0"""
OR_PENDING: Final[LiteralString] = (
    """
        UNION ALL
        SELECT """  # noqa: S608 constants all
    + PENDING_GROUP
    + """
        FROM (
            SELECT arrayJoin(arrayZip(
                {pending_fingerprints:Array(String)},
                {pending_tasks:Array(String)},
                {pending_statuses:Array(String)}
            )) AS pair
        )
        WHERE pair.3 IN {statuses:Array(String)}"""
)

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

# Of named groups and those that are merged into them: the fingerprint of the one that each counts
# for. A fingerprint and a task of different groups may make a group that nobody named: it counts
# for itself, and nobody asks about it.
SURVIVOR: Final[LiteralString] = (
    "transform("
    + GROUP
    + r""", arrayMap(
            (fingerprint, task) -> concat(fingerprint, '\0', task),
            {members:Array(String)},
            {member_tasks:Array(String)}
        ), {survivors:Array(String)}, error_fingerprint)"""
)
OUTLINES: Final[LiteralString] = (
    """
SELECT
    survivor,
    task_identifier,
    max(newest).error_type,
    max(newest).error_message,
    max(newest_category).category,
    toUnixTimestamp64Milli(min(first_seen)),
    toUnixTimestamp64Milli(max(last_seen))
FROM (
    SELECT
        """
    + SURVIVOR
    + """ AS survivor,
        task_identifier,
        newest,
        newest_category,
        first_seen,
        last_seen
    FROM errors_v1"""
    + OF_TENANT
    + """
        AND error_fingerprint IN {shown_fingerprints:Array(String)}
        AND task_identifier IN {shown_tasks:Array(String)}
)
GROUP BY
    survivor,
    task_identifier"""
)
