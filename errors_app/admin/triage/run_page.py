"""The page of one run: how it went, why it failed, and what it was given and gave."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from errors_app.admin.triage.moments import ToldTime, told_time
from errors_app.admin.triage.places import Place, draw, in_environment
from errors_app.admin.triage.run_words import duration, length, status_class
from errors_app.admin.triage.traces import error_of, printable, shown_trace
from errors_app.domain.groups import GroupKey
from runs_app.admin.texts import SHOWN_CHARACTERS, pretty
from runs_app.domain.grouping.reported import NOT_AN_ERROR
from runs_app.domain.ids import error_id
from runs_app.domain.records import RunRecord
from runs_app.domain.run_status import SHOWN
from runs_app.domain.times import utc_now
from runs_app.services.browse_runs import read_run

VIEW_RUNS: Final = "runs_app.view_taskrun"
# Which content to show all of.
WHOLE: Final = "whole"
MESSAGE_CHARACTERS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of a run's life. `after`: how long after the one before it; empty for the first."""

    name: str
    when: ToldTime
    after: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a run was given or gave. `left_out`: characters beyond the shown ones, which `address`
    shows."""

    name: str
    text: str
    left_out: int
    address: str


@require_safe
@in_environment
def run_page(request: HttpRequest, place: Place, run_id: str) -> HttpResponse:
    run = read_run(place.tenant, run_id)
    now = utc_now()
    error = error_of(run)
    whole = request.GET.get(WHOLE, "")
    return draw(
        request,
        place,
        "run.html",
        {
            "title": run.friendly_id,
            "crumb": run.friendly_id,
            "run": run,
            "status": SHOWN[run.status].status.value,
            "status_class": status_class(run.status),
            "duration": duration(run),
            "moments": told_moments(run, now),
            "facts": _facts(run),
            "error": None if error == NOT_AN_ERROR else error,
            "message": _cut("message", printable(error.message), whole, MESSAGE_CHARACTERS),
            "trace": shown_trace(error.stack),
            "raw_trace": _cut("trace", printable(error.stack), whole) if error.stack else None,
            "whole": whole,
            "group": _group(place, run),
            "contents": _contents(run, whole),
            "plain_address": _plain_page(place, run),
        },
    )


def told_moments(run: RunRecord, now: datetime) -> tuple[Moment, ...]:
    """What happened when, the earliest first."""
    named = (
        ("Created", run.created_at),
        ("Queued", run.queued_at),
        ("Delayed until", run.delay_until),
        ("Started", run.started_at),
        ("Failed", run.failed_at),
        ("Finished", run.completed_at),
        ("Expired", run.expired_at),
    )
    known = sorted(
        ((when, place, name) for place, (name, when) in enumerate(named) if when is not None),
    )
    moments: list[Moment] = []
    before: datetime | None = None
    for when, _, name in known:
        after = "" if before is None else length(when - before)
        moments.append(Moment(name, told_time(when, now), after))
        before = when
    return tuple(moments)


def _facts(run: RunRecord) -> tuple[tuple[str, str], ...]:
    """What is known of where and how it ran."""
    cost = run.cost_in_cents + run.base_cost_in_cents
    known = (
        ("Task", run.task_identifier),
        ("Version", run.task_version),
        ("Attempt", str(run.attempt)),
        ("Queue", run.queue),
        ("Machine", run.machine),
        ("Region", run.region),
        ("Batch", run.batch_id),
        ("Schedule", run.schedule_id),
        ("Idempotency key", run.idempotency_key),
        ("Test", "yes" if run.is_test else ""),
        ("Expected failure", "yes" if run.expected else ""),
        ("Cost", f"{cost:,.4f} cents" if cost else ""),
    )
    return tuple((name, printable(value)) for name, value in known if value)


def _group(place: Place, run: RunRecord) -> tuple[str, str] | None:
    """The id and the page of the group it counts in."""
    if run.counted is None:
        return None
    key = GroupKey(run.counted.error_fingerprint, run.counted.task_identifier)
    return error_id(key.error_fingerprint), place.group_address(key)


def _contents(run: RunRecord, whole: str) -> tuple[Content, ...]:
    named = (("payload", run.payload), ("output", run.output), ("metadata", run.metadata))
    return tuple(
        _cut(name, printable(pretty(text)), whole) for name, text in named if text is not None
    )


def _cut(name: str, text: str, whole: str, most: int = SHOWN_CHARACTERS) -> Content:
    shown = text if whole == name else text[:most]
    return Content(name, shown, len(text) - len(shown), f"?{WHOLE}={name}#{name}")


def _plain_page(place: Place, run: RunRecord) -> str:
    """Everything that is stored of it, for whoever may look at that."""
    if run.pk is None or not place.person.has_perm(VIEW_RUNS):
        return ""
    return reverse("admin:runs_app_taskrun_change", args=(run.pk,))
