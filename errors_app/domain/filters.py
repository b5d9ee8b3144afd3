"""What narrows and orders a list of groups: one grammar for API, admin and bulk changes."""

from dataclasses import dataclass, field
from enum import StrEnum

from errors_app.domain.groups import Status
from runs_app.domain.window import WindowRequest

EVERY_STATUS = frozenset(Status)


class Sort(StrEnum):
    COUNT_DESC = "-count"
    COUNT = "count"
    LAST_SEEN_DESC = "-lastSeen"
    LAST_SEEN = "lastSeen"
    FIRST_SEEN_DESC = "-firstSeen"
    FIRST_SEEN = "firstSeen"


DEFAULT_SORT = Sort.COUNT_DESC


@dataclass(frozen=True, slots=True)
class GroupFilters:
    """Empty tuples and the empty text do not narrow. `search` is a part of type or message,
    `categories` are those of a group's newest failure."""

    task_identifiers: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    statuses: frozenset[Status] = EVERY_STATUS
    search: str = ""
    categories: tuple[str, ...] = ()
    window: WindowRequest = field(default_factory=WindowRequest)


@dataclass(frozen=True, slots=True)
class FailureFilters:
    """Which failures of one group. No versions: those of all."""

    versions: tuple[str, ...] = ()
    window: WindowRequest = field(default_factory=WindowRequest)
