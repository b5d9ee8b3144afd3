"""What the list, the dialogs and the page that confirms send about a change of many groups."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import HttpRequest, QueryDict

from errors_app.admin.triage.view_state import asked_view
from errors_app.domain.bulk import PickedGroup
from errors_app.domain.filters import GroupFilters
from errors_app.domain.groups import DECISIONS, LONGEST_NAME, Action
from runs_app.domain.errors import Detail, InvalidInput
from runs_app.domain.window import WindowRequest, parse_moment

MATCHING: Final = "matching"
# What is to be done with what was sent: ask; ask again with the conditions; do it, and show what
# became of it; do it, and go back to the list.
ASK, AGAIN, DO, DO_AND_RETURN = "", "again", "do", "now"
STEPS: Final = (ASK, AGAIN, DO, DO_AND_RETURN)
BOUNDS: Final = ("from", "to")


@dataclass(frozen=True, slots=True)
class BulkForm:
    """`chosen` are the ticked groups, or those that the list shows. `list_query` is the list as it
    was. `expected`: how many groups the person was told of."""

    action: Action
    step: str
    chosen: tuple[PickedGroup, ...] | GroupFilters
    list_query: str
    expected: int | None

    @property
    def is_matching(self) -> bool:
        return isinstance(self.chosen, GroupFilters)

    @property
    def ticked(self) -> tuple[str, ...]:
        """The groups as the list sends them."""
        if isinstance(self.chosen, GroupFilters):
            return ()
        return tuple(f"{one.error_fingerprint}:{one.task_identifier}" for one in self.chosen)


def read_bulk_form(request: HttpRequest) -> BulkForm:
    """Raises InvalidInput, which a page of ours does not lead to."""
    data = request.POST
    action, step = data.get("action"), data.get("step", ASK)
    if action not in DECISIONS:
        raise _refused("Choose to resolve, ignore or unresolve.", "action")
    if step not in STEPS:
        raise _refused("There is no such step.", "step")
    list_query = data.get("filter", "")
    expected = data.get("expected", "")
    return BulkForm(
        action=Action(action),
        step=step,
        chosen=(
            _matching(data, list_query) if data.get("scope") == MATCHING else ticked_groups(data)
        ),
        list_query=list_query,
        expected=int(expected) if expected.isdecimal() and len(expected) < 10 else None,
    )


def _matching(data: QueryDict, list_query: str) -> GroupFilters:
    """The filters of the list; with the window that it showed, where that is sent along."""
    filters = asked_view(QueryDict(list_query)).understand().filters
    given = [data.get(name) for name in BOUNDS]
    if not all(given):
        return filters
    start, end = (_moment(data, name) for name in BOUNDS)
    return replace(filters, window=WindowRequest(start=start, end=end))


def _moment(data: Mapping[str, Any], name: str) -> Any:
    try:
        return parse_moment(str(data[name]))
    except ValueError as error:
        raise _refused(str(error), name) from None


def ticked_groups(data: QueryDict) -> tuple[PickedGroup, ...]:
    """The groups as rows of the list name them, each once. Raises InvalidInput."""
    picked = []
    for value in dict.fromkeys(data.getlist("group")):
        fingerprint, colon, task = value.partition(":")
        if not (fingerprint and colon and task) or "\0" in value:
            raise _refused("A group is named by its fingerprint and its task.", "group")
        if max(len(fingerprint), len(task)) > LONGEST_NAME:
            raise _refused(f"At most {LONGEST_NAME} characters.", "group")
        picked.append(PickedGroup(fingerprint, task))
    return tuple(picked)


def _refused(message: str, name: str) -> InvalidInput:
    return InvalidInput([Detail(message, f"/body/{name}", "invalid")])
