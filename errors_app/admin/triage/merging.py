"""Merging ticked groups into one of them, and splitting off what was merged: asked first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from errors_app.admin.actors import newest_changes, who
from errors_app.admin.triage.bulk_forms import MATCHING, ticked_groups
from errors_app.admin.triage.changes import ASK_AND_DO
from errors_app.admin.triage.changes_told import list_address, number_of
from errors_app.admin.triage.moments import ToldTime, told_time
from errors_app.admin.triage.places import Place, draw, in_changeable_environment
from errors_app.domain.bulk import PickedGroup
from errors_app.domain.groups import GroupKey, GroupState
from errors_app.domain.merging import MOST_MERGED_AT_ONCE, WantedMerge
from errors_app.domain.state_words import state_in_words
from errors_app.models import ErrorGroupState
from errors_app.queries import states
from errors_app.queries.occurrences import GroupFacts
from errors_app.services.browse import find_for_change
from errors_app.services.merging import merge_groups, split_group
from errors_app.services.operations import NamedGroup, name_groups
from errors_app.web.filters import parse_picked_task
from runs_app.domain.errors import Conflict, NotFound
from runs_app.domain.ids import error_id as id_of
from runs_app.domain.ids import fingerprint_of_error_id
from runs_app.domain.times import utc_now

# How many merged groups a page names.
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ticked group that may survive. `first_seen` is None where nothing is known but its id."""

    value: str
    id: str
    error_type: str
    message: str
    state: str
    first_seen: ToldTime | None
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ToldMember:
    """A group that is merged into the one of the page. `split`: where to split it off."""

    id: str
    who: str
    when: ToldTime
    split: str


@dataclass(frozen=True, slots=True)
class ToldMerged:
    members: tuple[ToldMember, ...]
    total: int

    @property
    def more(self) -> int:
        return self.total - len(self.members)


@require_http_methods(ASK_AND_DO)
@in_changeable_environment
def merge(request: HttpRequest, place: Place) -> HttpResponse:
    """The ticked groups: which one goes on? The form is sent here again."""
    back = list_address(place, request.POST.get("filter", ""))
    if request.method != "POST":
        return HttpResponseRedirect(back)
    picked = ticked_groups(request.POST)
    fault = _fault_of(picked, request.POST.get("scope"))
    if fault:
        messages.warning(request, fault)
        return HttpResponseRedirect(back)
    into = next((one for one in picked if _value(one) == request.POST.get("into")), None)
    if into is None:
        return _ask(request, place, picked, back)
    others = tuple(one.error_fingerprint for one in picked if one != into)
    wanted = WantedMerge(into.error_fingerprint, others, into.task_identifier)
    try:
        detail = merge_groups(place.tenant, wanted, place.actor)
    except (Conflict, NotFound) as error:
        return _ask(request, place, picked, back, chosen=into, notice=error.user_message)
    messages.success(request, f"Merged {number_of(len(picked))} into this one.")
    return HttpResponseRedirect(place.group_address(detail.facts.key))


@require_http_methods(ASK_AND_DO)
@in_changeable_environment
def split(request: HttpRequest, place: Place, error_id: str) -> HttpResponse:
    """One group that is merged into the one of the address: `fingerprint` says which."""
    facts = find_for_change(place.tenant, error_id, parse_picked_task(request.GET))
    leaving = fingerprint_of_error_id(request.GET.get("fingerprint", ""))
    back = place.group_address(facts.key)
    if leaving not in facts.merged:
        messages.warning(request, "Nothing was changed: this group is not merged any more.")
        return HttpResponseRedirect(back)
    if request.method != "POST":
        return _ask_to_split(request, place, facts, leaving, back)
    given, task = id_of(facts.key.error_fingerprint), facts.key.task_identifier
    try:
        split_group(place.tenant, given, task, leaving, place.actor)
    except Conflict as error:
        messages.warning(request, f"Nothing was changed: {error.user_message}")
    else:
        messages.success(request, f"Split off {id_of(leaving)}: it is a group of its own again.")
    return HttpResponseRedirect(back)


