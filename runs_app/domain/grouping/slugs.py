"""Short plain texts made of arbitrary ones, as they stand in the hash of a structured group."""

import re
from typing import Final

from runs_app.domain.grouping.javascript import WHITESPACE

SIGNATURE_LENGTH: Final = 50

_DELETED: Final = re.compile(rf"[^a-zA-Z0-9_{WHITESPACE}-]++")
_SEPARATORS: Final = re.compile(rf"[{WHITESPACE}_-]++")
_OTHERS: Final = re.compile(r"[^a-zA-Z0-9]++")


def slugify(text: str) -> str:
    """Lower case, punctuation deleted, spaces, underscores and hyphens as single hyphens."""
    kept = _DELETED.sub("", text.lower().strip(WHITESPACE))
    return _SEPARATORS.sub("-", kept).strip("-")


def hyphenate(text: str) -> str:
    """Everything but letters and digits as single hyphens, none at the ends."""
    return _OTHERS.sub("-", text).strip("-")


def first_units(text: str, length: int) -> str:
    """The first `length` UTF-16 units, as JavaScript counts; of a cut pair nothing is kept."""
    head = text[:length]
    if head.isascii():
        return head
    left = length
    for position, character in enumerate(head):
        left -= 2 if character > "\uffff" else 1
        if left < 0:
            return head[:position]
    return head
