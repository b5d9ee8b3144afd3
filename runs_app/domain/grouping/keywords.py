"""The category that words in an error's message suggest, and a text that names its group.

Terms are found anywhere, in other words too: `author` is about authentication, `profile` about
files. That is how the reference has it, and why a project has to ask for groups made this way.
"""

import re
from collections.abc import Mapping
from typing import Final

from runs_app.domain.grouping.javascript import WHITESPACE
from runs_app.domain.grouping.slugs import SIGNATURE_LENGTH, first_units, hyphenate

RULE: Final = "keywords"
NETWORK: Final = "network"

# In the order in which they are tried. A term that holds another one of its category is left
# out: `unauthorized` is found by `auth`.
TERMS: Final[Mapping[str, tuple[str, ...]]] = {
    "liquid": ("liquid",),
    "json": ("json", "parse response"),
    "theme_check": ("theme check",),
    "authentication": ("auth", "forbidden", "token", "credential"),
    NETWORK: (
        "request", "timeout", "fetch", "network", "socket", "timed out", "econn", "etimedout",
        "eai_again", "enetunreach", "enotfound", "epipe", "the operation was aborted",
    ),
    "file_system": ("file", "path", "directory", "enoent", "eacces"),
    "permission": ("permission", "denied", "access", "insufficient"),
    "rate_limit": ("rate limit", "too many requests", "throttle"),
    "validation": ("invalid", "validation", "required"),
}  # fmt: skip
CATEGORIES: Final = (*TERMS, "server")

# What a client dumps after this is not prose: a request in it says nothing about the failure.
DUMP: Final = ": {"

_STATUS: Final = re.compile(r"\b[1-5][0-9]{2}\b", re.ASCII)
_THREE_DIGITS: Final = re.compile(r"\b[0-9]{3}\b", re.ASCII)
_NUMBERED: Final = re.compile(
    rf"(?:code|error)[:{WHITESPACE}]*+([0-9]{{3}})", re.ASCII | re.IGNORECASE
)
_ERRNO: Final = re.compile(r"\bE[A-Z]++\b", re.ASCII)


def prose_of(text: str) -> str:
    """A message, in any case, up to where a dump begins."""
    return text.partition(DUMP)[0]


def keyword_category(lowered: str) -> str | None:
    """The category of a message without its dump, in lower case."""
    for category, terms in TERMS.items():
        for term in terms:
            if term in lowered:
                return category
    return None


def keyword_signature(category: str, message: str, lowered: str) -> str:
    """At most 50 characters; `message` is without its dump, `lowered` that in lower case."""
    head = first_units(lowered, SIGNATURE_LENGTH)
    return _network_signature(message, head) if category == NETWORK else hyphenate(head)


def _network_signature(message: str, head: str) -> str:
    """`http-<number>-<text without it>`, or 000 for the number.

    Any number from 100 to 599 is taken for a status, be it a port or a part of an address: another
    reading would be another hash than everybody else's.
    """
    if status := _STATUS.search(message):
        prefix = f"http-{status[0]}-"
        head = _THREE_DIGITS.sub("", head).strip(WHITESPACE)
    elif numbered := _NUMBERED.search(message):
        prefix = f"http-{numbered[1]}-"
        head = _NUMBERED.sub("", head).strip(WHITESPACE)
    elif errno := _ERRNO.search(message):
        prefix = f"http-000-{errno[0].lower()}-"
    else:
        prefix = "http-000-"
    return hyphenate(prefix + head)[:SIGNATURE_LENGTH]
