"""When a decision about a group has had its time: one pure function for all who ask.

The replicator's step asks it for groups that a batch touched, the sweep for all groups whose
decision may end, and reads for what time alone decides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from errors_app.domain.groups import GroupState, Status
from runs_app.domain.times import iso
from runs_app.domain.version_order import Comparison, compare_versions


class Rule(StrEnum):
    """Why a group came back by itself. The words are kept in its trail."""

    REGRESSION = "regression"
    IGNORE_EXPIRED = "ignore_expired"
    IGNORE_RATE = "ignore_rate"
    IGNORE_TOTAL = "ignore_total"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed run, by the id shown everywhere. `version` empty: not known."""

    run_id: str
    version: str
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` failures after the decision within `minutes` that end with the newest of them."""

    count: int
    minutes: float

    @property
    def per_minute(self) -> float:
        return self.count / self.minutes


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a group's failures; the default is nothing, which lets only time decide.

    `failures` are those to be looked at, of any time and in any order; `count` is the group's count
    now; None is not known.
    """

    failures: tuple[Failure, ...] = ()
    count: int | None = None
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """The group is unresolved again, by `rule`. `cause` is the run that did it, where one did;
    `details` are figures for the trail."""

    rule: Rule
    cause: Failure | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


NOTHING_KNOWN = Facts()


def due_transition(state: GroupState, facts: Facts, now: datetime) -> Transition | None:
    """What has become of a decision by `now`; None: it holds."""
    if state.status is Status.RESOLVED:
        return _regression(state, facts.failures)
    if state.status is Status.IGNORED:
        return _end_of_ignoring(state, facts, now)
    return None


def _regression(state: GroupState, failures: Iterable[Failure]) -> Transition | None:
    """The first failure after the resolution, in a version that was to be free of the error."""
    if state.resolved_at is None:
        return None
    later = [failure for failure in failures if failure.failed_at > state.resolved_at]
    for failure in sorted(later, key=lambda one: (one.failed_at, one.run_id)):
        details = _against_resolution(state, failure.version)
        if details is not None:
            return Transition(Rule.REGRESSION, failure, details)
    return None


def _against_resolution(state: GroupState, version: str) -> dict[str, Any] | None:
    """What was compared, when a failure in `version` reopens; None when it does not.

    Where it cannot be told which version is newer, it reopens: one look too many costs less than
    a bug that came back unseen.
    """
    if state.resolved_after_version is not None:
        # Resolved in the next one: the version that was the newest then may still fail.
        known, name, enough = state.resolved_after_version, "resolvedAfterVersion", 1
    elif state.resolved_in_version is not None:
        known, name, enough = state.resolved_in_version, "resolvedInVersion", 0
    else:
        return {}
    if not version:
        return {name: known, "comparison": "version not known"}
    compared: Comparison = compare_versions(version, known)
    if compared.order is not None and compared.order < enough:
        return None
    how = compared.scheme.value if compared.order is not None else "cannot be compared"
    return {name: known, "comparison": how}


def _end_of_ignoring(state: GroupState, facts: Facts, now: datetime) -> Transition | None:
    if state.ignored_until is not None and state.ignore_has_expired(now):
        return Transition(Rule.IGNORE_EXPIRED, details={"until": iso(state.ignored_until)})
    newest = _newest_since(state.ignored_at, facts.failures)
    wanted = state.ignored_until_total_occurrences
    if wanted is not None and facts.count is not None:
        base = state.ignored_at_occurrence_count or 0
        if facts.count - base >= wanted:
            counted = {"totalOccurrences": wanted, "counted": facts.count - base}
            return Transition(Rule.IGNORE_TOTAL, newest, counted)
    rate = state.ignored_until_occurrence_rate
    if rate is not None and facts.rate is not None and facts.rate.per_minute >= rate:
        figures: dict[str, float] = {
            "occurrenceRate": rate,
            "counted": facts.rate.count,
            "minutes": facts.rate.minutes,
        }
        return Transition(Rule.IGNORE_RATE, newest, figures)
    return None


def _newest_since(moment: datetime | None, failures: Iterable[Failure]) -> Failure | None:
    later = [one for one in failures if moment is None or one.failed_at > moment]
    return max(later, key=lambda one: (one.failed_at, one.run_id), default=None)
