"""What the address of a group's page asks for, and the addresses of its other views."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.http import QueryDict

from errors_app.admin.triage.view_state import FROM, LITERAL, PERIOD, TO, VERSION, asked_view
from errors_app.domain.filters import FailureFilters
from errors_app.services.group_page import CURSOR_KEYS, about_failures
from errors_app.web.filters import parse_failure_filters
from runs_app.domain.errors import Detail, InvalidInput
from runs_app.domain.paging import PageRequest
from runs_app.web.pagination import requested_page

TASK: Final = "taskIdentifier"
RUN: Final = "run"
# The view of the list that the page was opened from.
LIST: Final = "list"
WINDOW: Final = (PERIOD, FROM, TO)
# What stays when something else of the page is changed; the sample and the page of runs do not.
KEPT: Final = (TASK, VERSION, *WINDOW, LIST)
LONGEST_LIST: Final = 4_000


@dataclass(frozen=True, slots=True)
class GroupView:
    """`parameters`: those of the address, each once and none empty. `about`: what the cursors of
    its runs bear. `faults`: what is wrong with the address, for which the defaults stand in.
    `window`: the parameters of the window: the list's, where the page has none of its own."""

    parameters: Mapping[str, str]
    window: Mapping[str, str]
    filters: FailureFilters
    page: PageRequest
    about: str
    faults: tuple[Detail, ...]

    def __getitem__(self, parameter: str) -> str:
        return self.parameters.get(parameter, "")

    @property
    def is_bounded(self) -> bool:
        """Whether a start or an end is asked for."""
        return bool(self.window.get(FROM) or self.window.get(TO))

    def but(self, changes: Mapping[str, str]) -> str:
        """The query of this view with some parameters changed; an empty text drops one."""
        kept = {name: self[name] for name in KEPT}
        asked = {name: value for name, value in {**kept, **changes}.items() if value}
        return f"?{urlencode(asked, safe=LITERAL)}"

    def of_period(self, period: str) -> str:
        return self.but({FROM: "", TO: "", PERIOD: period})


def group_view(query: QueryDict, error_id: str) -> GroupView:
    """What `query` asks of the page of the group `error_id`."""
    parameters = {
        name: value for name, value in query.dict().items() if isinstance(value, str) and value
    }
    # Whatever else it may be, it is no view of a list.
    if len(parameters.get(LIST, "")) > LONGEST_LIST:
        del parameters[LIST]
    window = {name: parameters[name] for name in WINDOW if name in parameters}
    asked = query.copy()
    if not window and LIST in parameters:
        listed = asked_view(QueryDict(parameters[LIST]))
        window = {name: listed[name] for name in WINDOW if listed[name]}
        asked.update(window)
    try:
        filters = parse_failure_filters(asked)
        about = about_failures(error_id, parameters.get(TASK), filters)
        page = requested_page(asked, about, CURSOR_KEYS)
    except InvalidInput as refused:
        filters, page = FailureFilters(), PageRequest()
        about = about_failures(error_id, parameters.get(TASK), filters)
        return GroupView(parameters, {}, filters, page, about, tuple(refused.details))
    return GroupView(parameters, window, filters, page, about, ())
