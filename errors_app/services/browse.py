"""Reading error groups: lists, one group, its state as it reads now, what was done to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from errors_app.domain.activity import ActivityEntry
from errors_app.domain.filters import EVERY_STATUS, GroupFilters, Sort
from errors_app.domain.groups import GroupKey, GroupState
from errors_app.queries import activity, groups, occurrences, states
from errors_app.queries.activity import ActivityBoundary
from errors_app.queries.groups import Boundary, Frame, Outline, RankedGroup
from errors_app.queries.merged import NOTHING_MERGED, Merged, merged_into, read_mirror
from errors_app.queries.occurrences import GroupFacts
from runs_app.domain.errors import Conflict, NotFound
from runs_app.domain.ids import fingerprint_of_error_id
from runs_app.domain.paging import (
    Cursor,
    Page,
    PageRequest,
    cursor_about,
    encode_cursor,
    rows_of_page,
)
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import epoch_milliseconds, from_epoch_milliseconds, utc_now
from runs_app.domain.window import Window, retained_window, window_of
from runs_app.queries import outbox

CURSOR_KEYS = (int, str, str)
# The number of the entry, and the task of the group whose trail this is.
ACTIVITY_CURSOR_KEYS = (int, str)
# A report that waits longer for ClickHouse does not hold the lists back.
LONGEST_WAIT = timedelta(seconds=10)


class AmbiguousErrorId(Conflict):
    """One fingerprint in several tasks: which group is meant?"""

    code = "ambiguous_error_id"
    retryable = False


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """One row of a list. `count` obeys the window and the filters; seen times are all-time."""

    key: GroupKey
    count: int
    outline: Outline
    state: GroupState


@dataclass(frozen=True, slots=True)
class GroupList:
    """A page, and what its rows were read with."""

    page: Page[ListedGroup]
    frame: Frame
    merged: Merged

    @property
    def window(self) -> Window:
        return self.frame.window


@dataclass(frozen=True, slots=True)
class GroupDetail:
    """One group with its state as it reads now."""

    facts: GroupFacts
    state: GroupState


def retention() -> timedelta:
    return timedelta(days=settings.RETENTION_DAYS)


def about_list(filters: GroupFilters, sort: Sort) -> str:
    """What a cursor must have been made for to go on in this list."""
    return cursor_about(
        "errors",
        sorted(filters.task_identifiers),
        sorted(filters.versions),
        sorted(filters.statuses),
        filters.search,
        sorted(filters.categories),
        filters.window,
        sort=sort.value,
    )


def list_groups(
    tenant: Tenant, filters: GroupFilters, sort: Sort, request: PageRequest
) -> GroupList:
    """A page of groups with at least one failed run in the window."""
    now = utc_now()
    frame = _frame(tenant, filters, request.cursor, now)
    mirror = read_mirror(tenant, statuses_matter=filters.statuses != EVERY_STATUS)
    found = groups.rank_groups(
        tenant,
        filters,
        sort,
        frame,
        boundary=_boundary(request),
        limit=request.size + 1,
        mirror=mirror,
        now=now,
    )
    page = rows_of_page(found, request)
    about = about_list(filters, sort)
    keys = [group.key for group in page.rows]
    merged = merged_into(tenant, keys) if mirror.merged else NOTHING_MERGED
    return GroupList(
        Page(
            _listed(tenant, page.rows, merged, now),
            next=_cursor(page.rows[-1], about, frame) if page.has_next else None,
            previous=_cursor(page.rows[0], about, frame) if page.has_previous else None,
        ),
        frame,
        merged,
    )


def read_group(tenant: Tenant, error_id: str, task_identifier: str | None) -> GroupDetail:
    """The group of an id; of several tasks', the one seen last unless one is picked.

    Raises NotFound.
    """
    now = utc_now()
    facts = find_groups(tenant, error_id, task_identifier)[0]
    return GroupDetail(facts, states.read_states(tenant, [facts.key])[facts.key].at(now))


def about_activity(error_id: str, task_identifier: str | None) -> str:
    """What a cursor must have been made for to go on in this trail."""
    return cursor_about("activity", fingerprint_of_error_id(error_id), task_identifier)


def list_activity(
    tenant: Tenant, error_id: str, task_identifier: str | None, request: PageRequest
) -> Page[ActivityEntry]:
    """A page of what was done to the group of an id, newest first.

    Of several tasks' it is the group seen last, unless one is picked. A cursor stays with the group
    its page was of, though another task may fail meanwhile. Raises NotFound.
    """
    boundary, task = _activity_boundary(request) or (None, task_identifier)
    key = find_groups(tenant, error_id, task)[0].key
    found = activity.read_activity(tenant, key, boundary=boundary, limit=request.size + 1)
    page = rows_of_page(found, request)

    def cursor(entry: ActivityEntry) -> str:
        about = about_activity(error_id, task_identifier)
        # A trail has no window: an entry never changes, and later ones come before the first page.
        return encode_cursor(Cursor(about, 0, 0, 0, keys=(entry.number, key.task_identifier)))

    return Page(
        tuple(page.rows),
        next=cursor(page.rows[-1]) if page.has_next else None,
        previous=cursor(page.rows[0]) if page.has_previous else None,
    )


def find_for_change(tenant: Tenant, error_id: str, task_identifier: str | None) -> GroupFacts:
    """The one group a change is meant for. Raises NotFound, AmbiguousErrorId."""
    found = find_groups(tenant, error_id, task_identifier)
    if len(found) > 1:
        tasks = ", ".join(sorted(facts.key.task_identifier for facts in found))
        raise AmbiguousErrorId(
            f"This id stands for a group in each of these tasks: {tasks}.",
            hint="Pick one with ?taskIdentifier=.",
        )
    return found[0]


def find_groups(
    tenant: Tenant, error_id: str, task_identifier: str | None
) -> tuple[GroupFacts, ...]:
    """The groups of an id: one, or one for each of several tasks, the one seen last first.

    Raises NotFound.
    """
    fingerprint = fingerprint_of_error_id(error_id)
    found = occurrences.read_groups(tenant, fingerprint, retained_window(utc_now(), retention()))
    if task_identifier is not None:
        found = [facts for facts in found if facts.key.task_identifier == task_identifier]
    if not found:
        raise NotFound("No such error group.")
    return tuple(found)


def window_of_cursor(cursor: Cursor, now: datetime) -> Window:
    """Later pages keep the window of the first one, within what is kept: that moves on while
    somebody pages, but not by a day."""
    oldest = retained_window(now, retention() + timedelta(days=1)).start
    start = max(from_epoch_milliseconds(cursor.start), oldest)
    return Window(start, max(start, from_epoch_milliseconds(cursor.end)))


def _frame(tenant: Tenant, filters: GroupFilters, cursor: Cursor | None, now: datetime) -> Frame:
    """A first page is frozen at the moment up to which every report has arrived: failures still
    on their way would move groups between the pages. In an outage of replication the list goes
    on showing what is there."""
    if cursor is None:
        window = window_of(filters.window, now=now, retention=retention())
        as_of = outbox.arrived_until(tenant, now)
        if as_of == now or as_of < now - LONGEST_WAIT:
            return Frame(window, now, everything=True)
        return Frame(window, as_of, everything=False)
    window, as_of = window_of_cursor(cursor, now), from_epoch_milliseconds(cursor.as_of)
    return Frame(window, as_of, everything=False)


def _boundary(request: PageRequest) -> Boundary | None:
    if request.cursor is None:
        return None
    rank, fingerprint, task = request.cursor.keys
    return Boundary(request.direction, int(rank), GroupKey(str(fingerprint), str(task)))


def _activity_boundary(request: PageRequest) -> tuple[ActivityBoundary, str] | None:
    if request.cursor is None:
        return None
    number, task = request.cursor.keys
    return ActivityBoundary(request.direction, int(number)), str(task)


def _listed(
    tenant: Tenant, ranked: list[RankedGroup], merged: Merged, now: datetime
) -> tuple[ListedGroup, ...]:
    keys = [group.key for group in ranked]
    outlines = groups.read_outlines(tenant, keys, merged)
    known = states.read_states(tenant, keys)
    return tuple(
        ListedGroup(group.key, group.count, outlines[group.key], known[group.key].at(now))
        for group in ranked
        if group.key in outlines
    )


def _cursor(group: RankedGroup, about: str, frame: Frame) -> str:
    return encode_cursor(
        Cursor(
            about=about,
            start=epoch_milliseconds(frame.window.start),
            end=epoch_milliseconds(frame.window.end),
            as_of=epoch_milliseconds(frame.as_of),
            keys=(group.rank, group.key.error_fingerprint, group.key.task_identifier),
        )
    )
