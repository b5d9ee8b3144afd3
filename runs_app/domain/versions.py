"""The order of task versions: `20240101.10` is newer than `20240101.9`."""

import heapq
from collections.abc import Iterable

# A whole number as (count of digits, digits), no leading zeros: compares like the number, and
# has no limit in length.
_Segment = tuple[int, str]


def version_key(version: str) -> tuple[tuple[_Segment, ...], str]:
    """Give a sort key for any text, newest last.

    A leading `v` and everything from the first `-` or `+` are dropped, the rest is compared
    segment by segment as whole numbers, split on dots. A segment that is not a number, or is
    missing, counts as 0; versions equal so far are ordered by their text.
    """
    number = version.removeprefix("v").partition("-")[0].partition("+")[0]
    segments = [_segment(text) for text in number.split(".")]
    while segments and segments[-1] == (0, ""):
        segments.pop()
    return tuple(segments), version


def _segment(text: str) -> _Segment:
    if not (text.isascii() and text.isdigit()):
        return 0, ""
    digits = text.lstrip("0")
    return len(digits), digits


def newest(versions: Iterable[str], limit: int) -> tuple[str, ...]:
    """Give the newest distinct versions, newest first, at most `limit` of them."""
    return tuple(heapq.nlargest(limit, set(versions), key=version_key))
