"""JSON and the like within a message: a dumped value varies, but for what it tells of a failure."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from runs_app.domain.grouping.normalised_quotes import OF_FAILURE

MOST_MEMBERS: Final = 6

_BEGIN: Final = re.compile(r"\{\s*+(?:\"[^\"]{0,80}+\"|'[^']{0,80}+'|[\w$.-]{1,80}+)\s*+(?::|=)")
_BRACES: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}]', re.DOTALL)
_NAME: Final = (
    "error_?code|status_?code|http_?status|sql_?state|error_?type|code|status|type|error|reason|kind"
    "|errno|message|msg|detail|description|param|field"
)
_TEXT: Final = r"""(?:"[^"\\{}\[\]]{0,200}+"|'[^'\\{}\[\]]{0,200}+')"""
_BEGIN_OF_TEXT: Final = r"""[bu]?(?:"[^"\\{}\[\]]{1,200}+|'[^'\\{}\[\]]{1,200}+)"""
_STEP: Final = r"""(?:"[\w.$-]{1,64}+"|'[\w.$-]{1,64}+'|[0-9]{1,9}+)"""
# A member that tells of a failure by its name; the way to what was refused (`["items", 0, "sku"]`);
# what was refused, with the first complaint about it; a code in a pair with its message.
_TELLING: Final = re.compile(
    rf"""(?<![\w"'])(?P<quote>['"]?)(?:
        (?P<name>{_NAME})(?P=quote)\s*+(?::|=>?)\s*+(?P<value>{_TEXT}|-?[\w.<*>-]{{1,64}}+)
        |(?:path|loc)(?P=quote)\s*+[:=]\s*+(?:
            [\[(]\s*+(?P<steps>{_STEP}(?:,\s*+{_STEP}){{0,15}}+),?\s*+[\])]
            |(?P<way>[A-Za-z_<][\w.$<*>:-]{{0,199}}+))
        |(?P<refused>[A-Za-z_][\w.$-]{{0,63}}+)(?P=quote)\s*+[:=]\s*+
            \[\s*+(?:\w{{1,40}}+\(\w{{1,20}}+=)?(?P<complaint>{_BEGIN_OF_TEXT})
    )|\((?P<code>[1-9][0-9]{{1,4}}+),\ ?(?P<message>{_BEGIN_OF_TEXT})""",
    re.IGNORECASE | re.VERBOSE,
)
_NUMBER_OF_CODE: Final = re.compile(r"-?[0-9]{1,5}")
_UNSAFE: Final = re.compile(r"[{}\[\]\"\\]|(?<!\w)'|'(?!\w)")
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
        told |= dict.fromkeys(_told(match, normalise))
        if len(told) >= MOST_MEMBERS:
            break
    return "{" + ", ".join(told) + "}"


def _told(match: re.Match[str], normalise: Callable[[str], str]) -> Iterator[str]:
    if name := match["name"]:
        if value := match["value"].strip("\"'"):
            yield f"{name}: {_value(name.lower(), value, normalise)}"
    elif way := match["steps"] or match["way"]:
        steps = (step.strip(" \"'") for step in way.split(","))
        yield f"path: {normalise('.'.join(steps))}"
    elif refused := match["refused"]:
        complaint = match["complaint"].lstrip("bu\"'")
        if " " in complaint and (complaint.endswith(".") or OF_FAILURE.search(complaint)):
            yield f"{refused}: [{_value('', complaint, normalise)}]"
    elif " " in (message := match["message"].lstrip("bu\"'")):
        yield f"code: {match['code']}"
        yield f"message: {_value('', message, normalise)}"


def _value(name: str, value: str, normalise: Callable[[str], str]) -> str:
    if name.endswith(CODES) and _NUMBER_OF_CODE.fullmatch(value):
        return value
    plain = _UNSAFE.sub("", normalise(value)).strip()
    return plain if _WORD.fullmatch(plain) else f'"{plain}"'
