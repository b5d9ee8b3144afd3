"""All that the page of one group shows, in at most six questions to ClickHouse."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from errors_app.domain.buckets import Buckets, round_buckets_of
from errors_app.domain.filters import FailureFilters
from errors_app.domain.groups import GroupKey, GroupState
from errors_app.queries import occurrences, samples, seen_versions, states
from errors_app.queries.occurrences import Bucket, GroupFacts
from errors_app.queries.samples import FailedRun, FailureBoundary, Neighbours, Surroundings
from errors_app.queries.seen_versions import SeenVersion
from errors_app.services.browse import retention, window_of_cursor
from runs_app.domain.ids import fingerprint_of_error_id, friendly_run_id
from runs_app.domain.paging import (
    Cursor,
    Page,
    PageRequest,
    cursor_about,
    encode_cursor,
    rows_of_page,
)
from runs_app.domain.records import RunRecord
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import epoch_milliseconds, from_epoch_milliseconds, utc_now
from runs_app.domain.window import Window, WindowRequest, retained_window, window_of

CURSOR_KEYS: Final = (int, str)
# The newest failures of which it is told where they ran.
LOOKED_AROUND: Final = 100
# A page about a group that is quiet opens on the shortest of these that has its last failure.
OPENING_PERIODS: Final = tuple(timedelta(days=days) for days in (1, 7, 14, 30, 90))


@dataclass(frozen=True, slots=True)
class Sample:
    """One failed run of the group, looked at as an example; with its error, without other content.

    `asked_for`: it is the one that was asked for, and not the newest.
    """

    run: RunRecord
    neighbours: Neighbours
    asked_for: bool


@dataclass(frozen=True, slots=True)
class GroupPage:
    """`versions` are those of all failures that are kept; `histogram` has the failures in the
    window, of the chosen versions. `sample` is None where no run is left to show. `surroundings`:
    of the newest of these failures; None on a later page.
    """

    facts: GroupFacts
    state: GroupState
    window: Window
    buckets: Buckets
    histogram: tuple[Bucket, ...]
    versions: tuple[SeenVersion, ...]
    runs: Page[RunRecord]
    sample: Sample | None
    surroundings: Surroundings | None
    now: datetime

    @property
    def count_in_window(self) -> int:
        return sum(bucket.count for bucket in self.histogram)


def about_failures(error_id: str, task_identifier: str | None, filters: FailureFilters) -> str:
    """What a cursor must have been made for to go on in this list."""
    fingerprint = fingerprint_of_error_id(error_id)
    return cursor_about(
        "failures", fingerprint, task_identifier, filters.window, sorted(filters.versions)
    )


def opening_period(facts: GroupFacts, now: datetime) -> timedelta:
    """How far back a page looks where nobody said: as far as there is something to see."""
    fitting = (period for period in OPENING_PERIODS if now - period < facts.last_seen)
    return next(fitting, OPENING_PERIODS[-1])


def read_group_page(
    tenant: Tenant,
    facts: GroupFacts,
    filters: FailureFilters,
    request: PageRequest,
    about: str,
    sample_id: str | None = None,
) -> GroupPage:
    """The page of one group. `about` is what its cursors are to bear, `sample_id` the run to show
    as the sample in place of the newest. Raises Unavailable."""
    now = utc_now()
    key = facts.key
    kept = retained_window(now, retention())
    window = _window(facts, filters.window, request, now)
    buckets = round_buckets_of(window)
    histogram = _histogram(tenant, key, window, buckets, filters.versions)
    failed: Sequence[FailedRun] = ()
    if histogram:
        failed = _failures(tenant, key, window, filters.versions, request)
    page = rows_of_page(list(failed[: request.size + 1]), request)
    newest = page.rows[:1]
    if not histogram:
        newest = samples.read_failures(tenant, key, kept, (), boundary=None, limit=1)
    first = request.cursor is None
    return GroupPage(
        facts=facts,
        state=states.read_states(tenant, [key])[key].at(now),
        window=window,
        buckets=buckets,
        histogram=histogram,
        versions=tuple(seen_versions.read_seen_versions(tenant, key, kept)),
        runs=Page(
            tuple(samples.read_rows(tenant, page.rows)),
            next=_cursor(page.rows[-1], about, window, now) if page.has_next else None,
            previous=_cursor(page.rows[0], about, window, now) if page.has_previous else None,
        ),
        sample=_sample(tenant, facts, kept, filters.versions, sample_id, newest),
        surroundings=samples.read_surroundings(tenant, failed[:LOOKED_AROUND]) if first else None,
        now=now,
    )


def _cursor(run: FailedRun, about: str, window: Window, now: datetime) -> str:
    return encode_cursor(
        Cursor(
            about=about,
            start=epoch_milliseconds(window.start),
            end=epoch_milliseconds(window.end),
            as_of=epoch_milliseconds(now),
            keys=(epoch_milliseconds(run.failed_at), run.run_id),
        )
    )


def _window(facts: GroupFacts, asked: WindowRequest, request: PageRequest, now: datetime) -> Window:
    if request.cursor is not None:
        return window_of_cursor(request.cursor, now)
    default = opening_period(facts, now)
    return window_of(asked, now=now, retention=retention(), default=default)


def _histogram(
    tenant: Tenant, key: GroupKey, window: Window, buckets: Buckets, versions: Sequence[str]
) -> tuple[Bucket, ...]:
    if window.start == window.end:
        return ()
    found = occurrences.read_histogram(tenant, key, window, buckets.size, origin=buckets.start)
    return tuple(bucket for bucket in found if not versions or bucket.task_version in versions)


def _failures(
    tenant: Tenant, key: GroupKey, window: Window, versions: Sequence[str], request: PageRequest
) -> list[FailedRun]:
    """A page, and one more; of a first page as many as are looked around."""
    boundary = None
    if request.cursor is not None:
        failed_at, run_id = request.cursor.keys
        # A cursor somebody made by hand may point beyond the calendar.
        edge = min(max(int(failed_at), request.cursor.start), request.cursor.end)
        moment = from_epoch_milliseconds(edge)
        boundary = FailureBoundary(request.direction, moment, str(run_id))
    limit = request.size + 1 if boundary else max(request.size + 1, LOOKED_AROUND)
    return samples.read_failures(tenant, key, window, versions, boundary=boundary, limit=limit)


def _sample(
    tenant: Tenant,
    facts: GroupFacts,
    kept: Window,
    versions: Sequence[str],
    asked_for: str | None,
    newest: Sequence[FailedRun],
) -> Sample | None:
    """The run that was asked for if it is in the group, else the newest."""
    if asked_for is not None:
        run = samples.read_sample(tenant, friendly_run_id(asked_for))
        if run is not None and _is_in_group(run, facts):
            return Sample(run, _neighbours(tenant, facts.key, kept, versions, run), asked_for=True)
    run = samples.read_sample(tenant, newest[0].friendly_id) if newest else None
    if run is None:
        return None
    return Sample(run, _neighbours(tenant, facts.key, kept, versions, run), asked_for=False)


def _is_in_group(run: RunRecord, facts: GroupFacts) -> bool:
    counted = run.counted
    return (
        counted is not None
        and counted.task_identifier == facts.key.task_identifier
        and counted.error_fingerprint in (facts.key.error_fingerprint, *facts.merged)
    )


def _neighbours(
    tenant: Tenant, key: GroupKey, kept: Window, versions: Sequence[str], run: RunRecord
) -> Neighbours:
    """Of a run that left the group meanwhile, there are none."""
    if run.counted is None:
        return Neighbours()
    return samples.read_neighbours(tenant, key, kept, versions, run.counted.failed_at, run.run_id)
