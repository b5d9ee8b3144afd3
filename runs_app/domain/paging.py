"""Cursors: opaque to callers, and good for one kind of list only.

A cursor carries what the list needs to go on exactly where a page ended: the sort, the frozen
window, and the keys of the page's row. `about` tells the list and its filters; a cursor made for
other ones is refused.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, Generic, TypeVar

import msgspec

DEFAULT_PAGE_SIZE: Final = 25
LARGEST_PAGE_SIZE: Final = 100
LONGEST_CURSOR: Final = 4_000
MINUTE: Final = 60_000
# 2100-01-01: ClickHouse's DateTime ends early in 2106.
LATEST_MOMENT: Final = 4_102_444_800_000
LAST_TURN: Final = 999_999_999
# No cursor has a dot of its own.
_TURNED: Final = re.compile(r"([1-9][0-9]{0,8})\.(.+)")

T = TypeVar("T")


class Direction(StrEnum):
    AFTER = "after"
    BEFORE = "before"


class CursorFault(Enum):
    NO_CURSOR = "it is none of ours, or not whole"
    OTHER_LIST = "of another list"
    OTHER_SORT = "of the same list in another sort"
    OTHER_FILTER = "of the same list and sort with another filter"


class CursorRefused(Exception):
    """The text is no cursor, or one of another list, sort or filter: `fault` says which."""

    def __init__(self, fault: CursorFault = CursorFault.NO_CURSOR) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """`start`, `end` and `as_of` are epoch milliseconds; `keys` are those of the row."""

    about: str
    start: int
    end: int
    as_of: int
    keys: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How many rows, and from which row on in which direction (none: the first page)."""

    size: int = DEFAULT_PAGE_SIZE
    direction: Direction = Direction.AFTER
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows in the list's order, with the cursors to the pages around them."""

    rows: tuple[T, ...]
    next: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class PageRows(Generic[T]):
    """The rows of one page in the list's order, and whether there are pages around it."""

    rows: list[T]
    has_next: bool
    has_previous: bool


def rows_of_page(found: list[T], request: PageRequest) -> PageRows[T]:
    """`found` is what was read, nearest to the page's start first: a row more than fits, if any."""
    more = len(found) > request.size
    rows = found[: request.size]
    if request.direction is Direction.BEFORE:
        rows.reverse()
        return PageRows(rows, has_next=bool(rows), has_previous=bool(rows) and more)
    # Behind a cursor there is the row it was made of.
    return PageRows(rows, has_next=more, has_previous=bool(rows) and request.cursor is not None)


def fingerprint_of_filters(*parts: object) -> str:
    """A short text that differs when any part differs. Sets must come in sorted."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def cursor_about(name: str, *filters: object, sort: str = "") -> str:
    """What a cursor of this list bears, so that none of another list, sort or filter passes."""
    return f"{name}.{sort}.{fingerprint_of_filters(*filters)}"


def encode_cursor(cursor: Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def read_cursor(text: str) -> Cursor:
    """A cursor of some list. Raises CursorRefused where `text` has none."""
    if len(text) > LONGEST_CURSOR:
        raise CursorRefused
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(content, type=Cursor)
    except (binascii.Error, msgspec.DecodeError, ValueError, RecursionError):
        raise CursorRefused from None


def decode_cursor(text: str, *, about: str, keys: tuple[type, ...]) -> Cursor:
    """The cursor in `text`. Raises CursorRefused unless it is one of this list, with such keys."""
    cursor = read_cursor(text)
    if cursor.about != about:
        raise CursorRefused(_difference(cursor.about, about))
    if tuple(type(key) for key in cursor.keys) != keys:
        raise CursorRefused
    moments = (cursor.start, cursor.end, cursor.as_of)
    in_range = all(0 <= moment <= LATEST_MOMENT for moment in moments)
    whole = all(-(2**63) <= key < 2**63 for key in cursor.keys if isinstance(key, int))
    window = cursor.start <= cursor.end and not (cursor.start % MINUTE or cursor.end % MINUTE)
    if not (in_range and whole and window):
        raise CursorRefused
    return cursor


def _difference(about: str, wanted: str) -> CursorFault:
    if about.count(".") != 2:
        return CursorFault.NO_CURSOR
    kinds = (CursorFault.OTHER_LIST, CursorFault.OTHER_SORT, CursorFault.OTHER_FILTER)
    pairs = zip(about.split("."), wanted.split("."), kinds, strict=True)
    return next(kind for one, other, kind in pairs if one != other)


def with_turn(text: str, turn: int) -> str:
    """A cursor's text that also tells how many pages were turned before it was handed out."""
    return f"{min(turn, LAST_TURN)}.{text}" if turn else text


def split_turn(text: str) -> tuple[int, str]:
    """The turns before a cursor was handed out, and the cursor's own text."""
    turned = _TURNED.fullmatch(text)
    return (0, text) if turned is None else (int(turned[1]), turned[2])
