"""Traces of Python: innermost last, the exception after its frames, a cause before its effect."""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from runs_app.domain.traces.paths import RUNTIME, RUNTIME_LIBRARY, forward, own_module
from runs_app.domain.traces.sections import LONGEST_LINE, REMEMBERED, Draft, Reading, is_unread
from runs_app.domain.traces.trace import Frame, Section

PLACE: Final = re.compile(r'[\s|]*+File "([^"\n]*+)", line (\d{1,9}+)(?:, in ([^\r\n]++))?')
GROUP_TITLE: Final = "+ Exception Group Traceback (most recent call last):"
TITLES: Final = frozenset(
    {"Traceback (most recent call last):", "Exception Group Traceback (most recent call last):"}
    | {GROUP_TITLE}
)
CHAINED: Final = {
    "The above exception was the direct cause of the following exception:": "cause",
    "During handling of the above exception, another exception occurred:": "context",
}
REPEATED: Final = "[Previous line repeated "
# Around a trace that came from another process.
QUOTES: Final = '"""'
STANDARD_LIBRARY: Final = "python"

# What the lines of an exception group have before them, and what stands between its members.
_MARGIN: Final = re.compile(r"\s*+[|] ?")
_BETWEEN: Final = re.compile(r"\s*+(?:\+-)?\+-++( (?:\d++|\.\.\.) -++)?\s*+$")
# How wide the margin of members is at least.
MEMBERS: Final = 6
_PACKAGES: Final = re.compile(
    r".*/(?:site|dist)-packages/(?:[^/]+\.(?:egg|whl|zip)/)?", re.IGNORECASE
)
_STANDARD: Final = re.compile(
    r".*?\b(?:lib(?:32|64)?/(?:pypy|python)\d(?:\.\d++)?t?/|Python\d++/Lib/|python\d++\.zip/)",
    re.IGNORECASE,
)
_GENERATED: Final = re.compile(r"<(?:attrs generated|decorator-gen|__array_function__)")
_NUMBERED: Final = re.compile(r"[- ]\d[\w-]*+(?=>$)")


def read_python(lines: list[str]) -> Reading:
    """Read a section up to each exception; the last one at the outermost margin was raised."""
    reader = _Reader()
    if GROUP_TITLE in "\n".join(lines):
        for line in lines:
            reader.take_of_group(line)
    else:
        for line in lines:
            reader.take(line, line, 0)
    return reader.finished()


class _Reader:
    def __init__(self) -> None:
        self._done: list[tuple[int, Section]] = []
        self._draft = Draft()
        self._depth = 0
        # Whether the exception may come now, and whether it has come to its end.
        self._expected = False
        self._ended = False
        # The lines of the frame that is being read.
        self._printed: list[str] = []

    def take_of_group(self, line: str) -> None:
        """Read a line that may have a margin."""
        if between := _BETWEEN.match(line):
            self._end_frame()
            if between[1]:
                self._begin(line, MEMBERS)
            else:
                self._draft.add_text(line)
                self._ended = True
            return
        margin = _MARGIN.match(line)
        at = margin.end() if margin else 0
        self.take(line, line[at:], at if at >= MEMBERS else 0)

    def take(self, line: str, bare: str, depth: int) -> None:
        """Read a line; `bare` is what follows its margin, which is `depth` wide."""
        if self._printed:
            if bare.startswith("    ") and len(line) <= LONGEST_LINE:
                self._printed.append(line)
                return
            self._end_frame()
        stripped = bare.strip()
        if stripped.startswith('File "') and len(line) <= LONGEST_LINE and _place(line):
            if self._draft.header:
                self._next("")
            self._printed.append(line)
            self._depth, self._expected = depth, True
        elif stripped in TITLES:
            self._begin(line, depth)
        elif stripped in CHAINED and self._draft.header:
            self._next(CHAINED[stripped])
            self._draft.add_text(line)
        elif not is_unread(line) and self._is_of_the_exception(stripped):
            self._draft.add_header(line, bare)
        else:
            self._draft.add_text(line)

    def finished(self) -> Reading:
        self._end_frame()
        self._next("")
        outermost = min(depth for depth, _ in self._done)
        raised = max(at for at, (depth, _) in enumerate(self._done) if depth == outermost)
        sections = [
            section if section.relation or at == raised else replace(section, relation=relation)
            for at, (depth, section) in enumerate(self._done)
            for relation in ["inner" if depth > outermost else "context"]
        ]
        return Reading(tuple(sections), raised)

    def _begin(self, line: str, depth: int) -> None:
        """A title, or the line between members of a group: the next exception begins."""
        self._end_frame()
        if self._draft.header or self._draft.frames:
            self._next("")
        self._draft.add_text(line)
        self._depth, self._expected = depth, True

    def _next(self, relation: str) -> None:
        draft = self._draft
        draft.end_header()
        draft.relation = relation
        self._done.append((self._depth, draft.finished(innermost_first=False)))
        self._draft = Draft()
        self._expected = self._ended = False

    def _end_frame(self) -> None:
        if self._printed:
            file, line, function = _place(self._printed[0]) or ("", None, "")
            module, library = _module(file)
            text = "\n".join(self._printed)
            self._draft.add_frame(
                Frame(module, function, file, line, None, not library, text, library)
            )
            self._printed.clear()

    def _is_of_the_exception(self, stripped: str) -> bool:
        if self._ended or not self._expected:
            return False
        if stripped == QUOTES:
            self._ended = True
            return False
        return bool(self._draft.header) or (stripped != "" and not stripped.startswith(REPEATED))


def is_place(line: str) -> bool:
    """Whether a line is the first one of a frame."""
    return _place(line) is not None


@lru_cache(maxsize=REMEMBERED)
def _place(line: str) -> tuple[str, int, str] | None:
    """File, line and function; None for any other line."""
    match = PLACE.match(line)
    if match is None:
        return None
    file, number, function = match.groups("")
    return file, int(number), function.replace(".<locals>", "")


@lru_cache(maxsize=REMEMBERED)
def _module(file: str) -> tuple[str, str]:
    """The module of a file, and the package that it belongs to; "" for own code."""
    if file.startswith("<"):
        return _made_up(file)
    path = forward(file)
    if path.startswith(RUNTIME):
        return path.removeprefix(RUNTIME), RUNTIME_LIBRARY
    if packages := _PACKAGES.match(path):
        path = path[packages.end() :]
        return path, path.partition("/")[0].removesuffix(".py")
    if standard := _STANDARD.match(path):
        return path[standard.end() :], STANDARD_LIBRARY
    if path.endswith(".pyx") and not path.startswith("/"):
        return path, path.removeprefix("src/").partition("/")[0]
    return own_module(path), ""


def _made_up(file: str) -> tuple[str, str]:
    """`<frozen runpy>`, `<string>`, `<ipython-input-3-5a1f>`."""
    if file.startswith("<frozen "):
        return file[len("<frozen ") :].removesuffix(">"), STANDARD_LIBRARY
    if _GENERATED.match(file):
        return file[1:].partition(" ")[0].partition("-gen")[0], STANDARD_LIBRARY
    return _NUMBERED.sub("", file), ""
