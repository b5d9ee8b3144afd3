"""Traces of JavaScript: V8 (`at fn (file:1:2)`), and Firefox and Safari (`fn@file:1:2`)."""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from runs_app.domain.traces.paths import (
    RUNTIME,
    RUNTIME_LIBRARY,
    forward,
    own_module,
    without_content_hash,
)
from runs_app.domain.traces.sections import REMEMBERED, Reading, read_headers_first
from runs_app.domain.traces.trace import Frame, Text
from runs_app.domain.traces.well_known import NODE

STANDARD_LIBRARY: Final = "node"
ANONYMOUS: Final = "<anonymous>"

_POSITION: Final = re.compile(r":(\d{1,9})(?::(\d{1,9}))?$")
# Places that are no file: of functions that are not written in JavaScript.
_NO_FILE: Final = re.compile(r"<anonymous>$|native\b|\[native code\]$|index \d+$|unknown location$")
# Schemes of what a runtime brings along, and who that is.
_BROUGHT: Final = re.compile(r"(node|bun|deno|ext|chrome-extension|moz-extension):/*+")
_PACKAGE: Final = re.compile(r"(?:@[^/]+/)?[^/]+")
# What V8 puts before a function's name, one version of it so and another not.
_RECEIVERS: Final = ("Object.", "Module.", "Function.", "exports.", "module.exports.", "_this.")
_RELATIONS: Final = {
    "[cause]:": "cause",
    "Caused by:": "cause",
    "caused by:": "cause",
}
# One of the errors that an error holds: they are indented.
_MEMBER: Final = re.compile(r" {4,}(?:[A-Z]\w*?)?Error(?:: | \[|\s*$)|\s*+\[errors\]: \[\s*$")
# How far down what Node prints before an uncaught error may reach: the line of code, and a mark.
_PREFACE: Final = 10


def read_javascript(lines: list[str]) -> Reading:
    """Read an error and its causes, as Node shows them and as libraries put them together."""
    preface = _preface(lines)
    reading = read_headers_first(lines[preface:], frame_of, _relation_of)
    if not preface:
        return reading
    printed = tuple(map(Text, lines[:preface]))
    first = replace(reading.sections[0], lines=printed + reading.sections[0].lines)
    return replace(reading, sections=(first, *reading.sections[1:]))


def _preface(lines: list[str]) -> int:
    """How many lines are before the error: Node shows where an uncaught one was thrown."""
    for at, line in enumerate(lines[:_PREFACE]):
        mark = line.strip()
        if mark and not mark.strip("^"):
            return at + 2 if at + 1 < len(lines) and not lines[at + 1].strip() else at + 1
        if mark.startswith("at ") and frame_of(line):
            return 0
    return 0


def _relation_of(line: str) -> str:
    if _MEMBER.match(line):
        return "inner"
    bare = line.lstrip(" \t{")
    starts = (start for start in _RELATIONS if bare.startswith(start))
    return _RELATIONS.get(next(starts, ""), "")


@lru_cache(maxsize=REMEMBERED)
def frame_of(line: str) -> Frame | None:
    """The frame on a line; None for any other line."""
    bare = line.strip()
    if bare.startswith("at "):
        return _frame_of_v8(line, bare[3:].rstrip(" ,{"))
    if "@" in bare:
        function, _, place = bare.partition("@")
        if " " not in function and ":" not in function:
            name = function.rpartition("*")[2].rstrip("/<").rpartition("/")[2]
            is_file = "/" in place and _POSITION.search(place) is not None
            return _frame(line, name, place) if is_file or place == "[native code]" else None
    return None


def _frame_of_v8(line: str, call: str) -> Frame | None:
    call = call.removeprefix("async ")
    function, parenthesis, place = call.partition(" (")
    if not parenthesis:
        place, function = call, ""
    elif place.endswith(")"):
        place = place[:-1]
    else:
        return None
    if place.startswith("eval at "):
        # The innermost of nested places is the file.
        place = place.partition("), ")[0].rpartition("(")[2].rstrip(")")
    if not _POSITION.search(place) and not _NO_FILE.match(place):
        return None
    if ".php:" in place or (not parenthesis and " " in place and "/" not in place):
        return None
    return _frame(line, function, place)


def _frame(line: str, function: str, place: str) -> Frame:
    position = _POSITION.search(place)
    file = place[: position.start()] if position else place
    module, library = _module(file)
    return Frame(
        module,
        _function(function),
        "" if _NO_FILE.match(file) else file,
        int(position[1]) if position else None,
        int(position[2]) if position and position[2] else None,
        not library,
        line,
        library,
    )


def _function(name: str) -> str:
    name = name.partition(" [as ")[0]
    for receiver in _RECEIVERS:
        name = name.removeprefix(receiver)
    return name if name not in {"", "anonymous"} else ANONYMOUS


@lru_cache(maxsize=REMEMBERED)
def _module(file: str) -> tuple[str, str]:
    """The module of a file, and the package that it belongs to; "" for own code."""
    if _NO_FILE.match(file):
        return "", STANDARD_LIBRARY
    if brought := _BROUGHT.match(file):
        return file[brought.end() :], brought[1]
    if RUNTIME in file:
        return file.rpartition(RUNTIME)[2], RUNTIME_LIBRARY
    path = forward(file)
    before, found, inside = path.rpartition("node_modules/")
    if found:
        package = _PACKAGE.match(inside)
        return without_content_hash(inside), package[0] if package else before
    if path.startswith("internal/") or path.removesuffix(".js") in NODE:
        return path, STANDARD_LIBRARY
    return without_content_hash(own_module(path)), ""
