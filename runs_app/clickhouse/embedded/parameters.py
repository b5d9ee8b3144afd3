"""Server-side query parameters: from the form in which they travel to the engine's."""

import re
from collections.abc import Mapping

ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
ESCAPES: Mapping[str, str] = {
    "b": "\b", "f": "\f", "r": "\r", "n": "\n", "t": "\t", "0": "\0", "a": "\a", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "`": "`", "/": "/", "=": "=",
}  # fmt: skip
NULL = "NULL"
ENGINE_NULL = "\\N"


def engine_parameters(parameters: Mapping[str, str], nullable: frozenset[str]) -> dict[str, str]:
    """Values as the engine reads them: tab-separated text, still escaped once.

    Values travel as quoted literals of that text. The driver writes None and the string "NULL"
    alike; only the placeholder's type can tell which was meant, so `nullable` names those that
    take NULL.
    """
    values = {name: unquote(value) for name, value in parameters.items()}
    for name in nullable & values.keys():
        if values[name] == NULL:
            values[name] = ENGINE_NULL
    return values


def unquote(literal: str) -> str:
    if len(literal) < 2 or literal[0] != "'" or literal[-1] != "'":
        return literal
    return ESCAPE.sub(_unescaped, literal[1:-1]) if "\\" in literal else literal[1:-1]


def _unescaped(match: re.Match[str]) -> str:
    letter = match.group(1)
    if len(letter) == 3:
        return chr(int(letter[1:], 16))
    return ESCAPES.get(letter, match.group(0))
