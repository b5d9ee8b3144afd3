"""What was done to a group, newest first, as its page tells it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.urls import reverse

from errors_app.admin.actors import who, with_keys
from errors_app.admin.reasons import in_words
from errors_app.admin.triage.moments import ToldTime, told_time
from errors_app.admin.triage.places import Place
from errors_app.domain.groups import GroupKey
from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.domain.ids import friendly_run_id

SHOWN: Final = 15
DASH: Final = "-"
VIEW_TRAIL: Final = "errors_app.view_errorgroupactivity"


@dataclass(frozen=True, slots=True)
class ToldChange:
    """One change. `run_address`: the run whose failure caused it, if one did."""

    when: ToldTime
    who: str
    action: str
    from_status: str
    to_status: str
    how: str
    reason: str
    run_id: str
    run_address: str


@dataclass(frozen=True, slots=True)
class ToldActivity:
    """The last changes. `whole_address`: where all of them are, for whom they may be shown."""

    changes: tuple[ToldChange, ...]
    has_more: bool
    whole_address: str


def told_activity(place: Place, key: GroupKey, now: datetime) -> ToldActivity:
    state = ErrorGroupState.objects.filter(
        environment_id=place.tenant.environment_id,
        error_fingerprint=key.error_fingerprint,
        task_identifier=key.task_identifier,
    )
    # By its id, not by a join: of a join the whole trail would be sorted.
    state_id = state.values_list("pk", flat=True).first()
    if state_id is None:
        return ToldActivity((), has_more=False, whole_address="")
    entries = with_keys(ErrorGroupActivity.objects.filter(state_id=state_id).select_related("user"))
    found = list(entries.order_by("-state_version")[: SHOWN + 1])
    return ToldActivity(
        tuple(_told(place, entry, now) for entry in found[:SHOWN]),
        has_more=len(found) > SHOWN,
        whole_address=_whole(place, state_id),
    )


def _told(place: Place, entry: ErrorGroupActivity, now: datetime) -> ToldChange:
    how = in_words(entry)
    run_id = friendly_run_id(entry.run_id) if entry.run_id else ""
    return ToldChange(
        when=told_time(entry.created_at, now),
        who=who(entry),
        action=entry.action,
        from_status=entry.from_status,
        to_status=entry.to_status,
        how="" if how == DASH else how,
        reason=entry.reason,
        run_id=run_id,
        run_address=place.address("run", run_id) if run_id else "",
    )


def _whole(place: Place, state_id: Any) -> str:
    if not place.person.has_perm(VIEW_TRAIL):
        return ""
    query = {"state__id__exact": state_id}
    return reverse("admin:errors_app_errorgroupactivity_changelist", query=query)
