"""Repair: making ClickHouse's counts right again without knowing what arrived.

Every table but the minutes of occurrences takes the same row twice without harm. The minutes are
brought to what the failed runs say, by inserting the difference.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.errors import NotFound
from runs_app.domain.run_rows import (
    COLUMNS,
    DELTA,
    ENVIRONMENT,
    FAILED_AT,
    FINGERPRINT,
    RunRow,
)
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import from_epoch_milliseconds
from runs_app.domain.window import Window, covering_window
from runs_app.queries import counts, tenants

TOMBSTONE_COLUMNS: Final = (
    "organization_id", "project_id", "environment_id", "error_fingerprint", "task_identifier",
    "failed_at", "run_id", "friendly_id", "status", "task_version", "created_at", "is_test",
    "_version",
)  # fmt: skip
_TOMBSTONE_POSITIONS: Final = tuple(COLUMNS.index(name) for name in TOMBSTONE_COLUMNS)


@dataclass(frozen=True, slots=True)
class Touched:
    """Groups of one tenant and the window their rows fall into."""

    tenant: Tenant
    fingerprints: tuple[str, ...]
    window: Window


def repair_rows(rows: Sequence[RunRow]) -> None:
    """Make ClickHouse as if exactly these rows had arrived once. May be repeated.

    (a) the rows that are no compensations again, adding nothing; (b) the compensations as
    tombstones straight into the failed runs, because through the view with a delta of 0 they
    would revive the old row; (c) the difference for every minute the rows touch.
    """
    again = [_without_delta(row) for row in rows if row[DELTA] >= 0]
    clickhouse().insert("task_runs_v2", COLUMNS, again)
    clickhouse().insert(
        "error_runs_v1",
        (*TOMBSTONE_COLUMNS, "_is_deleted"),
        [
            (*(row[position] for position in _TOMBSTONE_POSITIONS), 1)
            for row in rows
            if row[DELTA] < 0
        ],
    )
    for touched in _touched(rows):
        counts.repair_minutes(touched.tenant, touched.fingerprints, touched.window)


def _without_delta(row: RunRow) -> RunRow:
    copy = list(row)
    copy[DELTA] = 0
    return copy


def _touched(rows: Iterable[RunRow]) -> Iterable[Touched]:
    """The groups of the rows by tenant, with the window around their failure times."""
    counted = sorted((row for row in rows if row[FINGERPRINT]), key=_environment_of)
    for environment_id, group in groupby(counted, key=_environment_of):
        members = list(group)
        try:
            tenant = tenants.tenant_of_environment(environment_id)
        except NotFound:
            # Deleted meanwhile: nobody will count there.
            continue
        times = [row[FAILED_AT] for row in members]
        yield Touched(
            tenant=tenant,
            fingerprints=tuple(sorted({row[FINGERPRINT] for row in members})),
            window=covering_window(
                from_epoch_milliseconds(min(times)), from_epoch_milliseconds(max(times))
            ),
        )


def _environment_of(row: RunRow) -> str:
    environment_id: str = row[ENVIRONMENT]
    return environment_id
