"""The second line behind constant texts: what leaves in a `detail` tells nothing of the inside.

Every pattern here reads the text once: its repetitions are possessive, bounded, or fenced by a
character they cannot cross, so that a hostile text costs time in proportion to its length.
"""

import re
from typing import Final

LONGEST_DETAIL: Final = 1024
NOTHING_LEFT: Final = "The request failed; the log has more under the id of this error."
MASK: Final = "[masked]"

# --- stacks ---------------------------------------------------------------------------------

# Where a frame stands: `work.js:10:5`, `Work.java:12`. A time (10:12:30) has a digit in front.
PLACE: Final = (
    r"(?:[^\s\d()]:\d{1,9}:\d{1,9}"
    r"|\.(?:[cm]?[jt]sx?|vue|svelte|wasm|py|rb|php|go|rs|java|kt|scala|cs):\d{1,9})"
)
PYTHON_STACK: Final = re.compile(
    r"(?:\+ Exception Group )?Traceback \(most recent call last\)"
    r'|^\s*+(?:\|\s*+)?File "[^"]*+", line \d'
)
JAVASCRIPT_FRAME_END: Final = re.compile(rf"(?:{PLACE}|<anonymous>|\(native)\)?\Z")
JAVASCRIPT_FRAME_INSIDE: Final = re.compile(rf"\((?:[^()]*{PLACE}|<anonymous>|native)\)")
GECKO_FRAME: Final = re.compile(r"[^\s@]*+@\S+:\d{1,9}:\d{1,9}\Z")

# --- paths ----------------------------------------------------------------------------------

# A comma or a quote ends an address here, so that a path behind it is seen.
ADDRESS: Final = re.compile(
    r"https?://[^\s\"'<>(),;|]*+|(?<![\w./-])/api/[^\s\"'<>(),;|]*+", re.IGNORECASE
)
PATH: Final = re.compile(
    r"(?<!\w)/(?:home|users|root|var|opt|srv|tmp|usr|etc|private|proc|mnt)(?!\w)"
    r"|(?<![a-z0-9])[a-z]:[\\/]"
    r"|\\\\\w"
    r"|node_modules|site-packages|dist-packages"
    r'|\bFile "',
    re.IGNORECASE,
)

# --- secrets --------------------------------------------------------------------------------

KEY_AND_SIGN: Final = re.compile(
    r"(?<![\w.-])(?P<key>[\w.-]++)(?P<quote>[\"']?+)\s*+(?P<sign>=++>?|:)\s*+"
)
SECRET_KEY: Final = re.compile(
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|credential|authori[sz]ation|cookie|session"
    r"|signature|(?:api|access|private|signing|encryption)[_.-]?key"
    r"|(?:\A|[_.-])(?:auth|jwt|dsn|otp|pat|bearer)(?:\Z|[_.-])",
    re.IGNORECASE,
)
# Behind a colon `token` is mostly prose; these are not.
SECRET_BEFORE_COLON: Final = re.compile(
    r"pass(?:word|wd|phrase)|pwd|authori[sz]ation|cookie|api[_.-]?key", re.IGNORECASE
)
SECRET_HEADER: Final = re.compile(r"(?:authori[sz]ation|cookie)\Z", re.IGNORECASE)
SECRET_VALUE: Final = re.compile(
    r"(?:(?:bearer|basic|digest|token)\s++)?+"
    r"(?:\"(?:[^\"\\]|\\.)*+\"?|'(?:[^'\\]|\\.)*+'?|[^\s,;&\"'<>]++)?",
    re.IGNORECASE,
)
BARE_SECRET: Final = re.compile(
    r"\btr_(?:dev|stg|prod|preview|pat|uat)_[\w.-]++"
    r"|\beyJ[\w-]{8,}+\.[\w.-]++"
    r"|(?<=\bbearer )\s*+(?=[\w.~+/=-]*\d)[\w.~+/=-]{8,}+",
    re.IGNORECASE,
)
# `user:password@` of an address, also where the password holds a slash or an at sign. What
# follows a host's colon is a port, and no password.
CREDENTIALS_IN_ADDRESS: Final = re.compile(
    r"://(?:[^\s/@:\[\"'<>]{0,256}:(?!\d{1,5}(?:[/?#\s]|\Z))[^\s\"'<>]{0,256}"
    r"|[^\s/?#\"'<>]*)@"
)

CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def safe_detail(text: str) -> str:
    """`text` without stacks, paths and secrets, never empty, at most 1024 characters."""
    lines = (
        _mask_secrets(CONTROL_CHARACTERS.sub(" ", line)).strip()
        for line in _lines_before_stack(text)
        if not PATH.search(ADDRESS.sub(" ", line))
    )
    kept = "\n".join(line for line in lines if line) or NOTHING_LEFT
    return kept if len(kept) <= LONGEST_DETAIL else kept[: LONGEST_DETAIL - 1] + "…"


def _lines_before_stack(text: str) -> list[str]:
    kept = []
    for line in text.splitlines():
        start = _start_of_stack(line)
        kept.append(line[:start])
        if start is not None:
            break
    return kept


def _start_of_stack(line: str) -> int | None:
    """Where in `line` a stack of Python or JavaScript begins."""
    python = PYTHON_STACK.search(line)
    if python:
        return python.start()
    stripped = line.strip()
    if stripped.startswith("at ") and JAVASCRIPT_FRAME_END.search(stripped[-60:]):
        return 0
    if GECKO_FRAME.match(stripped):
        return 0
    first_at = line.find(" at ")
    if first_at >= 0:
        frame = JAVASCRIPT_FRAME_INSIDE.search(line, first_at)
        if frame:
            return line.rfind(" at ", first_at, frame.start() + 1)
    return None


def _mask_secrets(line: str) -> str:
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
