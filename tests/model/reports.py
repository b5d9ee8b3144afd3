"""What workers tell of runs, and what is loaded of them."""

from datetime import timedelta
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from runs_app.services.replicate import Replicator
from tests.model.history import History
from tests.model.runs import Report, Row
from tests.model.wire import CHANGES, REPORTS, ROWS, TIMES, later_row

SOME: Final = st.lists(REPORTS, min_size=1, max_size=3)


class Reports(History):
    @initialize(reports=SOME)
    def report_first(self, reports: list[Report]) -> None:
        self.send(reports)

    @rule(reports=SOME)
    def report(self, reports: list[Report]) -> None:
        self.send(reports)

    @rule(which=st.integers(0, 9), change=CHANGES, again=st.booleans())
    def report_with_one_change(self, which: int, change: dict[str, Any], again: bool) -> None:
        self.send_changed(which, change, again=again)

    @rule(which=st.integers(0, 9))
    def send_an_earlier_body_again(self, which: int) -> None:
        self.send(self.sent[which % len(self.sent)])

    @rule(rows=st.lists(ROWS, min_size=1, max_size=3))
    def load_a_file(self, rows: list[Row]) -> None:
        self.load(rows)

    @precondition(lambda self: self.model.groups())
    @rule(which=st.integers(0, 9), number=st.integers(1, 9), finished=TIMES, named=st.booleans())
    def load_a_later_row_of_a_failure(
        self, which: int, number: int, finished: timedelta, named: bool
    ) -> None:
        counted = sorted(run_id for run_id, run in self.model.runs.items() if run.count)
        run_id = counted[which % len(counted)]
        self.load([later_row(run_id, self.model.runs[run_id], number, finished, named=named)])

    @precondition(lambda self: self.files)
    @rule(which=st.integers(0, 9))
    def load_an_earlier_file_again(self, which: int) -> None:
        self.load(self.files[which % len(self.files)])

    @rule()
    def replicate_one_batch(self) -> None:
        Replicator().replicate_once()
