"""One decision about many groups: what is asked for, and what becomes of it."""

from dataclasses import dataclass, field
from enum import StrEnum

from errors_app.domain.decisions import WantedResolution
from errors_app.domain.filters import GroupFilters
from errors_app.domain.groups import Action, GroupKey, IgnoreConditions
from runs_app.domain.window import Window


class SkipReason(StrEnum):
    """Why a group stayed as it is."""

    NOT_FOUND = "not_found"
    # An id that stands for a group in several tasks, none of which was picked.
    AMBIGUOUS_ID = "ambiguous_id"
    ALREADY_RESOLVED = "already_resolved"
    ALREADY_IGNORED = "already_ignored"
    ALREADY_UNRESOLVED = "already_unresolved"
    CHANGED_SINCE = "changed_since"


@dataclass(frozen=True, slots=True)
class PickedGroup:
    """A group as somebody names it; the task only where the fingerprint alone does not do."""

    error_fingerprint: str
    task_identifier: str | None = None


@dataclass(frozen=True, slots=True)
class SkippedGroup:
    picked: PickedGroup
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class BulkChange:
    """What is asked for. `chosen` are groups that are named, or those that a list would show.

    `resolution` belongs to resolve, `conditions` to ignore. `expected_count`: how many groups
    whoever asks saw; `dry_run`: only tell what would become of them. `operation_id`: the id that
    the operation gets, where whoever asks wants to know a request that arrived twice.
    """

    action: Action
    chosen: tuple[PickedGroup, ...] | GroupFilters
    resolution: WantedResolution = field(default_factory=WantedResolution)
    conditions: IgnoreConditions = field(default_factory=IgnoreConditions)
    expected_count: int | None = None
    dry_run: bool = False
    operation_id: str | None = None


@dataclass(frozen=True, slots=True)
class BulkResult:
    """`operation_id` is what can be undone: None where nothing was changed. `matched` groups exist
    and are as asked for, the loudest first where a filter chose them; of them `changed` were not
    that way already."""

    operation_id: str | None
    matched: int
    changed: int
    skipped: tuple[SkippedGroup, ...]
    window: Window | None = None
    matching: tuple[GroupKey, ...] = ()


@dataclass(frozen=True, slots=True)
class UndoResult:
    operation_id: str
    restored: int
    skipped: tuple[SkippedGroup, ...]
