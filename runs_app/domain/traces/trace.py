"""A stack trace as its reader understood it: sections of frames, with every printed line kept.

A trace has a section for each exception of its chain, in the order in which they were printed. The
lines of all sections, joined by line feeds, are the text that was read: what no frame claims stays
as a `Text`. The two are made for every line of every failure, which a struct is ten times quicker
at than a dataclass.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

import msgspec


class Language(StrEnum):
    """Which form of trace it is. JavaScript is TypeScript, too; Java is every language of its
    virtual machine, C# every one of .NET."""

    PYTHON = "python"
    JAVASCRIPT = "javascript"
    JAVA = "java"
    GO = "go"
    RUBY = "ruby"
    PHP = "php"
    CSHARP = "csharp"
    UNKNOWN = "unknown"


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One call. `module` and `function` name it for good: they have nothing in them that a release,
    a machine or a build changes. Lines and columns are for showing only.

    `module`: the file, or the dotted module or class where a language prints that; for a library
    the path within it, otherwise at most its last three segments; always with forward slashes.
    `function`: without arguments, addresses, generated numbers and type parameters.
    `file`: as printed; empty where no file was.
    `own`: False for the language's own library, an installed package, or a well-known framework.
    `library`: the package of a frame that is not own, as far as it is known.
    `text`: the printed line or lines, exactly. Empty for a place that is printed within a header
    (PHP's `in /app/x.php:12`): such a frame is among `frames`, and not among `lines`.
    """

    module: str
    function: str
    file: str
    line: int | None
    column: int | None
    own: bool
    text: str
    library: str


class Text(msgspec.Struct, frozen=True, gc=False):
    """A line, or lines, that no frame claims. `header`: they are the section's exception."""

    text: str
    header: bool = False


Line = Frame | Text


@dataclass(frozen=True, slots=True)
class Section:
    """One exception and its frames.

    `header`: the exception as printed (`ValueError: bad`, `Caused by: ...`), of several lines where
    its message has them; empty where none was printed.
    `exception_type`, `message`: read from the header; empty where it has none.
    `relation`: to the exception that left the task: "" (it is that one), "cause", "context" (it
    was being handled meanwhile; of Go, another goroutine), "suppressed", or "inner" (a member of a
    group).
    `frames`: in printed order; `innermost_first` says whether that begins with where it was raised.
    `lines`: everything printed of this section, in order.
    """

    header: str
    exception_type: str
    message: str
    relation: str
    frames: tuple[Frame, ...]
    innermost_first: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """`sections`: at least one, in printed order. `raised`: the index of the exception that left
    the task (Java prints it first, Python last)."""

    language: Language
    sections: tuple[Section, ...]
    raised: int

    @property
    def raised_section(self) -> Section:
        """The exception that left the task."""
        return self.sections[self.raised]

    @property
    def lines(self) -> Iterator[Line]:
        """Everything printed, in order."""
        return (line for section in self.sections for line in section.lines)

    @property
    def text(self) -> str:
        """The text that was read, character for character."""
        return "\n".join(line.text for line in self.lines)


def frames_innermost_first(section: Section) -> tuple[Frame, ...]:
    """Its frames from where it was raised up to where it all began."""
    return section.frames if section.innermost_first else section.frames[::-1]


def own_frames(section: Section) -> tuple[Frame, ...]:
    """The frames of the project's own code, innermost first."""
    return tuple(frame for frame in frames_innermost_first(section) if frame.own)


def cause_chain(trace: Trace) -> tuple[Section, ...]:
    """The exception that left the task, its cause, the cause of that, up to the root.

    What was merely being handled, or suppressed, caused nothing. Of a group's members the first
    stands for all. Causes are printed on either side of what they caused, by language.
    """
    raised, sections = trace.raised_section, trace.sections
    before = takewhile(lambda one: one.relation == "cause", sections[: trace.raised][::-1])
    if chain := tuple(before):
        return raised, *chain
    after = sections[trace.raised + 1 :]
    members = [section for section in after if section.relation == "inner"][:1]
    causes = [section for section in after if section.relation == "cause"]
    # A member's own causes are printed with it, and Python prints causes before their effects.
    return raised, *(causes if causes and raised.innermost_first else members)
