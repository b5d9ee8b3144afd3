"""All that a page of the list of groups shows, in at most six questions to ClickHouse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from errors_app.domain.buckets import Buckets, buckets_of
from errors_app.domain.filters import GroupFilters, Sort
from errors_app.domain.groups import GroupKey, Status
from errors_app.queries import facets, occurrences, sparklines, tallies
from errors_app.queries.merged import read_mirror
from errors_app.queries.sparklines import Sparkline
from errors_app.services.browse import ListedGroup, list_groups, retention
from runs_app.domain.paging import PageRequest
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.domain.window import Window, retained_window


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group of the list.

    `sparkline`: failures per bucket of the page, which add up to the group's count. `versions`:
    the newest few of those that failed in the window, of `version_count`. `remaining`: how many
    more failures end an ignore that waits for a number; None where none does.
    """

    group: ListedGroup
    sparkline: tuple[int, ...]
    versions: tuple[str, ...]
    version_count: int
    remaining: int | None


@dataclass(frozen=True, slots=True)
class GroupListPage:
    """A page of groups and what stands around it.

    `tallies`: how many groups each status has under all other filters. `tasks` and `versions`:
    what failed in the window and may be chosen, most failing first, with what is chosen already.
    `now`: the moment as of which states read.
    """

    rows: tuple[GroupRow, ...]
    window: Window
    buckets: Buckets
    tallies: Mapping[Status, int]
    tasks: tuple[str, ...]
    versions: tuple[str, ...]
    next: str | None
    previous: str | None
    now: datetime

    @property
    def everything(self) -> int:
        """How many groups there are of any status."""
        return sum(self.tallies.values())


def read_group_list(
    tenant: Tenant, filters: GroupFilters, sort: Sort, request: PageRequest
) -> GroupListPage:
    """A page of groups with at least one failed run in the window. Raises Unavailable."""
    listed = list_groups(tenant, filters, sort, request)
    now = utc_now()
    groups = listed.page.rows
    buckets = buckets_of(listed.window)
    keys = [group.key for group in groups]
    lines = sparklines.read_sparklines(tenant, keys, filters, listed.frame, buckets, listed.merged)
    counted = tallies.count_by_status(
        tenant, filters, listed.frame, mirror=read_mirror(tenant, statuses_matter=True), now=now
    )
    offered = facets.read_facets(tenant, listed.window)
    remaining = _remaining(tenant, groups, now)
    return GroupListPage(
        rows=tuple(_row(group, lines, buckets, remaining) for group in groups),
        window=listed.window,
        buckets=buckets,
        tallies=counted,
        tasks=_with_chosen(offered.tasks, filters.task_identifiers),
        versions=_with_chosen(offered.versions, filters.versions),
        next=listed.page.next,
        previous=listed.page.previous,
        now=now,
    )


def _row(
    group: ListedGroup,
    lines: Mapping[GroupKey, Sparkline],
    buckets: Buckets,
    remaining: Mapping[GroupKey, int],
) -> GroupRow:
    # A group may have been healed away since the page was ranked.
    line = lines.get(group.key) or Sparkline((0,) * buckets.count, (), 0)
    return GroupRow(
        group=group,
        sparkline=line.counts,
        versions=line.versions,
        version_count=line.version_count,
        remaining=remaining.get(group.key),
    )


def _remaining(tenant: Tenant, groups: Sequence[ListedGroup], now: datetime) -> dict[GroupKey, int]:
    """Of the groups that are ignored until they failed N more times: how many are left.

    A row's count is of the window, and N counts from all that is kept: it is asked for where a
    page has such a group.
    """
    waiting = {
        group.key: group.state
        for group in groups
        if group.state.ignored_until_total_occurrences is not None
    }
    if not waiting:
        return {}
    counts = occurrences.count_groups(
        tenant,
        {key.error_fingerprint for key in waiting},
        retained_window(now, retention()),
    )
    left = {key: state.failures_left(counts.get(key, 0)) for key, state in waiting.items()}
    return {key: number for key, number in left.items() if number is not None}


def _with_chosen(offered: tuple[str, ...], chosen: tuple[str, ...]) -> tuple[str, ...]:
    return (*offered, *(one for one in chosen if one not in offered))
