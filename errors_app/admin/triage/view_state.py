"""The view of a list: its filters, order and page, all of it in the address."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

from django.http import QueryDict

from errors_app.domain.filters import GroupFilters, Sort
from errors_app.domain.groups import Status
from errors_app.services.browse import CURSOR_KEYS, about_list
from errors_app.web.filters import ErrorGroupFilterSet, parse_group_filters
from runs_app.domain.paging import PageRequest
from runs_app.web.filters import ChoiceListFilter, TextListFilter
from runs_app.web.pagination import AFTER, BEFORE, SIZE, requested_page

STATUS: Final = ErrorGroupFilterSet.parameter("status")
TASK: Final = ErrorGroupFilterSet.parameter("taskIdentifier")
VERSION: Final = ErrorGroupFilterSet.parameter("version")
CATEGORY: Final = ErrorGroupFilterSet.parameter("category")
SEARCH: Final = ErrorGroupFilterSet.parameter("search")
PERIOD: Final = ErrorGroupFilterSet.parameter("period")
FROM: Final = ErrorGroupFilterSet.parameter("from")
TO: Final = ErrorGroupFilterSet.parameter("to")
SORT: Final = ErrorGroupFilterSet.parameter("sort")
CURSORS: Final = (AFTER, BEFORE)
# What a form sends once for each ticked box, and the grammar takes as one text with commas.
LISTS: Final = frozenset(
    ErrorGroupFilterSet.parameter(name)
    for name, declared in ErrorGroupFilterSet.base_filters.items()
    if isinstance(declared, (TextListFilter, ChoiceListFilter))
)
# What the form of the search narrows by.
NARROWING: Final = (SEARCH, TASK, VERSION, CATEGORY)
ROWS: Final = 50
EVERY_STATE: Final = ",".join(Status)
# What an engineer on duty wants first: what is open and failing right now, the latest on top.
ON_DUTY: Final[Mapping[str, str]] = MappingProxyType(
    {STATUS: Status.UNRESOLVED, PERIOD: "24h", SORT: Sort.LAST_SEEN_DESC}
)
# Brackets and commas stand for themselves, so that addresses can be read.
LITERAL: Final = "[],:"


@dataclass(frozen=True, slots=True)
class Understood:
    """What a view asks for, checked."""

    filters: GroupFilters
    sort: Sort
    page: PageRequest


@dataclass(frozen=True, slots=True)
class ListView:
    """The parameters of the lists' grammar, unchecked, each once and none empty."""

    parameters: Mapping[str, str]

    def __getitem__(self, parameter: str) -> str:
        return self.parameters.get(parameter, "")

    @property
    def query(self) -> str:
        return urlencode(self.parameters, safe=LITERAL)

    @property
    def is_first_page(self) -> bool:
        return not any(self[cursor] for cursor in CURSORS)

    def values(self, parameter: str) -> tuple[str, ...]:
        """The parts of a list."""
        return tuple(part.strip() for part in self[parameter].split(",") if part.strip())

    @property
    def is_narrowed(self) -> bool:
        return any(self[parameter] for parameter in NARROWING)

    def but(self, changes: Mapping[str, str]) -> "ListView":
        """The first page of this view with some parameters changed; an empty text drops one."""
        cursors = dict.fromkeys(CURSORS, "")
        parameters = {**self.parameters, **cursors, **changes}
        return ListView({name: value for name, value in parameters.items() if value})

    def without(self, *parameters: str) -> "ListView":
        return self.but(dict.fromkeys(parameters, ""))

    def understand(self) -> Understood:
        """Raises InvalidInput with all that is wrong."""
        query = QueryDict(mutable=True)
        query.update(self.parameters)
        filters, sort = parse_group_filters(query)
        page = requested_page(query, about_list(filters, sort), CURSOR_KEYS, size=ROWS)
        return Understood(filters, sort, page)


def asked_view(query: QueryDict) -> ListView:
    """The view an address asks for; what is no filter, sort or page is left out.

    An address without any of them is the view of an engineer on duty. As soon as one is given, the
    others have the defaults of the API.
    """
    return ListView(dict(_tidied(query)) or dict(ON_DUTY))


def is_tidy(query: QueryDict) -> bool:
    """Whether the view stands in this query as the page's own links have it."""
    ours = [(name, query.getlist(name)) for name in query if _is_ours(name)]
    return ours == [(name, [value]) for name, value in _tidied(query)]


def _tidied(query: QueryDict) -> Iterator[tuple[str, str]]:
    for name in query:
        given = [value for value in query.getlist(name) if value]
        if _is_ours(name) and given:
            yield name, ",".join(given) if name in LISTS else given[-1]


def _is_ours(name: str) -> bool:
    return name.startswith("filter[") or name in (SORT, SIZE, *CURSORS)
