"""Lists of error groups: counts in a window, ordered, filtered and paged inside ClickHouse.

A list is computed as of one moment for all its pages: failures since then are taken off the
minutes, and "last seen" is taken from before it. So a page boundary neither repeats nor skips a
group while new failures arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from errors_app.domain.filters import GroupFilters, Sort
from errors_app.domain.groups import GroupKey
from errors_app.queries.folding import (
    folded,
    folded_counts,
    mirror_parameters,
    spread_parameters,
)
from errors_app.queries.group_filters import conditions_of, filter_parameters, narrowing
from errors_app.queries.group_sql import (
    BOUNDARIES,
    BY_COUNT,
    BY_SEEN,
    FRESH_COUNTS,
    FROZEN_COUNTS,
    MATCHES,
    ORDERS,
    OUTLINES,
    SEEN_BY_SORT,
)
from errors_app.queries.merged import Merged, Mirror, merged_into
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.paging import Direction
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import from_epoch_milliseconds
from runs_app.domain.window import Window
from runs_app.queries.tenant_sql import tenant_parameters


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of a list: its window, and the moment it is frozen at.

    `everything`: the moment is this very one, so that no failure need be left out.
    """

    window: Window
    as_of: datetime
    everything: bool


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
    """What a group looks like, and when it was seen over all time. `category`: its newest
    failure's, empty where it has none."""

    error_type: str
    error_message: str
    category: str
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
    mirror: Mirror,
    now: datetime,
) -> list[RankedGroup]:
    """At most `limit` groups from the boundary on, nearest first."""
    direction = Direction.AFTER if boundary is None else boundary.direction
    descending = sort.startswith("-")
    counts = FRESH_COUNTS if frame.everything else FROZEN_COUNTS
    seen = SEEN_BY_SORT.get(sort)
    sql = BY_COUNT if seen is None else BY_SEEN.replace("{seen}", seen)
    counts = folded_counts(counts.replace("{narrow}", narrowing(filters)), mirror)
    sql = sql.replace("{counts}", counts)
    conditions = conditions_of(filters, mirror.pending)
    if boundary is not None:
        conditions += "\n    AND (" + BOUNDARIES[descending, direction] + ")"
    sql = sql.replace("{conditions}", conditions).replace("{order}", ORDERS[descending, direction])
    sql = folded(sql, mirror)
    parameters = {
        **tenant_parameters(tenant),
        **filter_parameters(filters, now),
        **mirror_parameters(mirror, now),
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


def count_matches(
    tenant: Tenant,
    filters: GroupFilters,
    window: Window,
    *,
    mirror: Mirror,
    now: datetime,
) -> int:
    """How many groups a list without pages would have."""
    counts = folded_counts(FRESH_COUNTS.replace("{narrow}", narrowing(filters)), mirror)
    sql = MATCHES.replace("{counts}", counts)
    sql = folded(sql.replace("{conditions}", conditions_of(filters, mirror.pending)), mirror)
    parameters = {
        **tenant_parameters(tenant),
        **filter_parameters(filters, now),
        **mirror_parameters(mirror, now),
        "start": window.start,
        "end": window.end,
    }
    [(count,)] = clickhouse().query("count matching groups", sql, parameters)
    return int(count)


def read_outlines(
    tenant: Tenant, keys: Sequence[GroupKey], merged: Merged | None = None
) -> dict[GroupKey, Outline]:
    """The outlines of these groups, with what is merged into them: `merged`, where it is known."""
    if not keys:
        return {}
    merged = merged_into(tenant, keys) if merged is None else merged
    rows = clickhouse().query(
        "outline groups",
        OUTLINES,
        {
            **tenant_parameters(tenant),
            **spread_parameters(merged.spread(keys)),
        },
    )
    return {
        GroupKey(fingerprint, task): Outline(
            error_type,
            message,
            category,
            from_epoch_milliseconds(first_seen),
            from_epoch_milliseconds(last_seen),
        )
        for fingerprint, task, error_type, message, category, first_seen, last_seen in rows
    }
