"""What other settings would make of groups: which would become one, and which would part.

Groups of before and after are compared by the runs they share, never by their ids, for another
rule gives every group another id.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

# A fingerprint in a task; the fingerprint is empty for runs that are in no group.
Group = tuple[str, str]

MOST_EXAMPLES: Final = 5
MOST_PARTS: Final = 5


@dataclass(frozen=True, slots=True)
class Part:
    """Runs that two groups share: how many, the fingerprint of the one of the two that is not
    named beside it, and the id of one of the runs."""

    fingerprint: str
    runs: int
    example: int


@dataclass(frozen=True, slots=True)
class Example:
    """A group that would be made of several, or become several, with the largest of these."""

    task_identifier: str
    fingerprint: str
    runs: int
    groups: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """Groups that merge or split. `groups`: of those with many on the other side, how many;
    `others`: how many on that side; `runs`: in them. `examples`: the largest."""

    groups: int
    others: int
    runs: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Regrouping:
    """`before`, `after`: groups there are, and would be; `kept`: those that would neither merge
    nor split; `affected`: the runs in all others. `leave`, `enter`: runs that would be in no group
    any more, and those that would come into one."""

    runs: int
    before: int
    after: int
    kept: int
    affected: int
    leave: int
    enter: int
    merges: Changes
    splits: Changes


@dataclass(slots=True)
class _Shared:
    """Runs that a group of before and one of after have in common."""

    example: int
    runs: int = 0


@dataclass(slots=True)
class RegroupingTally:
    """Counts runs by the two groups they are in. It grows with the groups, not with the runs."""

    _shared: dict[tuple[str, str, str], _Shared] = field(default_factory=dict)

    def add(self, task_identifier: str, before: str, after: str, run: int) -> None:
        """Count one run by its fingerprints of before and after; `run` is its id."""
        key = (task_identifier, before, after)
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = _Shared(run)
        shared.runs += 1

    def result(self) -> Regrouping:
        """What all the runs counted so far amount to."""
        before = Counter((task, old) for task, old, new in self._shared if old and new)
        after = Counter((task, new) for task, old, new in self._shared if old and new)
        affected = kept = leave = enter = runs = 0
        for (task, old, new), shared in self._shared.items():
            runs += shared.runs
            if not (old and new):
                leave += shared.runs if old else 0
                enter += shared.runs if new else 0
            elif before[task, old] > 1 or after[task, new] > 1:
                affected += shared.runs
            else:
                kept += 1
        return Regrouping(
            runs=runs,
            before=len({(task, old) for task, old, _ in self._shared if old}),
            after=len({(task, new) for task, _, new in self._shared if new}),
            kept=kept,
            affected=affected,
            leave=leave,
            enter=enter,
            merges=self._changes(after, by_new=True),
            splits=self._changes(before, by_new=False),
        )

    def _changes(self, degrees: Counter[Group], *, by_new: bool) -> Changes:
        """`degrees`: of each group, with how many on the other side it shares runs."""
        sizes: Counter[Group] = Counter()
        for group, _, shared in self._pairs(by_new=by_new):
            if degrees[group] > 1:
                sizes[group] += shared.runs
        largest = sorted(sizes, key=lambda group: (-sizes[group], group))[:MOST_EXAMPLES]
        parts: defaultdict[Group, list[Part]] = defaultdict(list)
        wanted = set(largest)
        for group, other, shared in self._pairs(by_new=by_new):
            if group in wanted:
                parts[group].append(Part(other, shared.runs, shared.example))
        return Changes(
            groups=len(sizes),
            others=self._others(degrees, by_new=by_new),
            runs=sizes.total(),
            examples=tuple(
                Example(*group, sizes[group], degrees[group], _largest(parts[group]))
                for group in largest
            ),
        )

    def _others(self, degrees: Counter[Group], *, by_new: bool) -> int:
        """Groups of the other side that share runs with such a group; each counts once."""
        return len(
            {
                (group[0], other)
                for group, other, _ in self._pairs(by_new=by_new)
                if degrees[group] > 1
            }
        )

    def _pairs(self, *, by_new: bool) -> Iterator[tuple[Group, str, _Shared]]:
        """Pairs of groups that share runs, from one side or from the other."""
        for (task, old, new), shared in self._shared.items():
            if old and new:
                yield ((task, new), old, shared) if by_new else ((task, old), new, shared)


def _largest(parts: list[Part]) -> tuple[Part, ...]:
    return tuple(sorted(parts, key=lambda part: (-part.runs, part.fingerprint))[:MOST_PARTS])
