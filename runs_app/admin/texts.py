"""Large texts as admin pages show them: pretty-printed where they are JSON, cut, and escaped."""

import json
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

SHOWN_CHARACTERS: Final = 20_000
# Beyond this a text is not worth parsing only to cut it.
PARSED_CHARACTERS: Final = 1_000_000


def shown_text(text: str | None) -> SafeString | str:
    """A block that keeps line breaks; a dash where there is nothing."""
    if not text:
        return "-"
    # JSON may spell halves of characters, which no page can hold.
    cut = text[:SHOWN_CHARACTERS].encode(errors="replace").decode()
    note = ""
    if len(text) > SHOWN_CHARACTERS:
        note = f"\n… cut here; {len(text):,} characters in all"
    return format_html(
        '<pre style="white-space: pre-wrap; overflow-wrap: anywhere; margin: 0">{}{}</pre>',
        cut,
        note,
    )


def shown_json(text: str | None) -> SafeString | str:
    """JSON text with indentation; what is no JSON as it is."""
    return shown_text(None if text is None else pretty(text))


def pretty(text: str) -> str:
    if len(text) > PARSED_CHARACTERS:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
