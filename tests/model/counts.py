"""Which groups there are and what they count, in plain Python, written from the specification.

Nothing here calls the code under test. The rules are those of the design's section on counting, and
decisions 7 (a group shows its newest failure) and 10 (what a rebuild knows).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from tests.model.runs import (
    Report,
    Row,
    Run,
    loaded_again,
    loaded_first,
    reported_again,
    reported_first,
)


class Group(NamedTuple):
    task: str
    fingerprint: str


class Telling(NamedTuple):
    """That a run failed in a group: when, with which message, in which version."""

    group: Group
    at: datetime
    message: str
    run: str
    version: str


@dataclass
class Seen:
    """The first and the last failure of a group, and the text of the last.

    Of several at one moment the one told last speaks; no two runs of the model fail at the same
    moment, so that these are one run's.
    """

    first: datetime
    last: datetime
    message: str

    def add(self, at: datetime, message: str) -> None:
        self.first = min(self.first, at)
        if at >= self.last:
            self.last, self.message = at, message


@dataclass
class Model:
    """One environment.

    `told` is every failure ever told, of which `arrived` had reached ClickHouse for certain when
    everything was compared last. `seen` is what ClickHouse knows of a group for certain, beside
    the runs that count; `doubtful` is what it knew before it lost something, and may still know.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    seen: dict[Group, Seen] = field(default_factory=dict)
    told: list[Telling] = field(default_factory=list)
    arrived: int = 0
    doubtful: list[Telling] = field(default_factory=list)

    def report(self, report: Report, received: datetime) -> str:
        """Take one report, and tell how it is to be answered: accepted or unchanged."""
        before = self.runs.get(report.run)
        if before is None:
            self._keep(report.run, reported_first(report))
            return "accepted"
        told, newest = report.updated_at, before.newest_told
        if told is not None and newest is not None and told < newest:
            return "unchanged"
        after = reported_again(before, report, received)
        if after.content != before.content:
            self._keep(report.run, replace(after, row=None))
            return "accepted"
        if told is not None and told != newest:
            # Confirmed: no count changes, but the run does not stand as a row left it any more.
            self.runs[report.run] = replace(before, newest_told=told, row=None)
        return "unchanged"

    def load(self, rows: Sequence[Row]) -> tuple[int, int]:
        """Take the rows of one file: a run's row with the highest number, the first of equals, if
        the file does not say at that number or a higher one that the run is deleted.

        How many rows are refused for that: of runs that are unknown here, and of those that stay.
        """
        deletions: dict[str, int] = {}
        for row in rows:
            if row.deleted:
                deletions[row.run] = max(row.number, deletions.get(row.run, 0))
        kept = [row for row in rows if row.number > deletions.get(row.run, -1)]
        refused = Counter(
            row.run in self.runs for row in rows if row.number <= deletions.get(row.run, -1)
        )
        self._load_newest(kept)
        return refused[False], refused[True]

    def _load_newest(self, rows: Iterable[Row]) -> None:
        newest: dict[str, Row] = {}
        for row in rows:
            if row.run not in newest or newest[row.run].number < row.number:
                newest[row.run] = row
        for row in newest.values():
            before = self.runs.get(row.run)
            if before is None:
                self._keep(row.run, loaded_first(row))
            elif before.row is not None:
                if row.number > before.row:
                    self._keep(row.run, loaded_again(before, row))
            elif row.updated_at > before.last_known_at():
                self._keep(row.run, loaded_again(before, row))

    def groups(self) -> dict[Group, dict[str, Run]]:
        """The runs that count, by group and id."""
        found: dict[Group, dict[str, Run]] = {}
        for run_id, run in self.runs.items():
            if run.count is not None:
                group = Group(run.count.task, run.count.fingerprint)
                found.setdefault(group, {})[run_id] = run
        return found

    def clickhouse_was_emptied(self) -> None:
        """What is told again is told by the runs that count, or is on its way by now."""
        self.doubtful = [*self.told[self.arrived :], *self.told_by_runs()]
        self.seen = {}

    def clickhouse_lost_something(self) -> None:
        self.doubtful = list(self.told)
        self.seen = {}

    def is_right(self, group: Group, shown: Seen) -> bool:
        """Whether a group that counts may be shown so, once everything has arrived."""
        known = self._known_for_certain(group)
        doubtful = [telling for telling in self.doubtful if telling.group == group]
        firsts = {known.first, *(one.at for one in doubtful if one.at < known.first)}
        lasts = {
            (known.last, known.message),
            *((one.at, one.message) for one in doubtful if one.at > known.last),
        }
        return shown.first in firsts and (shown.last, shown.message) in lasts

    def everything_arrived(self, shown: Mapping[Group, Seen]) -> None:
        """From now on, what is shown of a group is certain."""
        self.arrived = len(self.told)
        self.seen.update(shown)
        self.doubtful = [telling for telling in self.doubtful if telling.group not in shown]

    def _known_for_certain(self, group: Group) -> Seen:
        tellings = [telling for telling in self.told_by_runs() if telling.group == group]
        _, at, message, *_ = tellings[0]
        known = replace(self.seen.get(group) or Seen(at, at, message))
        for telling in tellings:
            known.add(telling.at, telling.message)
        return known

    def told_by_runs(self) -> list[Telling]:
        """What the runs that count tell now."""
        return [
            telling
            for run_id, run in self.runs.items()
            if (telling := _telling(run_id, run)) is not None
        ]

    def _keep(self, run_id: str, run: Run) -> None:
        run = run.counted()
        self.runs[run_id] = run
        telling = _telling(run_id, run)
        if telling is None:
            return
        group, at, message, *_ = telling
        self.told.append(telling)
        self.seen.setdefault(group, Seen(at, at, message)).add(at, message)


def _telling(run_id: str, run: Run) -> Telling | None:
    """What a run tells that counts."""
    if run.count is None:
        return None
    assert run.message is not None, "a run in a group has an error"
    group = Group(run.count.task, run.count.fingerprint)
    return Telling(group, run.count.at, run.message, run_id, run.count.version)
