"""What a decision did, in words, and where the person goes on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, QueryDict
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

from errors_app.admin.triage.places import Place
from errors_app.admin.triage.view_state import LITERAL
from errors_app.domain.bulk import SkipReason, UndoResult
from errors_app.domain.groups import Action, GroupState, Status
from errors_app.domain.state_words import reason_in_words
from errors_app.services.bulk_once import Outcome
from runs_app.domain.times import utc_now

DONE: Final = {
    Action.RESOLVE: "Resolved",
    Action.IGNORE: "Ignored",
    Action.UNRESOLVE: "Reopened",
}
STAYED: Final = {
    SkipReason.NOT_FOUND: "not there any more",
    SkipReason.AMBIGUOUS_ID: "in several tasks",
    SkipReason.ALREADY_RESOLVED: "already resolved like this",
    SkipReason.ALREADY_IGNORED: "already ignored like this",
    SkipReason.ALREADY_UNRESOLVED: "already unresolved",
    SkipReason.CHANGED_SINCE: "changed since",
}
# Where people may be sent back to.
OUR_PAGES: Final = frozenset(
    (
        "home",
        "admin:errors_app_errorgroup_list",
        "admin:errors_app_errorgroup_page",
        "admin:errors_app_errorgroup_run",
        "admin:errors_app_errorgroup_bulk_result",
    )
)


def number_of(count: int) -> str:
    return "1 group" if count == 1 else f"{count:,} groups"


def asked_in_words(action: Action, parameters: Mapping[str, Any], now: datetime) -> str:
    """How it was resolved, or until when it is ignored, from what an operation keeps."""
    until = parameters.get("until")
    states = {
        Action.RESOLVE: GroupState(
            status=Status.RESOLVED,
            resolved_in_version=parameters.get("version"),
            resolved_after_version=parameters.get("nextAfter"),
        ),
        Action.IGNORE: GroupState(
            status=Status.IGNORED,
            ignored_until=None if until is None else datetime.fromisoformat(until),
            ignored_until_occurrence_rate=parameters.get("occurrenceRate"),
            ignored_until_total_occurrences=parameters.get("totalOccurrences"),
        ),
    }
    return reason_in_words(states[action], now) if action in states else ""


def stayed_in_words(skipped: Mapping[SkipReason, int]) -> str:
    """`34 already resolved like this, 1 not there any more`"""
    return ", ".join(f"{count:,} {STAYED[reason]}" for reason, count in skipped.items())


def tell_outcome(request: HttpRequest, place: Place, outcome: Outcome) -> None:
    """A message for the next page. Where something was changed, its extra tags are the path of the
    result, from which decision_told.html makes a link and the button that takes it back."""
    stayed = stayed_in_words(outcome.skipped)
    done = outcome.operation
    if done is None:
        messages.info(request, f"Nothing was changed: {stayed or 'there was nothing to change'}.")
        return
    how = asked_in_words(done.action, done.parameters, utc_now())
    words = " ".join(filter(None, (DONE[done.action], number_of(done.changed), how)))
    left = f" Not changed: {stayed}." if stayed else ""
    messages.success(request, f"{words}.{left}", extra_tags=result_address(place, done.id))


def tell_undo(request: HttpRequest, result: UndoResult) -> None:
    left = f" Left alone, because changed since: {len(result.skipped):,}." if result.skipped else ""
    messages.success(request, f"Restored {number_of(result.restored)}.{left}")


def result_address(place: Place, operation_id: str, list_query: str = "") -> str:
    """The page of an operation, which leads back to this view of the list."""
    query = {"list": list_query} if list_query else None
    return place.address("bulk_result", operation_id, query=query)


def list_address(place: Place, list_query: str) -> str:
    """The list as somebody saw it. The query is read and written anew."""
    query = QueryDict(list_query).urlencode(safe=LITERAL)
    return f"{place.list_address}?{query}" if query else place.list_address


def way_back(request: HttpRequest, default: str) -> str:
    """Where the request says that the person was, if that is one of our pages."""
    given = request.POST.get("next") or request.GET.get("next") or ""
    if not given.startswith("/") or not url_has_allowed_host_and_scheme(given, allowed_hosts=None):
        return default
    try:
        page = resolve(urlsplit(given).path)
    except Resolver404:
        return default
    return given if page.view_name in OUR_PAGES else default
