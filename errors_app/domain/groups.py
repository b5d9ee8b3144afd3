"""Error groups: their key, their state, and who changes it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Status(StrEnum):
    UNRESOLVED = "unresolved"
    RESOLVED = "resolved"
    IGNORED = "ignored"


class Action(StrEnum):
    RESOLVE = "resolve"
    IGNORE = "ignore"
    UNRESOLVE = "unresolve"
    UNDO = "undo"
    MERGE = "merge"
    SPLIT = "split"


# Of a fingerprint and of a task, where somebody names a group.
LONGEST_NAME: Final = 255
# The actions that set a state, of one group or of many.
DECISIONS: Final = (Action.RESOLVE, Action.IGNORE, Action.UNRESOLVE)


class ActorKind(StrEnum):
    USER = "user"
    KEY = "key"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes a state: a person (through a client), a key on its own, or a rule."""

    kind: ActorKind
    user_id: str | None = None
    client: str = ""
    api_key_id: str | None = None
    rule: str = ""


@dataclass(frozen=True, slots=True, order=True)
class GroupKey:
    """A group within its environment."""

    error_fingerprint: str
    task_identifier: str


@dataclass(frozen=True, slots=True)
class IgnoreConditions:
    """When an ignore ends. All None: never. The rate is occurrences a minute."""

    until: datetime | None = None
    occurrence_rate: float | None = None
    total_occurrences: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GroupState:
    """What was decided about a group; the default is a group nobody acted on.

    An ignore whose time has passed reads as unresolved from that second on, whether or not a sweep
    has written it down yet.
    """

    status: Status = Status.UNRESOLVED
    resolved_at: datetime | None = None
    resolved_in_version: str | None = None
    # Resolved in the next version: the newest one that had been seen then.
    resolved_after_version: str | None = None
    resolved_by: str | None = None
    ignored_at: datetime | None = None
    ignored_until: datetime | None = None
    ignored_until_occurrence_rate: float | None = None
    ignored_until_total_occurrences: int | None = None
    ignored_at_occurrence_count: int | None = None
    ignored_reason: str | None = None
    ignored_by: str | None = None
    # The fingerprint of the group that this one's failures count for. What was decided about a
    # merged group is kept, and has no effect as long as it is merged.
    merged_into: str | None = None

    def at(self, now: datetime) -> "GroupState":
        """The state as it reads at `now`."""
        if not self.ignore_has_expired(now):
            return self
        return GroupState(merged_into=self.merged_into)

    def failures_left(self, count: int) -> int | None:
        """How many more failures end an ignore that waits for a number of them; None where none is
        waited for. `count`: all that are kept, which are fewer than at the start once some of those
        have expired."""
        wanted = self.ignored_until_total_occurrences
        if wanted is None:
            return None
        return max(0, wanted - max(0, count - (self.ignored_at_occurrence_count or 0)))

    def ignore_has_expired(self, now: datetime) -> bool:
        return (
            self.status is Status.IGNORED
            and self.ignored_until is not None
            and self.ignored_until <= now
        )


UNTOUCHED = GroupState()
