"""The page of one group: what it is, when and where it fails, and what was done about it."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.text import Truncator
from django.views.decorators.http import require_safe

from errors_app.admin.triage.changes import decisions_of
from errors_app.admin.triage.changes_told import list_address
from errors_app.admin.triage.curl import commands_about
from errors_app.admin.triage.group_activity import told_activity
from errors_app.admin.triage.group_parts import (
    page_links,
    range_fields,
    range_links,
    shown_runs,
    shown_sample,
    shown_versions,
    told_surroundings,
)
from errors_app.admin.triage.group_view import LIST, RUN, TASK, GroupView, group_view
from errors_app.admin.triage.histogram import draw_histogram
from errors_app.admin.triage.list_controls import category_in_words
from errors_app.admin.triage.list_rows import told_state
from errors_app.admin.triage.markdown import MarkdownFacts, as_markdown
from errors_app.admin.triage.merging import told_merged
from errors_app.admin.triage.moments import minute, told_time
from errors_app.admin.triage.places import Place, draw, in_environment
from errors_app.admin.triage.traces import printable, stack_of
from errors_app.admin.triage.view_state import VERSION
from errors_app.domain.groups import GroupKey
from errors_app.domain.state_words import reason_in_words
from errors_app.queries.occurrences import GroupFacts
from errors_app.services.browse import find_groups
from errors_app.services.group_page import GroupPage, read_group_page
from runs_app.domain.ids import error_id as id_of
from runs_app.domain.times import utc_now

TITLE_CHARACTERS: Final = 80


@require_safe
@in_environment
def group_page(request: HttpRequest, place: Place, error_id: str) -> HttpResponse:
    view = group_view(request.GET, error_id)
    groups = find_groups(place.tenant, error_id, view[TASK] or None)
    if len(groups) > 1:
        return _choose(request, place, view, groups)
    page = read_group_page(
        place.tenant, groups[0], view.filters, view.page, view.about, view[RUN] or None
    )
    context = _context(request, place, view, page)
    return draw(request, place, "page.html", context, status=400 if view.faults else 200)


def _choose(
    request: HttpRequest, place: Place, view: GroupView, groups: tuple[GroupFacts, ...]
) -> HttpResponse:
    """One id in several tasks: which group is meant?"""
    now = utc_now()
    given = id_of(groups[0].key.error_fingerprint)
    return draw(
        request,
        place,
        "page_choose.html",
        {
            "title": given,
            "crumb": given,
            "groups": [
                {
                    "facts": facts,
                    "address": view.but({TASK: facts.key.task_identifier}),
                    "count": f"{facts.count:,}",
                    "last_seen": told_time(facts.last_seen, now),
                }
                for facts in groups
            ],
        },
    )


def _context(
    request: HttpRequest, place: Place, view: GroupView, page: GroupPage
) -> dict[str, Any]:
    facts, key = page.facts, page.facts.key
    title = _title(facts)
    versions = [seen.version for seen in page.versions]
    site = f"{request.scheme}://{request.get_host()}"
    return {
        "title": title,
        "crumb": title,
        "facts": facts,
        "message": printable(facts.error_message),
        "category": category_in_words(facts.category),
        "group_id": id_of(key.error_fingerprint),
        "grouping_address": _grouping_address(place, view, key),
        "list_address": list_address(place, view[LIST]),
        "has_list": bool(view[LIST]),
        "decisions": decisions_of(request, place, {page.state.status}, key),
        "state": told_state(page.state, page.state.failures_left(facts.count), page.now),
        "faults": view.faults,
        "count": f"{facts.count:,}",
        "count_in_window": f"{page.count_in_window:,}",
        "first_seen": told_time(facts.first_seen, page.now),
        "last_seen": told_time(facts.last_seen, page.now),
        "window_words": f"{minute(page.window.start)} to {minute(page.window.end)} UTC",
        "chart": draw_histogram(page.histogram, page.buckets, page.window, versions),
        "ranges": range_links(view, page),
        "range_fields": range_fields(view, page),
        "kept_fields": [(name, view[name]) for name in (TASK, VERSION, LIST) if view[name]],
        "chosen_versions": view.filters.versions,
        "all_versions_address": view.but({VERSION: ""}),
        "versions": shown_versions(view, page),
        "sample": shown_sample(place, view, page),
        "runs": shown_runs(place, page),
        "run_pages": page_links(view, page),
        "surroundings_runs": 0 if page.surroundings is None else page.surroundings.runs,
        "surroundings": told_surroundings(page.surroundings),
        "activity": told_activity(place, key, page.now),
        "merged": told_merged(place, facts, page.now),
        "markdown": _markdown(place, site, page, key),
        "commands": commands_about(site, key),
    }


def _title(facts: GroupFacts) -> str:
    message = " ".join(printable(facts.error_message).split())
    text = f"{facts.error_type or 'Error'}: {message}" if message else facts.error_type
    return Truncator(text or "Error").chars(TITLE_CHARACTERS)


def _grouping_address(place: Place, view: GroupView, key: GroupKey) -> str:
    kept = {TASK: key.task_identifier, **({LIST: view[LIST]} if view[LIST] else {})}
    return place.address("grouping", id_of(key.error_fingerprint), query=kept)


def _markdown(place: Place, site: str, page: GroupPage, key: GroupKey) -> str:
    sample = page.sample
    return as_markdown(
        MarkdownFacts(
            group=page.facts,
            state=page.state,
            reason=reason_in_words(
                page.state, page.now, page.state.failures_left(page.facts.count)
            ),
            environment=place.name,
            address=site + place.group_address(key),
            versions=[seen.version for seen in page.versions],
            run_id="" if sample is None else sample.run.friendly_id,
            stack="" if sample is None else stack_of(sample.run),
            now=page.now,
        )
    )
