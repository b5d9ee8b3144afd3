"""Quoted text: names stay (`'NoneType' object has no attribute 'total'`), values go."""

import re
from enum import Enum
from typing import Final

from runs_app.domain.grouping.normalised_places import is_data_file

CLOSING: Final = {"'": "'", '"': '"', "`": "`'", "“": "”", "‘": "’", "«": "»"}
# A quote closes where no word goes on: the one in "can't" does not. Escaped ones do not either.
_TO_THE_END: Final = {
    opening: re.compile(
        rf"(?:[^{closing}\\]++|\\.|\\$|[{closing}](?=[\w<]))*+[{closing}]", re.DOTALL
    )
    for opening, closing in CLOSING.items()
}
LONGEST_NAME: Final = 100
REACH: Final = 40

_NAME_WORDS_IN_A_ROW: Final = """
    column columns relation table attribute key keys constraint index field fields parameter
    argument arguments function method module package class property reading setting named name
    variable type schema database role operator extension object model action permission option
    header event node component provider bean queue topic task command template block tag filter
    operation resource policy scope enum struct interface trait member view sequence trigger
    procedure on of undefined param params attr import export symbol label
"""
NAME_WORDS: Final = frozenset(_NAME_WORDS_IN_A_ROW.split())
_VALUE_WORDS_IN_A_ROW: Final = """
    entry value values literal got received input data string float integer number int decimal
    uuid boolean date datetime timestamp user username customer email account title subject
    query text token line word slug sku choice
"""
VALUE_WORDS: Final = frozenset(_VALUE_WORDS_IN_A_ROW.split())
_VALUE_AFTER: Final = re.compile(
    r" (?:is not (?:a|an|one|in|valid)\b|is an? (?:invalid|unknown)|is invalid|already exists"
    r"|does not match|cannot be (?:parsed|converted)"
    r"|to (?:int|float|integer|a number|numeric|decimal|date))"
)
_NAME: Final = re.compile(r"-{0,2}[A-Za-z_$@#](?:[\w$@.*\\()#-]|::)*+")
_PLACEHOLDER: Final = re.compile(r"<(?:\*|host|email|url|path)[^<>\s]*>")
_ADDRESS: Final = re.compile(r"\[?[0-9A-Fa-f]{0,4}(?:[.:][0-9A-Fa-f]{0,4}){2,8}\]?(?::[0-9]{1,5})?")
_SIGNS: Final = re.compile(r"[^\w\s]{1,3}")
_PATH: Final = re.compile(r"(?:[A-Za-z]:[\\/]|~?/|\.{1,2}/)[^\n]++")
_LAST_WORD: Final = re.compile(r"([A-Za-z]+|[0-9]+)[\s:=(\[{,<]*$")
_TELLING_KEY: Final = re.compile(
    r"(?:message|error|err|detail|details|reason|msg|description|desc|cause"
    r"|\([0-9]{1,5},)\W{0,4}$",
    re.IGNORECASE,
)
OF_FAILURE: Final = re.compile(
    r"\b(?:not|no|cannot|can't|fail\w*|errors?|invalid|denied|refused|time(?:d )?-?out|exceed\w*"
    r"|missing|unable|unexpected|violat\w*|required|must|duplicate|unknown|already|expired|declined|forbidden"
    r"|unauthori[sz]ed|unavailable|rejected|aborted|reset|closed)\b",
    re.IGNORECASE,
)


class Quoted(Enum):
    """What a quoted text is."""

    NAME = "name"
    VALUE = "value"
    PATH = "path"
    FILE = "file"
    # Read on inside of it: an error within an error, or a name that may have a number in it.
    PROSE = "prose"


def end_of_quote(text: str, start: int) -> int:
    """After the quote that closes the one at `start`; -1 if none does."""
    match = _TO_THE_END[text[start]].match(text, start + 1)
    return match.end() if match else -1


def what_is_quoted(text: str, start: int, end: int) -> Quoted:
    """Tell what stands between the quotes at `start` and before `end`."""
    inside = text[start + 1 : end - 1]
    if inside[:1].isalpha() and len(inside) <= LONGEST_NAME and _NAME.fullmatch(inside):
        return _name_or_value(text, start, end, inside)
    if "://" in inside or _PLACEHOLDER.search(inside) or _SIGNS.fullmatch(inside):
        return Quoted.PROSE
    if _ADDRESS.fullmatch(inside):
        return Quoted.PROSE
    if _PATH.fullmatch(inside):
        return Quoted.PATH
    if len(inside) <= LONGEST_NAME and _NAME.fullmatch(inside):
        return _name_or_value(text, start, end, inside)
    if text[start] in "`‘":
        return Quoted.PROSE
    if is_data_file(inside):
        return Quoted.FILE
    if inside[:1] in {"{", "[", "("} or (start == 0 and end == len(text)):
        return Quoted.PROSE
    before = text[max(0, start - REACH) : start]
    if " " in inside and (_TELLING_KEY.search(before) or OF_FAILURE.search(inside)):
        return Quoted.PROSE
    return Quoted.VALUE


def _name_or_value(text: str, start: int, end: int, inside: str) -> Quoted:
    if is_data_file(inside):
        return Quoted.FILE
    found = _LAST_WORD.search(text[max(0, start - REACH) : start])
    last = found[1].lower() if found else ""
    if last in NAME_WORDS:
        return Quoted.NAME
    if last in VALUE_WORDS or last.isdigit() or _VALUE_AFTER.match(text, end):
        return Quoted.VALUE
    return Quoted.PROSE
