"""The filters of the list of groups."""

from typing import Final

from django.http import QueryDict

from errors_app.domain.filters import DEFAULT_SORT, EVERY_STATUS, GroupFilters, Sort
from errors_app.domain.groups import Status
from runs_app.web.filters import (
    BracketFilterSet,
    ChoiceListFilter,
    MomentFilter,
    OneWordFilter,
    PeriodFilter,
    TextFilter,
    TextListFilter,
    WindowNames,
    window_request,
)

SORTS: Final = tuple(sort.value for sort in Sort)


class ErrorGroupFilterSet(BracketFilterSet):
    plain = ("sort",)
    window = WindowNames("period", "from", "to")

    taskIdentifier = TextListFilter()  # noqa: N815
    version = TextListFilter()
    status = ChoiceListFilter(allowed=tuple(status.value for status in Status))
    search = TextFilter()
    period = PeriodFilter()
    locals()["from"] = MomentFilter()
    to = MomentFilter()
    sort = OneWordFilter(allowed=SORTS)


def parse_group_filters(query: QueryDict) -> tuple[GroupFilters, Sort]:
    """The filters and the sort of a query string. Raises InvalidInput with all that is wrong."""
    values = ErrorGroupFilterSet(query).values()
    filters = GroupFilters(
        task_identifiers=values["taskIdentifier"],
        versions=values["version"],
        statuses=frozenset(Status(word) for word in values["status"]) or EVERY_STATUS,
        search=values["search"],
        window=window_request(values, ErrorGroupFilterSet.window),
    )
    return filters, Sort(values["sort"] or DEFAULT_SORT)
