"""Which pieces of a message rule v1 replaced.

The rule replaces one kind after the other and keeps no record. So this reads its outcome against
the message: between two placeholders the text is the same in both, and what stands in a
placeholder's place has to become just that when it is normalised alone.
"""

import re
from collections.abc import Sequence
from typing import Final

from runs_app.domain.grouping.fingerprint_v1 import normalise_message

# `"<string>"` has taken the quotes, too, but a text may stand in quotes of its own.
PLACEHOLDER: Final = re.compile(
    "\"<string>\"|'<string>'|<(?:uuid|run-id|id|timestamp|url|path|email|addr)>"
)
# How many ends are tried for one piece, and how long a piece may be.
MOST_TRIES: Final = 40
LONGEST_PIECE: Final = 1_024

Piece = tuple[int, int, str]


def explain_message(message: str, normalised: str) -> Sequence[Piece]:
    """The pieces from left to right: where each begins and ends, and what it became. None at all
    where they cannot be told for certain."""
    found: list[Piece] = []
    placeholders = list(PLACEHOLDER.finditer(normalised))
    read = at = 0
    for number, placeholder in enumerate(placeholders):
        between = normalised[read : placeholder.start()]
        if not message.startswith(between, at):
            return ()
        at += len(between)
        read = placeholder.end()
        is_last = number + 1 == len(placeholders)
        after = normalised[read : None if is_last else placeholders[number + 1].start()]
        end = _end(message, at, placeholder[0], after, to_the_end=is_last)
        if end is None:
            return ()
        if message[at:end] != placeholder[0]:
            found.append((at, end, placeholder[0]))
        at = end
    return found if message[at:] == normalised[read:] else ()


def _end(message: str, start: int, by: str, after: str, *, to_the_end: bool) -> int | None:
    """Where the piece ends that became `by` and has `after` behind it."""
    if to_the_end:
        end = len(message) - len(after)
        fits = end > start and message.endswith(after) and _becomes(message[start:end], by)
        return end if fits else None
    end = start
    for _ in range(MOST_TRIES):
        end = message.find(after, end + 1, start + LONGEST_PIECE + len(after))
        if end < 0:
            return None
        if _becomes(message[start:end], by):
            return end
    return None


def _becomes(piece: str, by: str) -> bool:
    return normalise_message(piece) == by
