"""Keyset pagination for lists that come from ClickHouse: `page[size]`, `page[after]`, ..."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from django.http import QueryDict
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from runs_app.domain.errors import Detail, InvalidInput
from runs_app.domain.paging import (
    DEFAULT_PAGE_SIZE,
    LARGEST_PAGE_SIZE,
    Cursor,
    CursorRefused,
    Direction,
    Page,
    PageRequest,
    decode_cursor,
)

SIZE: Final = "page[size]"
AFTER: Final = "page[after]"
BEFORE: Final = "page[before]"
CURSORS: Final = ((Direction.AFTER, AFTER), (Direction.BEFORE, BEFORE))

T = TypeVar("T")


@dataclass(slots=True)
class KeysetSource(Generic[T]):
    """A list that can be paged. `about` and `keys` are what its cursors must match.

    `fetch` reads a page; it may put members of the answer beside the rows into `extra`.
    """

    about: str
    keys: tuple[type, ...]
    fetch: Callable[[PageRequest], Page[T]]
    extra: dict[str, Any] = field(default_factory=dict)


class KeysetPagination(BasePagination):
    """Answers `{"data": [...], "pagination": {"next"?, "previous"?}}` and the source's extras."""

    def paginate_queryset(  # type: ignore[override]
        self, queryset: KeysetSource[T], request: Request, view: Any = None
    ) -> list[T]:
        self.source = queryset
        self.page = queryset.fetch(page_request(request.query_params, queryset))
        return list(self.page.rows)

    def get_paginated_response(self, data: Any) -> Response:
        cursors = {"next": self.page.next, "previous": self.page.previous}
        return Response(
            {
                "data": data,
                "pagination": {name: text for name, text in cursors.items() if text is not None},
                **self.source.extra,
            }
        )


def keyset_response(
    request: Request, source: KeysetSource[T], present: Callable[[T], Mapping[str, Any]]
) -> Response:
    """The answer with one page of `source`, each row as `present` shows it."""
    paginator = KeysetPagination()
    rows = paginator.paginate_queryset(source, request)
    return paginator.get_paginated_response([present(row) for row in rows])


def page_request(query: QueryDict, source: KeysetSource[Any]) -> PageRequest:
    """Size and cursor of a query string. Raises InvalidInput with all that is wrong."""
    details = page_faults(query)
    cursor: Cursor | None = None
    direction = Direction.AFTER
    for one, parameter in CURSORS:
        text = query.get(parameter)
        if text:
            direction = one
            cursor = _cursor(str(text), f"/query/{parameter}", source, details)
    if details:
        raise InvalidInput(details)
    return PageRequest(_size(query.get(SIZE)) or DEFAULT_PAGE_SIZE, direction, cursor)


def page_faults(query: QueryDict) -> list[Detail]:
    """What is wrong about the page asked for, whatever list it is a page of."""
    details = [
        repetition(parameter)
        for parameter in (SIZE, AFTER, BEFORE)
        if len(query.getlist(parameter)) > 1
    ]
    if _size(query.get(SIZE)) is None:
        details.append(
            Detail(
                f"A page holds 1 to {LARGEST_PAGE_SIZE} items.", f"/query/{SIZE}", "out_of_range"
            )
        )
    if query.get(AFTER) and query.get(BEFORE):
        details.append(
            Detail("Give page[after] or page[before], not both.", f"/query/{BEFORE}", "conflict")
        )
    return details


def repetition(parameter: str) -> Detail:
    return Detail("This parameter is given more than once.", f"/query/{parameter}", "repeated")


def _size(text: str | None) -> int | None:
    """The size asked for; None where there is no such page."""
    if text is None:
        return DEFAULT_PAGE_SIZE
    if text.isascii() and text.isdigit() and len(text) < 10:
        size = int(text)
        if 1 <= size <= LARGEST_PAGE_SIZE:
            return size
    return None


def _cursor(
    text: str, path: str, source: KeysetSource[Any], details: list[Detail]
) -> Cursor | None:
    try:
        return decode_cursor(text, about=source.about, keys=source.keys)
    except CursorRefused:
        details.append(
            Detail(
                "This cursor belongs to another list, sort or filter, or is no cursor."
                " Start from the first page.",
                path,
                "invalid_cursor",
            )
        )
        return None
