"""Fingerprint v1: the algorithm Trigger.dev uses, with the same 16 characters for every error.

This rule has shipped, so it never changes: another behaviour is another version. It therefore
imports nothing of the project but this package's own small parts.

The algorithm is a list of JavaScript regular expressions. Written down one to one, some of
them take time that grows with the square of the text, and in others Python means something
else by the same signs. Here each one has a form that is equivalent and linear: possessive
quantifiers stand where giving characters back could never lead to a match, `\\d` and `\\s` are
spelled out, and a rule is skipped if a character that it needs is not in the text.
"""

import re
from typing import Final

from runs_app.domain.grouping.fingerprint import Fingerprint, fingerprint_of_key
from runs_app.domain.grouping.javascript import WHITESPACE, first_truthy, text_of

RULE: Final = "v1"
STACK_LINES: Final = 5
LONG_QUOTE: Final = 20

_HEX: Final = "[0-9a-fA-F]"
_LOCAL: Final = "[A-Za-z0-9._%+-]"
_SEGMENT: Final = rf"[^/{WHITESPACE}]++"

_UUID: Final = re.compile(rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}")
_RUN_ID: Final = re.compile(r"run_[a-zA-Z0-9]++")
_PREFIXED_ID: Final = re.compile(r"\b[a-z]++_[a-zA-Z0-9]{8,}+\b", re.ASCII)
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]++)?Z?"
)
_EPOCH: Final = re.compile(r"\b[0-9]{10,13}+\b", re.ASCII)
_URL: Final = re.compile(rf"https?://[^{WHITESPACE}]++")
_LONG_NUMBER: Final = re.compile(r"\b[0-9]{4,}+\b", re.ASCII)
_PATH: Final = re.compile(rf"/{_SEGMENT}(?:/{_SEGMENT})++")
_WINDOWS_PATH: Final = re.compile(r"[A-Z]:\\[^\\]++\\[^\\]++(?:\\[^\\]++)*+")
# A run of characters that a local part may have is entered at its start only. The first word
# boundary in it is at its first word character, and if that is no good, no later one is: what
# follows the @ is the same. Addresses may touch each other (`a@b.com%c@d.com`).
_EMAILS: Final = re.compile(
    rf"(?<!{_LOCAL})([.%+-]*+)((?:{_LOCAL}++@[A-Za-z0-9.-]+\.[A-Z|a-z]{{2,}}\b)+)", re.ASCII
)
_ADDRESS: Final = re.compile(rf"0x{_HEX}{{8,}}+")
_QUOTED: Final = {
    quote: re.compile(rf"{quote}[^{quote}]{{{LONG_QUOTE},}}+{quote}") for quote in "\"'"
}
_TWO_UNITS: Final = re.compile("[\U00010000-\U0010ffff]")

_LINE_AND_COLUMN: Final = re.compile(r":[0-9]++:[0-9]++")
_NUMBER: Final = re.compile(r"\b[0-9]++\b", re.ASCII)
# All of a path but its last segment, which is what stays of it.
_DIRECTORIES: Final = re.compile(rf"(?:/{_SEGMENT}(?=/[^/{WHITESPACE}]))++/")


def fingerprint_v1(error: object) -> Fingerprint | None:
    """Fingerprint a JSON value exactly as given; None for what is not an object.

    The key is `<type>:<normalised message>:<normalised stack>`. Members that are not text are
    read as JavaScript's `String()` reads them, after its `||` has chosen among them.
    """
    if not isinstance(error, dict):
        return None
    error_type = text_of(first_truthy(error, ("type", "name"), "Error"))
    message = text_of(first_truthy(error, ("message", "name", "raw"), ""))
    stack = text_of(first_truthy(error, ("stack", "stacktrace"), ""))
    key = f"{error_type}:{normalise_message(message)}:{normalise_stack(stack)}"
    return fingerprint_of_key(key, rule=RULE)


def normalise_message(text: str) -> str:
    """Replace what varies between two failures of one kind: ids, times, places, quotes.

    The order matters: each replacement sees what the ones before it have left.
    """
    if "-" in text:
        text = _UUID.sub("<uuid>", text)
    if "_" in text:
        text = _RUN_ID.sub("<run-id>", text)
        text = _PREFIXED_ID.sub("<id>", text)
    if "T" in text and ":" in text:
        text = _TIMESTAMP.sub("<timestamp>", text)
    text = _EPOCH.sub("<timestamp>", text)
    if "://" in text:
        text = _URL.sub("<url>", text)
    text = _LONG_NUMBER.sub("<id>", text)
    if "/" in text:
        text = _PATH.sub("<path>", text)
    if ":\\" in text:
        text = _WINDOWS_PATH.sub("<path>", text)
    if "@" in text:
        text = _EMAILS.sub(_emails_replaced, text)
    if "0x" in text:
        text = _ADDRESS.sub("<addr>", text)
    for quote in _QUOTED:
        if quote in text:
            text = _replace_long_quotes(text, quote)
    return text


def _emails_replaced(match: re.Match[str]) -> str:
    return match[1] + "<email>" * match[2].count("@")


def _replace_long_quotes(text: str, quote: str) -> str:
    """Replace quoted text of 20 or more UTF-16 units, which is what JavaScript counts."""
    if text.isascii() or not _TWO_UNITS.search(text):
        return _QUOTED[quote].sub(f"{quote}<string>{quote}", text)
    before, *pieces = text.split(quote)
    kept = [before]
    opened = True
    for piece in pieces[:-1]:
        # A closing quote of something long is used up; any other quote may open the next text.
        long = opened and _is_long(piece)
        kept.append("<string>" if long else piece)
        opened = not long
    return quote.join(kept + pieces[-1:])


def _is_long(text: str) -> bool:
    if len(text) >= LONG_QUOTE:
        return True
    return 2 * len(text) >= LONG_QUOTE and len(text) + len(_TWO_UNITS.findall(text)) >= LONG_QUOTE


def normalise_stack(stack: str) -> str:
    """Keep of the first five lines the functions and file names, without places in them.

    None of the patterns can match across a line break, so all lines are treated at once.
    """
    if not stack:
        return ""
    head = "\n".join(stack.split("\n", STACK_LINES)[:STACK_LINES])
    if ":" in head:
        head = _LINE_AND_COLUMN.sub(":_:_", head)
    head = _NUMBER.sub("_", head)
    if "/" in head:
        head = _DIRECTORIES.sub("", head)
    lines = [line.strip(WHITESPACE) for line in head.split("\n")]
    return "|".join(filter(None, lines))
