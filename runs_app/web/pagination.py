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
    CursorFault,
    CursorRefused,
    Direction,
    Page,
    PageRequest,
    decode_cursor,
    read_cursor,
    split_turn,
    with_turn,
)

SIZE: Final = "page[size]"
AFTER: Final = "page[after]"
BEFORE: Final = "page[before]"
CURSORS: Final = ((Direction.AFTER, AFTER), (Direction.BEFORE, BEFORE))
CURSOR_FAULTS: Final[Mapping[CursorFault, str]] = {
    CursorFault.NO_CURSOR: (
        "This is no cursor. Take next or previous of a page as they are, or leave it out for the"
        " first page."
    ),
    CursorFault.OTHER_LIST: (
        "This cursor belongs to another list. Leave it out for the first page of this one."
    ),
    CursorFault.OTHER_SORT: (
        "This cursor belongs to another sort. Keep the sort of the page it came with, or leave the"
        " cursor out for the first page."
    ),
    CursorFault.OTHER_FILTER: (
        "This cursor belongs to other filters. Keep the filters of the page it came with, or leave"
        " the cursor out for the first page."
    ),
}

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


@dataclass(frozen=True, slots=True)
class GivenCursor:
    """A cursor as it was sent. `turn` is how many pages were turned before it was handed out."""

    direction: Direction
    parameter: str
    turn: int
    text: str


class KeysetPagination(BasePagination):
    """Answers `{"data": [...], "pagination": {"next"?, "previous"?}}` and the source's extras."""

    def paginate_queryset(  # type: ignore[override]
        self, queryset: KeysetSource[T], request: Request, view: Any = None
    ) -> list[T]:
        self.source = queryset
        self.page = queryset.fetch(page_request(request.query_params, queryset))
        wanted = _wanted(request.query_params)
        self.turn = 0 if wanted is None else wanted.turn + 1
        return list(self.page.rows)

    def get_paginated_response(self, data: Any) -> Response:
        cursors = {"next": self.page.next, "previous": self.page.previous}
        return Response(
            {
                "data": data,
                "pagination": {
                    name: with_turn(text, self.turn)
                    for name, text in cursors.items()
                    if text is not None
                },
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
    return requested_page(query, source.about, source.keys)


def requested_page(
    query: QueryDict, about: str, keys: tuple[type, ...], *, size: int = DEFAULT_PAGE_SIZE
) -> PageRequest:
    """The same for a list whose cursors bear `about` and have such keys; `size` where none is
    asked for. Raises InvalidInput with all that is wrong."""
    details = page_faults(query)
    cursor: Cursor | None = None
    wanted = _wanted(query)
    if wanted is not None and _unreadable(wanted) is None:
        cursor = _cursor(wanted, about, keys, details)
    if details:
        raise InvalidInput(details)
    return PageRequest(
        size if SIZE not in query else _size(query.get(SIZE)) or size,
        Direction.AFTER if wanted is None else wanted.direction,
        cursor,
    )


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
    given = _given(query)
    if len(given) > len({each.turn for each in given}):
        details.append(
            Detail("Give page[after] or page[before], not both.", f"/query/{BEFORE}", "conflict")
        )
    wanted = _wanted(query)
    unreadable = None if wanted is None else _unreadable(wanted)
    return details if unreadable is None else [*details, unreadable]


def repetition(parameter: str) -> Detail:
    return Detail("This parameter is given more than once.", f"/query/{parameter}", "repeated")


def _given(query: QueryDict) -> list[GivenCursor]:
    return [
        GivenCursor(direction, parameter, *split_turn(text))
        for direction, parameter in CURSORS
        if (text := query.get(parameter))
    ]


def _wanted(query: QueryDict) -> GivenCursor | None:
    """The cursor to go on from.

    A client that turns back keeps sending the cursor of the page before beside the new one, as the
    published SDK does: the one that was handed out later is meant.
    """
    return max(_given(query), key=lambda each: each.turn, default=None)


def _size(text: str | None) -> int | None:
    """The size asked for; None where there is no such page."""
    if text is None:
        return DEFAULT_PAGE_SIZE
    if text.isascii() and text.isdigit() and len(text) < 10:
        size = int(text)
        if 1 <= size <= LARGEST_PAGE_SIZE:
            return size
    return None


def _unreadable(given: GivenCursor) -> Detail | None:
    """What is wrong about a cursor that is one of no list."""
    try:
        read_cursor(given.text)
    except CursorRefused as refused:
        return _refusal(given, refused)
    return None


def _cursor(
    given: GivenCursor, about: str, keys: tuple[type, ...], details: list[Detail]
) -> Cursor | None:
    try:
        return decode_cursor(given.text, about=about, keys=keys)
    except CursorRefused as refused:
        details.append(_refusal(given, refused))
        return None


def _refusal(given: GivenCursor, refused: CursorRefused) -> Detail:
    return Detail(CURSOR_FAULTS[refused.fault], f"/query/{given.parameter}", "invalid_cursor")
