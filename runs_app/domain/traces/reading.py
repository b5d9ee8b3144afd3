"""Reading a stack trace, whatever language printed it.

A text is read line by line, each once. Of a very long one the first and the last lines are read,
where traces have what matters; what is between them is kept as it is. So the time it takes has a
bound, and nothing is lost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from runs_app.domain.traces.csharp import read_csharp
from runs_app.domain.traces.detection import language_of
from runs_app.domain.traces.go import read_go
from runs_app.domain.traces.java import read_java
from runs_app.domain.traces.javascript import read_javascript
from runs_app.domain.traces.php import read_php
from runs_app.domain.traces.python import read_python
from runs_app.domain.traces.ruby import read_ruby
from runs_app.domain.traces.sections import LONGEST_LINE, Reading, read_plainly
from runs_app.domain.traces.trace import Language, Trace


@dataclass(frozen=True, slots=True)
class Limits:
    """`first` and `last`: how many lines are read at either end of a text."""

    first: int = 400
    last: int = 400


LIMITS: Final = Limits()

READERS: Final[Mapping[Language, Callable[[list[str]], Reading]]] = {
    Language.PYTHON: read_python,
    Language.JAVASCRIPT: read_javascript,
    Language.JAVA: read_java,
    Language.GO: read_go,
    Language.RUBY: read_ruby,
    Language.PHP: read_php,
    Language.CSHARP: read_csharp,
}


def read_trace(stack: str, *, limits: Limits = LIMITS) -> Trace:
    """Read the text of a trace. Every text can be read: one that is no trace has one section,
    without frames, and the language UNKNOWN."""
    lines = _lines_to_read(stack, limits)
    language = language_of(lines)
    reading = READERS.get(language, read_plainly)(lines)
    return Trace(language, reading.sections, reading.raised)


def _lines_to_read(stack: str, limits: Limits) -> list[str]:
    """The lines of a text. Those beyond the limits are one "line", too long for every reader."""
    lines = stack.split("\n", limits.first)
    if len(lines) <= limits.first:
        return lines
    unread, *last = lines.pop().rsplit("\n", limits.last)
    if len(unread) <= LONGEST_LINE:
        return lines + unread.split("\n") + last
    return [*lines, unread, *last]
