"""What people and programs decide about groups, how time goes by, and when a decision ends."""

from contextlib import suppress
from datetime import timedelta
from typing import Any, Final
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from errors_app.queries import states
from runs_app.clickhouse.failures import ClickHouseUnavailable
from runs_app.domain.fault_points import FaultPoint, listening
from runs_app.models import OutboxEntry
from tests.conftest import Answer, Api
from tests.model.clock import Clock
from tests.model.counts import Group
from tests.model.decisions import UNTOUCHED, Actor, Entry, State, Wanted, is_newer
from tests.model.history import Died, arrive, dying_at
from tests.model.runs import FINGERPRINTS
from tests.model.shown_states import SECOND, ShownStates, sweep_thoroughly
from tests.model.wire import VERSIONS, failing_now
from tests.people import member_of, row_of_key, token_of_person
from tests.replication.conftest import Line

MESSAGES: Final = {fingerprint: message for message, fingerprint in FINGERPRINTS.items()}
# Longer than any history.
A_LONG_WHILE: Final = timedelta(days=20)
# Some of it before the last failure, some in one minute with it, some before that.
AGO: Final = (timedelta(0), timedelta(0), timedelta(seconds=20), timedelta(minutes=2))
STEPS_OF_TIME: Final = (timedelta(seconds=30), timedelta(minutes=7), timedelta(hours=2))
DURATIONS: Final = (timedelta(seconds=5), timedelta(minutes=5), timedelta(hours=1))

RESOLUTIONS: Final = st.one_of(
    st.just(Wanted("resolve")),
    st.just(Wanted("resolve", in_next_version=True)),
    st.builds(Wanted, st.just("resolve"), version=st.sampled_from(VERSIONS)),
)
IGNORES: Final = st.builds(
    Wanted,
    st.just("ignore"),
    duration=st.one_of(st.none(), st.sampled_from(DURATIONS)),
    rate=st.one_of(st.none(), st.sampled_from((0.5, 1, 2, 3))),
    total=st.one_of(st.none(), st.sampled_from((1, 2, 3))),
    reason=st.sampled_from((None, "known")),
)
REOPENING: Final = Wanted("unresolve")
DECISIONS: Final = st.one_of(RESOLUTIONS, IGNORES, st.just(REOPENING))
SOME_RUNS: Final = st.sets(st.integers(0, 7), min_size=1, max_size=3)
ANY_VERSION: Final = st.one_of(st.none(), st.sampled_from(VERSIONS))
SWEEP_POINTS: Final = [
    point for point in FaultPoint if point.name in {
        "BEFORE_STATES_COMMIT", "AFTER_STATES_COMMIT", "AFTER_STATES_TOLD", "BETWEEN_SWEEP_PARTS",
    }
]  # fmt: skip
WHICH: Final = st.integers(0, 9)
WHO: Final = st.integers(0, 1)


