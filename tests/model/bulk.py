"""One decision about many groups, and taking it back."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.conftest import Answer
from tests.model.clock import Clock
from tests.model.counts import Group
from tests.model.decisions import STATUSES, Entry, State, Wanted
from tests.model.history import arrive
from tests.model.lifecycle import DECISIONS, WHO, Lifecycle
from tests.model.shown_states import group_of
from tests.model.wire import TASKS
from tests.replication.conftest import Line

UNDO_TIME: Final = timedelta(minutes=10)
NOBODYS: Final = "error_0123456789abcdef"

Skipped = set[tuple[str, str | None, str]]


@dataclass
class Operation:
    """What was changed at once. Of each group: the state before, and the length of its trail since
    then."""

    id: str
    at: datetime
    before: dict[Group, State]
    lengths: dict[Group, int]
    is_undone: bool = False


class Bulk(Lifecycle):
    def __init__(self, line: Line, clock: Clock) -> None:
        super().__init__(line, clock)
        self.operations: list[Operation] = []

    @rule(
        who=WHO,
        wanted=DECISIONS,
        numbers=st.sets(st.integers(0, 9), max_size=4),
        bare=st.booleans(),
        dry=st.booleans(),
    )
    def decide_about_named_groups(
        self, who: int, wanted: Wanted, numbers: set[int], bare: bool, dry: bool
    ) -> None:
        """Among them one that does not exist. A bare id may stand for groups in two tasks."""
        self.hold_still()
        shown = self.shown_groups()
        named = [shown[number] for number in sorted(numbers) if number < len(shown)]
        chosen, skipped = set(named), {(NOBODYS, None, "not_found")}
        if bare:
            alike = {one: [g for g in shown if g.fingerprint == one.fingerprint] for one in named}
            chosen = {one for one in named if len(alike[one]) == 1}
            skipped |= {(_id(one), None, "ambiguous_id") for one in named if one not in chosen}
        ids: list[Any] = [NOBODYS, *(_id(one) for one in named)]
        if not bare:
            ids[1:] = [{"id": _id(one), "taskIdentifier": one.task} for one in named]
        self._decide_about_many(who, wanted, {"ids": ids}, chosen, skipped, dry=dry)

    @rule(
        who=WHO,
        wanted=DECISIONS,
        statuses=st.sets(st.sampled_from(STATUSES), max_size=2),
        task=st.one_of(st.none(), st.sampled_from(TASKS)),
        expected=st.sampled_from((None, 0, 1)),
        dry=st.booleans(),
    )
    def decide_about_all_that_match(
        self,
        who: int,
        wanted: Wanted,
        statuses: set[str],
        task: str | None,
        expected: int | None,
        dry: bool,
    ) -> None:
        """`expected`: how far what is expected is from what the list shows. What waits has to
        arrive first: a list leaves out what failed after it."""
        arrive()
        self.read_trails()
        members = {"status": sorted(statuses), "period": "90d", "taskIdentifier": task}
        given = {name: value for name, value in members.items() if value}
        listed = {name: ",".join(v) if isinstance(v, list) else v for name, v in given.items()}
        chosen = {group_of(item) for item in self.workspace.errors(**listed)}
        body: dict[str, Any] = {"filter": given}
        if expected is not None:
            body["expectedCount"] = len(chosen) + expected
        if expected:
            assert self._ask(who, wanted, body, dry=dry).status == 409
            return
        self._decide_about_many(who, wanted, body, chosen, set(), dry=dry)

    @precondition(lambda self: self.operations)
    @rule(which=st.integers(0, 9), who=WHO)
    def undo(self, which: int, who: int) -> None:
        operation = self.operations[-1 - which % len(self.operations)]
        actor, api = self.callers[who]

        answer = api.post(f"/api/v1/errors/bulk/{operation.id}/undo")

        if operation.is_undone or self.clock.now >= operation.at + UNDO_TIME:
            assert answer.status == 409, answer.body
            return
        trails = self.decisions.trails
        same = {one for one, length in operation.lengths.items() if len(trails[one]) == length}
        assert answer.status == 200, answer.body
        assert answer.body["restored"] == len(same)
        assert _skipped(answer) == {
            (_id(one), one.task, "changed_since") for one in operation.before.keys() - same
        }
        operation.is_undone = True
        for one in same:
            now, state = self.clock.now, operation.before[one]
            before = self.decisions.state(one).reads(now)
            told = {"operationId": operation.id}
            entry = Entry("undo", before.status, state.status, actor, now, told)
            self.decisions.change(one, state, replace(entry, operation=operation.id))

    def _decide_about_many(
        self,
        who: int,
        wanted: Wanted,
        body: dict[str, Any],
        chosen: Collection[Group],
        skipped: Skipped,
        *,
        dry: bool,
    ) -> None:
        """`skipped`: what is left out already, and why."""
        known = {one: self.decisions.state(one) for one in chosen}

        answer = self._ask(who, wanted, body, dry=dry)

        if wanted.in_next_version and answer.status == 409:
            assert self.no_version_is_known()
            return
        assert answer.status == 200, answer.body
        details = {one: self.detail(one) for one in known}
        newest = next((d["resolvedAfterVersion"] for d in details.values()), None)
        now, person = self.clock.now, self.person(who)
        stay = {
            one
            for one, state in known.items()
            if wanted.state(now, person, details[one]["count"], newest).is_the_same_as(
                state.reads(now)
            )
        }
        changed = known.keys() - stay
        told = answer.body
        if dry and wanted.in_next_version:
            # Nothing tells what the next one would have come after.
            assert told["changed"] + len(told["skipped"]) == len(known) + len(skipped)
            return
        assert (told["matched"], told["changed"]) == (len(known), len(changed))
        assert (told["operationId"] is None) == (dry or not changed)
        assert _skipped(answer) == skipped | {
            (_id(one), one.task, f"already_{known[one].reads(now).status}") for one in stay
        }
        if dry:
            return
        for one in changed:
            state = self.decided(one, wanted, who, details[one], told["operationId"])
            self.assert_shows(details[one], state)
            self.assert_is_counted_from(one, state)
        if changed:
            lengths = {one: len(self.decisions.trails[one]) for one in changed}
            before = {one: known[one] for one in changed}
            self.operations.append(Operation(told["operationId"], now, before, lengths))

    def _ask(self, who: int, wanted: Wanted, body: dict[str, Any], *, dry: bool) -> Answer:
        _, api = self.callers[who]
        more = {"dryRun": True} if dry else {}
        return api.post(
            "/api/v1/errors/bulk", {"action": wanted.action, **wanted.body(), **body, **more}
        )


def _id(group: Group) -> str:
    return f"error_{group.fingerprint}"


def _skipped(answer: Answer) -> Skipped:
    found = [(one["id"], one["taskIdentifier"], one["reason"]) for one in answer.body["skipped"]]
    assert len(found) == len(set(found))
    return set(found)
