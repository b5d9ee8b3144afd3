"""Traces of .NET: innermost first, a cause before its effect, the headers of both before them.

Outer: message ---> Inner: message
   at Frame.Of.Inner()
   --- End of inner exception stack trace ---
   at Frame.Of.Outer()
"""

import re
from functools import lru_cache
from typing import Final

from runs_app.domain.traces.sections import (
    LONGEST_LINE,
    REMEMBERED,
    Draft,
    Reading,
    type_and_message,
)
from runs_app.domain.traces.trace import Frame, Section
from runs_app.domain.traces.well_known import DOTNET, known_root

END_OF_INNER: Final = "--- End of inner exception stack trace ---"
MEMBER: Final = "---> (Inner Exception #"
ARROW: Final = "---> "

_METHOD: Final = re.compile(r"[^\s()]++(?=\()")
_POSITION: Final = re.compile(r":(?:line )?(\d{1,9})$")
_TYPE_PARAMETERS: Final = re.compile(r"`\d++")
# Within what an async method, an iterator or a lambda was written: `<Charge>d__12`, `<Charge>b__0`.
_WITHIN: Final = re.compile(r"<([\w$.]++)>")
# A local function: `<Main>g__Charge|0_1`.
_LOCAL: Final = re.compile(r">g__(\w++)\|")
_NUMBERED: Final = re.compile(r"lambda_method\d++")


def read_csharp(lines: list[str]) -> Reading:
    """Read exceptions, their inner ones first, as printed, and the members of an aggregate."""
    reader = _Reader()
    for line in lines:
        reader.take(line)
    return reader.finished()


class _Reader:
    def __init__(self) -> None:
        self._done: list[Section] = []
        self._draft = Draft()
        # The headers of exceptions whose frames are still to come, the outermost first.
        self._awaited: list[str] = []
        # Of the outermost exception of those that are being read.
        self._relation = ""

    def take(self, line: str) -> None:
        draft = self._draft
        frame = frame_of(line) if len(line) <= LONGEST_LINE else None
        bare = line.strip()
        if frame is not None:
            self._end_headers()
            draft.add_frame(frame)
        elif bare == END_OF_INNER:
            self._end_headers()
            self._next("cause")
            self._draft.add_text(line)
        elif bare.startswith(MEMBER) and draft.frames:
            self._next(self._relation)
            self._relation = "inner"
            self._draft.add_header(line)
        elif draft.frames or draft.told is not None:
            draft.add_text(line)
        else:
            draft.add_header(line)

    def finished(self) -> Reading:
        self._end_headers()
        self._next(self._relation)
        raised = max((at for at, one in enumerate(self._done) if not one.relation), default=0)
        return Reading(tuple(self._done), raised)

    def _end_headers(self) -> None:
        """Before the first frame: tell the headers apart that are printed at once."""
        draft = self._draft
        if draft.told is None and not draft.frames:
            draft.end_header()
            header = "\n".join(draft.header).strip().removeprefix(ARROW)
            self._awaited = header.split(ARROW)
            self._begin_awaited()

    def _begin_awaited(self) -> None:
        header = self._awaited.pop().strip() if self._awaited else ""
        if header.startswith("(Inner Exception #"):
            header = header.partition(") ")[2]
        self._draft.header = [header] if header else []
        self._draft.told = type_and_message(header)

    def _next(self, relation: str) -> None:
        self._draft.relation = relation
        self._done.append(self._draft.finished())
        self._draft = Draft()
        if self._awaited:
            self._begin_awaited()


@lru_cache(maxsize=REMEMBERED)
def frame_of(line: str) -> Frame | None:
    """The frame on a line; None for any other line."""
    bare = line.strip().removesuffix("<---")
    if not bare.startswith("at "):
        return None
    call, _, place = bare[3:].partition(") in ")
    if " [0x" in call:
        # Mono's: `Game.Player.Move (System.Single x) [0x00012] in /src/Player.cs:33`.
        call, _, place = bare[3:].partition(") [0x")
        place = place.partition(" in ")[2]
        call = call.replace(" (", "(", 1)
    match = _METHOD.match(call)
    if match is None or not (place or call.endswith(")")):
        return None
    type_, method = _type_and_method(match[0])
    if not type_ and not method.startswith("lambda_method"):
        return None
    position = _POSITION.search(place)
    file = place[: position.start()] if position else place
    library = known_root(type_ or method, DOTNET)
    return Frame(
        type_,
        method,
        "" if file.startswith("<") else file,
        int(position[1]) if position else None,
        None,
        not library,
        line,
        library,
    )


@lru_cache(maxsize=REMEMBERED)
def _type_and_method(name: str) -> tuple[str, str]:
    """Of `Acme.Shop.Orders.<ChargeAsync>d__12.MoveNext`: `Acme.Shop.Orders` and `ChargeAsync`."""
    if "[" in name:
        name = name.partition("[")[0] + name.rpartition("]")[2]
    name = _TYPE_PARAMETERS.sub("", name).replace("+", ".")
    name = _NUMBERED.sub("lambda_method", name)
    type_, made, within = name.partition("<")
    if made:
        function = _LOCAL.search(within) or _WITHIN.search(made + within)
        return type_.rstrip("."), function[1] if function else within.rpartition(".")[2]
    if name.endswith(("..ctor", "..cctor")):
        type_, _, method = name.rpartition("..")
        return type_, f".{method}"
    type_, _, method = name.rpartition(".")
    return type_, method
