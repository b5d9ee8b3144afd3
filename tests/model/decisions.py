"""What a decision about a group means and when it ends, in plain Python, written from the contract
of error groups and the design's section on the lifecycle.

Nothing here calls the code under test. In one sentence each:

- A group that nobody decided about is unresolved.
- A failure after the moment of resolving brings a resolved group back: any, where no version is
  named; one in the named version or in a newer one; for "the next version" one in a newer version
  than the newest one then; and one in a version of which that cannot be told.
- An ignored group reads unresolved from the second on that its time is over. It comes back, too,
  when it counts so many failures more than at the moment of ignoring, or when so many failures
  since that moment happened within one minute. Without a condition it stays ignored.
- Whatever happens to a group is one entry in its trail, never none and never two.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from runs_app.domain.times import iso
from tests.model.counts import Group, Telling

UNRESOLVED, RESOLVED, IGNORED = "unresolved", "resolved", "ignored"
STATUSES: Final = (UNRESOLVED, RESOLVED, IGNORED)

# Rates are looked at over so long.
RATE_WINDOW: Final = timedelta(minutes=1)

# As deployments count them; by their texts, the second would come before the first.
OLDEST_FIRST: Final = ("20240101.9", "20240101.10", "20240102.1")
# A version that is neither older nor newer than any other.
ODD_VERSION: Final = "nightly"


def is_newer(one: str, other: str) -> bool | None:
    """None: that cannot be told. Empty: not known."""
    if one and one == other:
        return False
    if one in OLDEST_FIRST and other in OLDEST_FIRST:
        return OLDEST_FIRST.index(one) > OLDEST_FIRST.index(other)
    return None


def comparison(one: str, other: str) -> str:
    """What the trail says of how it was told whether a version is newer."""
    if not one:
        return "version not known"
    if is_newer(one, other) is None:
        return "cannot be compared"
    return "text" if one == ODD_VERSION else "date and counter"


@dataclass(frozen=True)
class State:
    """What was decided. `since`: when; `base`: what the group counted then."""

    status: str = UNRESOLVED
    since: datetime | None = None
    person: str | None = None
    in_version: str | None = None
    after_version: str | None = None
    until: datetime | None = None
    rate: float | None = None
    total: int | None = None
    base: int | None = None
    reason: str | None = None

    def reads(self, now: datetime) -> "State":
        """As it is to be shown."""
        return UNTOUCHED if self.is_past(now) else self

    def is_past(self, now: datetime) -> bool:
        return self.until is not None and now >= self.until

    def is_reopened_by(self, failure: Telling) -> bool:
        if self.status != RESOLVED or self.since is None or failure.at <= self.since:
            return False
        if self.in_version is not None:
            is_older = is_newer(self.in_version, failure.version)
            return is_older is not True
        if self.after_version is not None:
            return is_newer(failure.version, self.after_version) is not False
        return True

    def is_over(self, failures: Collection[Telling], now: datetime) -> bool:
        """Whether it cannot hold any more for a group of which these failures count."""
        if self.status == RESOLVED:
            return any(self.is_reopened_by(failure) for failure in failures)
        if self.status != IGNORED or self.is_past(now) or not failures:
            return self.is_past(now)
        more = len(failures) - (self.base or 0)
        newest = max(failure.at for failure in failures)
        return (self.total is not None and more >= self.total) or (
            self.rate is not None and self.most_in_a_minute(failures, {newest}) >= self.rate
        )

    def most_in_a_minute(self, told: Collection[Telling], ends: Collection[datetime]) -> int:
        """Of how many runs failures since the decision are told in the minute before one of these
        moments."""
        return max(
            len({
                one.run
                for one in told
                if end - RATE_WINDOW < one.at <= end and self.is_since(one)
            })
            for end in ends
        )  # fmt: skip

    def is_since(self, failure: Telling) -> bool:
        return self.since is not None and failure.at > self.since

    def told(self) -> dict[str, Any]:
        """What the trail says of such a decision."""
        named = {
            "version": self.in_version,
            "nextAfter": self.after_version,
            "until": self.until and iso(self.until),
            "occurrenceRate": self.rate,
            "totalOccurrences": self.total,
        }
        return {name: value for name, value in named.items() if value is not None}

    def is_the_same_as(self, other: "State") -> bool:
        """Whether nothing is another but who decided it, and when. Without a reason of its own it
        leaves that of the other."""
        mine = replace(self, since=other.since, person=other.person)
        return replace(mine, reason=self.reason or other.reason) == other


UNTOUCHED: Final = State()


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for."""

    action: str
    version: str | None = None
    in_next_version: bool = False
    duration: timedelta | None = None
    rate: float | None = None
    total: int | None = None
    reason: str | None = None

    def body(self) -> dict[str, Any]:
        members = {
            "resolvedInVersion": self.version,
            "resolvedInNextVersion": self.in_next_version or None,
            "duration": self.duration and self.duration // timedelta(milliseconds=1),
            "occurrenceRate": self.rate,
            "totalOccurrences": self.total,
            "reason": self.reason,
        }
        return {name: value for name, value in members.items() if value is not None}

    def state(self, now: datetime, person: str | None, count: int, newest: str | None) -> State:
        """What it makes of a group of that count, where that version is the newest."""
        if self.action == "resolve":
            after = newest if self.in_next_version else None
            return State(RESOLVED, now, person, in_version=self.version, after_version=after)
        if self.action == "ignore":
            return State(
                IGNORED,
                now,
                person,
                until=self.duration and now + self.duration,
                rate=self.rate,
                total=self.total,
                base=count if self.total else None,
                reason=self.reason,
            )
        return UNTOUCHED


