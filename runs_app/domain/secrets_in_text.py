"""Secrets that can be recognised in a text, and the text without them.

Every pattern here reads the text once: its repetitions are possessive, bounded, or fenced by a
character they cannot cross, so that a hostile text costs time in proportion to its length.
"""

import re
from typing import Final

MASK: Final = "[masked]"

KEY_AND_SIGN: Final = re.compile(
    r"(?<![\w.-])(?P<key>[\w.-]++)(?P<quote>[\"']?+)\s*+(?P<sign>=++>?|:)\s*+"
)
SECRET_KEY: Final = re.compile(
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|credential|authori[sz]ation|cookie|session"
    r"|signature|(?:api|access|private|signing|encryption)[_.-]?key"
    r"|(?:\A|[_.-])(?:auth|jwt|dsn|otp|pat|bearer)(?:\Z|[_.-])",
    re.IGNORECASE,
)
# Behind a colon `token` is mostly prose, and `api-keys` the end of a route; these are not.
SECRET_BEFORE_COLON: Final = re.compile(
    r"pass(?:word|wd|phrase)|pwd|authori[sz]ation|cookie|api[_.-]?key(?!s)", re.IGNORECASE
)
SECRET_HEADER: Final = re.compile(r"(?:authori[sz]ation|cookie)\Z", re.IGNORECASE)
SECRET_VALUE: Final = re.compile(
    r"(?:(?:bearer|basic|digest|token)\s++)?+"
    r"(?:\"(?:[^\"\\]|\\.)*+\"?|'(?:[^'\\]|\\.)*+'?|[^\s,;&\"'<>]++)?",
    re.IGNORECASE,
)
# Also behind what is put before an id: a key in the place of one becomes run_tr_prod_...
BARE_SECRET: Final = re.compile(
    r"(?<![^\W_])tr_(?:dev|stg|prod|preview|pat|uat)_[\w.-]++"
    r"|(?<![^\W_])eyJ[\w-]{8,}+\.[\w.-]++"
    r"|(?<=\bbearer )\s*+(?=[\w.~+/=-]*\d)[\w.~+/=-]{8,}+",
    re.IGNORECASE,
)
# `user:password@` of an address, also where the password holds a slash or an at sign. What
# follows a host's colon is a port, and no password.
CREDENTIALS_IN_ADDRESS: Final = re.compile(
    r"://(?:[^\s/@:\[\"'<>]{0,256}:(?!\d{1,5}(?:[/?#\s]|\Z))[^\s\"'<>]{0,256}"
    r"|[^\s/?#\"'<>]*)@"
)


def mask_secrets(line: str) -> str:
    """One line, with what looks like a secret replaced by a mask."""
    line = CREDENTIALS_IN_ADDRESS.sub(f"://{MASK}@", line)
    return BARE_SECRET.sub(MASK, _mask_values_of_secret_keys(line))


def _mask_values_of_secret_keys(line: str) -> str:
    pieces = []
    done = 0
    while found := KEY_AND_SIGN.search(line, done):
        pieces.append(line[done : found.end()])
        done = found.end()
        if _names_a_secret(found):
            pieces.append(MASK)
            if SECRET_HEADER.search(found["key"]):
                return "".join(pieces)
            value = SECRET_VALUE.match(line, done)
            done = value.end() if value else done
    pieces.append(line[done:])
    return "".join(pieces)


def _names_a_secret(found: re.Match[str]) -> bool:
    if found["sign"] == ":" and not found["quote"]:
        return bool(SECRET_BEFORE_COLON.search(found["key"]))
    return bool(SECRET_KEY.search(found["key"]))
