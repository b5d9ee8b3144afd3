"""Reading runs: lists and one run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings

from runs_app.domain.errors import NotFound
from runs_app.domain.ids import friendly_run_id
from runs_app.domain.paging import (
    LATEST_MOMENT,
    Cursor,
    Page,
    PageRequest,
    cursor_about,
    encode_cursor,
    rows_of_page,
)
from runs_app.domain.records import RunRecord
from runs_app.domain.run_filters import FailedGroup, RunFilters
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import epoch_milliseconds, from_epoch_milliseconds, utc_now
from runs_app.domain.window import Window, WindowRequest, window_of
from runs_app.queries import runs
from runs_app.queries.runs import RunBoundary, RunKey

CURSOR_KEYS = (int, str)

# What else counts for the groups of some fingerprints.
Others = Callable[[Tenant, Sequence[str]], Sequence[FailedGroup]]


@dataclass(slots=True)
class Registry:
    """What apps built on this one add: groups that are parts of others."""

    others: Others | None = None


registry: Final = Registry()
# Runs may be reported with a creation time an hour ahead of our clock.
AHEAD = timedelta(hours=1)


def about_runs(filters: RunFilters) -> str:
    """What a cursor must have been made for to go on in this list."""
    return cursor_about("runs", filters)


def list_runs(tenant: Tenant, filters: RunFilters, request: PageRequest) -> Page[RunRecord]:
    """A page of runs, newest first."""
    now = utc_now()
    window = _window(filters, request)
    fingerprints = filters.error_fingerprints
    others = registry.others(tenant, fingerprints) if registry.others and fingerprints else ()
    found = runs.list_run_keys(
        tenant,
        filters,
        window,
        boundary=_boundary(request),
        limit=request.size + 1,
        others=others,
    )
    page = rows_of_page(found, request)

    def cursor(key: RunKey) -> str:
        return encode_cursor(
            Cursor(
                about=about_runs(filters),
                start=epoch_milliseconds(window.start),
                end=epoch_milliseconds(window.end),
                as_of=epoch_milliseconds(now),
                keys=(key.created_at_ms, key.run_id),
            )
        )

    return Page(
        tuple(runs.read_listed_runs(tenant, page.rows)),
        next=cursor(page.rows[-1]) if page.has_next else None,
        previous=cursor(page.rows[0]) if page.has_previous else None,
    )


def read_run(tenant: Tenant, run_id: str) -> RunRecord:
    """The run with this id, given with its prefix or without. Raises NotFound."""
    # No stored id has a NUL in it, and PostgreSQL refuses to be asked for one.
    record = None if "\0" in run_id else runs.find_run(tenant, [run_id, friendly_run_id(run_id)])
    if record is None:
        raise NotFound("No such run.")
    return record


def _window(filters: RunFilters, request: PageRequest) -> Window:
    if request.cursor is not None:
        return Window(
            from_epoch_milliseconds(request.cursor.start),
            from_epoch_milliseconds(request.cursor.end),
        )
    now = utc_now()
    kept = timedelta(days=settings.RETENTION_DAYS)
    asked = filters.created
    start, end = asked.start, asked.end
    if start is None and end is None:
        start = now - (asked.period or kept)
    return window_of(WindowRequest(start=start, end=end or now + AHEAD), now=now, retention=kept)


def _boundary(request: PageRequest) -> RunBoundary | None:
    if request.cursor is None:
        return None
    created_at, run_id = request.cursor.keys
    # A cursor somebody made by hand may point beyond the calendar.
    edge = min(max(int(created_at), 0), LATEST_MOMENT)
    return RunBoundary(request.direction, from_epoch_milliseconds(edge), str(run_id))
