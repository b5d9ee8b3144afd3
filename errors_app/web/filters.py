"""The filters of the lists."""

from collections.abc import Mapping
from typing import Any, Final

from django.http import QueryDict

from errors_app.domain.filters import (
    DEFAULT_SORT,
    EVERY_STATUS,
    FailureFilters,
    GroupFilters,
    Sort,
)
from errors_app.domain.groups import Status
from runs_app.domain.grouping.keywords import CATEGORIES
from runs_app.web.filters import (
    FROM,
    PERIOD,
    TO,
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


class GroupFilterSet(BracketFilterSet):
    """Which groups."""

    window = WindowNames("period", "from", "to")

    taskIdentifier = TextListFilter(help_text="Groups of these tasks.")  # noqa: N815
    version = TextListFilter(help_text="Failures in these versions alone.")
    status = ChoiceListFilter(
        allowed=tuple(status.value for status in Status), help_text="Groups in these states."
    )
    category = ChoiceListFilter(
        allowed=CATEGORIES, help_text="Groups whose newest failure is of these categories."
    )
    search = TextFilter(help_text="Part of the error's type or message, in any case; no wildcards.")
    period = PeriodFilter(help_text=PERIOD)
    locals()["from"] = MomentFilter(help_text=FROM)
    to = MomentFilter(help_text=TO)


class ErrorGroupFilterSet(GroupFilterSet):
    """Which groups, and in what order."""

    plain = ("sort",)

    sort = OneWordFilter(
        allowed=SORTS,
        help_text=f"The order, downward with a minus sign. Default: {DEFAULT_SORT.value}.",
    )


class FailureFilterSet(BracketFilterSet):
    """Which failures of one group, and the task of the group."""

    plain = ("taskIdentifier",)
    window = WindowNames("period", "from", "to")

    version = TextListFilter(help_text="Failures in these versions alone.")
    period = PeriodFilter(help_text=PERIOD)
    locals()["from"] = MomentFilter(help_text=FROM)
    to = MomentFilter(help_text=TO)
    taskIdentifier = TextFilter(  # noqa: N815
        help_text="Which task is meant, where the id stands for a group in several."
    )


class PickedTaskFilterSet(BracketFilterSet):
    """No filters; the task that an ambiguous id is meant for."""

    plain: tuple[str, ...] = ("taskIdentifier",)

    taskIdentifier = TextFilter(  # noqa: N815
        help_text="Which task is meant, where the id stands for a group in several."
    )


def parse_picked_task(query: QueryDict) -> str | None:
    """The task that is meant, if one is named. Raises InvalidInput with all that is wrong."""
    return PickedTaskFilterSet(query).values()["taskIdentifier"] or None


def parse_failure_filters(query: QueryDict) -> FailureFilters:
    """The filters of the failures of one group. Raises InvalidInput with all that is wrong."""
    values = FailureFilterSet(query).values()
    window = window_request(values, FailureFilterSet.window)
    return FailureFilters(versions=values["version"], window=window)


def parse_group_filters(query: QueryDict) -> tuple[GroupFilters, Sort]:
    """The filters and the sort of a query string. Raises InvalidInput with all that is wrong."""
    values = ErrorGroupFilterSet(query).values()
    return filters_of(values), Sort(values["sort"] or DEFAULT_SORT)


def filters_of(values: Mapping[str, Any]) -> GroupFilters:
    """The filters in the checked values of a GroupFilterSet."""
    return GroupFilters(
        task_identifiers=values["taskIdentifier"],
        versions=values["version"],
        statuses=frozenset(Status(word) for word in values["status"]) or EVERY_STATUS,
        search=values["search"],
        categories=values["category"],
        window=window_request(values, GroupFilterSet.window),
    )
