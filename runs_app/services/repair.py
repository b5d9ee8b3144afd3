"""Repair: making ClickHouse's counts right again without knowing what arrived.

Every table but the minutes of occurrences takes the same row twice without harm. The minutes are
brought to what the failed runs say, by inserting the difference.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.errors import NotFound
from runs_app.domain.fault_points import FaultPoint, reached
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
from runs_app.services.replicator_turn import insist_on_turn

TOMBSTONE_COLUMNS: Final = (
    "organization_id", "project_id", "environment_id", "error_fingerprint", "task_identifier",
    "failed_at", "run_id", "friendly_id", "status", "task_version", "created_at", "is_test",
    "_version",
)  # fmt: skip
DAY_MILLISECONDS: Final = 24 * 60 * 60 * 1000
_TOMBSTONE_POSITIONS: Final = tuple(COLUMNS.index(name) for name in TOMBSTONE_COLUMNS)


class Place(NamedTuple):
    """Where a run counts, or counted: a group, and when the run failed, in epoch milliseconds."""

    environment_id: str
    error_fingerprint: str
    failed_ms: int


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
    reached(FaultPoint.BEFORE_REPAIR)
    again = [_without_delta(row) for row in rows if row[DELTA] >= 0]
    clickhouse().insert("task_runs_v2", COLUMNS, again)
    reached(FaultPoint.AFTER_ROWS_AGAIN)
    clickhouse().insert(
        "error_runs_v1",
        (*TOMBSTONE_COLUMNS, "_is_deleted"),
        [
            (*(row[position] for position in _TOMBSTONE_POSITIONS), 1)
            for row in rows
            if row[DELTA] < 0
        ],
    )
    reached(FaultPoint.AFTER_TOMBSTONES)
    mend_minutes(rows)


def mend_minutes(rows: Iterable[RunRow]) -> None:
    """Insert what the minutes that the rows touch lack, or have too much. May be repeated."""
    mend_places(place_of(row) for row in rows if row[FINGERPRINT])


def mend_places(places: Iterable[Place]) -> None:
    """The same for the minutes of these places. In the replicator's turn, of which every statement
    makes sure: there may be many, and each takes its time."""
    for touched in _touched(places):
        insist_on_turn()
        reached(FaultPoint.BEFORE_MINUTES)
        counts.repair_minutes(touched.tenant, touched.fingerprints, touched.window)
        reached(FaultPoint.AFTER_MINUTES)


def _without_delta(row: RunRow) -> RunRow:
    copy = list(row)
    copy[DELTA] = 0
    return copy


def _touched(places: Iterable[Place]) -> Iterator[Touched]:
    """The groups of the places by tenant and day, with the window around their failure times.

    By day, because one old run would otherwise have every group of the batch read from that day
    on.
    """
    for environment_id, of_environment in groupby(
        sorted(places, key=environment_and_day), key=_environment_of
    ):
        try:
            tenant = tenants.tenant_of_environment(environment_id)
        except NotFound:
            # Deleted meanwhile: nobody will count there.
            continue
        for _, of_day in groupby(of_environment, key=environment_and_day):
            members = list(of_day)
            times = [place.failed_ms for place in members]
            yield Touched(
                tenant=tenant,
                fingerprints=tuple(sorted({place.error_fingerprint for place in members})),
                window=covering_window(
                    from_epoch_milliseconds(min(times)), from_epoch_milliseconds(max(times))
                ),
            )


def _environment_of(place: Place) -> str:
    return place.environment_id


def place_of(row: RunRow) -> Place:
    return Place(row[ENVIRONMENT], row[FINGERPRINT], row[FAILED_AT])


def environment_and_day(place: Place) -> tuple[str, int]:
    """What the minutes of places are mended by, with a statement each."""
    return place.environment_id, place.failed_ms // DAY_MILLISECONDS
