"""The second line behind constant texts: what leaves in a `detail` tells nothing of the inside.

Every pattern here reads the text once: its repetitions are possessive, bounded, or fenced by a
character they cannot cross, so that a hostile text costs time in proportion to its length.
"""

import re
from typing import Final

from runs_app.domain.secrets_in_text import mask_secrets

LONGEST_DETAIL: Final = 1024
NOTHING_LEFT: Final = "The request failed; the log has more under the id of this error."

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

CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def safe_detail(text: str) -> str:
    """`text` without stacks, paths and secrets, never empty, at most 1024 characters."""
    lines = (
        mask_secrets(CONTROL_CHARACTERS.sub(" ", line)).strip()
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
