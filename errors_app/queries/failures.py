"""What rules ask about the failures of groups: how many there were, when, in which versions.

Minutes tell which groups are worth a closer look, since there are few of them however often a group
fails; the failed runs themselves are read of those only, and only around the minute that matters.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from errors_app.domain.groups import GroupKey
from errors_app.domain.transitions import Failure
from errors_app.queries.failure_sql import (
    BURSTS,
    FAILED_SINCE_RESOLVED,
    FIGURES,
    FIRST_FAILURE,
    VERSIONS_SINCE,
)
from errors_app.queries.folding import folded, mirror_parameters
from errors_app.queries.merged import fingerprints_of, merged_into, read_mirror
from runs_app.clickhouse.client import Parameter, clickhouse
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import (
    MILLISECOND,
    epoch_milliseconds,
    from_epoch_milliseconds,
    utc_now,
)
from runs_app.domain.window import MINUTE, Window, floor_minute
from runs_app.queries.tenant_sql import tenant_parameters


@dataclass(frozen=True, slots=True)
class FailedVersion:
    """A version a group failed in, and the newest minute in which it did."""

    version: str
    newest_minute: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """How often a group failed in a window; `later` of them after the minute that was asked about.
    `newest_minute`: the last one with a failure since the moment that was asked about; None: there
    is none. `near` is at least as many as failed within a span of time that ends with the newest
    failure."""

    count: int
    later: int
    newest_minute: datetime | None
    near: int


@dataclass(frozen=True, slots=True)
class Burst:
    """The newest failure, and how many there were in the span of time that ends with it."""

    newest: Failure
    count: int


def failed_since_resolved(tenant: Tenant, size: int) -> Iterator[list[GroupKey]]:
    """Groups that may have failed since they were resolved, `size` at a time."""
    after = GroupKey("", "")
    mirror = read_mirror(tenant, statuses_matter=False)
    while True:
        rows = clickhouse().command(
            "groups that failed since they were resolved",
            folded(FAILED_SINCE_RESOLVED, mirror),
            {
                **tenant_parameters(tenant),
                **mirror_parameters(mirror, utc_now()),
                "after_fingerprint": after.error_fingerprint,
                "after_task": after.task_identifier,
                "limit": size,
            },
        )
        keys = [GroupKey(fingerprint, task) for fingerprint, task in rows]
        if keys:
            yield keys
        if len(keys) < size:
            return
        after = keys[-1]


def versions_since(
    tenant: Tenant, since: Mapping[GroupKey, datetime]
) -> dict[GroupKey, list[FailedVersion]]:
    """The versions each group failed in since a minute of its own: the one that holds the moment
    given."""
    if not since:
        return {}
    rows = clickhouse().query(
        "versions of failures since",
        VERSIONS_SINCE,
        {**_asked(tenant, since), "first": floor_minute(min(since.values()))},
    )
    found: dict[GroupKey, list[FailedVersion]] = {}
    for fingerprint, task, version, seconds in rows:
        failed = FailedVersion(version, from_epoch_milliseconds(seconds * 1000))
        found.setdefault(GroupKey(fingerprint, task), []).append(failed)
    return found


def read_figures(
    tenant: Tenant, since: Mapping[GroupKey, datetime], window: Window, span: timedelta
) -> dict[GroupKey, Figures]:
    """The figures of groups in the window, each asked about a moment of its own."""
    if not since:
        return {}
    rows = clickhouse().query(
        "figures of ignored groups",
        FIGURES,
        {
            **_asked(tenant, since),
            "start": window.start,
            "end": window.end,
            "span": _whole_minutes(span) * 60,
        },
    )
    return {
        GroupKey(fingerprint, task): Figures(
            count, later, from_epoch_milliseconds(seconds * 1000) if seconds else None, near
        )
        for fingerprint, task, count, later, seconds, near in rows
    }


def first_failure(
    tenant: Tenant, key: GroupKey, after: datetime, until: datetime, versions: Sequence[str]
) -> Failure | None:
    """The group's first failure after a moment and until the end of a minute, in one of the
    versions."""
    rows = clickhouse().query(
        "first failure since",
        FIRST_FAILURE,
        {**_of_group(tenant, key, after, until), "versions": list(versions)},
    )
    return next((_failure(*row) for row in rows), None)


def newest_bursts(
    tenant: Tenant, asked: Mapping[GroupKey, tuple[datetime, datetime]], span: timedelta
) -> dict[GroupKey, Burst]:
    """How often each group failed after a moment, within a span of time that ends with its newest
    failure, which was in that minute; without those that did not fail then.

    Asked together are those that failed within one hour: all their failed runs of it are read.
    """
    by_hour: defaultdict[datetime, dict[GroupKey, tuple[datetime, datetime]]] = defaultdict(dict)
    for key, (after, newest_minute) in asked.items():
        earliest = newest_minute - span - MILLISECOND
        bounds = max(after, earliest), newest_minute + MINUTE
        by_hour[newest_minute.replace(minute=0)][key] = bounds
    found: dict[GroupKey, Burst] = {}
    for bounds_of in by_hour.values():
        spread = merged_into(tenant, bounds_of.keys()).spread(bounds_of)
        afters, ends = zip(*(bounds_of[survivor] for survivor in spread.values()), strict=True)
        rows = clickhouse().query(
            "newest bursts",
            BURSTS,
            {
                **tenant_parameters(tenant),
                "fingerprints": [key.error_fingerprint for key in spread],
                "tasks": [key.task_identifier for key in spread],
                "survivors": [survivor.error_fingerprint for survivor in spread.values()],
                "afters": [epoch_milliseconds(moment) for moment in afters],
                "ends": [epoch_milliseconds(moment) for moment in ends],
                "after": min(afters),
                "end": max(ends),
                "span": span // MILLISECOND,
            },
        )
        for fingerprint, task, *failure, count in rows:
            found[GroupKey(fingerprint, task)] = Burst(_failure(*failure), count)
    return found


def _asked(tenant: Tenant, since: Mapping[GroupKey, datetime]) -> dict[str, Parameter]:
    spread = merged_into(tenant, since.keys()).spread(since)
    return {
        **tenant_parameters(tenant),
        "fingerprints": [key.error_fingerprint for key in spread],
        "tasks": [key.task_identifier for key in spread],
        "since": [
            epoch_milliseconds(floor_minute(since[survivor])) // 1000
            for survivor in spread.values()
        ],
        "survivors": [survivor.error_fingerprint for survivor in spread.values()],
    }


def _of_group(
    tenant: Tenant, key: GroupKey, after: datetime, last_minute: datetime
) -> dict[str, Parameter]:
    return {
        **tenant_parameters(tenant),
        "fingerprints": fingerprints_of(tenant, key),
        "task": key.task_identifier,
        "after": after,
        "end": last_minute + MINUTE,
    }


def _failure(friendly_id: str, version: str, failed_at: int) -> Failure:
    return Failure(friendly_id, version, from_epoch_milliseconds(failed_at))


def _whole_minutes(span: timedelta) -> int:
    """Rounded up."""
    return -(-span // MINUTE)
