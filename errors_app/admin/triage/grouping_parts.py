"""The parts of the page that explains a group, ready to be drawn."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from errors_app.admin.triage.moments import ToldTime, told_time
from errors_app.admin.triage.places import Place
from errors_app.admin.triage.traces import printable
from errors_app.services.grouping_page import ExplainedRun
from runs_app.domain.grouping import client_fingerprint, keywords, structured
from runs_app.domain.grouping.explain import Counted, Span, StackPlace, Told, Why
from runs_app.domain.grouping.fingerprint_v1 import RULE as V1
from runs_app.domain.grouping.fingerprint_v1 import STACK_LINES
from runs_app.domain.grouping.fingerprint_v2 import FRAMES
from runs_app.domain.grouping.fingerprint_v2 import RULE as V2
from runs_app.domain.grouping.signals import ErrorSignals

REASONS: Final = {
    Why.OWN: "",
    Why.NO_OWN_FRAMES: "no own code in this stack",
    Why.LIBRARY: "library",
    Why.RECURSION: "the same function again",
    Why.CALLER: f"beyond the innermost {FRAMES}",
    Why.FIRST_LINE: "",
    Why.LATER_LINE: f"beyond the first {STACK_LINES} lines",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Of a text. `kind`: what varies there, empty where the text counts as it is; `by`: what
    counts in its place."""

    text: str
    kind: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class KeyPart:
    """A part of a plain key, by the name that people have for it."""

    name: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class ShownException:
    """`counts_as`: empty where no message counts."""

    relation: str
    type: str
    message: tuple[Piece, ...]
    counts_as: tuple[Piece, ...]
    replaced: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class ShownPlace:
    """A frame or line. `why`: it is left out; of one that counts, what is special about that."""

    function: str
    place: str
    library: str
    counts: bool
    why: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One of the two runs. `places`: up to the last that counts; `rest`: those further out, and
    `more` that are not told."""

    run_id: str
    address: str
    failed: ToldTime
    version: str
    fingerprint: str
    rule: str
    exceptions: tuple[ShownException, ...]
    places: tuple[ShownPlace, ...]
    rest: tuple[ShownPlace, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ShownOutcome:
    """What the error would be given under a rule. `group_id`: empty for no group."""

    rule: str
    in_use: bool
    group_id: str
    is_this: bool
    decided_by: str
    key: str


def key_parts(decided: ExplainedRun) -> tuple[KeyPart, ...]:
    """The stored key as people read it; as it is where it cannot be taken apart."""
    key = printable(decided.run.plain_key)
    if not key:
        return ()
    placeholders = _placeholders(decided.counted)
    named = list(_named_parts(decided, key)) or [("Key", key)]
    return tuple(KeyPart(name, tuple(_marked(text, placeholders))) for name, text in named)


def shown_comparison(place: Place, one: ExplainedRun, now: datetime) -> Comparison:
    run, counted = one.run, one.counted
    shown = () if counted is None else tuple(_place(each) for each in counted.places)
    last = max((number for number, each in enumerate(shown, 1) if each.counts), default=0)
    return Comparison(
        run_id=run.friendly_id,
        address=place.address("run", run.friendly_id),
        failed=told_time(run.failed_at, now),
        version=printable(run.version),
        fingerprint=run.key.error_fingerprint,
        rule="" if counted is None else counted.rule,
        exceptions=() if counted is None else tuple(_exceptions(counted)),
        places=shown[:last],
        rest=shown[last:],
        more=0 if counted is None else counted.more_places,
    )


def signals_in_words(signals: ErrorSignals) -> str:
    named = (
        ("HTTP status", signals.http_status),
        ("code", signals.code),
        ("class", signals.error_class),
    )
    return ", ".join(
        f"{name} {printable(str(value))}" for name, value in named if value is not None
    )


def _named_parts(decided: ExplainedRun, key: str) -> Iterator[tuple[str, str]]:
    rule = decided.run.rule
    if rule == V2:
        yield from _lines_of_v2(key)
    elif rule == V1 and decided.counted is not None:
        yield from _texts_of_v1(key, decided.counted.thrown)
    elif rule in {structured.RULE, keywords.RULE}:
        # Neither a category nor a slug has a colon in it; a slice may.
        yield from zip(("Part", "Category", "Signature"), key.rsplit(":", 2), strict=False)
    elif rule == client_fingerprint.RULE and decided.key_is_whole:
        for number, part in enumerate(json.loads(key), 1):
            yield f"Part {number}", part


def _lines_of_v2(key: str) -> Iterator[tuple[str, str]]:
    for line in key.split("\n"):
        if line.startswith("caused by "):
            yield "Root cause", line.removeprefix("caused by ")
        elif line.startswith("at "):
            yield "Function", line.removeprefix("at ")
        else:
            yield "Error", line


def _texts_of_v1(key: str, thrown: Told) -> Iterator[tuple[str, str]]:
    beginning = f"{thrown.type}:{thrown.counts_as}:"
    if key.startswith(beginning):
        yield "Class", thrown.type
        yield "Message", thrown.counts_as or ""
        for line in filter(None, key.removeprefix(beginning).split("|")):
            yield "Stack", line


def _placeholders(counted: Counted | None) -> frozenset[str]:
    told = () if counted is None else (counted.thrown, counted.cause)
    return frozenset(span.by for each in told if each is not None for span in each.spans)


def _exceptions(counted: Counted) -> Iterator[ShownException]:
    for relation, told in (("", counted.thrown), ("Root cause", counted.cause)):
        if told is not None:
            placeholders = frozenset(span.by for span in told.spans)
            yield ShownException(
                relation,
                printable(told.type),
                tuple(_pieces(told.message, told.spans)),
                () if told.counts_as is None else tuple(_marked(told.counts_as, placeholders)),
                tuple(Piece(span.text, span.kind, span.by) for span in told.spans),
            )


def _pieces(message: str, spans: Iterable[Span]) -> Iterator[Piece]:
    at = 0
    for span in spans:
        if span.start > at:
            yield Piece(message[at : span.start])
        yield Piece(span.text, span.kind, span.by)
        at = span.end
    if message[at:]:
        yield Piece(message[at:])


def _marked(text: str, placeholders: frozenset[str]) -> Iterator[Piece]:
    """Where the text has a placeholder in it."""
    if not placeholders:
        yield Piece(text)
        return
    known = "|".join(re.escape(one) for one in sorted(placeholders, key=len, reverse=True) if one)
    for number, part in enumerate(re.split(f"({known})", text) if known else [text]):
        if part:
            yield Piece(part, "placeholder" if number % 2 else "")


def _place(told: StackPlace) -> ShownPlace:
    line = "" if told.line is None else f":{told.line}"
    reason = REASONS[told.why]
    if told.why is Why.LIBRARY and told.library:
        reason = f"library {told.library}"
    return ShownPlace(told.function, told.place + line, told.library, told.counts, reason)
