"""How often a group failed: by version, and over time. From the minutes alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString

from errors_app.domain.groups import GroupKey
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import from_epoch_milliseconds
from runs_app.domain.window import Window
from runs_app.queries.tenant_sql import OF_TENANT, tenant_parameters

FINGERPRINTS_PER_QUERY: Final = 1_000

BY_VERSION: Final[LiteralString] = (
    """
SELECT
    task_identifier,
    task_version,
    sum(count) AS n
FROM error_occurrences_v1"""
    + OF_TENANT
    + """
    AND error_fingerprint = {fingerprint:String}
    AND minute >= {start:DateTime('UTC')}
    AND minute < {end:DateTime('UTC')}
GROUP BY
    task_identifier,
    task_version
HAVING n > 0"""
)
HISTOGRAM: Final[LiteralString] = (
    """
SELECT
    intDiv(dateDiff('second', {origin:DateTime('UTC')}, minute), {seconds:UInt32}) AS bucket,
    task_version,
    sum(count) AS n
FROM error_occurrences_v1"""
    + OF_TENANT
    + """
    AND error_fingerprint = {fingerprint:String}
    AND task_identifier = {task:String}
    AND minute >= {start:DateTime('UTC')}
    AND minute < {end:DateTime('UTC')}
GROUP BY
    bucket,
    task_version
HAVING n > 0
ORDER BY
    bucket,
    task_version"""
)
OF_GROUPS: Final[LiteralString] = (
    """
SELECT
    error_fingerprint,
    task_identifier,
    sum(count) AS n
FROM error_occurrences_v1"""
    + OF_TENANT
    + """
    AND error_fingerprint IN {fingerprints:Array(String)}
    AND minute >= {start:DateTime('UTC')}
    AND minute < {end:DateTime('UTC')}
GROUP BY
    error_fingerprint,
    task_identifier
HAVING n > 0"""
)
OF_FINGERPRINT: Final[LiteralString] = (
    """
SELECT
    task_identifier,
    max(newest).error_type,
    max(newest).error_message,
    max(newest_category).category,
    toUnixTimestamp64Milli(min(first_seen)),
    toUnixTimestamp64Milli(max(last_seen))
FROM errors_v1"""
    + OF_TENANT
    + """
    AND error_fingerprint = {fingerprint:String}
GROUP BY task_identifier"""
)


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What ClickHouse knows of one group. `counts` are failed runs by version, all positive;
    `category` is its newest failure's, empty where it has none."""

    key: GroupKey
    error_type: str
    error_message: str
    category: str
    first_seen: datetime
    last_seen: datetime
    counts: Mapping[str, int]

    @property
    def count(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Bucket:
    """Failed runs of one version in one stretch of time that begins at `start`."""

    start: datetime
    task_version: str
    count: int


def read_groups(tenant: Tenant, fingerprint: str, window: Window) -> list[GroupFacts]:
    """The groups of a fingerprint, one per task, the one seen last first.

    Groups that no failed run is left in are not there.
    """
    parameters = {**tenant_parameters(tenant), "fingerprint": fingerprint}
    counts: dict[str, dict[str, int]] = {}
    for task, version, count in clickhouse().query(
        "count group by version",
        BY_VERSION,
        {**parameters, "start": window.start, "end": window.end},
    ):
        counts.setdefault(task, {})[version] = count
    if not counts:
        return []
    groups = [
        GroupFacts(
            GroupKey(fingerprint, task),
            error_type,
            message,
            category,
            from_epoch_milliseconds(first_seen),
            from_epoch_milliseconds(last_seen),
            counts[task],
        )
        for task, error_type, message, category, first_seen, last_seen in clickhouse().query(
            "read group", OF_FINGERPRINT, parameters
        )
        if task in counts
    ]
    return sorted(groups, key=lambda group: (group.last_seen, group.key), reverse=True)


def count_groups(
    tenant: Tenant, fingerprints: Collection[str], window: Window
) -> dict[GroupKey, int]:
    """The failed runs of every group that has one of these fingerprints, whatever its task.

    Groups that no failed run is left in are not there.
    """
    wanted = sorted(set(fingerprints))
    counts = {}
    for start in range(0, len(wanted), FINGERPRINTS_PER_QUERY):
        rows = clickhouse().query(
            "count groups",
            OF_GROUPS,
            {
                **tenant_parameters(tenant),
                "fingerprints": wanted[start : start + FINGERPRINTS_PER_QUERY],
                "start": window.start,
                "end": window.end,
            },
        )
        for fingerprint, task, count in rows:
            counts[GroupKey(fingerprint, task)] = count
    return counts


def read_histogram(
    tenant: Tenant,
    key: GroupKey,
    window: Window,
    bucket: timedelta,
    *,
    origin: datetime | None = None,
) -> list[Bucket]:
    """Occurrences by version in stretches of `bucket` (whole minutes), empty ones left out.

    The first stretch begins at `origin`, which is not after the window's start; by default there.
    """
    seconds = int(bucket.total_seconds())
    origin = origin or window.start
    rows = clickhouse().query(
        "group histogram",
        HISTOGRAM,
        {
            **tenant_parameters(tenant),
            "fingerprint": key.error_fingerprint,
            "task": key.task_identifier,
            "start": window.start,
            "end": window.end,
            "origin": origin,
            "seconds": seconds,
        },
    )
    return [
        Bucket(origin + timedelta(seconds=seconds * number), version, count)
        for number, version, count in rows
    ]
