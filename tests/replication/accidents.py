"""How a replicator may die between claiming a batch and deleting it.

Each accident leaves a claimed batch of which some, all or nothing has arrived.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.run_rows import COLUMNS, RunRow, decode_rows
from runs_app.domain.times import from_epoch_milliseconds
from runs_app.domain.window import floor_minute
from runs_app.models import OutboxEntry
from runs_app.queries import outbox

FAILED = {"SYSTEM_FAILURE", "CRASHED", "INTERRUPTED", "COMPLETED_WITH_ERRORS", "TIMED_OUT"}
GROUP = ("organization_id", "project_id", "environment_id", "error_fingerprint", "task_identifier")
FAILED_RUN = (
    *GROUP, "failed_at", "run_id", "friendly_id", "status", "task_version", "created_at",
    "is_test", "_version",
)  # fmt: skip


def claim() -> list[RunRow]:
    """What a replicator does first; the rows it would send."""
    batch = outbox.claim_batch(OutboxEntry.Kind.RUNS)
    if batch is None:
        return []
    return [row for entry in batch.entries for row in decode_rows(bytes(entry.content))]


def named(row: RunRow) -> Mapping[str, Any]:
    return dict(zip(COLUMNS, row, strict=True))


def _counted(rows: list[RunRow]) -> list[Mapping[str, Any]]:
    """The rows that the views take."""
    known = map(named, rows)
    return [row for row in known if row["error_fingerprint"] and row["status"] in FAILED]


def insert_runs(rows: list[RunRow]) -> None:
    clickhouse().insert("task_runs_v2", COLUMNS, rows)


def insert_failed_runs(rows: list[RunRow]) -> None:
    clickhouse().insert(
        "error_runs_v1",
        (*FAILED_RUN, "_is_deleted"),
        [
            (*(row[name] for name in FAILED_RUN), int(row["error_delta"] < 0))
            for row in _counted(rows)
        ],
    )


def insert_minutes(rows: list[RunRow]) -> None:
    sums: Counter[tuple[Any, ...]] = Counter()
    for row in _counted(rows):
        minute = floor_minute(from_epoch_milliseconds(row["failed_at"]))
        sums[*(row[name] for name in GROUP), row["task_version"], minute] += row["error_delta"]
    clickhouse().insert(
        "error_occurrences_v1",
        (*GROUP, "task_version", "minute", "count"),
        [(*key, count) for key, count in sums.items() if count],
    )


def nothing_arrived() -> None:
    claim()


def all_arrived() -> None:
    insert_runs(claim())


def half_of_the_rows_arrived() -> None:
    rows = claim()
    insert_runs(rows[: (len(rows) + 1) // 2])


def the_other_half_arrived() -> None:
    rows = claim()
    insert_runs(rows[len(rows) // 2 :])


def only_the_failed_runs_arrived() -> None:
    insert_failed_runs(claim())


def only_the_minutes_arrived() -> None:
    insert_minutes(claim())


def only_half_of_the_failed_runs_arrived() -> None:
    rows = claim()
    insert_failed_runs(rows[::2])


def arrived_twice() -> None:
    rows = claim()
    insert_runs(rows)
    insert_runs(rows)


ACCIDENTS: dict[str, Callable[[], None]] = {
    accident.__name__: accident
    for accident in (
        nothing_arrived,
        all_arrived,
        half_of_the_rows_arrived,
        the_other_half_arrived,
        only_the_failed_runs_arrived,
        only_the_minutes_arrived,
        only_half_of_the_failed_runs_arrived,
        arrived_twice,
    )
}
