"""The SQL of what rules ask about the failures of groups."""

from typing import Final, LiteralString

from runs_app.queries.tenant_sql import OF_TENANT

# Resolved by ClickHouse's copy, with a last failure after that. Rows that an earlier release wrote
# do not tell when. A failure that was taken back may still be the last one here.
FAILED_SINCE_RESOLVED: Final[LiteralString] = (
    """
SELECT
    error_fingerprint,
    task_identifier
FROM (
    SELECT
        error_fingerprint,
        task_identifier,
        max(last_seen) AS seen
    FROM errors_v1"""
    + OF_TENANT
    + """
        AND error_fingerprint >= {after_fingerprint:String}
    GROUP BY
        error_fingerprint,
        task_identifier
) AS failed
INNER JOIN (
    SELECT
        error_fingerprint,
        task_identifier,
        resolved_at
    FROM error_group_states_v1 FINAL"""
    + OF_TENANT
    + """
        AND error_fingerprint >= {after_fingerprint:String}
        AND status = 'resolved'
) AS resolved USING (error_fingerprint, task_identifier)
WHERE (error_fingerprint, task_identifier) > ({after_fingerprint:String}, {after_task:String})
    AND (resolved_at IS NULL OR seen > resolved_at)
ORDER BY
    error_fingerprint,
    task_identifier
LIMIT {limit:UInt32}"""
)

# Each group with a minute of its own, and those that are merged into it with the same.
ASKED: Final[LiteralString] = """
    INNER JOIN (
        SELECT
            asked.1 AS error_fingerprint,
            asked.2 AS task_identifier,
            toDateTime(asked.3, 'UTC') AS since,
            asked.4 AS survivor
        FROM (
            SELECT arrayJoin(arrayZip(
                {fingerprints:Array(String)},
                {tasks:Array(String)},
                {since:Array(UInt32)},
                {survivors:Array(String)}
            )) AS asked
        )
    ) AS asked USING (error_fingerprint, task_identifier)"""
OF_FINGERPRINTS: Final[LiteralString] = (
    OF_TENANT
    + """
            AND error_fingerprint IN {fingerprints:Array(String)}"""
)
VERSIONS_SINCE: Final[LiteralString] = (
    """
SELECT
    survivor,
    task_identifier,
    task_version,
    toUnixTimestamp(max(minute))
FROM (
    SELECT
        survivor,
        task_identifier,
        task_version,
        minute
    FROM error_occurrences_v1"""
    + ASKED
    + OF_FINGERPRINTS
    + """
            AND minute >= {first:DateTime('UTC')}
            AND minute >= since
    GROUP BY
        survivor,
        task_identifier,
        task_version,
        minute
    HAVING sum(count) > 0
)
GROUP BY
    survivor,
    task_identifier,
    task_version"""
)
FIGURES: Final[LiteralString] = (
    """
SELECT
    survivor,
    task_identifier,
    sum(n),
    sumIf(n, minute > since),
    toUnixTimestamp(max(newest)),
    sumIf(n, minute >= since AND minute >= newest - toIntervalSecond({span:UInt32}))
FROM (
    SELECT
        survivor,
        task_identifier,
        minute,
        since,
        n,
        max(if(n > 0 AND minute >= since, minute, toDateTime(0, 'UTC'))) OVER (
            PARTITION BY survivor, task_identifier
        ) AS newest
    FROM (
        SELECT
            survivor,
            task_identifier,
            minute,
            any(since) AS since,
            sum(count) AS n
        FROM error_occurrences_v1"""
    + ASKED
    + OF_FINGERPRINTS
    + """
            AND minute >= {start:DateTime('UTC')}
            AND minute < {end:DateTime('UTC')}
        GROUP BY
            survivor,
            task_identifier,
            minute
    )
)
GROUP BY
    survivor,
    task_identifier"""
)

FAILURES: Final[LiteralString] = (
    """
    FROM error_runs_v1 FINAL"""
    + OF_TENANT
    + """
        AND error_fingerprint IN {fingerprints:Array(String)}
        AND task_identifier = {task:String}
        AND failed_at > {after:DateTime64(3, 'UTC')}
        AND failed_at < {end:DateTime64(3, 'UTC')}"""
)
FIRST_FAILURE: Final[LiteralString] = (
    """
SELECT
    friendly_id,
    task_version,
    toUnixTimestamp64Milli(failed_at)"""
    + FAILURES
    + """
        AND task_version IN {versions:Array(String)}
ORDER BY
    failed_at,
    friendly_id
LIMIT 1"""
)
# Of many groups, each with a span of time of its own within the one of all.
BURSTS: Final[LiteralString] = (
    """
SELECT
    survivor,
    task_identifier,
    last.2,
    last.3,
    toUnixTimestamp64Milli(last.1),
    arrayCount(moment -> moment > last.1 - toIntervalMillisecond({span:UInt32}), moments)
FROM (
    SELECT
        survivor,
        task_identifier,
        max((failed_at, friendly_id, task_version)) AS last,
        groupArray(failed_at) AS moments
    FROM error_runs_v1 FINAL
    INNER JOIN (
        SELECT
            asked.1 AS error_fingerprint,
            asked.2 AS task_identifier,
            fromUnixTimestamp64Milli(asked.3, 'UTC') AS asked_after,
            fromUnixTimestamp64Milli(asked.4, 'UTC') AS asked_end,
            asked.5 AS survivor
        FROM (
            SELECT arrayJoin(arrayZip(
                {fingerprints:Array(String)},
                {tasks:Array(String)},
                {afters:Array(Int64)},
                {ends:Array(Int64)},
                {survivors:Array(String)}
            )) AS asked
        )
    ) AS asked USING (error_fingerprint, task_identifier)"""
    + OF_FINGERPRINTS
    + """
            AND failed_at > {after:DateTime64(3, 'UTC')}
            AND failed_at < {end:DateTime64(3, 'UTC')}
            AND failed_at > asked_after
            AND failed_at < asked_end
    GROUP BY
        survivor,
        task_identifier
)"""
)
