"""Every place that shows runs and counts, compared with the model."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from hypothesis.stateful import rule

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.times import iso
from runs_app.models import OutboxEntry, QuarantinedRow
from runs_app.services.quarantine import try_again
from runs_app.services.verify import verify_environment
from tests.counting import figures
from tests.counting.figures import Failure, assert_counts
from tests.model.counts import Group, Seen
from tests.model.history import arrive
from tests.model.rebuilding import Rebuilding
from tests.replication.spoiling import assert_minutes_say_what_the_failed_runs_say

FAILED_RUNS: Final = """
SELECT friendly_id, task_identifier, error_fingerprint, task_version
FROM error_runs_v1 FINAL
WHERE environment_id = {environment:String}
"""


class Checks(Rebuilding):
    @rule()
    def settle_and_compare(self) -> None:
        self.settle()

    def teardown(self) -> None:
        self.settle()

    def settle(self) -> None:
        self.finish_rebuild()
        self.arrive_with_what_is_set_aside()
        assert not OutboxEntry.objects.exists()
        assert QuarantinedRow.objects.exists() == bool(self.dropped)
        if self.dropped:
            self.assert_others(self.dropped)
        else:
            self._assert_everything()
        self.settled = True

    def arrive_with_what_is_set_aside(self) -> None:
        arrive()
        while mended := self.spoiler.mend():
            assert try_again(mended) == len(mended)
            arrive()

    def assert_others(self, unknown: Collection[str]) -> None:
        """What is shown of all runs but those, and that the counts are of the failed runs."""
        tenant = self.workspace.tenant
        assert_minutes_say_what_the_failed_runs_say(self.workspace)
        assert verify_environment(tenant, repair=False).found == []
        self._assert_runs(unknown)
        failed = clickhouse().query(
            "failed runs", FAILED_RUNS, {"environment": tenant.environment_id}
        )
        assert sorted(row for row in failed if row[0] not in unknown) == sorted(
            (f"run_{run_id}", group.task, group.fingerprint, run.version)
            for group, members in self.model.groups().items()
            for run_id, run in members.items()
            if f"run_{run_id}" not in unknown
        )

    def _assert_everything(self) -> None:
        """Every place that shows anything shows what the model says."""
        shown = {
            Group(group["taskIdentifier"], group["fingerprint"]): Seen(
                datetime.fromisoformat(group["firstSeen"]),
                datetime.fromisoformat(group["lastSeen"]),
                group["errorMessage"],
            )
            for group in self.workspace.errors(period="90d")
        }
        groups = self.model.groups()
        assert shown.keys() == groups.keys()
        for group, seen in shown.items():
            assert self.model.is_right(group, seen), (group, seen)
        failures = {
            f"run_{run_id}": Failure(
                group.task, shown[group].message, run.version, run.failed_at, group.fingerprint
            )
            for group, members in groups.items()
            for run_id, run in members.items()
        }
        seen = {group: figures.Seen(one.first, one.last) for group, one in shown.items()}
        assert_counts(self.workspace, failures, seen)
        self._assert_runs(())
        self.model.everything_arrived(shown)

    def _assert_runs(self, unknown: Collection[str]) -> None:
        shown = {
            (
                run["id"], run["status"], run["taskIdentifier"], run.get("version", ""),
                tuple(run["tags"]), run["createdAt"],
            )
            for run in self.workspace.runs(**{"page[size]": "100"})
            if run["id"] not in unknown
        }  # fmt: skip
        assert shown == {
            (
                f"run_{run_id}", run.status, run.task, run.version,
                () if run.tag is None else (run.tag,), iso(run.created_at),
            )
            for run_id, run in self.model.runs.items()
            if f"run_{run_id}" not in unknown
        }  # fmt: skip
