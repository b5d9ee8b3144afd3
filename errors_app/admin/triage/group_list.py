"""The list of groups."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from errors_app.admin.triage import list_controls
from errors_app.admin.triage.changes import decisions_of
from errors_app.admin.triage.list_controls import Faults
from errors_app.admin.triage.list_empty import told_emptiness
from errors_app.admin.triage.list_rows import shown_rows
from errors_app.admin.triage.moments import minute
from errors_app.admin.triage.places import Place, draw, in_environment
from errors_app.admin.triage.view_state import (
    FROM,
    NARROWING,
    PERIOD,
    TO,
    ListView,
    Understood,
    asked_view,
    is_tidy,
)
from errors_app.domain.filters import GroupFilters
from errors_app.services.group_list_page import GroupListPage, read_group_list
from runs_app.domain.errors import InvalidInput
from runs_app.domain.times import iso

# A page that is open asks with this header for what it replaces alone.
FRAGMENT: Final = "X-Fragment"
FRAGMENTS: Final = "admin/errors_app/errorgroup/list_fragment.html"


@require_safe
@in_environment
def group_list(request: HttpRequest, place: Place) -> HttpResponse:
    if not is_tidy(request.GET):
        return HttpResponseRedirect(f"{place.list_address}?{asked_view(request.GET).query}")
    view = asked_view(request.GET)
    try:
        understood = view.understand()
    except InvalidInput as refused:
        # The form is at hand, so people are told in place.
        faults = Faults(refused.details)
        context = {**_controls(place, view, faults), "faults": faults}
        return draw(request, place, "list.html", context, status=400)
    return _answer(request, place, view, understood)


def _answer(request: HttpRequest, place: Place, view: ListView, asked: Understood) -> HttpResponse:
    page = read_group_list(place.tenant, asked.filters, asked.sort, asked.page)
    context = _results(request, place, view, page, asked.filters)
    if request.headers.get(FRAGMENT):
        return render(request, FRAGMENTS, {"place": place, **context})
    return draw(request, place, "list.html", {**_controls(place, view, Faults(), page), **context})


def _controls(
    place: Place, view: ListView, faults: Faults, page: GroupListPage | None = None
) -> dict[str, Any]:
    """Everything around the rows. Fields show what was asked for; links and hidden fields leave out
    what is wrong with it, so that all of them lead on."""
    tasks, versions = ((), ()) if page is None else (page.tasks, page.versions)
    start, end = list_controls.bounds(view, faults)
    kept = view.without(*faults.parameters) if faults.details else view
    return {
        "title": "Error groups",
        "environment_links": list_controls.environment_links(place, kept),
        "ranges": list_controls.time_ranges(kept),
        "bounds": (("From", start), ("Until", end)),
        "is_bounded": bool(view[FROM] or view[TO]),
        "range_kept": list_controls.kept_fields(kept, PERIOD, FROM, TO),
        "search": list_controls.search_field(view, faults),
        "facets": list_controls.facets(view, tasks, versions, faults),
        "search_kept": list_controls.kept_fields(kept, *NARROWING),
        "is_narrowed": view.is_narrowed,
        "cleared": kept.without(*NARROWING).query,
        "tabs": list_controls.state_tabs(kept, None if page is None else page.tallies),
    }


def _results(
    request: HttpRequest,
    place: Place,
    view: ListView,
    page: GroupListPage,
    filters: GroupFilters,
) -> dict[str, Any]:
    """Everything that changes while the page is open."""
    matching = sum(page.tallies.get(status, 0) for status in filters.statuses)
    return {
        "tabs": list_controls.state_tabs(view, page.tallies),
        "sorts": list_controls.sort_links(view),
        "rows": shown_rows(place, view, page),
        "shows_states": len(filters.statuses) > 1,
        "window": page.window,
        "window_words": f"{minute(page.window.start)} to {minute(page.window.end)} UTC",
        "window_bounds": (iso(page.window.start), iso(page.window.end)),
        "matching": f"{matching:,}",
        "decisions": decisions_of(request, place, filters.statuses),
        "listed": view.query,
        "first": None if view.is_first_page else view.without().query,
        "next": None if page.next is None else _turned(view, "after", page.next),
        "previous": None if page.previous is None else _turned(view, "before", page.previous),
        "empty": None if page.rows else told_emptiness(place, view, page),
        "report_address": request.build_absolute_uri("/api/v1/runs"),
        "keys_address": reverse("admin:runs_app_apikey_changelist"),
    }


def _turned(view: ListView, direction: str, cursor: str) -> str:
    return view.but({f"page[{direction}]": cursor}).query
