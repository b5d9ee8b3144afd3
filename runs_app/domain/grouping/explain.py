"""What a fingerprint rule counted of an error, and what it left out, in one form for all rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from runs_app.domain.grouping import fingerprint_v1, fingerprint_v2
from runs_app.domain.grouping.explain_v1 import explain_message
from runs_app.domain.grouping.fingerprint_v2 import Thrown, WeighedFrame
from runs_app.domain.grouping.javascript import well_formed
from runs_app.domain.grouping.reported import NOT_AN_ERROR, ReportedError, reported_error

# Of a message, and of a trace; what lies beyond is counted, or told to be there.
LONGEST_TOLD: Final = 4_096
MOST_PLACES: Final = 100


class Why(StrEnum):
    """Why a place in a stack counts or does not."""

    OWN = "own"
    NO_OWN_FRAMES = "no_own_frames"
    LIBRARY = "library"
    RECURSION = "recursion"
    CALLER = "caller"
    FIRST_LINE = "first_line"
    LATER_LINE = "later_line"


OF_V2: Final = {
    "own": Why.OWN,
    "no own frames": Why.NO_OWN_FRAMES,
    "library": Why.LIBRARY,
    "recursion": Why.RECURSION,
    "caller": Why.CALLER,
}


@dataclass(frozen=True, slots=True)
class Span:
    """`message[start:end]` is `text`, and counts as `by`. `kind`: what it is, such as `number`."""

    start: int
    end: int
    text: str
    kind: str
    by: str


@dataclass(frozen=True, slots=True)
class Told:
    """An exception. `message`: as far as it was read; `counts_as`: without what varies, None where
    the message does not count; `spans`: what makes the difference, where that can be told."""

    type: str
    message: str
    counts_as: str | None
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class StackPlace:
    """A frame; or, of a rule that reads no frames, a line as it was printed, in `function`."""

    function: str
    place: str
    line: int | None
    library: str
    counts: bool
    why: Why


@dataclass(frozen=True, slots=True)
class Counted:
    """`rule`: the one that counted, empty where none did: then neither message nor stack count.
    `places`: in the order in which the rule reads; `more_places`: how many are not told."""

    rule: str
    thrown: Told
    cause: Told | None = None
    places: tuple[StackPlace, ...] = ()
    more_places: int = 0


def explain_error(error: object, rule: str) -> Counted | None:
    """What `rule` counts of any JSON value; None for what is no error. Any other name than a
    rule's is that of something that counts neither message nor stack."""
    reported = reported_error(error)
    if reported is NOT_AN_ERROR:
        return None
    if rule == fingerprint_v2.RULE:
        return _by_v2(error)
    if rule == fingerprint_v1.RULE:
        return _by_v1(reported)
    message = well_formed(reported.message)[:LONGEST_TOLD]
    return Counted("", Told(well_formed(reported.type), message, None))


def _by_v2(error: object) -> Counted | None:
    explained = fingerprint_v2.explain_v2(error)
    if explained is None:
        return None
    frames = explained.frames
    return Counted(
        fingerprint_v2.RULE,
        _told(explained.thrown),
        None if explained.cause is None else _told(explained.cause),
        tuple(_frame(weighed) for weighed in frames[:MOST_PLACES]),
        max(0, len(frames) - MOST_PLACES),
    )


def _told(thrown: Thrown) -> Told:
    message = thrown.message
    spans = tuple(
        Span(start, end, well_formed(message[start:end]), kind.value, by)
        for start, end, kind, by in thrown.replaced
    )
    type_, counts_as = well_formed(thrown.type), well_formed(thrown.normalised)
    return Told(type_, well_formed(message), counts_as, spans)


def _frame(weighed: WeighedFrame) -> StackPlace:
    frame = weighed.frame
    texts = (frame.function, frame.module, frame.library)
    function, module, library = (well_formed(text) for text in texts)
    return StackPlace(function, module, frame.line, library, weighed.counts, OF_V2[weighed.why])


def _by_v1(reported: ReportedError) -> Counted:
    read = reported.message[:LONGEST_TOLD]
    counts_as = fingerprint_v1.normalise_message(read)
    spans = tuple(
        Span(start, end, well_formed(read[start:end]), by.strip("<>'\""), by)
        for start, end, by in explain_message(read, counts_as)
    )
    lines = reported.stack.split("\n") if reported.stack else []
    return Counted(
        fingerprint_v1.RULE,
        Told(well_formed(reported.type), well_formed(read), well_formed(counts_as), spans),
        None,
        tuple(_lines(lines[:MOST_PLACES])),
        max(0, len(lines) - MOST_PLACES),
    )


def _lines(lines: list[str]) -> Iterator[StackPlace]:
    for number, line in enumerate(lines):
        counts = number < fingerprint_v1.STACK_LINES
        why = Why.FIRST_LINE if counts else Why.LATER_LINE
        yield StackPlace(well_formed(line.strip()), "", None, "", counts, why)
