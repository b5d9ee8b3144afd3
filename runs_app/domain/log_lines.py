"""Log records as lines: JSON for machines, text for people, the same facts in both.

Plain Python: the embedded ClickHouse writes with it, too, and loads no Django. A record brings what
is known of its request in the attribute `facts`, by the names that the lines use.
"""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Final

from runs_app.domain.secrets_in_text import mask_secrets


class LogForm(StrEnum):
    JSON = "JSON"
    TEXT = "TEXT"


AUTOMATIC: Final = "AUTO"
LOG_FORMS: Final = (AUTOMATIC, *LogForm)
# Of one exception with its causes, and of one message. More is left out of the middle.
LONGEST_STACK: Final = 32_768
LONGEST_MESSAGE: Final = 8_192
# What moves a terminal's cursor, ends a line for some readers, or turns the direction of writing.
UNWRITABLE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
PLAIN_WORD: Final = re.compile(r"[^\s\"=]+")
INDENT: Final = "    "


def log_form(told: str, *, debug: bool, is_terminal: bool) -> LogForm:
    """The form that is asked for. AUTO, or a word of nobody's: text where a person reads along."""
    if told in LogForm.__members__:
        return LogForm(told)
    return LogForm.TEXT if debug or is_terminal else LogForm.JSON


def log_uncaught() -> None:
    """Have exceptions that nobody catches, and warnings, logged instead of printed."""
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _log_uncaught_in_thread


class JsonLines(logging.Formatter):
    """One object a line. ASCII, so that neither a locale nor a reader's idea of what ends a line
    can break it."""

    def format(self, record: logging.LogRecord) -> str:
        members: dict[str, Any] = {
            "time": _time_of(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _message_of(record),
            "pid": record.process,
            **_facts_of(record),
        }
        exception = _exception_of(record)
        if exception:
            members["exception"] = exception
        return json.dumps(_writable(members), separators=(",", ":"))


class TextLines(logging.Formatter):
    """One line a record, and what follows from it indented: whatever a message holds, a line that
    begins with a time is a record."""

    def format(self, record: logging.LogRecord) -> str:
        facts = _facts_of(record)
        request_id = facts.pop("requestId", "-")
        first, *more = _message_of(record).split("\n")
        exception = _exception_of(record)
        if exception:
            more += exception["stack"].rstrip().split("\n")
        words = (
            _time_of(record),
            record.levelname,
            f"{record.name}[{record.process}]",
            f"[{request_id}]",
            first,
            *_pairs(facts),
        )
        return "\n".join((_on_one_line(" ".join(words)), *(INDENT + _on_one_line(m) for m in more)))


FORMATTERS: Final[Mapping[LogForm, type[logging.Formatter]]] = {
    LogForm.JSON: JsonLines,
    LogForm.TEXT: TextLines,
}


def _time_of(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _facts_of(record: logging.LogRecord) -> dict[str, Any]:
    return dict(getattr(record, "facts", None) or {})


def _message_of(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except Exception as error:
        # Logging would print a stack with the arguments instead of the line.
        words = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        message = f"{words} (its arguments do not fit: {type(error).__name__})"
    return _masked(_shortened(message, LONGEST_MESSAGE))


def _exception_of(record: logging.LogRecord) -> dict[str, str]:
    """Its type, and the stack of it and its causes as text; empty where there is none."""
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    kind = type(record.exc_info[1])
    stack = "".join(traceback.format_exception(record.exc_info[1]))
    return {
        "type": f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."),
        "stack": _masked(_shortened(stack, LONGEST_STACK)),
    }


def _masked(text: str) -> str:
    return "\n".join(map(mask_secrets, text.split("\n")))


def _shortened(text: str, most: int) -> str:
    left_out = len(text) - most
    if left_out <= 0:
        return text
    half = most // 2
    return f"{text[:half]}\n... {left_out} characters are left out ...\n{text[-half:]}"


def _writable(value: Any) -> Any:
    """`value` as JSON takes it, whatever somebody put into a record."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
        case float():
            return value if value - value == 0 else str(value)
        case Mapping():
            return {str(name): _writable(inner) for name, inner in value.items()}
        case _:
            return _writable(str(value))


def _pairs(facts: Mapping[str, Any]) -> Iterator[str]:
    """`name=value`, the members of a value with a slash between them."""
    for name, value in facts.items():
        text = "/".join(map(str, value.values())) if isinstance(value, Mapping) else str(value)
        yield f"{name}={text if PLAIN_WORD.fullmatch(text) else json.dumps(text)}"


def _on_one_line(text: str) -> str:
    return UNWRITABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, stack: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, stack)
        return
    logging.getLogger("faultline.process").critical(
        "Nobody caught %s", kind.__qualname__, exc_info=error
    )


def _log_uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and not issubclass(told.exc_type, SystemExit):
        _log_uncaught(told.exc_type, told.exc_value, told.exc_traceback)
