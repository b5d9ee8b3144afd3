"""The page that tells why the failures of a group are one group."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from errors_app.admin.triage.changes_told import list_address
from errors_app.admin.triage.group_view import LIST, LONGEST_LIST, TASK
from errors_app.admin.triage.grouping_parts import (
    Option,
    ShownOutcome,
    key_parts,
    shown_comparison,
    signals_in_words,
)
from errors_app.admin.triage.list_controls import category_in_words
from errors_app.admin.triage.moments import ago
from errors_app.admin.triage.places import Place, draw, in_environment
from errors_app.admin.triage.traces import printable
from errors_app.services.grouping_page import (
    COMPARED,
    Differs,
    ExplainedRun,
    GroupingPage,
    look_at_grouping,
)
from runs_app.domain.grouping import client_fingerprint, keywords, structured
from runs_app.domain.grouping.fingerprint_v1 import RULE as V1
from runs_app.domain.grouping.fingerprint_v2 import RULE as V2
from runs_app.domain.ids import error_id as id_of
from runs_app.domain.records import EXPORT_RULE

RUNS: Final = "runs"
OPTION_CHARACTERS: Final = 60

DECIDERS: Final = {
    V2: "Rule v2: the same class, the same message but for what varies in it, and the same"
    " innermost functions of your own code.",
    V1: "Rule v1: the same class, the same message but for ids, times and places in it, and the"
    " same first lines of the stack.",
    structured.RULE: "What the error says of its kind: the same status and code, in the same part"
    " of the system. Neither message nor stack count.",
    keywords.RULE: "Words of the message: the same category, and the same beginning, in the same"
    " part of the system. The stack does not count.",
    client_fingerprint.RULE: "The error brings its own fingerprint, which goes before every rule.",
    EXPORT_RULE: "The failures were imported, and brought their fingerprint with them. The text"
    " behind it is not known.",
}
DIFFERENCES: Final = {
    Differs.IMPORTED: "It was imported with a fingerprint of its own. The same error reported today"
    " would be in another group.",
    Differs.SETTINGS: "The settings of the project have changed since it was reported. The same"
    " error reported today would be in another group; known failures stay where they are.",
    Differs.OTHER: "Reported today, the same error would be in another group: what it was grouped"
    " by has changed since.",
}


@require_safe
@in_environment
def grouping(request: HttpRequest, place: Place, error_id: str) -> HttpResponse:
    task = request.GET.get(TASK) or None
    named = [part.strip() for text in request.GET.getlist(RUNS) for part in text.split(",")]
    asked = [run_id for run_id in named if run_id][:COMPARED]
    page = look_at_grouping(place.tenant, error_id, task, asked)
    return draw(request, place, "grouping.html", _context(request, place, page))


def _context(request: HttpRequest, place: Place, page: GroupingPage) -> dict[str, Any]:
    facts, decided = page.facts, page.decided
    name = printable(facts.error_type) or "Error"
    listed = request.GET.get(LIST, "")
    kept = {TASK: facts.key.task_identifier}
    if 0 < len(listed) <= LONGEST_LIST:
        kept[LIST] = listed
    context = {
        "title": f"Why this group: {name}",
        "name": name,
        "message": printable(facts.error_message),
        "group_id": id_of(facts.key.error_fingerprint),
        "list_address": list_address(place, kept.get(LIST, "")),
        "group_address": place.address("page", id_of(facts.key.error_fingerprint), query=kept),
        "task": facts.key.task_identifier,
        "kept_fields": list(kept.items()),
        "merged": facts.merged,
        "decided": decided,
        "compared": [shown_comparison(place, one, page.now) for one in page.compared],
        "choices": _choices(page),
        "missed": page.missed,
    }
    return context if decided is None else {**context, **_decided(page, decided)}


def _decided(page: GroupingPage, decided: ExplainedRun) -> dict[str, Any]:
    differs = decided.differs
    return {
        "decided_by": decided.run.rule,
        "decided_in_words": DECIDERS.get(decided.run.rule, ""),
        "parts": key_parts(decided),
        "category": category_in_words(decided.run.category),
        "signals": signals_in_words(decided.signals),
        "expected_by": decided.expected_by,
        "difference": DIFFERENCES[differs] if differs else "",
        "outcomes": _outcomes(page, decided),
    }


def _outcomes(page: GroupingPage, decided: ExplainedRun) -> list[ShownOutcome]:
    own = (page.facts.key.error_fingerprint, *page.facts.merged)
    return [
        ShownOutcome(
            rule=rule,
            in_use=rule == page.settings.rule,
            group_id=id_of(found.fingerprint) if found.fingerprint else "",
            is_this=found.fingerprint in own,
            decided_by=found.rule,
            key=printable(found.key),
        )
        for rule, found in decided.by_rule.items()
    ]


def _choices(page: GroupingPage) -> list[tuple[str, list[Option]]]:
    """A field for each side, with the newest runs to choose from and the one that is shown."""
    names = {one.run.friendly_id: "" for one in page.compared}
    for recent in page.recent:
        message = printable(" ".join(recent.message.split()))[:OPTION_CHARACTERS]
        names[recent.run.friendly_id] = f"{ago(recent.run.failed_at, page.now)}: {message}"
    return [
        (
            side,
            [Option(run_id, name, run_id == one.run.friendly_id) for run_id, name in names.items()],
        )
        for side, one in zip(("One run", "Another run"), page.compared, strict=False)
    ]
