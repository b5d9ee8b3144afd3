"""Deciding about one group: a dialog of its page, and the same as a page of its own."""

import json
from collections.abc import Set
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4, uuid5

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.http import require_http_methods, require_safe

from errors_app.admin.triage.changes_told import tell_outcome, way_back
from errors_app.admin.triage.decision_forms import NO_NEXT, DecisionForm, form_of
from errors_app.admin.triage.places import Place, View, draw, in_changeable_environment
from errors_app.domain.bulk import BulkChange, PickedGroup
from errors_app.domain.groups import DECISIONS, Action, GroupKey, Status
from errors_app.queries.occurrences import GroupFacts
from errors_app.services.browse import find_for_change
from errors_app.services.bulk_once import Outcome, change_groups_once
from errors_app.services.lifecycle import NoVersionSeen, read_seen_versions
from errors_app.web.filters import parse_picked_task
from runs_app.domain.errors import Contention
from runs_app.domain.ids import error_id

ASK_AND_DO: Final = ("GET", "HEAD", "POST")
CONTENDED: Final = (
    "Others are changing the same groups at this moment. Nothing was changed: try again."
)


@dataclass(frozen=True, slots=True)
class Dialog:
    """One decision with its form. `address` is where it is sent."""

    action: Action
    form: DecisionForm
    address: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """What actions.html and dialogs.html draw. `group` is None on a list; the dialogs of a list are
    sent to `bulk`, and what is ticked there to be merged to `merge`. `is_open`: nothing there can
    be unresolved. `back` is the page they stand in."""

    group: GroupKey | None
    is_open: bool
    bulk: str
    merge: str
    versions: str
    back: str
    resolve: str
    ignore: str
    unresolve: str
    dialogs: tuple[Dialog, ...]
    attempt: str


def decisions_of(
    request: HttpRequest,
    place: Place,
    statuses: Set[Status],
    key: GroupKey | None = None,
) -> Decisions | None:
    """The buttons and dialogs of a list, or of one group; None for whoever may only look. The
    states there are tell which of them lead anywhere."""
    if not place.may_change:
        return None
    back, bulk = request.get_full_path(), place.address("bulk")
    is_open = statuses == {Status.UNRESOLVED}
    offered = [action for action in DECISIONS if not (is_open and action is Action.UNRESOLVE)]
    addresses = dict.fromkeys(DECISIONS, bulk)
    if key is not None:
        addresses = {action: _address(place, key, action, back) for action in DECISIONS}
    return Decisions(
        group=key,
        is_open=is_open,
        bulk=bulk,
        merge=place.address("merge"),
        versions=place.address("versions"),
        back=back,
        resolve=addresses[Action.RESOLVE],
        ignore=addresses[Action.IGNORE],
        unresolve=addresses[Action.UNRESOLVE],
        dialogs=tuple(Dialog(action, form_of(action), addresses[action]) for action in offered),
        attempt=new_attempt(),
    )


def decide(action: Action) -> View:
    """The page of one decision about one group: GET asks, POST does."""

    def page(request: HttpRequest, place: Place, error_id: str) -> HttpResponse:
        facts = find_for_change(place.tenant, error_id, parse_picked_task(request.GET))
        if request.method != "POST":
            return _ask(request, place, facts, action, form_of(action))
        form = form_of(action, request.POST)
        if not form.is_valid():
            return _ask(request, place, facts, action, form, status=400)
        try:
            outcome = _change(request, place, facts.key, action, form)
        except NoVersionSeen:
            form.add_error("when", NO_NEXT)
            return _ask(request, place, facts, action, form, status=409)
        except Contention:
            form.add_error(None, CONTENDED)
            return _ask(request, place, facts, action, form, status=409)
        tell_outcome(request, place, outcome)
        return HttpResponseRedirect(way_back(request, place.group_address(facts.key)))

    return require_http_methods(ASK_AND_DO)(in_changeable_environment(page))


@require_safe
@in_changeable_environment
def versions(request: HttpRequest, place: Place) -> HttpResponse:
    """What dialogs offer to resolve in, read only once one is opened."""
    seen = read_seen_versions(place.tenant)
    return JsonResponse({"newest": seen.newest, "last": seen.last})


def new_attempt() -> str:
    return uuid4().hex


def operation_id_of(request: HttpRequest, place: Place) -> str:
    """The same for the same form sent twice, by one person from one page; another one for whatever
    else they send."""
    try:
        attempt = UUID(request.POST.get("attempt", ""))
    except ValueError:
        attempt = uuid4()
    said = sorted(
        (name, values)
        for name, values in request.POST.lists()
        if name not in ("csrfmiddlewaretoken", "attempt")
    )
    return str(uuid5(attempt, json.dumps([place.name, str(place.person.pk), request.path, said])))


def _address(place: Place, key: GroupKey, action: Action, back: str) -> str:
    query = {"taskIdentifier": key.task_identifier, "next": back}
    return place.address(action.value, error_id(key.error_fingerprint), query=query)


def _change(
    request: HttpRequest, place: Place, key: GroupKey, action: Action, form: DecisionForm
) -> Outcome:
    asked = form.asked()
    change = BulkChange(
        action=action,
        chosen=(PickedGroup(key.error_fingerprint, key.task_identifier),),
        resolution=asked.resolution,
        conditions=asked.conditions,
        operation_id=operation_id_of(request, place),
    )
    return change_groups_once(place.tenant, change, place.actor)


def _ask(
    request: HttpRequest,
    place: Place,
    facts: GroupFacts,
    action: Action,
    form: DecisionForm,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        "title": f"{action.value.capitalize()} this group?",
        "crumb": action.value.capitalize(),
        "action": action,
        "group": facts,
        "form": form,
        "attempt": new_attempt(),
        "seen": read_seen_versions(place.tenant) if action is Action.RESOLVE else None,
        "back": way_back(request, place.group_address(facts.key)),
    }
    return draw(request, place, "decision.html", context, status=status)
