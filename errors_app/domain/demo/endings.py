"""What has become of the demo's decisions: the rules, asked at every failure since.

The demo is loaded at once, and rules that first look at it then would all act in that minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from errors_app.domain.groups import GroupState
from errors_app.domain.transitions import (
    NOTHING_KNOWN,
    Facts,
    Failure,
    Rate,
    Transition,
    due_transition,
)

_RATE_WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a decision."""

    at: datetime
    transition: Transition


def ending_of(
    state: GroupState, decided_at: datetime, failures: Sequence[Failure], now: datetime
) -> Ending | None:
    """When and why a decision came to its end; None: it holds at `now`.

    `failures` are all of the group's, in the order of time.
    """
    since = [failure for failure in failures if failure.failed_at > decided_at]
    base = state.ignored_at_occurrence_count or 0
    for number, failure in enumerate(since, start=1):
        moment = failure.failed_at
        recent = sum(one.failed_at > moment - _RATE_WINDOW for one in since[:number])
        facts = Facts((failure,), base + number, Rate(recent, _RATE_WINDOW / timedelta(minutes=1)))
        transition = due_transition(state, facts, moment)
        if transition is not None:
            return Ending(_end_of(state, moment), transition)
    transition = due_transition(state, NOTHING_KNOWN, now)
    return None if transition is None else Ending(_end_of(state, now), transition)


def _end_of(state: GroupState, noticed: datetime) -> datetime:
    """Time ends an ignore before anything else that is noticed later."""
    return noticed if state.ignored_until is None else min(noticed, state.ignored_until)
