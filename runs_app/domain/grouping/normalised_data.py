"""JSON and the like within a message: a dumped value varies, but for what it tells of a failure."""

import re
from collections.abc import Callable
from typing import Final

MOST_MEMBERS: Final = 6

_BEGIN: Final = re.compile(r"\{\s*+(?:\"[^\"]{0,80}+\"|'[^']{0,80}+'|[\w$.-]{1,80}+)\s*+(?::|=)")
_BRACES: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}]', re.DOTALL)
_NAME: Final = (
    "error_?code|status_?code|http_?status|sql_?state|error_?type|code|status|type|error|reason|kind"
    "|errno|message|msg|detail|description|param|field"
)
_TELLING: Final = re.compile(
    rf"(?<![\w\"'])(['\"]?)({_NAME})\1\s*+(?::|=>?)\s*+"
    r"(?:\"([^\"\\{}\[\]]{0,200}+)\"|'([^'\\{}\[\]]{0,200}+)'|(-?[\w.<*>-]{1,64}+))",
    re.IGNORECASE,
)
_NUMBER_OF_CODE: Final = re.compile(r"-?[0-9]{1,5}")
_UNSAFE: Final = re.compile(r"[{}\[\]\"'\\]")
_WORD: Final = re.compile(r"[\w.<*>-]{1,64}")
CODES: Final = ("code", "status", "errno", "state")


def end_of_data(text: str, start: int) -> int:
    """Where the braces that open at `start` close, or the text ends; `start` if it is no data."""
    if not _BEGIN.match(text, start):
        return start
    depth = 0
    for match in _BRACES.finditer(text, start):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
            if depth == 0:
                return match.end()
    return len(text)


def told_by_data(data: str, normalise: Callable[[str], str]) -> str:
    """`{code: card_declined, status: 402}` of all that was dumped: each member once, in order."""
    told: dict[str, None] = {}
    for match in _TELLING.finditer(data):
        value = match[3] or match[4] or match[5] or ""
        if value:
            told.setdefault(f"{match[2]}: {_value(match[2].lower(), value, normalise)}")
        if len(told) == MOST_MEMBERS:
            break
    return "{" + ", ".join(told) + "}"


def _value(name: str, value: str, normalise: Callable[[str], str]) -> str:
    if name.endswith(CODES) and _NUMBER_OF_CODE.fullmatch(value):
        return value
    plain = _UNSAFE.sub("", normalise(value)).strip()
    return plain if _WORD.fullmatch(plain) else f'"{plain}"'
