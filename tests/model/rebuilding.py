"""What ClickHouse loses and is told again: repairs and rebuilds."""

import time
from contextlib import suppress
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import rule

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.failures import ClickHouseFault, ClickHouseUnavailable
from runs_app.domain.fault_points import FaultPoint, listening
from runs_app.domain.times import utc_now
from runs_app.queries import rebuilds
from runs_app.services.rebuild import Stopped, rebuild
from runs_app.services.replicate import Replicator
from runs_app.services.retention import sweep_retention
from runs_app.services.verify import verify_environment
from tests.model.history import PATIENCE_SECONDS, Died, History, dying_at, patiently
from tests.model.reports import SOME
from tests.model.runs import Report
from tests.model.wire import CHANGES

REBUILD_POINTS: Final = [
    point for point in FaultPoint if point.name in {
        "BEFORE_REPAIR", "AFTER_ROWS_AGAIN", "AFTER_TOMBSTONES", "BEFORE_MINUTES", "AFTER_MINUTES",
    }
]  # fmt: skip

# Parts that hold nothing but this environment's rows, the newest first.
OWN_PARTS: Final = """
SELECT _part
FROM {table}
GROUP BY _part
HAVING countIf(environment_id != {environment:String}) = 0
ORDER BY max(toUInt64(splitByChar('_', _part)[2])) DESC
"""
DROP_PART: Final = "ALTER TABLE {table} DROP PART {part:String}"


class Rebuilding(History):
    @rule(meanwhile=st.lists(st.tuples(st.integers(0, 9), CHANGES), min_size=1, max_size=4))
    def rebuild_some_steps(self, meanwhile: list[tuple[int, dict[str, Any]]]) -> None:
        """A run changes after each step, and a batch arrives."""
        for which, change in meanwhile:
            self._rebuild(1)
            self.send_changed(which, change)
            Replicator().replicate_once()

    @rule(point=st.sampled_from(REBUILD_POINTS), times=st.integers(1, 3), reports=SOME)
    def die_while_rebuilding(self, point: FaultPoint, times: int, reports: list[Report]) -> None:
        self.send(reports)
        with suppress(Died), listening(dying_at(point, times)):
            self.finish_rebuild(begin=True)

    @rule()
    def sweep_what_is_past_retention(self) -> None:
        """Nothing is as old as that."""
        assert not any(step.count for step in sweep_retention(utc_now()))

    def finish_rebuild(self, *, begin: bool = False) -> None:
        if begin or rebuilds.is_under_way():
            self._rebuild(None)

    def lose_the_newest_part(self, table: str) -> None:
        self.had_lost_something = True
        environment = {"environment": self.workspace.tenant.environment_id}
        parts = clickhouse().query(
            "parts of an environment", OWN_PARTS.replace("{table}", table), environment
        )
        # A part that was merged away just now is not lost.
        with suppress(ClickHouseFault):
            for (part,) in parts[:1]:
                clickhouse().command(
                    "drop part", DROP_PART.replace("{table}", table), {"part": part}
                )

    def repair(self) -> None:
        patiently(self._repair_what_verifies_wrong)

    def _repair_what_verifies_wrong(self) -> bool:
        try:
            verdict = verify_environment(self.workspace.tenant, repair=True)
        except ClickHouseUnavailable:
            return False
        assert verdict.remaining == []
        return True

    def _rebuild(self, steps: int | None) -> None:
        """Begin a rebuild or go on with it, so many steps or to its end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        done = 0

        def wait(seconds: float) -> bool:
            assert time.monotonic() < deadline, "the rebuild waits for ever"
            time.sleep(min(seconds, 0.1))
            return done == steps

        def report(_progress: rebuilds.RebuildProgress) -> None:
            nonlocal done
            done += 1

        self.settled = False
        self.had_lost_something = True
        if not rebuilds.is_under_way():
            self.model.clickhouse_was_emptied()
        with suppress(Stopped):
            rebuild(wait, report)
