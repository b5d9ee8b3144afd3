"""Every place that shows what was decided, compared with the model after each step."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from hypothesis.stateful import invariant

from errors_app.models import ErrorGroupActivity, ErrorGroupState
from errors_app.services.sweep import sweep
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.ids import friendly_run_id
from runs_app.domain.times import epoch_milliseconds, iso
from runs_app.queries import rebuilds
from tests.model.checks import Checks
from tests.model.clock import Clock
from tests.model.counts import Group
from tests.model.decisions import (
    IGNORED,
    RESOLVED,
    STATUSES,
    UNTOUCHED,
    Actor,
    Decisions,
    Entry,
    State,
    is_a_right_end,
)
from tests.model.history import arrive, settle_what_is_claimed
from tests.replication.conftest import Line

SECOND: Final = timedelta(seconds=1)
MEMBERS: Final = (
    "status", "resolvedAt", "resolvedInVersion", "resolvedInNextVersion", "resolvedAfterVersion",
    "resolvedBy", "ignoredAt", "ignoredUntil", "ignoredReason", "ignoredByUserId",
    "ignoredUntilOccurrenceRate", "ignoredUntilTotalOccurrences",
)  # fmt: skip
MIRROR: Final = """
SELECT
    task_identifier,
    error_fingerprint,
    status,
    toUnixTimestamp64Milli(ignored_until),
    toUnixTimestamp64Milli(resolved_at)
