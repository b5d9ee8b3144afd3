"""Filters as conditions and parameters of SQL, for all that lists or counts groups."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from errors_app.domain.filters import EVERY_STATUS, GroupFilters
from errors_app.domain.groups import Status
from errors_app.queries.group_sql import (
    GROUP,
    IN_ONE_GO,
    IN_STATES,
    NOT_PENDING,
    OF_CATEGORIES,
    OF_TASKS,
    OF_VERSIONS,
    OR_PENDING,
    SEARCH,
)
from errors_app.queries.states import PendingState
from runs_app.clickhouse.client import Parameter


def narrowing(filters: GroupFilters) -> LiteralString:
    """Which failures count."""
    narrow: LiteralString = ""
    if filters.task_identifiers:
        narrow += OF_TASKS
    if filters.versions:
        narrow += OF_VERSIONS
    return narrow


def conditions_of(filters: GroupFilters, pending: Sequence[PendingState]) -> LiteralString:
    """Which groups are shown, of those that have failures that count."""
    conditions: LiteralString = SEARCH if filters.search else ""
    if filters.categories:
        conditions += OF_CATEGORIES
    if filters.statuses == EVERY_STATUS:
        return conditions
    # Most groups have no state, and read as unresolved: where those are wanted, leave out the
    # groups of the other states; else take in the groups of the wanted ones.
    negation: LiteralString = "NOT " if Status.UNRESOLVED in filters.statuses else ""
    return conditions + "\n    AND " + GROUP + " " + negation + "IN" + in_states(pending)


def in_states(pending: Sequence[PendingState]) -> LiteralString:
    """The set of the groups that read as one of {statuses}, of which unresolved is none."""
    if pending:
        return IN_STATES + NOT_PENDING + IN_ONE_GO + OR_PENDING + ")"
    return IN_STATES + IN_ONE_GO + ")"


def narrowing_parameters(filters: GroupFilters) -> dict[str, Parameter]:
    """What `narrowing` asks for."""
    parameters: dict[str, Parameter] = {}
    if filters.task_identifiers:
        parameters["tasks"] = filters.task_identifiers
    if filters.versions:
        parameters["versions"] = filters.versions
    return parameters


def filter_parameters(filters: GroupFilters, now: datetime) -> dict[str, Parameter]:
    """What `narrowing` and `conditions_of` ask for, but for what is pending."""
    parameters: dict[str, Parameter] = {"now": now, **narrowing_parameters(filters)}
    if filters.search:
        parameters["search"] = filters.search
    if filters.categories:
        parameters["categories"] = filters.categories
    if filters.statuses == EVERY_STATUS:
        return parameters
    wanted = filters.statuses
    if Status.UNRESOLVED in wanted:
        wanted = EVERY_STATUS - wanted
    parameters["statuses"] = sorted(wanted)
    return parameters