def told_merged(place: Place, facts: GroupFacts, now: datetime) -> ToldMerged:
    """What is merged into a group, by whom and when."""
    if not facts.merged:
        return ToldMerged((), 0)
    # Nothing changes a merged group, so that its last change is the merge.
    changes = newest_changes().filter(
        state__in=ErrorGroupState.objects.filter(
            environment_id=place.tenant.environment_id,
            task_identifier=facts.key.task_identifier,
            merged_into=facts.key.error_fingerprint,
        )
    )
    found = changes.select_related("user", "state").order_by("-id")[:SHOWN]
    members = tuple(
        ToldMember(
            id=id_of(entry.state.error_fingerprint),
            who=who(entry),
            when=told_time(entry.created_at, now),
            split=_split_address(place, facts.key, entry.state.error_fingerprint),
        )
        for entry in found
    )
    return ToldMerged(members, len(facts.merged))


def _split_address(place: Place, key: GroupKey, leaving: str) -> str:
    query = {"taskIdentifier": key.task_identifier, "fingerprint": leaving}
    return place.address("split", id_of(key.error_fingerprint), query=query)


def _fault_of(picked: Sequence[PickedGroup], scope: str | None) -> str:
    """Why these cannot be merged; empty where they can."""
    if scope == MATCHING:
        return "Tick the groups that are one bug: all that match cannot be merged at once."
    if len(picked) < 2:
        return "Tick two groups or more to merge them."
    if len(picked) > MOST_MERGED_AT_ONCE + 1:
        return f"Tick at most {MOST_MERGED_AT_ONCE + 1:,} groups to merge them."
    if len({one.task_identifier for one in picked}) > 1:
        return "These groups are of several tasks: only groups of one task can be merged."
    return ""


def _ask(
    request: HttpRequest,
    place: Place,
    picked: Sequence[PickedGroup],
    back: str,
    *,
    chosen: PickedGroup | None = None,
    notice: str = "",
) -> HttpResponse:
    now = utc_now()
    keys = [GroupKey(one.error_fingerprint, one.task_identifier or "") for one in picked]
    known = states.read_states(place.tenant, keys)
    # The one that is known longest has most of the history.
    named = sorted(
        name_groups(place.tenant, keys),
        key=lambda group: group.outline.first_seen if group.outline else now,
    )
    survivor = _value(chosen) if chosen else _value_of(named[0].key)
    context = {
        "title": f"Merge {number_of(len(picked))}?",
        "crumb": "Merge",
        "notice": notice,
        "task": keys[0].task_identifier,
        "candidates": [_candidate(group, known, survivor, now) for group in named],
        "list_query": request.POST.get("filter", ""),
        "back": back,
    }
    return draw(request, place, "merge.html", context, status=409 if notice else 200)


def _candidate(
    group: NamedGroup, known: Mapping[GroupKey, GroupState], survivor: str, now: datetime
) -> Candidate:
    outline = group.outline
    return Candidate(
        value=_value_of(group.key),
        id=id_of(group.key.error_fingerprint),
        error_type=outline.error_type if outline else "",
        message=outline.error_message if outline else "",
        state=state_in_words(known[group.key].at(now), now),
        first_seen=told_time(outline.first_seen, now) if outline else None,
        is_chosen=_value_of(group.key) == survivor,
    )


def _ask_to_split(
    request: HttpRequest, place: Place, facts: GroupFacts, leaving: str, back: str
) -> HttpResponse:
    key = GroupKey(leaving, facts.key.task_identifier)
    state = states.read_states(place.tenant, [key])[key]
    context = {
        "title": "Split this group off?",
        "crumb": "Split",
        "facts": facts,
        "leaving": id_of(leaving),
        "state": state_in_words(state, utc_now()),
        "back": back,
    }
    return draw(request, place, "split.html", context)


def _value(picked: PickedGroup) -> str:
    return f"{picked.error_fingerprint}:{picked.task_identifier}"


def _value_of(key: GroupKey) -> str:
    return f"{key.error_fingerprint}:{key.task_identifier}"
