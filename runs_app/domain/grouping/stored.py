"""Signals of an error as a run keeps them: a JSON object as text, without what is not told."""

import json
from typing import Final

from runs_app.domain.grouping.signals import ErrorSignals

# A client may put anything into a code, and a person reads only so much of it.
MOST_CHARACTERS: Final = 500


def signals_members(signals: ErrorSignals) -> dict[str, int | str]:
    """The signals by the names that the API and commands give them."""
    members = {
        "httpStatus": signals.http_status,
        "code": signals.code,
        "errorClass": signals.error_class,
    }
    return {name: value for name, value in members.items() if value is not None}


def stored_signals(signals: ErrorSignals) -> str:
    """Empty where there are none. Plain ASCII, so that every store takes it."""
    members = {
        name: value[:MOST_CHARACTERS] if isinstance(value, str) else value
        for name, value in signals_members(signals).items()
    }
    return json.dumps(members, separators=(",", ":")) if members else ""


def read_stored_signals(text: str) -> ErrorSignals:
    """What `stored_signals` wrote."""
    if not text:
        return ErrorSignals()
    told = json.loads(text)
    return ErrorSignals(told.get("httpStatus"), told.get("code"), told.get("errorClass"))
