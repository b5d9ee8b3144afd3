"""Traces of PHP: innermost first, a cause before its effect.

A line names the place of a call, and the function that was called: `#0 /app/a.php(12): B->c()` is
in a.php, on the way into c. The function that the place is in stands on the next line, and the
place within the innermost function in the header. Frames put together what belongs together.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from runs_app.domain.traces.paths import forward, own_module
from runs_app.domain.traces.sections import (
    LONGEST_LINE,
    REMEMBERED,
    Draft,
    Reading,
    type_and_message,
)
from runs_app.domain.traces.trace import Frame, Section
from runs_app.domain.traces.well_known import PHP, known_root

STANDARD_LIBRARY: Final = "php"
MAIN: Final = "{main}"
INTERNAL: Final = "[internal function]"
TITLES: Final = frozenset({"Stack trace:", "[stacktrace]", "Exception trace:"})

_NUMBER: Final = re.compile(r"\s*+#\d{1,5} ")
_BEFORE: Final = re.compile(
    r"(?:\s|PHP |Fatal error: |Uncaught |Next |\[previous exception\] |\[object\] \()*+"
)
# `JobFailed(code: 0): Job 17 failed at /app/src/Job.php:12)`, as Laravel logs it.
_LOGGED: Final = re.compile(r"([\w\\]++)\(code: [^)\n]{0,50}\): ")
_CLOSURE: Final = re.compile(r"\{closure[^}]*+\}")
_ANONYMOUS: Final = re.compile(r"@anonymous.*?(?=->|::|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Call:
    """`text`: as printed. `file` and `line`: where it was called; `function`: what was called, ""
    on a line that has a place alone."""

    text: str
    file: str
    line: int | None
    function: str


@dataclass(slots=True)
class _Printed:
    """A section's lines; calls are no frames yet."""

    relation: str = ""
    lines: list[str | Call] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


def read_php(lines: list[str]) -> Reading:
    """Read exceptions; before `Next` is the cause, `[previous exception]` follows its effect."""
    printed = [_Printed()]
    for line in _joined(lines):
        call = call_of(line) if len(line) <= LONGEST_LINE else None
        current = printed[-1]
        if current.calls and line.startswith("Next "):
            current.relation = "cause"
            printed.append(_Printed())
        elif current.calls and line.startswith("[previous exception]"):
            printed.append(_Printed("cause"))
        printed[-1].lines.append(line if call is None else call)
        if call is not None:
            printed[-1].calls.append(call)
    raised = max((at for at, one in enumerate(printed) if not one.relation), default=0)
    return Reading(tuple(_section(one) for one in printed), raised)


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """The lines, where `at App\\Job->handle()` and the place below it are one."""
    following = iter([*lines[1:], ""])
    lines_left = iter(lines)
    for line in lines_left:
        below = next(following)
        if is_split_call(line, below):
            yield f"{line}\n{next(lines_left)}"
            next(following)
        else:
            yield line


def is_split_call(line: str, below: str) -> bool:
    """Whether a call is on one line and its place below it, as Symfony prints them."""
    bare = line.strip()
    if not bare.startswith("at ") or not bare.endswith(")"):
        return False
    return below.lstrip().startswith("(") and call_of(f"{line}\n{below}") is not None


def _section(printed: _Printed) -> Section:
    draft = Draft(printed.relation)
    calls = printed.calls
    # What each place is in is what the next call calls.
    within = [call.function for call in calls[1:]] + [""]
    frames = iter([_frame(call, function) for call, function in zip(calls, within, strict=True)])
    for line in printed.lines:
        if isinstance(line, Call):
            frame = next(frames)
            if line.file:
                draft.add_frame(frame)
            else:
                draft.add_text(line.text)
        elif draft.frames or line.strip() in TITLES or not line.strip():
            draft.add_text(line)
        else:
            draft.add_header(line)
    type_, message, file, position = _told("\n".join(draft.header))
    draft.told = type_, message
    innermost = calls[0].function if calls else ""
    if calls and (file, position) == (calls[0].file, calls[0].line):
        # A handler of PHP's warnings made an exception of one, at the place of the warning.
        return draft.finished()
    if file:
        draft.frames.insert(0, _frame(Call("", file, position, ""), innermost))
    elif innermost:
        draft.frames.insert(0, _frame_without_place(innermost))
    return draft.finished()


