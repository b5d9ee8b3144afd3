"""Stack traces as pages show them: from where it was raised outward, own frames open, stretches of
library frames folded."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from runs_app.domain.error_text import read_error
from runs_app.domain.grouping.reported import NOT_AN_ERROR, ReportedError, reported_error
from runs_app.domain.records import RunRecord
from runs_app.domain.traces.reading import read_trace
from runs_app.domain.traces.recursion import collapse_recursion
from runs_app.domain.traces.trace import (
    Frame,
    Language,
    Section,
    Trace,
    frames_innermost_first,
)

# More is found in the trace as it was printed.
MOST_FRAMES: Final = 120
MOST_SECTIONS: Final = 12
RAW_CHARACTERS: Final = 20_000
# Of an exception without own frames, so many of the library's are open.
OPEN_OF_LIBRARY: Final = 3
NAMED_LIBRARIES: Final = 3
RELATIONS: Final = {
    # It is the raised one; or there are several, of which that one is read as raised.
    "": "",
    "cause": "Caused by",
    "context": "While handling",
    "suppressed": "Suppressed",
    "inner": "Inner exception",
}

SAID: Final = ("caused by", "suppressed", "[cause]", "--->")


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """`place`: file and line. `source`: the line of code, where the trace has it. `raised`: it is
    where the exception was raised."""

    function: str
    place: str
    source: str
    own: bool
    library: str
    raised: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames that follow each other. `folded`: what stands in their place; empty: they are open."""

    frames: tuple[ShownFrame, ...]
    folded: str


@dataclass(frozen=True, slots=True)
class ShownSection:
    """One exception. `left_out`: how many frames are only in the trace as it was printed."""

    relation: str
    exception: str
    stretches: tuple[Stretch, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class ShownTrace:
    """`sections`: the exception that was raised, then what led to it; without any the text is no
    trace that could be read. `raw` is as printed, `cut` the number of characters it is short of."""

    sections: tuple[ShownSection, ...]
    more_sections: int
    raw: str
    cut: int


def shown_trace(stack: str) -> ShownTrace | None:
    """None where there is no trace."""
    if not stack.strip():
        return None
    trace = read_trace(stack)
    ordered = _from_the_raised(trace)
    has_frames = any(section.frames for section in ordered)
    shown = [_section(section, trace.language) for section in ordered[:MOST_SECTIONS]]
    return ShownTrace(
        sections=tuple(shown) if has_frames else (),
        more_sections=max(0, len(ordered) - MOST_SECTIONS) if has_frames else 0,
        raw=printable(stack[:RAW_CHARACTERS]),
        cut=max(0, len(stack) - RAW_CHARACTERS),
    )


def error_of(run: RunRecord) -> ReportedError:
    """The error that a run reported; NOT_AN_ERROR where it has none."""
    return reported_error(read_error(run.error)) if run.error else NOT_AN_ERROR


def stack_of(run: RunRecord) -> str:
    return error_of(run).stack


def printable(text: str) -> str:
    """JSON may spell halves of characters, which no page can hold."""
    return text.encode(errors="replace").decode()


def _from_the_raised(trace: Trace) -> list[Section]:
    """The raised one, then those around it, nearest first: Python prints causes before it, others
    after it."""
    before = trace.sections[: trace.raised]
    after = trace.sections[trace.raised + 1 :]
    return [trace.raised_section, *reversed(before), *after]


def _section(section: Section, language: Language) -> ShownSection:
    frames = frames_innermost_first(section)
    kept = collapse_recursion(frames)[:MOST_FRAMES]
    shown = tuple(_frame(frame, language, raised=number == 0) for number, frame in enumerate(kept))
    header = section.header.strip()
    # Java prints the relation itself.
    is_said = header.casefold().startswith(SAID)
    return ShownSection(
        relation="" if is_said else RELATIONS[section.relation],
        exception=printable(header),
        stretches=tuple(_stretches(shown)),
        left_out=len(frames) - len(kept),
    )


def _frame(frame: Frame, language: Language, *, raised: bool) -> ShownFrame:
    line = "" if frame.line is None else f":{frame.line}"
    return ShownFrame(
        function=printable(frame.function),
        place=printable((frame.file or frame.module) + line),
        source=printable(_source(frame)) if language is Language.PYTHON else "",
        own=frame.own,
        library=printable(frame.library),
        raised=raised,
    )


def _source(frame: Frame) -> str:
    """What Python prints below a frame: the line of code, and marks below that."""
    return textwrap.dedent(frame.text.partition("\n")[2]).rstrip()


def _stretches(frames: Sequence[ShownFrame]) -> Iterator[Stretch]:
    has_own = any(frame.own for frame in frames)
    open_first = 1 if has_own else OPEN_OF_LIBRARY
    opened = [frame.own or number < open_first for number, frame in enumerate(frames)]
    for is_open, group in groupby(zip(opened, frames, strict=True), key=lambda pair: pair[0]):
        stretch = tuple(frame for _, frame in group)
        yield Stretch(stretch, "" if is_open else _folded(stretch))


def _folded(frames: Sequence[ShownFrame]) -> str:
    """`12 frames of celery, kombu`"""
    libraries = list(dict.fromkeys(frame.library for frame in frames if frame.library))
    count = "1 frame" if len(frames) == 1 else f"{len(frames):,} frames"
    if not libraries:
        return f"{count} of libraries"
    named = ", ".join(libraries[:NAMED_LIBRARIES])
    more = ", …" if len(libraries) > NAMED_LIBRARIES else ""
    return f"{count} of {named}{more}"
