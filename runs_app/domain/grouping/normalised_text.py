"""A message without what varies between two failures of one bug, and with what tells bugs apart.

The text that results is a fixed point: normalised again, it stays as it is.
"""

import re
from collections.abc import Sequence
from typing import Final

from runs_app.domain.grouping.normalised_reader import Reader, Replaced

# How much of a message is read, and how much of the outcome counts. The second is less than the
# first, so that ids of different lengths do not move the end to another word.
LONGEST_READ: Final = 4_096
LONGEST_KEPT: Final = 1_024

# Several things that vary, in a row: a list may be longer the next time.
_LIST: Final = re.compile(
    r"""((?:(['"]?)<\*>\2)|<path:\*[^<>]{0,20}>)(?:[,;]?\ ?(?:and\ |or\ )?\1)+""", re.VERBOSE
)
# What is between two of a list: cheaper to look for than lists.
_IN_A_ROW: Final = re.compile(r"""[>'"][,;]?\ ?(?:and\ |or\ )?['"]?<""", re.VERBOSE)
_LETTERS_ONLY: Final = re.compile(r"[a-zA-Z][a-z]{0,14}(?: [a-z]+)*[.!]?")
_TRACE_WITHIN: Final = re.compile(
    r"\n[ \t]{0,16}(?:Traceback \(most recent call last\)|at [^\n]{1,300}?[:(][0-9])"
)


def normalise(message: str) -> str:
    """The normalised message. It is on one line, and no longer than LONGEST_KEPT."""
    text = on_one_line(message)
    return with_replacements(text, replacements(text))


def on_one_line(message: str) -> str:
    """What is read of a message: no trace that follows within it, nothing beyond LONGEST_READ,
    and any white space as one space."""
    trace = _TRACE_WITHIN.search(message, 0, LONGEST_READ) if "\n" in message else None
    return " ".join(message[: trace.start() if trace else LONGEST_READ].split())


def replacements(text: str) -> Sequence[Replaced]:
    """What is to be replaced of a message on one line, from left to right."""
    return () if _LETTERS_ONLY.fullmatch(text) else Reader(text, normalise).read()


def with_replacements(text: str, replaced: Sequence[Replaced]) -> str:
    """Put the replacements in. Lists of things that vary become one."""
    if replaced:
        pieces: list[str] = []
        at = 0
        for start, end, _, by in replaced:
            pieces += text[at:start], by
            at = end
        pieces.append(text[at:])
        text = "".join(pieces)
    if _IN_A_ROW.search(text):
        text = _LIST.sub(r"\1", text)
    return text[:LONGEST_KEPT].strip()
