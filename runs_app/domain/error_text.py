"""Reading the JSON text of an error as it was sent."""

import msgspec

from runs_app.domain.grouping.json_text import parse_json


def read_error(text: str) -> object:
    """The JSON value in `text`. The fast decoder refuses numbers beyond a double; the other reads
    them as infinite."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return parse_json(text)
