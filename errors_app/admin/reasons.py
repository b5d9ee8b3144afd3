"""What a change was made with, or made by, in words: of the trail's details, whatever is known."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from errors_app.domain.groups import Action
from errors_app.domain.transitions import Rule
from errors_app.models import ErrorGroupActivity, ErrorGroupState

Details = Mapping[str, Any]
# Of groups that were merged at once, so many are told by their ids.
NAMED: Final = 3


def resolved_in(state: ErrorGroupState) -> str:
    """In which version a group is free of its error; a dash where that is not said."""
    if state.resolved_after_version is not None:
        return _next_after(state.resolved_after_version)
    return state.resolved_in_version or "-"


def in_words(entry: ErrorGroupActivity) -> str:
    """A dash where there is nothing to tell."""
    tell = _OF_RULES.get(entry.rule) or _OF_ACTIONS.get(entry.action)
    try:
        told = "" if tell is None else tell(entry.details, entry.task_version)
    except KeyError:
        # Written with other details than today's.
        told = ""
    return told or "-"


def _resolve(details: Details, _version: str) -> str:
    if "nextAfter" in details:
        return f"in {_next_after(details['nextAfter'])}"
    return f"in {details['version']}" if "version" in details else ""


def _ignore(details: Details, _version: str) -> str:
    conditions = []
    if "until" in details:
        conditions.append(f"until {details['until']}")
    if "occurrenceRate" in details:
        conditions.append(f"until it fails {details['occurrenceRate']:g} times a minute")
    if "totalOccurrences" in details:
        conditions.append(f"until it failed {details['totalOccurrences']:,} more times")
    return ", or ".join(conditions)


def _regression(details: Details, version: str) -> str:
    failed = f"failed in {version}" if version else "failed in an unknown version"
    if "resolvedAfterVersion" in details:
        resolved = f"was resolved in {_next_after(details['resolvedAfterVersion'])}"
    elif "resolvedInVersion" in details:
        resolved = f"was resolved in {details['resolvedInVersion']}"
    else:
        return failed
    return f"{failed}, {resolved} (comparison: {details['comparison']})"


def _expired(details: Details, _version: str) -> str:
    return f"was ignored until {details['until']}"


def _rate(details: Details, _version: str) -> str:
    counted, minutes, rate = details["counted"], details["minutes"], details["occurrenceRate"]
    return f"failed {counted:,} times in {minutes:g} min, was ignored until {rate:g} a minute"


def _total(details: Details, _version: str) -> str:
    counted, wanted = details["counted"], details["totalOccurrences"]
    return f"failed {counted:,} more times, was ignored until {wanted:,}"


def _undo(details: Details, _version: str) -> str:
    return f"of the operation {details['operationId']}"


def _merge(details: Details, _version: str) -> str:
    if "mergedInto" in details:
        return f"merged into {details['mergedInto']}"
    return f"merged {_some(details['merged'])} into it"


def _split(details: Details, _version: str) -> str:
    if "splitFrom" in details:
        return f"split off from {details['splitFrom']}"
    return f"split off {_some(details['split'])}"


def _some(ids: Sequence[str]) -> str:
    named = ", ".join(ids[:NAMED])
    more = len(ids) - NAMED
    return f"{named} and {more:,} more" if more > 0 else named


def _next_after(version: str) -> str:
    return f"the next version after {version}"


Tell = Callable[[Details, str], str]
_OF_RULES: Final[Mapping[str, Tell]] = {
    Rule.REGRESSION: _regression,
    Rule.IGNORE_EXPIRED: _expired,
    Rule.IGNORE_RATE: _rate,
    Rule.IGNORE_TOTAL: _total,
}
_OF_ACTIONS: Final[Mapping[str, Tell]] = {
    Action.RESOLVE: _resolve,
    Action.IGNORE: _ignore,
    Action.UNDO: _undo,
    Action.MERGE: _merge,
    Action.SPLIT: _split,
}