class Actor(NamedTuple):
    """Who did it: the kind, and the person, the key or the rule."""

    kind: str
    name: str


@dataclass(frozen=True)
class Entry:
    """An entry of a trail. `run` and `version`: of the failure that caused it."""

    action: str
    before: str
    after: str
    actor: Actor
    at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    run: str = ""
    version: str = ""
    operation: str | None = None


def is_a_right_end(state: State, entry: Entry, told: Collection[Telling]) -> bool:
    """Whether a rule may have ended that decision so, after all that was ever told of the group.

    What was told and taken back again before anybody looked may have been seen, or not.
    """
    if (entry.action, entry.before, entry.after) != ("unresolve", state.status, UNRESOLVED):
        return False
    causes = [one for one in told if (f"run_{one.run}", one.version) == (entry.run, entry.version)]
    name, details = entry.actor.name, dict(entry.details)
    if name == "regression":
        version = state.in_version or state.after_version
        named = "resolvedInVersion" if state.in_version else "resolvedAfterVersion"
        return any(state.is_reopened_by(one) for one in causes) and details == (
            {named: version, "comparison": comparison(entry.version, version)} if version else {}
        )
    if state.is_past(entry.at) or name == "ignore_expired":
        return name == "ignore_expired" and state.is_past(entry.at) and not entry.run
    newest_is_named = any(state.is_since(one) for one in causes)
    # A failure that is told late adds to the total, but it did not happen since.
    late = [one for one in told if not state.is_since(one)]
    counted = details.pop("counted")
    if name == "ignore_total" and state.total is not None:
        possible = told if newest_is_named else late if not entry.run else ()
        most = len({one.run for one in possible}) - (state.base or 0)
        return details == {"totalOccurrences": state.total} and state.total <= counted <= most
    if name == "ignore_rate" and state.rate is not None:
        most = state.most_in_a_minute(told, {one.at for one in told})
        right = details == {"occurrenceRate": state.rate, "minutes": 1}
        return right and newest_is_named and state.rate <= counted <= most
    return False


@dataclass
class Decisions:
    """All states and trails of an environment."""

    states: dict[Group, State] = field(default_factory=dict)
    trails: dict[Group, list[Entry]] = field(default_factory=dict)

    def state(self, group: Group) -> State:
        return self.states.get(group, UNTOUCHED)

    def change(self, group: Group, state: State, entry: Entry) -> None:
        self.states[group] = state
        self.trails.setdefault(group, []).append(entry)
