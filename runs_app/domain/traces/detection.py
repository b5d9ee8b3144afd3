"""Which language printed a trace: the one whose frame comes first."""

from collections.abc import Callable, Mapping
from typing import Final

from runs_app.domain.traces import csharp, java, javascript, php, python, ruby
from runs_app.domain.traces.go import is_place
from runs_app.domain.traces.sections import LONGEST_LINE
from runs_app.domain.traces.trace import Language

# Of lines that begin with `at`. The stricter come first: to .NET a line need not tell a place.
_AT: Final[Mapping[Language, Callable[[str], object]]] = {
    Language.PHP: php.call_of,
    Language.JAVASCRIPT: javascript.frame_of,
    Language.JAVA: java.frame_of,
    Language.CSHARP: csharp.frame_of,
}


def language_of(lines: list[str]) -> Language:
    """The language of the first line that is a frame; UNKNOWN if none is."""
    for at, line in enumerate(lines):
        if len(line) <= LONGEST_LINE:
            following = lines[at + 1] if at + 1 < len(lines) else ""
            language = _language_of_frame(line, following)
            if language is not None:
                return language
    return Language.UNKNOWN


def _language_of_frame(line: str, following: str) -> Language | None:
    bare = line.lstrip(" \t|")
    if bare.startswith('File "'):
        return Language.PYTHON if python.is_place(line) else None
    if bare.startswith("at "):
        symfony = php.is_split_call(line, following)
        found = (language for language, frame_of in _AT.items() if frame_of(line))
        return Language.PHP if symfony else next(found, None)
    if bare.startswith("#"):
        return Language.PHP if php.call_of(line) else None
    if following.startswith((" ", "\t")) and bare and is_place(following):
        return Language.GO
    if ":" in bare and ruby.call_of(line):
        return Language.RUBY
    if "@" in bare and javascript.frame_of(line):
        return Language.JAVASCRIPT
    return None
