"""Numbers and short words that tell bugs apart: codes of failures, by what stands around them."""

import re
from typing import Final

# How far a code is looked for behind its word: `status code: (503`.
REACH: Final = 28
LONGEST_CODE: Final = 6

_GAP: Final = " \t:=#([\"'"
_LAST_WORD: Final = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z][A-Za-z_]*(?:/[0-9](?:\.[0-9])?)?$")
CODE_ENDINGS: Final = ("code", "status", "errno", "sqlstate", "hresult")
CODE_WORDS: Final = frozenset({"signal", "http", "winerror", "rc", "exitcode", "retcode"})
# `Error 1062 (23000)`, but not `Error: 1062 rows are missing`.
ERROR_WORDS: Final = frozenset({"error", "err"})
# `returned 429`, `responded with 503`, `got 404`, `response: 502`.
_ANSWER_WORDS_IN_A_ROW: Final = """
    returned returns responded response replied answered got received with failed answer
"""
ANSWER_WORDS: Final = frozenset(_ANSWER_WORDS_IN_A_ROW.split())
_EXITED: Final = re.compile(
    r"(?:exit(?:ed|s)?|returned|died|finished|terminated) +with$", re.IGNORECASE
)
_SQL_STATE: Final = re.compile(r"sql ?state$", re.IGNORECASE)
_STATUS: Final = re.compile(r"[45][0-9]{2}")
_SHORT_CODE: Final = re.compile(r"-?[0-9]{1,6}|[A-Z0-9]{2,8}|0x[0-9A-Fa-f]{1,8}")
_HRESULT: Final = re.compile(r"0x[8C][0-9A-Fa-f]{7}")
_COUNTED: Final = re.compile(
    r" +(?:rows?|items?|records?|results?|times?|entries|bytes|documents?|messages?|users?|of)\b"
)
_REASON: Final = re.compile(
    r"[ :,(\-]{1,3}(?:Client Error|Server Error|Bad Request|Unauthori[sz]ed|Payment Required"
    r"|Forbidden|(?:Page )?Not Found|Method Not Allowed|Not Acceptable|Proxy Auth|Conflict|Gone"
    r"|Request Time-?out|Precondition|Payload Too|Request Entity|Request-URI|Unsupported Media"
    r"|Unprocessable|Locked|Failed Dependency|Too (?:Many|Early)|Internal Server|Bad Gateway"
    r"|Not Implemented"
    r"|Service (?:Temporarily )?Unavailable|Gateway Time-?out|HTTP Version|status code)\b",
    re.IGNORECASE,
)
# `GET /api/orders 500`, `POST https://api.example.com/v1/refunds -> 502`.
LONGEST_REQUEST: Final = 200
_REQUEST: Final = re.compile(
    r"\b(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) [^\s]{1,180} {1,2}(?:[-=]> |[-:] )?$"
)
# `Error 1045 (28000)`: MySQL prints both codes.
_CODE_AND_STATE: Final = re.compile(r"(?i:error|code|errno) ?[0-9]{4} ?\($")
_PAIRED_TEXT: Final = re.compile(r", ?[bu]?['\"]")


def is_code(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` is the code of a failure rather than something that varies.

    HTTP statuses, SQLSTATE, errno, exit codes, signals and vendors' codes are told by the word
    before them, an HTTP status also by its phrase, and the code of a database driver by standing
    first in a pair with its message.
    """
    if end - start > LONGEST_CODE + 4:
        return False
    word = text[start:end]
    if _HRESULT.fullmatch(word):
        return True
    if not _SHORT_CODE.fullmatch(word):
        return False
    if _STATUS.fullmatch(word) and (
        _REASON.match(text, end)
        or _REQUEST.search(text, max(0, start - LONGEST_REQUEST), start)
        or (start == 0 and text[end : end + 1] in {"", " ", ":", "-"})
    ):
        return not _COUNTED.match(text, end)
    if start and text[start - 1] == "(":
        if _PAIRED_TEXT.match(text, end):
            return True
        if _CODE_AND_STATE.search(text, max(0, start - REACH), start):
            return True
    return _is_code_by_word_before(text, start, end)


def _is_code_by_word_before(text: str, start: int, end: int) -> bool:
    window = text[max(0, start - REACH) : start]
    before = window.rstrip(_GAP)
    found = _LAST_WORD.search(before)
    if found is None:
        return False
    last = found[0].lower().partition("/")[0]
    if last.endswith(CODE_ENDINGS) or last in CODE_WORDS or _SQL_STATE.search(before):
        return True
    if last in ERROR_WORDS:
        return ":" not in window[len(before) :] and text[start:end].lstrip("-").isalnum()
    if last == "with" and _EXITED.search(before):
        return True
    return (
        last in ANSWER_WORDS
        and bool(_STATUS.fullmatch(text, start, end))
        and not _COUNTED.match(text, end)
    )
