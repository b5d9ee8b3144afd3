"""How often a group failed: by version, and over time. From the minutes alone."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString

from errors_app.domain.groups import GroupKey
from errors_app.queries.groups import read_outlines
from errors_app.queries.merged import Merged, around, fingerprints_of
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.tenant import Tenant
from runs_app.domain.window import Window
from runs_app.queries.tenant_sql import OF_TENANT, tenant_parameters

FINGERPRINTS_PER_QUERY: Final = 1_000

BY_VERSION: Final[LiteralString] = (
    """
SELECT
    error_fingerprint,
    task_identifier,
    task_version,
    sum(count) AS n
FROM error_occurrences_v1"""
    + OF_TENANT
    + """
    AND error_fingerprint IN {fingerprints:Array(String)}
    AND minute >= {start:DateTime('UTC')}
    AND minute < {end:DateTime('UTC')}
GROUP BY
    error_fingerprint,
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
    AND error_fingerprint IN {fingerprints:Array(String)}
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
    # The fingerprints of the groups that are merged into this one.
    merged: tuple[str, ...] = ()

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
    """The groups of a fingerprint, one per task, the one seen last first; where the group of the
    fingerprint is merged into another, that one.

    Groups that no failed run is left in are not there.
    """
    merged = around(tenant, [fingerprint])
    counts: defaultdict[GroupKey, Counter[str]] = defaultdict(Counter)
    for key, version, count in _by_version(tenant, _fingerprints(merged, [fingerprint]), window):
        counts[merged.survivor_of(key)][version] += count
    asked = _Asked(merged, [fingerprint])
    keys = [key for key in counts if key in asked]
    groups = [
        GroupFacts(
            key,
            outline.error_type,
            outline.error_message,
            outline.category,
            outline.first_seen,
            outline.last_seen,
            counts[key],
            tuple(one.error_fingerprint for one in merged.members_of(key)[1:]),
        )
        for key, outline in read_outlines(tenant, keys, merged).items()
        if key in keys
    ]
    return sorted(groups, key=lambda group: (group.last_seen, group.key), reverse=True)


def count_groups(
    tenant: Tenant, fingerprints: Collection[str], window: Window, merged: Merged | None = None
) -> dict[GroupKey, int]:
    """The failed runs of every group that has one of these fingerprints, whatever its task, with
    what is merged into it; of a group that is merged, those of the one it counts for. `merged`:
    what is merged around these fingerprints, where that is known.

    Groups that no failed run is left in are not there.
    """
    merged = around(tenant, fingerprints) if merged is None else merged
    wanted = _fingerprints(merged, fingerprints)
    counts: Counter[GroupKey] = Counter()
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
            counts[merged.survivor_of(GroupKey(fingerprint, task))] += count
    asked = _Asked(merged, fingerprints)
    return {key: count for key, count in counts.items() if key in asked}


def _by_version(
    tenant: Tenant, fingerprints: Sequence[str], window: Window
) -> Iterator[tuple[GroupKey, str, int]]:
    rows = clickhouse().query(
        "count group by version",
        BY_VERSION,
        {
            **tenant_parameters(tenant),
            "fingerprints": fingerprints,
            "start": window.start,
            "end": window.end,
        },
    )
    for fingerprint, task, version, count in rows:
        yield GroupKey(fingerprint, task), version, count


def _fingerprints(merged: Merged, asked: Collection[str]) -> list[str]:
    """Those of the groups that were asked for, of what is merged into them, and of what they are
    merged into."""
    others = (key for pair in merged.survivors.items() for key in pair)
    return sorted({*asked, *(key.error_fingerprint for key in others)})


class _Asked:
    """The groups that some fingerprints stand for. A fingerprint that was looked at for the sake of
    one task may have groups in others, too."""

    def __init__(self, merged: Merged, fingerprints: Collection[str]) -> None:
        self._fingerprints = frozenset(fingerprints)
        self._survivors = {
            into
            for one, into in merged.survivors.items()
            if one.error_fingerprint in self._fingerprints
        }

    def __contains__(self, key: GroupKey) -> bool:
        return key.error_fingerprint in self._fingerprints or key in self._survivors


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
            "fingerprints": fingerprints_of(tenant, key),
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