class Lifecycle(ShownStates):
    """Decisions are made by the environment's key or by a person, about any group that is shown."""

    def __init__(self, line: Line, clock: Clock) -> None:
        super().__init__(line, clock)
        person = member_of(self.workspace)
        token = token_of_person(
            self.workspace, person, "read:errors", "write:errors", lifetime=A_LONG_WHILE
        )
        key = Actor("key", str(row_of_key(self.workspace.key).id))
        self.callers: list[tuple[Actor, Api]] = [
            (key, self.workspace.api),
            (Actor("user", person.id), Api(token)),
        ]

    @rule(which=WHICH, who=WHO, wanted=RESOLUTIONS, at_once=st.booleans())
    def resolve(self, which: int, who: int, wanted: Wanted, at_once: bool) -> None:
        self._decide(which, who, wanted, at_once=at_once)

    @rule(which=WHICH, who=WHO, wanted=IGNORES, at_once=st.booleans())
    def ignore(self, which: int, who: int, wanted: Wanted, at_once: bool) -> None:
        self._decide(which, who, wanted, at_once=at_once)

    @rule(which=WHICH, who=WHO, at_once=st.booleans())
    def unresolve(self, which: int, who: int, at_once: bool) -> None:
        self._decide(which, who, REOPENING, at_once=at_once)

    @rule(which=WHICH, who=WHO, wanted=DECISIONS, runs=SOME_RUNS, version=ANY_VERSION)
    def decide_and_see_the_group_fail(
        self, which: int, who: int, wanted: Wanted, runs: set[int], version: str | None
    ) -> None:
        arrive()
        self.read_trails()
        group = self._decide(which, who, wanted, at_once=True)
        if group is not None:
            self.clock.advance(SECOND)
            self._fail(group, runs, version, timedelta(0))
            arrive()

    @precondition(lambda self: self.decisions.states)
    @rule(
        which=WHICH,
        runs=SOME_RUNS,
        version=ANY_VERSION,
        ago=st.sampled_from(AGO),
        arriving=st.booleans(),
    )
    def fail_in_a_group_that_was_decided_about(
        self, which: int, runs: set[int], version: str | None, ago: timedelta, arriving: bool
    ) -> None:
        decided = self.decisions.states
        held = [one for one, state in decided.items() if state.reads(self.clock.now) != UNTOUCHED]
        groups = sorted(held or decided)
        self._fail(groups[which % len(groups)], runs, version, ago)
        if arriving:
            arrive()

    @rule(by=st.sampled_from(STEPS_OF_TIME))
    def let_time_go_by(self, by: timedelta) -> None:
        self.clock.advance(by)

    @rule()
    def sweep(self) -> None:
        sweep_thoroughly()

    @precondition(lambda self: self.decisions.states)
    @rule(point=st.sampled_from(SWEEP_POINTS), times=st.integers(1, 2))
    def die_while_sweeping(self, point: FaultPoint, times: int) -> None:
        with suppress(Died), listening(dying_at(point, times)):
            sweep_thoroughly()

    def person(self, who: int) -> str | None:
        actor, _ = self.callers[who]
        return actor.name if actor.kind == "user" else None

    def decided(
        self, group: Group, wanted: Wanted, who: int, detail: dict[str, Any], operation: str | None
    ) -> State:
        """What that decision made of the group; only the detail tells what is the newest version.
        Kept with its entry of the trail."""
        newest = detail["resolvedAfterVersion"] if wanted.in_next_version else None
        if wanted.in_next_version:
            self._assert_may_be_newest(newest)
        before = self.decisions.state(group).reads(self.clock.now)
        state = wanted.state(self.clock.now, self.person(who), detail["count"], newest)
        entry = Entry(
            wanted.action,
            before.status,
            state.status,
            self.callers[who][0],
            self.clock.now,
            state.told(),
            state.reason or "",
            operation=operation,
        )
        self.decisions.change(group, state, entry)
        return state

    def no_version_is_known(self) -> bool:
        """Whether it may be that no version has arrived in ClickHouse."""
        return not self.settled or not any(run.version for run in self.model.runs.values())

    def _fail(self, group: Group, runs: set[int], version: str | None, ago: timedelta) -> None:
        message = MESSAGES.get(group.fingerprint, "boom")
        at = self.clock.now - ago
        self.send([failing_now(run, group.task, message, version, at) for run in sorted(runs)])

    def _decide(self, which: int, who: int, wanted: Wanted, *, at_once: bool) -> Group | None:
        """The group, if there is any to decide about."""
        self.hold_still()
        groups = self.shown_groups()
        if not groups:
            return None
        group = groups[which % len(groups)]

        answer = self._post(who, group, wanted, at_once=at_once)

        if wanted.in_next_version and answer.status == 409:
            assert self.no_version_is_known()
            return None
        assert answer.status == 200, answer.body
        assert at_once or OutboxEntry.objects.filter(kind="group_states").exists()
        state = self.decided(group, wanted, who, answer.body, None)
        self.assert_shows(answer.body, state)
        self.assert_is_counted_from(group, state)
        return group

    def _post(self, who: int, group: Group, wanted: Wanted, *, at_once: bool) -> Answer:
        _, api = self.callers[who]
        path = f"/api/v1/errors/error_{group.fingerprint}/{wanted.action}"
        task = f"?taskIdentifier={group.task}"
        if at_once:
            return api.post(path + task, wanted.body())
        away = ClickHouseUnavailable("away for a moment", sent=False)
        with patch.object(states, "write_mirror_rows", side_effect=away):
            return api.post(path + task, wanted.body())

    def _assert_may_be_newest(self, version: str) -> None:
        """A run may have had a version only for a while; where all has arrived, nothing newer is
        left out. An odd one is neither newer nor older."""
        told = (one.version for body in (*self.sent, *self.files) for one in body)
        assert version in told
        if self.settled:
            assert not any(is_newer(run.version, version) for run in self.model.runs.values())
