"""Groups that are one bug: what merging and splitting makes of each side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from errors_app.domain.decisions import Decision
from errors_app.domain.groups import Action, GroupState
from runs_app.domain.ids import error_id

MOST_MERGED_AT_ONCE: Final = 100
# Whatever is asked about a group names all that is merged into it.
MOST_MERGED: Final = 1_000


@dataclass(frozen=True, slots=True)
class WantedMerge:
    """Fingerprints as somebody names them; the task where those stand for groups in several."""

    into: str
    merged: tuple[str, ...]
    task_identifier: str | None = None


def merged_away(before: GroupState, survivor: str) -> Decision:
    """Its failures count for the survivor; what was decided about it is kept, and waits."""
    return Decision(
        Action.MERGE,
        replace(before, merged_into=survivor),
        {"mergedInto": error_id(survivor)},
    )


def taken_in(before: GroupState, merged: Sequence[str], count: int) -> Decision:
    """The survivor's state holds. `count`: the failures that come along with the merged groups,
    which are no more of those that "N more" waits for."""
    return Decision(
        Action.MERGE, _begun_at(before, count), {"merged": [error_id(one) for one in merged]}
    )


def split_off(before: GroupState, survivor: str) -> Decision:
    """A group of its own again, in the state that waited meanwhile."""
    return Decision(
        Action.SPLIT, replace(before, merged_into=None), {"splitFrom": error_id(survivor)}
    )


def let_go(before: GroupState, split: str, count: int) -> Decision:
    """The survivor's state holds. `count`: those failures of the group that leaves which the
    survivor's "N more" did not wait for."""
    return Decision(Action.SPLIT, _begun_at(before, -count), {"split": [error_id(split)]})


def _begun_at(before: GroupState, more: int) -> GroupState:
    """With another number at which "N more" begins, where that is waited for."""
    if before.ignored_until_total_occurrences is None:
        return before
    begun = max(0, (before.ignored_at_occurrence_count or 0) + more)
    return replace(before, ignored_at_occurrence_count=begun)
