"""The SQL of the home page."""

from typing import Final, LiteralString

from errors_app.queries.group_sql import IN_ONE_GO
from runs_app.queries.tenant_sql import OF_TENANT

# Of the runs created in the window: how many came to an end, and how many of those failed, by task
# and hour. A run counts once, as it was reported last. A million runs, each reported twice and not
# merged yet, take 0.3 s of one core; remembering what was seen of each run instead takes longer.
OUTCOMES: Final[LiteralString] = (
    """
SELECT
    task_identifier,
    toUInt32(intDiv(dateDiff('second', {start:DateTime('UTC')}, created_at), 3600)) AS hour,
    count() AS finished,
    countIf(status IN {failed:Array(String)}) AS failures
FROM task_runs_v2 FINAL"""
    + OF_TENANT
    + """
    AND created_at >= {start:DateTime64(3, 'UTC')}
    AND created_at < {end:DateTime64(3, 'UTC')}
    AND status IN {finished:Array(String)}
GROUP BY
    task_identifier,
    hour"""
    + IN_ONE_GO
)
