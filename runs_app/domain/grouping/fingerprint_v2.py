"""Fingerprint v2: the class, the message without what varies, and the place in the own code.

The key behind it is a text for people, a line each for what was thrown, for its root cause if it
has one, and for each frame that counts:

    OrderFailed: Order <*> could not be charged
    caused by ConnectionError: Connection refused
    at app/billing/client.py charge

This rule has shipped, so it never changes: another behaviour is another version, with modules of
its own. That holds for the modules it is built of, too: those that begin with `normalised`, and
what of `runs_app.domain.traces` names frames. A pinned corpus holds it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from runs_app.domain.grouping.fingerprint import Fingerprint, fingerprint_of_key
from runs_app.domain.grouping.normalised_reader import Replaced
from runs_app.domain.grouping.normalised_text import (
    LONGEST_KEPT,
    on_one_line,
    replacements,
    with_replacements,
)
from runs_app.domain.grouping.reported import NOT_AN_ERROR, ReportedError, reported_error
from runs_app.domain.traces.reading import read_trace
from runs_app.domain.traces.trace import Frame, Section, cause_chain, frames_innermost_first

RULE: Final = "v2"
# The innermost own function is the place; its callers tell what a helper of one's own was called
# for, and the further out they are, the less they have to do with the bug.
FRAMES: Final = 3
# Of a file's path: its directory tells two files of one name apart, and what is above that is often
# named for a release or a machine.
SEGMENTS: Final = 2
REMEMBERED: Final = 4_096
LONGEST_TYPE: Final = 200
LONGEST_FRAME: Final = 300
# What an error is called that was given no name.
NAMELESS: Final = "Error"


@dataclass(frozen=True, slots=True)
class Thrown:
    """`message`: what was read of it, on one line; `normalised`: as it counts; `replaced`: what of
    the one was replaced to get the other."""

    type: str
    message: str
    normalised: str
    replaced: tuple[Replaced, ...]


@dataclass(frozen=True, slots=True)
class WeighedFrame:
    """A frame, and why it counts or does not."""

    frame: Frame
    counts: bool
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an error has its fingerprint. `frames`: innermost first, of the exception whose place
    counts; `cause`: the root cause, if it is not what was thrown."""

    fingerprint: Fingerprint
    thrown: Thrown
    cause: Thrown | None
    frames: tuple[WeighedFrame, ...]


def fingerprint_v2(error: object) -> Fingerprint | None:
    """Fingerprint a JSON value exactly as given: an object, or a text that is its message."""
    reading = _read(error)
    return _fingerprint(reading) if reading else None


def explain_v2(error: object) -> Explanation | None:
    """Tell what the fingerprint was made of, and what of the error was left out; None for what
    has no fingerprint."""
    reading = _read(error)
    if reading is None:
        return None
    return Explanation(
        _fingerprint(reading),
        reading.thrown,
        reading.cause,
        tuple(_weigh(reading.section, reading.frames)) if reading.section else (),
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    thrown: Thrown
    cause: Thrown | None
    section: Section | None
    frames: tuple[Frame, ...]


def _read(error: object) -> _Reading | None:
    reported = reported_error(error)
    if reported is NOT_AN_ERROR:
        return None
    if not reported.stack:
        return _Reading(_thrown(reported.type, reported.message), None, None, ())
    trace = read_trace(reported.stack)
    chain = cause_chain(trace)
    root = chain[-1]
    cause = None
    if root is not trace.raised_section:
        cause = _thrown(root.exception_type, root.message)
    section, frames = _place(chain)
    return _Reading(_thrown_of(reported, trace.raised_section), cause, section, frames)


def _thrown_of(reported: ReportedError, printed: Section) -> Thrown:
    """What the report says, or where it says nothing what its trace begins or ends with."""
    nameless = reported.type == NAMELESS and printed.exception_type != ""
    type_ = printed.exception_type if nameless else reported.type
    return _thrown(type_, reported.message or printed.message)


def _thrown(type_: str, message: str) -> Thrown:
    text = on_one_line(message)
    replaced = replacements(text)
    return Thrown(type_, text, with_replacements(text, replaced), tuple(replaced))


def _place(chain: Sequence[Section]) -> tuple[Section | None, tuple[Frame, ...]]:
    """Where it happened: the own frames nearest to the root cause, or library frames if there are
    no own ones at all."""
    for section in reversed(chain):
        if frames := _first_calls(frame for frame in frames_innermost_first(section) if frame.own):
            return section, frames
    for section in reversed(chain):
        if frames := _first_calls(frames_innermost_first(section)):
            return section, frames
    return None, ()


def _first_calls(innermost_first: Iterable[Frame]) -> tuple[Frame, ...]:
    """The innermost frames, each function once, so that recursion counts once however deep."""
    found: dict[tuple[str, str], Frame] = {}
    for frame in innermost_first:
        found.setdefault((frame.module, frame.function), frame)
        if len(found) == FRAMES:
            break
    return tuple(found.values())


def _weigh(section: Section, chosen: tuple[Frame, ...]) -> Iterator[WeighedFrame]:
    own = any(frame.own for frame in section.frames)
    seen: set[tuple[str, str]] = set()
    for frame in frames_innermost_first(section):
        place = frame.module, frame.function
        if own and not frame.own:
            yield WeighedFrame(frame, False, "library")
        elif place in seen:
            yield WeighedFrame(frame, False, "recursion")
        elif len(seen) == len(chosen):
            yield WeighedFrame(frame, False, "caller")
        else:
            seen.add(place)
            yield WeighedFrame(frame, True, "own" if frame.own else "no own frames")


def _fingerprint(reading: _Reading) -> Fingerprint:
    lines = [_exception_line("", reading.thrown)]
    if reading.cause is not None:
        lines.append(_exception_line("caused by ", reading.cause))
    lines += [_frame_line(frame.module, frame.function, frame.own) for frame in reading.frames]
    return fingerprint_of_key("\n".join(lines), rule=RULE)


@lru_cache(maxsize=REMEMBERED)
def _frame_line(module: str, function: str, own: bool) -> str:
    named = "/".join(module.split("/")[-SEGMENTS:]) if own else module
    return f"at {named} {function}"[:LONGEST_FRAME].rstrip()


def _exception_line(relation: str, thrown: Thrown) -> str:
    type_ = " ".join(thrown.type[:LONGEST_TYPE].split())
    return f"{relation}{type_}: {thrown.normalised}"[: LONGEST_KEPT + LONGEST_TYPE]
