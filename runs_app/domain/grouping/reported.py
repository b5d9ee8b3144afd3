"""The error a run reports, read into the three texts that every later step uses."""

from collections.abc import Mapping
from dataclasses import dataclass

from runs_app.domain.grouping.javascript import first_truthy, text_of


@dataclass(frozen=True, slots=True)
class ReportedError:
    """`type`: the class's name; `message`; `stack`: the trace. All empty: not an error."""

    type: str
    message: str
    stack: str


NOT_AN_ERROR = ReportedError("", "", "")


def reported_error(error: object) -> ReportedError:
    """Read a JSON value as an error: an object, or a text that is its message.

    Other values are no error. The order of preference is that of rule v1, so that the rule gives
    the same for what is read here as for the error as sent; `stackTrace`, which the rule does
    not know, comes last. Members that are not text are read as JavaScript's `String()` does.
    """
    if isinstance(error, str):
        return ReportedError("Error", error, "")
    if not isinstance(error, dict):
        return NOT_AN_ERROR
    return ReportedError(
        type=_text(error, ("type", "name"), "Error") or "Error",
        message=_text(error, ("message", "name", "raw"), ""),
        stack=_text(error, ("stack", "stacktrace", "stackTrace"), ""),
    )


def _text(members: Mapping[str, object], names: tuple[str, ...], default: str) -> str:
    return text_of(first_truthy(members, names, default))
