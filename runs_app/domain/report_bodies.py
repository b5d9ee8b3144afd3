"""From the bytes of a request to the bytes of each reported run.

A body is one run, a list, `{"runs": [...]}`, or one run a line (NDJSON). One run that is not JSON
must not sink its neighbours, so a body the decoder refuses is split by hand into its items, which
then fail or pass one by one.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from runs_app.domain.errors import Detail, InvalidInput

_RAW_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


class _Wrapper(msgspec.Struct):
    runs: list[msgspec.Raw]


_WRAPPER: Final = msgspec.json.Decoder(_Wrapper)
_RUNS_MEMBER: Final = re.compile(rb'"runs"\s*+:\s*+(?=\[)')
# What matters for finding the end of an item: strings whole, brackets, commas. A string that does
# not end reaches to the end of the body: else every quote in it would be tried as a beginning.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
# A surrogate escape without its other half. Languages with UTF-16 strings cut texts in the middle
# of a character and then send this; the decoder refuses it, though the run is fine.
_LONE_SURROGATE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)

_OPENING: Final = b"[{"
_CLOSING: Final = b"]}"
_QUOTE: Final = ord('"')
_COMMA: Final = ord(",")

Form = Literal["one", "list", "runs", "lines"]


@dataclass(frozen=True, slots=True)
class ReportBody:
    """The runs of one request, still encoded, in the order they were sent."""

    form: Form
    items: list[msgspec.Raw] | list[bytes]

    def path(self, index: int) -> str:
        """Where the run stands, as a JSON pointer into the body."""
        if self.form == "one":
            return "/body"
        return f"/body/runs/{index}" if self.form == "runs" else f"/body/{index}"


def split_body(body: bytes, *, lines: bool) -> ReportBody:
    """The items of `body`. Raises InvalidInput when nothing can be read."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise _unreadable("The body is not UTF-8.", "not_utf8") from None
    if lines:
        return ReportBody("lines", [line for line in body.splitlines() if line.strip()])
    start = body.lstrip()[:1]
    if start == b"[":
        return ReportBody("list", _list_items(body))
    if start == b"{":
        return _object_body(body)
    raise _unreadable('The body is not a run, a list of runs, or {"runs": [...]}.', "invalid_json")


def mend_surrogates(text: bytes) -> bytes:
    """Lone surrogate escapes become U+FFFD; everything else stays as it is."""
    return _LONE_SURROGATE.sub(lambda match: b"\\ufffd" if match.group(1) else match.group(0), text)


def _object_body(body: bytes) -> ReportBody:
    try:
        return ReportBody("runs", _WRAPPER.decode(body).runs)
    except (msgspec.DecodeError, RecursionError):
        pass
    start = _start_of_runs(body)
    if start is not None:
        items, end = _split_list(body, start)
        _refuse_more(body, end, depth=1)
        return ReportBody("runs", items)
    if not _is_one_value(body):
        raise _unreadable("The body is not valid JSON (RFC 8259).", "invalid_json")
    return ReportBody("one", [body])


def _list_items(body: bytes) -> list[msgspec.Raw] | list[bytes]:
    try:
        return _RAW_LIST.decode(body)
    except (msgspec.DecodeError, RecursionError):
        items, end = _split_list(body, body.index(b"["))
        _refuse_more(body, end, depth=0)
        return items


def _is_one_value(body: bytes) -> bool:
    """Whether this is JSON, or might be, were it not nested so deeply."""
    try:
        msgspec.json.decode(mend_surrogates(body), type=msgspec.Raw)
    except RecursionError:
        return True
    except msgspec.DecodeError:
        return False
    return True


def _start_of_runs(body: bytes) -> int | None:
    """Where the list of the body's own member `runs` opens, if it has one."""
    depth = 0
    for token in _TOKEN.finditer(body):
        mark = body[token.start()]
        depth += _step(mark)
        if depth == 1 and mark == _QUOTE:
            member = _RUNS_MEMBER.match(body, token.start())
            if member is not None:
                return member.end()
    return None


def _split_list(body: bytes, start: int) -> tuple[list[bytes], int]:
    """The items of the list that opens at `start`, found by counting brackets, and its end."""
    items: list[bytes] = []
    depth = 0
    item_start = start + 1
    for token in _TOKEN.finditer(body, start):
        mark = body[token.start()]
        depth += _step(mark)
        if depth == 0 or (depth == 1 and mark == _COMMA):
            item = body[item_start : token.start()].strip()
            if item or items or mark == _COMMA:
                items.append(item)
            item_start = token.end()
        if depth == 0:
            return items, token.end()
    raise _unreadable("The body ends in the middle of a value.", "invalid_json")


def _refuse_more(body: bytes, start: int, *, depth: int) -> None:
    """What stands behind the list, up to the end of the object around it, must be the end of the
    body: a second list would be lost without a word."""
    end = start
    if depth > 0:
        for token in _TOKEN.finditer(body, start):
            depth += _step(body[token.start()])
            if depth == 0:
                end = token.end()
                break
    if depth > 0 or body[end:].strip():
        raise _unreadable("The body goes on after its list of runs.", "invalid_json")


def _step(mark: int) -> int:
    """What a token does to the depth."""
    if mark in _OPENING:
        return 1
    return -1 if mark in _CLOSING else 0


def _unreadable(message: str, code: str) -> InvalidInput:
    return InvalidInput(
        [Detail(message=message, path="/body", code=code)],
        user_message="Nothing in the body could be read; see details.",
        hint='Send one run, a list of runs, {"runs": [...]}, or one run a line as NDJSON.',
    )