FROM error_group_states_v1 FINAL
WHERE environment_id = {environment:String}
"""


class ShownStates(Checks):
    def __init__(self, line: Line, clock: Clock) -> None:
        super().__init__(line, clock)
        self.decisions = Decisions()
        self.settled_cuts = line.cuts

    @invariant()
    def decisions_are_shown_as_they_are(self) -> None:
        """No two steps happen at the same second."""
        if self.decisions.states:
            self.read_trails()
        if self.decisions.states and not self.is_moving():
            self._assert_lists()
            for group in self.shown_groups():
                self.assert_shows(self.detail(group), self.decisions.state(group))
        self.clock.advance(SECOND)

    def settle(self) -> None:
        """What a batch brought about is there with it, and all the rest after a sweep."""
        super().settle()
        self.settled_cuts = self.line.cuts
        self.read_trails()
        assert not self._overdue(at_once=True)
        sweep_thoroughly()
        self.had_lost_something = False
        self.read_trails()
        assert not self._overdue(at_once=False)
        arrive()
        self._assert_mirror()
        for group in self.decisions.trails.keys() & set(self.shown_groups()):
            self._assert_shows_trail(group)

    def is_moving(self) -> bool:
        """Whether an insert whose line was cut may still arrive, between any two requests."""
        return self.line.cuts > self.settled_cuts

    def hold_still(self) -> None:
        """A repair waits for such an insert."""
        if self.is_moving():
            settle_what_is_claimed()
            self.settled_cuts = self.line.cuts
            self.read_trails()

    def shown_groups(self) -> list[Group]:
        return sorted(group_of(item) for item in self.workspace.errors(period="90d"))

    def assert_is_counted_from(self, group: Group, state: State) -> None:
        """What a group counted when it was ignored is known by the state's row alone."""
        row = ErrorGroupState.objects.get(
            environment=self.workspace.environment,
            task_identifier=group.task,
            error_fingerprint=group.fingerprint,
        )
        assert row.ignored_at_occurrence_count == state.base

    def assert_shows(self, detail: Mapping[str, Any], state: State) -> None:
        """A detail shows that state as it is to be read now."""
        state = state.reads(self.clock.now)
        expected = dict.fromkeys(MEMBERS) | {"status": state.status, "resolvedInNextVersion": False}
        if state.status == RESOLVED:
            expected |= {
                "resolvedAt": iso(state.since),
                "resolvedInVersion": state.in_version,
                "resolvedInNextVersion": state.after_version is not None,
                "resolvedAfterVersion": state.after_version,
                "resolvedBy": state.person,
            }
        if state.status == IGNORED:
            expected |= {
                "ignoredAt": iso(state.since),
                "ignoredUntil": state.until and iso(state.until),
                "ignoredReason": state.reason,
                "ignoredByUserId": state.person,
                "ignoredUntilOccurrenceRate": state.rate,
                "ignoredUntilTotalOccurrences": state.total,
            }
        assert {name: detail[name] for name in MEMBERS} == expected

    def _assert_lists(self) -> None:
        """Each group is in the list of its status and in no other."""
        shown = self.workspace.errors(period="90d")
        for item in shown:
            state = self.decisions.state(group_of(item)).reads(self.clock.now)
            assert (item["status"], item["resolvedAt"], item["ignoredUntil"]) == (
                state.status,
                iso(state.since) if state.status == RESOLVED and state.since else None,
                state.until and iso(state.until),
            )
        # A rebuild tells the copy that is filtered by anew.
        for status in () if rebuilds.is_under_way() else STATUSES:
            assert self.workspace.errors(period="90d", status=status) == [
                item for item in shown if item["status"] == status
            ]

    def read_trails(self) -> None:
        """What is new in the trails was done by rules, which were right to do it."""
        for group, entries in self._written_trails().items():
            known = self.decisions.trails.get(group, [])
            assert entries[: len(known)] == known
            told = [telling for telling in self.model.told if telling.group == group]
            for entry in entries[len(known) :]:
                state = self.decisions.state(group)
                assert is_a_right_end(state, entry, told), (state, entry, told)
                self.decisions.change(group, UNTOUCHED, entry)

    def _written_trails(self) -> dict[Group, list[Entry]]:
        rows = (
            ErrorGroupActivity.objects.filter(state__environment=self.workspace.environment)
            .select_related("state")
            .order_by("state_version")
        )
        trails: defaultdict[Group, list[Entry]] = defaultdict(list)
        for row in rows:
            group = Group(row.state.task_identifier, row.state.error_fingerprint)
            trails[group].append(_entry(row))
            assert row.state_version == len(trails[group])
        return trails

    def _overdue(self, *, at_once: bool) -> dict[Group, State]:
        """The decisions that hold though they are over.

        `at_once`: of those that a batch ends. It asks ClickHouse for figures, so that the sweep has
        to come where some of them were gone, or were taken back after the batch.
        """
        failures = [
            one for one in self.model.told_by_runs() if f"run_{one.run}" not in self.dropped
        ]
        found = {}
        for group, state in self.decisions.states.items():
            if at_once and self.decisions.trails[group][-1].action == "undo":
                # No batch asked about what is in force again.
                continue
            known = [one for one in failures if one.group == group]
            figures_are_certain = not self.dropped and not (
                at_once and (self.had_lost_something or self._was_taken_back(group))
            )
            promised = state
            if not figures_are_certain:
                promised = replace(promised, total=None, rate=None)
            if at_once:
                promised = replace(promised, until=None)
            if promised.is_over(known, self.clock.now):
                found[group] = state
        return found

    def _was_taken_back(self, group: Group) -> bool:
        """Whether a failure that was told of the group counts there no more."""
        counting = {(one.group, one.run, one.at, one.version) for one in self.model.told_by_runs()}
        return any(
            one.group == group and (one.group, one.run, one.at, one.version) not in counting
            for one in self.model.told
        )

    def _assert_mirror(self) -> None:
        """ClickHouse's copy has of each state what the lists are filtered by."""
        environment = {"environment": self.workspace.tenant.environment_id}
        rows = clickhouse().query("mirror", MIRROR, environment)
        assert {Group(*row[:2]): tuple(row[2:]) for row in rows} == {
            group: (
                state.status,
                state.until and epoch_milliseconds(state.until),
                epoch_milliseconds(state.since) if state.status == RESOLVED else None,
            )
            for group, state in self.decisions.states.items()
        }

    def detail(self, group: Group, more: str = "") -> Any:
        path = f"/api/v1/errors/error_{group.fingerprint}{more}"
        answer = self.workspace.api.get(path, {"taskIdentifier": group.task, "page[size]": "100"})
        assert answer.status == 200, answer.body
        return answer.body

    def _assert_shows_trail(self, group: Group) -> None:
        shown = self.detail(group, "/activity")["data"]
        assert [
            (
                one["action"], one["fromStatus"], one["toStatus"], one["actor"]["type"],
                one["actor"]["id"] or one["actor"]["name"], one["createdAt"], one["details"] or {},
                one["reason"] or "", one["runId"] or "", one["version"] or "",
            )
            for one in reversed(shown)
        ] == [
            (
                one.action, one.before, one.after, *one.actor, iso(one.at), dict(one.details),
                one.reason, one.run, one.version,
            )
            for one in self.decisions.trails[group]
        ]  # fmt: skip


def group_of(item: Mapping[str, Any]) -> Group:
    return Group(item["taskIdentifier"], item["fingerprint"])


def _entry(row: ErrorGroupActivity) -> Entry:
    names = {"user": row.user_id, "key": row.api_key_id, "rule": row.rule}
    return Entry(
        row.action,
        row.from_status,
        row.to_status,
        Actor(row.actor_kind, str(names[row.actor_kind])),
        row.created_at,
        row.details,
        row.reason,
        row.run_id and friendly_run_id(row.run_id),
        row.task_version,
        row.operation_id and str(row.operation_id),
    )


def sweep_thoroughly() -> None:
    for _ in sweep():
        pass
