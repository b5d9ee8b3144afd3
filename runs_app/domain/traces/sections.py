"""Building sections line by line, which is alike in all languages."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from runs_app.domain.traces.trace import Frame, Line, Section, Text

# Longer lines are kept and not looked into.
LONGEST_LINE: Final = 1_000
# How many frames, files and names a process remembers: the same code fails again and again, and
# after a release the same files with other lines.
REMEMBERED: Final = 4_096

# What some runtimes print before an exception.
_BEFORE: Final = re.compile(
    r"(?:\s|Uncaught |Unhandled exception[.:] |Exception in thread \"[^\"]{0,200}\" |[Cc]aused by: "
    r"|Suppressed: |\{?\s*+\[(?:cause|errors)\]: (?:\[\s)?|\d++: )*+"
)
# A name with a capital letter or several parts, so that `error: x` and `timeout after 3 s` are not.
_EXCEPTION: Final = re.compile(
    r"(?=[\w$]*+(?:[.\\]|::)|[a-z_$]*+[A-Z])"
    r"([^\W\d][\w$]*+(?:(?:\.|::|\\)[\w$]++)*+)(?: \[[\w-]++\]| \((?:0x[0-9A-Fa-f]{8}|\d{1,6})\))?"
    r"(?:: ?+|[ \t\r]*+$)",
    re.MULTILINE,
)


def is_unread(line: str) -> bool:
    """Whether it is what is between the lines that are read of a very long text."""
    return len(line) > LONGEST_LINE and "\n" in line


@dataclass(frozen=True, slots=True)
class Reading:
    """What a language's reader gives back: sections in printed order, and which was raised."""

    sections: tuple[Section, ...]
    raised: int


@dataclass(slots=True)
class Draft:
    """A section that is being read."""

    relation: str = ""
    lines: list[Line] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    # The type and the message, where the header does not tell them in the usual way.
    told: tuple[str, str] | None = None

    def add_frame(self, frame: Frame) -> None:
        self.lines.append(frame)
        self.frames.append(frame)

    def add_header(self, line: str, bare: str | None = None) -> None:
        """Add a line of the exception; `bare` is what it is without a margin."""
        self.lines.append(Text(line, header=True))
        self.header.append(line if bare is None else bare)

    def add_text(self, line: str) -> None:
        self.lines.append(Text(line))

    def end_header(self) -> None:
        """Blank lines at its end are not of the exception."""
        for at in reversed(range(len(self.lines))):
            line = self.lines[at]
            if isinstance(line, Text) and line.header:
                if self.header[-1].strip():
                    return
                self.lines[at] = Text(line.text)
                self.header.pop()

    def replace_frames(self, frames: Sequence[Frame]) -> None:
        """Put other readings of the same printed frames in their places."""
        others = iter(frames)
        self.lines = [next(others) if isinstance(line, Frame) else line for line in self.lines]
        self.frames = list(frames)

    def finished(self, *, innermost_first: bool = True) -> Section:
        """The section, with the type and the message that its header tells."""
        header = "\n".join(self.header)
        exception_type, message = self.told or type_and_message(header)
        return Section(
            header,
            exception_type,
            message,
            self.relation,
            tuple(self.frames),
            innermost_first,
            tuple(self.lines),
        )


def type_and_message(header: str) -> tuple[str, str]:
    """Of `ValueError: bad`: "ValueError" and "bad". A header of another form is a message."""
    before = _BEFORE.match(header)
    start = before.end() if before else 0
    match = _EXCEPTION.match(header, start)
    if match is None:
        return "", header[start:].strip()
    return match[1], header[match.end() :].strip()


def read_plainly(lines: Iterable[str]) -> Reading:
    """What is no trace: one section of text."""
    draft = Draft()
    for line in lines:
        draft.add_text(line)
    return Reading((draft.finished(),), 0)


def read_headers_first(
    lines: Iterable[str],
    frame_of: Callable[[str], Frame | None],
    relation_of: Callable[[str], str],
) -> Reading:
    """Read what most languages print: an exception and then its frames, innermost first; after
    them the next exception of the chain, whose first line `relation_of` knows (it tells "" of any
    other line). The first exception is the one that was raised."""
    done: list[Section] = []
    draft = Draft()
    for line in lines:
        frame = frame_of(line) if len(line) <= LONGEST_LINE else None
        if frame is not None:
            draft.add_frame(frame)
        elif draft.frames and len(line) <= LONGEST_LINE and (relation := relation_of(line)):
            done.append(draft.finished())
            draft = Draft(relation)
            draft.add_header(line)
        elif draft.frames:
            draft.add_text(line)
        else:
            draft.add_header(line)
    done.append(draft.finished())
    return Reading(tuple(done), 0)
