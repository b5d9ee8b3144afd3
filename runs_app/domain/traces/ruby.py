"""Traces of Ruby: innermost first, the exception within the first line or before it."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from runs_app.domain.traces.paths import forward, own_module
from runs_app.domain.traces.sections import LONGEST_LINE, REMEMBERED, Draft, Reading
from runs_app.domain.traces.trace import Frame, Section

STANDARD_LIBRARY: Final = "ruby"
# The title of traces that are printed the other way round.
OUTERMOST_FIRST: Final = "Traceback (most recent call last)"

# What is before a place: `from`, and in traces the other way round how deep it is.
_FROM: Final = re.compile(r"\s*+(?:\d++: )?(?:from )?")
_SOURCES: Final = (".rb", ".erb", ".haml", ".slim", ".rake", ".ru", ".jbuilder")
# `NoMethodError (undefined method 'x' for nil):`, as Rails logs it.
_LOGGED: Final = re.compile(r"([A-Z]\w*+(?:::\w++)*+) \(([^\n]*)\):?\s*+$")
_TYPE: Final = re.compile(r"[A-Z]\w*+(?:::\w++)*+")
_WITHIN: Final = re.compile(r"(?:(?:block|rescue|ensure)(?: \(\d++ levels\))? in )*+")
_GEM: Final = re.compile(r"([\w.-]+?)-(?:\d[\w.]*+(?:-[\w-]++)?|[0-9a-f]{7,40})/")
_VERSION: Final = re.compile(r"(?:site_ruby/|vendor_ruby/)?(?:\d++(?:\.\d++)++/)?")
# Scripts that start the program of a gem.
_STARTER: Final = re.compile(r"/(?:usr|opt|home|root)/(?:[^/]++/)*?bin/[\w-]++$")
_TEMPLATE: Final = re.compile(r"(?<!_)_{2,}+\d++_\d++$")


@dataclass(frozen=True, slots=True)
class Call:
    """A frame, and the exception that the innermost one of a section has after it."""

    frame: Frame
    thrown: str


def read_ruby(lines: list[str]) -> Reading:
    """Read an exception and its causes; the first was raised."""
    innermost_first = not any(line.startswith(OUTERMOST_FIRST) for line in lines)
    done: list[Section] = []
    draft = Draft()
    for line in lines:
        call = call_of(line) if len(line) <= LONGEST_LINE else None
        if draft.frames and innermost_first and _begins_a_cause(line, call):
            done.append(_finished(draft))
            draft = Draft("cause")
        if call is not None:
            if call.thrown:
                draft.header = [call.thrown]
                draft.told = _thrown(call.thrown)
            draft.add_frame(call.frame)
        elif draft.frames:
            draft.add_text(line)
        else:
            draft.add_header(line)
    done.append(_finished(draft, innermost_first=innermost_first))
    return Reading(tuple(done), 0)


def _finished(draft: Draft, *, innermost_first: bool = True) -> Section:
    if draft.told is None:
        draft.end_header()
        header = "\n".join(draft.header).removeprefix("Caused by:").lstrip()
        if logged := _LOGGED.match(header.partition("\n")[0]):
            draft.told = logged[1], logged[2]
    return draft.finished(innermost_first=innermost_first)


def _begins_a_cause(line: str, call: Call | None) -> bool:
    if call is not None:
        return call.thrown != ""
    return line.lstrip().lower().startswith(("caused by:", "causes:"))


def _thrown(text: str) -> tuple[str, str]:
    """Of `divided by 0 (ZeroDivisionError)`."""
    message, _, type_ = text.rpartition(" (")
    if type_.endswith(")") and _TYPE.fullmatch(type_, 0, len(type_) - 1):
        return type_[:-1], message
    return "", text


@lru_cache(maxsize=REMEMBERED)
def call_of(line: str) -> Call | None:
    """The call on a line; None for any other line."""
    start = _FROM.match(line)
    place, within, call = line[start.end() if start else 0 :].rstrip().partition(":in ")
    function, thrown = "", ""
    if within:
        if call[:1] not in {"'", "`"}:
            return None
        function, closed, after = call[1:].partition("'")
        if not closed or (after and not after.startswith(": ")):
            return None
        thrown = after[2:]
    file, _, number = place.rstrip(":").rpartition(":")
    if not number.isdecimal() or not number.isascii() or len(number) > 9 or not file:
        return None
    if not within and not file.endswith(_SOURCES):
        return None
    module, library = _module(file)
    frame = Frame(module, _function(function), file, int(number), None, not library, line, library)
    return Call(frame, thrown)


def _function(name: str) -> str:
    """The method alone: up to Ruby 3.3 nothing else is printed, and the class is in the file."""
    within = _WITHIN.match(name)
    name = name[within.end() if within else 0 :]
    if "#" in name:
        return name.rpartition("#")[2]
    if not name.startswith("<") and "." in name:
        return name.partition(".")[2]
    return _TEMPLATE.sub("", name)


@lru_cache(maxsize=REMEMBERED)
def _module(file: str) -> tuple[str, str]:
    """The module of a file, and the gem that it belongs to; "" for own code."""
    if file.startswith("<internal:"):
        return file[len("<internal:") :].removesuffix(">"), STANDARD_LIBRARY
    if file.startswith("(eval"):
        return "(eval)", ""
    path = forward(file)
    _, gems, inside = path.rpartition("gems/")
    if gems and (gem := _GEM.match(inside)):
        return inside[gem.end() :].removeprefix("lib/"), gem[1]
    _, standard, inside = path.partition("/lib/ruby/")
    if standard:
        version = _VERSION.match(inside)
        return inside[version.end() if version else 0 :], STANDARD_LIBRARY
    if _STARTER.match(path):
        return "bin/" + path.rpartition("/")[2], STANDARD_LIBRARY
    return own_module(path), ""
