"""What an error tells of its kind beyond its text: an HTTP status, a code, a class.

The reading is by structure alone: a `response` beside a `request` is what clients of HTTP APIs
throw, `statusCode` and `errors` what their wrappers make of it, whatever class they name. What
an error lacks is looked for in its message, into which many clients write the answer they got.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from runs_app.domain.grouping.javascript import first_truthy, text_of
from runs_app.domain.grouping.json_text import DECODER

RATE_LIMIT_CODES: Final = frozenset({"THROTTLED", "429"})
PERMISSION_CODES: Final = frozenset({"ACCESS_DENIED", "access_denied"})

# Where words are looked for: a message that has said nothing by then is a dump of data.
PROSE_LENGTH: Final = 100_000
# Beyond it a number is no status, whatever its sender meant.
MOST_STATUS: Final = 2**31 - 1

_HTTP_STATUS: Final = re.compile(r"HTTP status ([0-9]{3})", re.ASCII | re.IGNORECASE)
_CODE_IN_BRACKETS: Final = re.compile(r"\(Code: ([0-9]{3})\)", re.ASCII | re.IGNORECASE)
_STATUS_AS_TEXT: Final = re.compile(r"[0-9]{3}")
_JSON_SPACE: Final = " \t\n\r"


@dataclass(frozen=True, slots=True)
class ErrorSignals:
    """None where the error does not tell; status 0 and the code "" are told."""

    http_status: int | None = None
    code: str | None = None
    error_class: str | None = None


NO_SIGNALS: Final = ErrorSignals()


def message_of(error: object) -> str:
    """The message of a JSON value that is an error, else the empty text.

    Unlike a fingerprint's, it is never the name: a class called `TimeoutError` says enough by
    being the class.
    """
    if isinstance(error, str):
        return error
    if isinstance(error, dict):
        return text_of(first_truthy(error, ("message", "raw"), ""))
    return ""


def read_signals(error: object, message: str, lowered: str) -> ErrorSignals:
    """The signals of any JSON value; `message` is its message, `lowered` that in lower case.

    What the error says itself wins; what its message says fills the gaps, field by field.
    """
    status: int | None = None
    code: str | None = None
    error_class: str | None = None
    if isinstance(error, dict):
        error_class = text_of(first_truthy(error, ("type", "name"), "")) or None
        if (response := raw_response(error)) is not None:
            status, code = _status_and_code(response.get("status"), response.get("errors"))
        if "statusCode" in error or "errors" in error:
            told = _status_and_code(error.get("statusCode"), error.get("errors"))
            status, code = _filled((status, code), told)
    if status is None or code is None:
        status, code = _filled((status, code), _told_by_message(message, lowered))
    if status is None and code is None and error_class is None:
        return NO_SIGNALS
    return ErrorSignals(status, code, error_class)


def raw_response(error: object) -> dict[str, object] | None:
    """The `response` of an error that also names its `request`."""
    if isinstance(error, dict) and "request" in error:
        response = error.get("response")
        if isinstance(response, dict):
            return response
    return None


def status_of(value: object) -> int | None:
    """A whole number, or three digits as a text; None for anything else."""
    if isinstance(value, str):
        return int(value) if _STATUS_AS_TEXT.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not -MOST_STATUS <= value <= MOST_STATUS or value != int(value):
        return None
    return int(value)


def codes_of(errors: object) -> Iterator[str]:
    """The codes in a GraphQL `errors` list in document order; nothing malformed raises."""
    if not isinstance(errors, list):
        return
    for entry in errors:
        extensions = entry.get("extensions") if isinstance(entry, dict) else None
        if not isinstance(extensions, dict):
            continue
        code = extensions.get("code")
        if isinstance(code, str):
            yield code
        nested = extensions.get("app_errors")
        inner = nested.get("errors") if isinstance(nested, dict) else None
        for item in inner if isinstance(inner, list) else ():
            category = item.get("category") if isinstance(item, dict) else None
            if isinstance(category, str):
                yield category


def routable_code(errors: object) -> str | None:
    """The code that decides: of a rate limit, else of a missing permission, else the first."""
    first: str | None = None
    permission: str | None = None
    for code in codes_of(errors):
        if code in RATE_LIMIT_CODES:
            return code
        if permission is None and code in PERMISSION_CODES:
            permission = code
        if first is None:
            first = code
    return first if permission is None else permission


def _status_and_code(status: object, errors: object) -> tuple[int | None, str | None]:
    return status_of(status), routable_code(errors)


def _filled(
    first: tuple[int | None, str | None], second: tuple[int | None, str | None]
) -> tuple[int | None, str | None]:
    status, code = first
    return second[0] if status is None else status, second[1] if code is None else code


def _told_by_message(message: str, lowered: str) -> tuple[int | None, str | None]:
    status = _status_in(message, lowered)
    response = _response_in(message)
    if response is None:
        return status, None
    told, code = _status_and_code(response.get("status"), response.get("errors"))
    return told if status is None else status, code


def _status_in(message: str, lowered: str) -> int | None:
    for beginning, pattern in (("http status ", _HTTP_STATUS), ("(code: ", _CODE_IN_BRACKETS)):
        if beginning in lowered and (found := pattern.search(message)):
            return int(found[1])
    return None


def _response_in(message: str) -> dict[str, object] | None:
    """The `response` of the JSON object that a message ends with, from its first brace on.

    Most messages have none, and are not parsed to find that out. JSON that nests too deep to be
    read counts as none.
    """
    start = message.find("{")
    if start < 0 or not message.rstrip(_JSON_SPACE).endswith("}"):
        return None
    text = message[start:]
    if '"response"' not in text and "\\u" not in text:
        return None
    value = _parsed(text)
    response = value.get("response") if isinstance(value, dict) else None
    return response if isinstance(response, dict) else None


def _parsed(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        return None
    except ValueError:
        # Numbers beyond a double and halves of surrogate pairs are JSON all the same.
        pass
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
