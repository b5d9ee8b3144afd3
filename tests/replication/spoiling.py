"""Rows that ClickHouse refuses, made from good ones, and made good again while they are set aside:
what a release does that can read what the one before could not.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.run_rows import COLUMNS, RunRow, decode_rows, encode_rows
from runs_app.models import OutboxEntry, QuarantinedRow, TaskRun
from tests.conftest import Workspace
from tests.counting.figures import Failure
from tests.replication.accidents import named

MINUTES = """
SELECT error_fingerprint, task_identifier, task_version, minute AS at, sum(count) AS failures
FROM error_occurrences_v1
WHERE environment_id = {environment:String}
GROUP BY ALL
HAVING failures != 0
ORDER BY ALL
"""
FAILED_RUNS = """
SELECT
    error_fingerprint,
    task_identifier,
    task_version,
    toDateTime(toStartOfMinute(failed_at), 'UTC') AS at,
    count() AS failures
FROM error_runs_v1 FINAL
WHERE environment_id = {environment:String}
GROUP BY ALL
ORDER BY ALL
"""

RefusedRow = tuple[str, int]


def _name(row: RunRow) -> RefusedRow:
    known = named(row)
    return known["run_id"], known["_version"]


@dataclass
class Spoiler:
    """Spoils rows in the outbox and remembers how they were."""

    originals: dict[RefusedRow, RunRow] = field(default_factory=dict)

    def spoil(self, chosen: Callable[[Any], bool], **values: Any) -> int:
        """Make every waiting row refused whose values by name are `chosen`; how many that were.

        `values`: what is put into such a row instead of a number for a text.
        """
        spoiled = 0
        for entry in OutboxEntry.objects.filter(kind="runs"):
            rows = decode_rows(bytes(entry.content))
            for row in rows:
                if chosen(named(row)):
                    self.originals.setdefault(_name(row), list(row))
                    for name, value in (values or {"task_version": 17}).items():
                        row[COLUMNS.index(name)] = value
                    spoiled += 1
            entry.content = encode_rows(rows)
            entry.save()
        return spoiled

    def mend(self) -> list[int]:
        """Make what was set aside good again, where it was not dropped; its keys."""
        waiting = QuarantinedRow.objects.filter(dropped_at=None)
        for aside in waiting:
            [row] = decode_rows(bytes(aside.content))
            aside.content = encode_rows([self.originals[_name(row)]])
            aside.save()
        return [aside.pk for aside in waiting]


def set_aside_keys() -> list[int]:
    return list(QuarantinedRow.objects.filter(dropped_at=None).values_list("pk", flat=True))


def assert_minutes_say_what_the_failed_runs_say(workspace: Workspace) -> None:
    environment = {"environment": workspace.tenant.environment_id}
    assert clickhouse().query("minutes", MINUTES, environment) == clickhouse().query(
        "failed runs", FAILED_RUNS, environment
    )


def relational_truth(workspace: Workspace) -> dict[str, Failure]:
    """The runs that count, as the relational store has them."""
    return {
        run.friendly_id: Failure(
            run.counted_task or "",
            json.loads(run.error or "{}")["message"],
            run.counted_version or "",
            run.counted_failed_at,
        )
        for run in TaskRun.objects.filter(environment=workspace.environment)
        if run.counted_fingerprint is not None
    }