def _told(header: str) -> tuple[str, str, str, int | None]:
    """The type and the message of a header, and the place where it was thrown."""
    before = _BEFORE.match(header)
    bare = header[before.end() if before else 0 :].strip()
    if logged := _LOGGED.match(bare):
        message, found, place = bare[logged.end() :].rpartition(" at ")
        file, line = _file_and_line(place.rstrip(')"}'))
        return (logged[1], message, file, line) if found and file else (logged[1], place, "", None)
    told, found, place = bare.rpartition(" in ")
    file, line = _file_and_line(place.replace(" on line ", ":", 1).rstrip(":"))
    type_, message = type_and_message(told if found and file else bare)
    return type_, message, file, line


def _file_and_line(place: str) -> tuple[str, int | None]:
    file, _, number = place.rpartition(":")
    readable = number.isascii() and number.isdecimal() and len(number) < 10
    return (file, int(number)) if file and readable and "\n" not in file else ("", None)


@lru_cache(maxsize=REMEMBERED)
def call_of(text: str) -> Call | None:
    """The call on a line; None for any other line."""
    if number := _NUMBER.match(text):
        return _numbered(text, text[number.end() :].rstrip())
    bare = text.strip()
    if not bare.startswith("at "):
        return None
    called, _, place = bare[3:].removesuffix(")").rpartition("(")
    file, line = _file_and_line(place)
    return Call(text, file, line, _function(called)) if file.endswith(".php") else None


def _numbered(text: str, call: str) -> Call | None:
    if call == MAIN:
        return Call(text, "", None, MAIN)
    if call.startswith(INTERNAL):
        return Call(text, INTERNAL, None, _function(call[len(INTERNAL) + 2 :]))
    place, found, called = call.partition("): ")
    if not found:
        place, called = call.rstrip(")"), ""
    file, _, number = place.rpartition("(")
    if not file or not number.isascii() or not number.isdecimal() or len(number) > 9:
        return None
    return Call(text, file, int(number), _function(called))


def _function(called: str) -> str:
    """`App\\Jobs\\Charge->handle(Object(Order), 17)` is `App\\Jobs\\Charge->handle`."""
    called = _ANONYMOUS.sub("@anonymous", called) if "@anonymous" in called else called
    return _CLOSURE.sub("{closure}", called.strip()).partition("(")[0]


@lru_cache(maxsize=REMEMBERED)
def _frame(call: Call, function: str) -> Frame:
    module, library = _module(call.file)
    # The namespace is in the path of the file. Where it is a library's and the file is not, the
    # trace has lost a call, and nobody knows the function.
    namespace, _, name = function.rpartition("\\")
    if not library and known_root(namespace.partition("\\")[0], PHP):
        name = ""
    return Frame(module, name, call.file, call.line, None, not library, call.text, library)


def _frame_without_place(function: str) -> Frame:
    """Where a trace has no header, nobody knows where in the innermost function it was raised."""
    namespace, separator, name = function.replace("->", "::").rpartition("\\")
    class_ = name.partition("::")[0]
    library = known_root(namespace.partition("\\")[0], PHP) if separator else STANDARD_LIBRARY
    module = f"{namespace}\\{class_}".replace("\\", "/") if separator else ""
    name = function.rpartition("\\")[2]
    return Frame(module, name, "", None, None, not library, "", library)


@lru_cache(maxsize=REMEMBERED)
def _module(file: str) -> tuple[str, str]:
    """The module of a file, and the package that it belongs to; "" for own code."""
    if file in {"", INTERNAL}:
        return "", STANDARD_LIBRARY
    path = forward(file.partition("(")[0])
    _, vendor, inside = f"/{path}".rpartition("/vendor/")
    if vendor:
        return inside, "/".join(inside.split("/")[:2])
    return own_module(path), ""
