"""In which versions a group failed, how often, and from when to when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from errors_app.domain.groups import GroupKey
from errors_app.queries.merged import fingerprints_of
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import from_epoch_milliseconds
from runs_app.domain.window import Window
from runs_app.queries.tenant_sql import OF_TENANT, tenant_parameters

# FINAL adds up the rows of a minute first: where all failures were taken back, nothing was seen.
SEEN_VERSIONS: Final[LiteralString] = (
    """
SELECT
    task_version,
    sum(count) AS n,
    toUnixTimestamp(minIf(minute, count > 0)),
    toUnixTimestamp(maxIf(minute, count > 0)) AS last
FROM error_occurrences_v1 FINAL"""
    + OF_TENANT
    + """
    AND error_fingerprint IN {fingerprints:Array(String)}
    AND task_identifier = {task:String}
    AND minute >= {start:DateTime('UTC')}
    AND minute < {end:DateTime('UTC')}
GROUP BY task_version
HAVING n > 0
ORDER BY
    last DESC,
    task_version DESC"""
)


@dataclass(frozen=True, slots=True)
class SeenVersion:
    """Failed runs of one version, and the minutes of the first and the last of them."""

    version: str
    count: int
    first_seen: datetime
    last_seen: datetime


def read_seen_versions(tenant: Tenant, key: GroupKey, window: Window) -> list[SeenVersion]:
    """The versions of the group's failures in the window, the one seen last first."""
    rows = clickhouse().query(
        "versions of a group",
        SEEN_VERSIONS,
        {
            **tenant_parameters(tenant),
            "fingerprints": fingerprints_of(tenant, key),
            "task": key.task_identifier,
            "start": window.start,
            "end": window.end,
        },
    )
    return [
        SeenVersion(
            version,
            count,
            from_epoch_milliseconds(first * 1000),
            from_epoch_milliseconds(last * 1000),
        )
        for version, count, first, last in rows
    ]
