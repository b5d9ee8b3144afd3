"""What became of a change of groups, and taking it back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_safe

from errors_app.admin.triage.bulk_pages import filter_in_words
from errors_app.admin.triage.bulk_rows import shown_groups
from errors_app.admin.triage.changes import ASK_AND_DO, CONTENDED
from errors_app.admin.triage.changes_told import (
    DONE,
    asked_in_words,
    list_address,
    number_of,
    stayed_in_words,
    tell_undo,
    way_back,
)
from errors_app.admin.triage.moments import told_time
from errors_app.admin.triage.places import (
    Place,
    draw,
    in_changeable_environment,
    in_environment,
)
from errors_app.services.operations import read_operation
from errors_app.services.undo import NotUndoable, undo_operation
from runs_app.domain.errors import Contention
from runs_app.domain.times import utc_now


@require_safe
@in_environment
def bulk_result(request: HttpRequest, place: Place, operation_id: str) -> HttpResponse:
    report = read_operation(place.tenant, operation_id)
    done, now = report.summary, utc_now()
    seconds = 0
    if place.may_change and done.undoable_until is not None:
        seconds = max(0, int((done.undoable_until - now).total_seconds()))
    context = {
        "title": f"{DONE[done.action]} {number_of(done.changed)}",
        "crumb": "Result",
        "report": report,
        "how": asked_in_words(done.action, done.parameters, now),
        "reason": done.parameters.get("reason", ""),
        "filter_words": filter_in_words(done.parameters.get("filter", {})),
        "changed": shown_groups(place, report.changed, done.changed),
        "skipped": shown_groups(place, report.skipped, sum(done.skipped.values())),
        "left": shown_groups(place, report.left, done.changed - report.restored),
        "stayed": stayed_in_words(done.skipped),
        "when": told_time(done.created_at, now),
        "back": list_address(place, request.GET.get("list", "")),
        "here": request.get_full_path(),
        "undo": place.address("bulk_undo", done.id),
        "seconds_left": seconds,
        "time_left": f"{seconds // 60}:{seconds % 60:02} left",
    }
    return draw(request, place, "bulk_result.html", context)


@require_http_methods(ASK_AND_DO)
@in_changeable_environment
def bulk_undo(request: HttpRequest, place: Place, operation_id: str) -> HttpResponse:
    """Why something cannot be undone is told where the person was."""
    result = place.address("bulk_result", operation_id)
    if request.method != "POST":
        return HttpResponseRedirect(result)
    try:
        tell_undo(request, undo_operation(place.tenant, operation_id, place.actor))
    except NotUndoable as error:
        messages.error(request, error.user_message)
    except Contention:
        messages.error(request, CONTENDED)
    return HttpResponseRedirect(way_back(request, result))
