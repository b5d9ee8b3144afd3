"""Deciding about many groups: a page that says what will happen and asks, and then does it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from errors_app.admin.triage.bulk_forms import (
    AGAIN,
    ASK,
    BOUNDS,
    DO_AND_RETURN,
    BulkForm,
    read_bulk_form,
)
from errors_app.admin.triage.bulk_rows import ShownGroups, shown_groups
from errors_app.admin.triage.changes import ASK_AND_DO, CONTENDED, new_attempt, operation_id_of
from errors_app.admin.triage.changes_told import (
    list_address,
    number_of,
    result_address,
    stayed_in_words,
    tell_outcome,
)
from errors_app.admin.triage.decision_forms import NO_NEXT, Asked, DecisionForm, form_of
from errors_app.admin.triage.moments import exact
from errors_app.admin.triage.places import Place, draw, in_changeable_environment
from errors_app.domain.bulk import BulkChange
from errors_app.domain.filters import GroupFilters
from errors_app.domain.groups import Action
from errors_app.services.bulk import (
    BulkTooLarge,
    NumberChanged,
    change_groups,
    told_filter,
)
from errors_app.services.bulk_once import change_groups_once
from errors_app.services.lifecycle import NoVersionSeen, read_seen_versions
from errors_app.services.operations import count_reasons, name_groups
from runs_app.domain.errors import Contention
from runs_app.domain.times import iso
from runs_app.domain.window import Window

# How many groups the page that asks shows of each kind.
SAMPLE: Final = 10
FILTER_WORDS: Final[Mapping[str, str]] = {
    "status": "State",
    "taskIdentifier": "Task",
    "version": "Version",
    "search": "Contains",
    "category": "Category",
    "from": "From",
    "to": "To",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of the groups with what is filled in so far."""

    window: Window | None
    matched: int
    matched_words: str
    changed_words: str
    stayed: str
    sample: ShownGroups
    skipped: ShownGroups


@require_http_methods(ASK_AND_DO)
@in_changeable_environment
def bulk(request: HttpRequest, place: Place) -> HttpResponse:
    """What is sent first is asked about, on a page whose form is sent here again.

    Whoever had to log in meanwhile comes here with nothing.
    """
    if request.method != "POST":
        return HttpResponseRedirect(place.list_address)
    sent = read_bulk_form(request)
    if not sent.is_matching and not sent.chosen:
        messages.warning(request, "No group was ticked: tick some, or choose all that match.")
        return HttpResponseRedirect(list_address(place, sent.list_query))
    # All that match may be changed only by whoever was told how many they are.
    if sent.step == ASK or (sent.is_matching and sent.expected is None):
        return _ask(request, place, sent, form_of(sent.action))
    form = form_of(sent.action, request.POST)
    if not form.is_valid():
        return _ask(request, place, sent, form, status=400)
    if sent.step == AGAIN:
        return _ask(request, place, sent, form)
    try:
        return _do(request, place, sent, form.asked())
    except NumberChanged as error:
        notice = f"{error.user_message} Nothing was changed: look again, then confirm."
    except NoVersionSeen:
        form.add_error("when", NO_NEXT)
        notice = ""
    except Contention:
        notice = CONTENDED
    return _ask(request, place, sent, form, notice=notice, status=409)


def filter_in_words(told: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """A filter in the words of the API, as labels with values. PostgreSQL keeps the members of what
    an operation tells in an order of its own."""
    names = [*(name for name in FILTER_WORDS if name in told), *(told.keys() - FILTER_WORDS.keys())]
    return tuple(
        (
            FILTER_WORDS.get(name, name),
            ", ".join(value) if isinstance(value, list) else _moment(name, str(value)),
        )
        for name, value in ((name, told[name]) for name in names)
    )


def _moment(name: str, value: str) -> str:
    return exact(datetime.fromisoformat(value)) if name in BOUNDS else value


def _do(request: HttpRequest, place: Place, sent: BulkForm, asked: Asked) -> HttpResponse:
    change = BulkChange(
        action=sent.action,
        chosen=sent.chosen,
        resolution=asked.resolution,
        conditions=asked.conditions,
        expected_count=sent.expected,
        operation_id=operation_id_of(request, place),
    )
    outcome = change_groups_once(place.tenant, change, place.actor)
    if outcome.operation is None or sent.step == DO_AND_RETURN:
        tell_outcome(request, place, outcome)
        return HttpResponseRedirect(list_address(place, sent.list_query))
    return HttpResponseRedirect(result_address(place, outcome.operation.id, sent.list_query))


def _ask(
    request: HttpRequest,
    place: Place,
    sent: BulkForm,
    form: DecisionForm,
    *,
    notice: str = "",
    status: int = 200,
) -> HttpResponse:
    verb = sent.action.value.capitalize()
    back = list_address(place, sent.list_query)
    context: dict[str, Any] = {
        "crumb": f"{verb} many",
        "action": sent.action,
        "verb": verb,
        "sent": sent,
        "back": back,
    }
    try:
        preview = _preview(place, sent, form)
    except BulkTooLarge as error:
        context |= {"title": f"{verb} fewer at once", "too_large": error.user_message}
        return draw(request, place, "bulk.html", context, status=409)
    context |= {
        "title": f"{verb} {number_of(preview.matched)}?",
        "notice": notice,
        "form": form,
        "attempt": new_attempt(),
        "preview": preview,
        "seen": read_seen_versions(place.tenant) if sent.action is Action.RESOLVE else None,
    }
    window = preview.window
    if window is not None and isinstance(sent.chosen, GroupFilters):
        context["filter_words"] = filter_in_words(told_filter(sent.chosen, window))
        context["bounds"] = (("from", iso(window.start)), ("to", iso(window.end)))
    return draw(request, place, "bulk.html", context, status=status)


def _preview(place: Place, sent: BulkForm, form: DecisionForm) -> Preview:
    """Of a form that is not filled in rightly, or asks for what cannot be, with its defaults."""
    asked = form.asked() if form.is_bound and form.is_valid() else Asked()
    change = BulkChange(
        action=sent.action,
        chosen=sent.chosen,
        resolution=asked.resolution,
        conditions=asked.conditions,
        dry_run=True,
    )
    try:
        result = change_groups(place.tenant, change, place.actor)
    except NoVersionSeen:
        if form.is_valid():
            form.add_error("when", NO_NEXT)
        return _preview(place, sent, form)
    sample, skipped = result.matching[:SAMPLE], result.skipped[:SAMPLE]
    named = name_groups(place.tenant, sample, skipped)
    more = result.matched - result.changed
    return Preview(
        window=result.window,
        matched=result.matched,
        matched_words=f"{number_of(result.matched)} chosen" if more else "",
        changed_words=number_of(result.changed),
        stayed=stayed_in_words(count_reasons(result.skipped)),
        sample=shown_groups(place, named[: len(sample)], result.matched),
        skipped=shown_groups(place, named[len(sample) :], len(result.skipped)),
    )
