"""What a change makes of a group: its whole state afterwards, and what the trail says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from errors_app.domain.groups import (
    UNTOUCHED,
    Action,
    Actor,
    GroupState,
    IgnoreConditions,
    Status,
)
from errors_app.domain.transitions import Failure, Transition
from runs_app.domain.times import iso

# What people and programs may ask for, whatever they ask through.
LONGEST_VERSION: Final = 100
LONGEST_REASON: Final = 1_000
LONGEST_IGNORE: Final = timedelta(days=3650)
MOST_OCCURRENCES: Final = 10**12
HIGHEST_RATE: Final = 1e9


@dataclass(frozen=True, slots=True)
class Decision:
    """`cause` is the failed run that brought it about, where one did."""

    action: Action
    state: GroupState
    details: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    cause: Failure | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """In which version a group is free of its error: in `version`, in the one after `after`, or
    from the moment on that it was resolved where neither is named."""

    version: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class WantedResolution:
    """As somebody asks for it: what the next version comes after is still to be looked up."""

    version: str | None = None
    in_next_version: bool = False


def resolving(resolution: Resolution, actor: Actor, now: datetime) -> Decision:
    """Resolved from now on."""
    named = {"version": resolution.version, "nextAfter": resolution.after}
    return Decision(
        Action.RESOLVE,
        GroupState(
            status=Status.RESOLVED,
            resolved_at=now,
            resolved_in_version=resolution.version,
            resolved_after_version=resolution.after,
            resolved_by=actor.user_id,
        ),
        {name: value for name, value in named.items() if value is not None},
    )


def ignoring(conditions: IgnoreConditions, count: int, actor: Actor, now: datetime) -> Decision:
    """Ignored until a condition is met; for ever where there is none.

    `count` is the group's count at this moment: "N more" starts there.
    """
    named = {
        "until": None if conditions.until is None else iso(conditions.until),
        "occurrenceRate": conditions.occurrence_rate,
        "totalOccurrences": conditions.total_occurrences,
    }
    return Decision(
        Action.IGNORE,
        GroupState(
            status=Status.IGNORED,
            ignored_at=now,
            ignored_until=conditions.until,
            ignored_until_occurrence_rate=conditions.occurrence_rate,
            ignored_until_total_occurrences=conditions.total_occurrences,
            ignored_at_occurrence_count=None if conditions.total_occurrences is None else count,
            ignored_reason=conditions.reason,
            ignored_by=actor.user_id,
        ),
        {name: value for name, value in named.items() if value is not None},
        reason=conditions.reason or "",
    )


def reopening() -> Decision:
    """Open again."""
    return Decision(Action.UNRESOLVE, UNTOUCHED)


def coming_back(transition: Transition) -> Decision:
    """Open again by a rule."""
    return Decision(Action.UNRESOLVE, UNTOUCHED, transition.details, cause=transition.cause)


def restoring(before: GroupState, operation_id: str) -> Decision:
    """As it was before the operation that is undone."""
    return Decision(Action.UNDO, before, {"operationId": operation_id})
