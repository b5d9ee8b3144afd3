"""What goes wrong between the outbox and ClickHouse."""

from contextlib import suppress
from itertools import count
from typing import Any, Final

from django.db.models import Sum
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from runs_app.clickhouse.failures import DataRefused
from runs_app.domain.fault_points import FaultPoint, listening
from runs_app.models import OutboxEntry
from runs_app.services.quarantine import drop, try_again
from runs_app.services.replicate import Outcome, Replicator
from tests.model.checks import Checks
from tests.model.history import Died, arrive, dying_at, runs_of, settle_what_is_claimed
from tests.model.reports import SOME
from tests.model.runs import Report
from tests.model.wire import CHANGES, changed
from tests.replication.accidents import ACCIDENTS
from tests.replication.conftest import Cut
from tests.replication.spoiling import set_aside_keys

# What nobody who reads rows here takes, and what the server refuses where it gets it.
SPOILED: Final[dict[str, dict[str, Any]]] = {
    "a number for a text": {"task_version": 17},
    "broken JSON": {"error": "{"},
}
MINUTES: Final = "error_occurrences_v1"
TABLES: Final = ("task_runs_v2", "error_runs_v1", "errors_v1", MINUTES)


class Accidents(Checks):
    @rule(point=st.sampled_from(FaultPoint), times=st.integers(1, 2), reports=SOME)
    def die_while_replicating(self, point: FaultPoint, times: int, reports: list[Report]) -> None:
        self.send(reports)
        with suppress(Died), listening(dying_at(point, times)):
            Replicator().drain()

    # Whether a rule is open must not depend on the stores, where some things go at their own pace.

    @rule(accident=st.sampled_from(sorted(ACCIDENTS)), reports=SOME)
    def claim_a_batch_of_which_something_arrived(
        self, accident: str, reports: list[Report]
    ) -> None:
        self.send(reports)
        settle_what_is_claimed()
        # What is refused did not arrive.
        with suppress(DataRefused):
            ACCIDENTS[accident]()

    @rule(cut=st.sampled_from([cut for cut in Cut if cut is not Cut.NEVER]), reports=SOME)
    def lose_the_line_in_the_middle_of_an_insert(self, cut: Cut, reports: list[Report]) -> None:
        self.send(reports)
        settle_what_is_claimed()
        # States come first.
        while OutboxEntry.objects.filter(kind="group_states").exists():
            assert Replicator().replicate_once() is Outcome.DONE
        if not OutboxEntry.objects.exists():
            return
        cuts = self.line.cuts
        self.line.cut = cut

        outcome = Replicator().replicate_once()

        # A row that is refused here is never sent.
        assert self.was_spoiled or (outcome, self.line.cuts) == (Outcome.AWAY, cuts + 1)
        self.line.cut = Cut.NEVER

    @rule()
    def lose_the_newest_part_of_the_minutes_and_repair(self) -> None:
        self.lose_the_newest_part(MINUTES)
        self.repair()

    @rule(table=st.sampled_from(TABLES))
    def lose_the_newest_part_of_what_has_arrived_and_repair(self, table: str) -> None:
        self.arrive_with_what_is_set_aside()
        self.lose_the_newest_part(table)
        self.model.clickhouse_lost_something()
        self.settled = False
        self.repair()

    @rule(which=st.integers(0, 9), how=st.sampled_from(sorted(SPOILED)), reports=SOME)
    def spoil_a_row_that_waits(self, which: int, how: str, reports: list[Report]) -> None:
        self._spoil(which, how, reports)

    @rule(
        which=st.integers(0, 9),
        how=st.sampled_from(sorted(SPOILED)),
        reports=SOME,
        change=CHANGES,
    )
    def have_a_row_refused_and_go_on(
        self, which: int, how: str, reports: list[Report], change: dict[str, Any]
    ) -> None:
        """Of runs with a row set aside nothing is promised but that the tables agree."""
        self._spoil(which, how, reports)
        self.finish_rebuild()
        arrive()
        aside = runs_of(set_aside_keys())
        told = [one for body in self.sent for one in body if f"run_{one.run}" in aside]
        if told:
            self.send([changed(told[-1], change)])
            arrive()
        self.assert_others(self.dropped | aside)

    @precondition(lambda self: self.was_spoiled)
    @rule(mended=st.booleans())
    def try_again_what_is_set_aside(self, mended: bool) -> None:
        try_again(self.spoiler.mend() if mended else set_aside_keys())

    @precondition(lambda self: self.was_spoiled)
    @rule(which=st.integers(0, 9))
    def drop_a_row_that_is_set_aside(self, which: int) -> None:
        keys = set_aside_keys()
        dropped = keys[which % len(keys) :][:1] if keys else []
        self.dropped |= runs_of(dropped)
        assert drop(dropped) == len(dropped)

    def _spoil(self, which: int, how: str, reports: list[Report]) -> None:
        self.send(reports)
        settle_what_is_claimed()
        waiting = OutboxEntry.objects.filter(kind="runs").aggregate(rows=Sum("row_count"))["rows"]
        numbers = count()
        self.was_spoiled = True
        if waiting:
            self.spoiler.spoil(lambda _: next(numbers) == which % waiting, **SPOILED[how])
