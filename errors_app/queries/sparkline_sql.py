"""The SQL of sparklines."""

from typing import Final, LiteralString

from errors_app.queries.group_sql import SURVIVOR
from runs_app.queries.tenant_sql import OF_TENANT

# The groups of one page. A fingerprint and a task of different groups may meet here, and make a
# group that nobody asked about.
OF_SHOWN_GROUPS: Final[LiteralString] = """
            AND error_fingerprint IN {shown_fingerprints:Array(String)}
            AND task_identifier IN {shown_tasks:Array(String)}"""

# Failed runs by group, version and minute.
FRESH_FAILURES: Final[LiteralString] = (
    """
        SELECT
            error_fingerprint,
            task_identifier,
            task_version,
            minute,
            count AS occurrences
        FROM error_occurrences_v1"""
    + OF_TENANT
    + OF_SHOWN_GROUPS
    + """
            AND minute >= {start:DateTime('UTC')}
            AND minute < {end:DateTime('UTC')}{narrow}"""
)
# The same as of a moment inside the window: without what failed since.
FROZEN_FAILURES: Final[LiteralString] = (
    FRESH_FAILURES
    + """
        UNION ALL
        SELECT
            error_fingerprint,
            task_identifier,
            task_version,
            toDateTime(toStartOfMinute(failed_at), 'UTC') AS minute,
            toInt64(-1) AS occurrences
        FROM error_runs_v1 FINAL"""
    + OF_TENANT
    + OF_SHOWN_GROUPS
    + """
            AND failed_at >= {as_of:DateTime64(3, 'UTC')}
            AND failed_at < {end:DateTime64(3, 'UTC')}{narrow}"""
)
# Per group: failures by the number of their bucket, the versions that failed last, and how many
# versions failed at all.
SPARKLINES: Final[LiteralString] = (
    """
SELECT
    survivor,
    task_identifier,
    sumMap(by_bucket.1, by_bucket.2),
    arraySlice(
        arrayMap(
            one -> one.2,
            arrayReverseSort(groupArrayIf((newest, task_version), n > 0 AND task_version != ''))
        ),
        1,
        {most:UInt32}
    ),
    countIf(n > 0 AND task_version != '')
FROM (
    SELECT
        survivor,
        task_identifier,
        task_version,
        sumMap([bucket], [occurrences]) AS by_bucket,
        sum(occurrences) AS n,
        max(minute) AS newest
    FROM (
        SELECT
            """
    + SURVIVOR
    + """ AS survivor,
            task_identifier,
            task_version,
            minute,
            occurrences,
            toUInt32(
                intDiv(dateDiff('second', {first:DateTime('UTC')}, minute), {seconds:UInt32})
            ) AS bucket
        FROM ({failures}
        )
    )
    GROUP BY
        survivor,
        task_identifier,
        task_version
)
GROUP BY
    survivor,
    task_identifier"""
)
