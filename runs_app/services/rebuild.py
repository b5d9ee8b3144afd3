"""Rebuilding ClickHouse from the relational store, which is the truth within the retention.

The tables are emptied and every kept run is told again, from the newest id down, while reports are
taken and replicated. Each step is one turn of the replicator and persists where it came to, so that
a rebuild that was stopped or killed goes on there. Until the end the replicator repairs every batch
instead of inserting it: whichever comes first, a run's batch or its slice, the minutes equal the
failed runs that ClickHouse knows by then.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, transaction

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.failures import ClickHouseFault
from runs_app.clickhouse.tables import TABLES
from runs_app.domain.errors import NotFound, Unavailable
from runs_app.domain.run_rows import ENVIRONMENT, ERROR, FINGERPRINT, RUN_ID, RunRow, row_of_record
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import epoch_milliseconds, utc_now
from runs_app.domain.window import retained_window
from runs_app.models import ClickHouseRebuild, OutboxEntry
from runs_app.queries import counts, outbox, rebuilds, stored_runs, tenants, unsettled
from runs_app.queries.rebuilds import RebuildProgress
from runs_app.queries.stored_runs import StoredRun
from runs_app.queries.told_places import RunIds, find_told_places
from runs_app.queries.unsettled import ComingRow
from runs_app.services.repair import (
    Place,
    environment_and_day,
    mend_places,
    place_of,
    repair_rows,
)
from runs_app.services.replicate import registry
from runs_app.services.replicator_turn import insist_on_turn, replicator_turn
from runs_app.services.retell import tell_again, tell_states_again
from runs_app.services.stores import prepare_stores
from runs_app.services.write_turns import write_turn

log = logging.getLogger(__name__)

# A slice is at most so much: one turn of the replicator, which is not to wait long.
SLICE_ROWS: Final = 5_000
SLICE_BYTES: Final = 32_000_000
# The minutes are mended by environment and day, with a statement each.
SLICE_DAYS: Final = 300
TOMBSTONES_AT_ONCE: Final = 1_000
TOMBSTONE_COLUMNS: Final = (
    "organization_id", "project_id", "environment_id", "error_fingerprint", "failed_at", "run_id",
    "friendly_id", "_version", "_is_deleted",
)  # fmt: skip
NOTHING_LEFT: Final = 0

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
PATIENCE_SECONDS: Final = 600.0

Wait = Callable[[float], bool]
Report = Callable[[RebuildProgress], None]


class Stopped(Exception):
    """Somebody asked to stop; what was told so far stays told."""


def rebuild(wait: Wait, report: Report) -> RebuildProgress:
    """Begin a rebuild, or go on with the unfinished one, until its end.

    `wait` waits so many seconds, or less, and tells whether to stop: it is asked between steps.
    `report` is told how far it is. Raises Stopped, and where a store stays away for ten minutes
    Unavailable, ClickHouseFault, OperationalError or InterfaceError.
    """
    pause = FIRST_PAUSE_SECONDS
    waited = 0.0
    is_prepared = False
    while True:
        if wait(0.0):
            raise Stopped
        try:
            if not is_prepared:
                prepare_stores()
                _begin()
                is_prepared = True
            finished = _step()
        except (Unavailable, ClickHouseFault, OperationalError, InterfaceError) as error:
            if waited >= PATIENCE_SECONDS:
                raise
            log.warning("the rebuild waits: %s", error)
            if isinstance(error, (OperationalError, InterfaceError)):
                close_old_connections()
            if wait(pause):
                raise Stopped from error
            waited += pause
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            continue
        pause, waited = FIRST_PAUSE_SECONDS, 0.0
        report(_progress_of(finished))
        if finished.finished_at is not None:
            return _progress_of(finished)


def begin_anew() -> None:
    """Have the unfinished rebuild, if there is one, empty the tables again and tell everything."""
    # In the turn: a step that is under way would save where it came to over this.
    with replicator_turn(), write_turn():
        rebuilds.put_back()


def _progress_of(rebuild: ClickHouseRebuild) -> RebuildProgress:
    return RebuildProgress(rebuild.runs_told, rebuild.runs_total, rebuild.started_at)


def _begin() -> None:
    """Make the rebuild, unless one is unfinished. In the turn: from here on batches are repaired,
    and none may be on its way as an insert."""
    with replicator_turn():
        if not rebuilds.is_under_way():
            with write_turn():
                ClickHouseRebuild.objects.create(started_at=utc_now())


def _step() -> ClickHouseRebuild:
    """Do what comes next. The position is read in the turn: others may be at the same rebuild."""
    with replicator_turn():
        rebuild = rebuilds.unfinished()
        if rebuild is None:
            rebuild = ClickHouseRebuild.objects.latest("id")
        elif rebuild.emptied_at is None:
            _empty(rebuild)
        elif rebuild.next_run != NOTHING_LEFT:
            _tell_slice(rebuild)
        elif rebuild.states_told_at is None:
            _tell_states(rebuild)
        else:
            _finish(rebuild)
        return rebuild


def _empty(rebuild: ClickHouseRebuild) -> None:
    """Empty the tables. What is committed by now has an id up to the newest, or waits in the
    outbox; what comes later will."""
    counts.refuse_while_inserting()
    for table in TABLES:
        insist_on_turn()
        clickhouse().command("empty a table", f"TRUNCATE TABLE {table}")
    _bury_what_comes_again()
    rebuild.emptied_at = utc_now()
    rebuild.states_told_at = None
    rebuild.next_run = stored_runs.newest_id()
    rebuild.runs_total = stored_runs.count_kept(_kept_since())
    rebuild.slice_begun = False
    rebuild.runs_told = 0
    _save(
        rebuild,
        "emptied_at",
        "states_told_at",
        "next_run",
        "slice_begun",
        "runs_total",
        "runs_told",
    )


def _bury_what_comes_again() -> None:
    """A tombstone where a row that is set aside, or claimed, would stand and its run does not count
    any more: the one that took it back may have been in the tables, and nobody tells it again.

    One version above the row, and so below every row that may come to that place later.
    """
    for tenant in tenants.all_tenants():
        rows = list(unsettled.rows_out_of_turn(tenant))
        stored = stored_runs.find_stored(tenant, sorted({row.friendly_id for row in rows}))
        dead = [
            (
                tenant.organization_id, tenant.project_id, tenant.environment_id,
                row.error_fingerprint, row.failed_at, row.run_id, row.friendly_id,
                row.version + 1, 1,
            )
            for row in rows
            if row.friendly_id in stored and _is_past(stored[row.friendly_id], row)
        ]  # fmt: skip
        for start in range(0, len(dead), TOMBSTONES_AT_ONCE):
            clickhouse().insert(
                "error_runs_v1", TOMBSTONE_COLUMNS, dead[start : start + TOMBSTONES_AT_ONCE]
            )


def _is_past(run: StoredRun, row: ComingRow) -> bool:
    """Whether the run has changed since the row, and does not count where the row would stand."""
    counted = run.counted
    place = counted and (counted.error_fingerprint, epoch_milliseconds(counted.failed_at))
    return row.version < run.row_version and place != (row.error_fingerprint, row.failed_at)


def _tell_slice(rebuild: ClickHouseRebuild) -> None:
    """Tell the next runs as they are committed now, and bring their minutes along."""
    rows: list[RunRow] = []
    size = 0
    owners: dict[str, Tenant | None] = {}
    days: set[tuple[str, int]] = set()
    position = NOTHING_LEFT
    newest = rebuild.next_run or NOTHING_LEFT
    for owned in stored_runs.records_downwards(newest, _kept_since(), SLICE_ROWS):
        pk = owned.record.pk or NOTHING_LEFT
        if size > SLICE_BYTES or len(days) >= SLICE_DAYS:
            position = pk
            break
        if owned.environment_id not in owners:
            owners[owned.environment_id] = _owner(owned.environment_id)
        tenant = owners[owned.environment_id]
        if tenant is not None:
            row = row_of_record(tenant, owned.record)
            size += len(row[ERROR])
            if row[FINGERPRINT]:
                days.add(environment_and_day(place_of(row)))
            rows.append(row)
        position = pk - 1
    insist_on_turn()
    was_begun = rebuild.slice_begun
    if not was_begun:
        rebuild.slice_begun = True
        _save(rebuild, "slice_begun")
    if rows:
        tell_again(rows, repair_rows)
        if was_begun:
            _mend_where_they_were_told(rows)
    rebuild.next_run = position
    rebuild.slice_begun = False
    rebuild.runs_told += len(rows)
    _save(rebuild, "next_run", "slice_begun", "runs_told")


def _mend_where_they_were_told(rows: Sequence[RunRow]) -> None:
    """Bring along the minutes of every place where ClickHouse has these runs as failed.

    A step that died may have told them before its minutes were mended. Where a run has left such a
    place since, and the row that takes it back is set aside, nobody else would look there.
    """
    ids = defaultdict(list)
    for row in rows:
        ids[row[ENVIRONMENT]].append(row[RUN_ID])
    for environment_id, run_ids in ids.items():
        tenant = _owner(environment_id)
        if tenant is not None:
            told = find_told_places(tenant, RunIds(run_ids, ()))
            mend_places(
                Place(
                    environment_id,
                    one.count.error_fingerprint,
                    epoch_milliseconds(one.count.failed_at),
                )
                for one in told
            )


def _owner(environment_id: str) -> Tenant | None:
    try:
        return tenants.tenant_of_environment(environment_id)
    except NotFound:
        # Deleted since the run was read.
        return None


def _tell_states(rebuild: ClickHouseRebuild) -> None:
    if registry.read_states is not None:
        for tenant in tenants.all_tenants():
            for rows in registry.read_states(tenant):
                tell_states_again(tenant, rows)
    rebuild.states_told_at = utc_now()
    _save(rebuild, "states_told_at")


def _finish(rebuild: ClickHouseRebuild) -> None:
    """From now on batches are inserted again. Changes that wait were committed while slices told
    their runs as changed: claimed here they are repaired first, and counted once. What comes from
    here on was not told, and is inserted."""
    until = outbox.newest_id()
    after: int | None = 0
    while after is not None:
        insist_on_turn()
        with write_turn():
            after = outbox.claim_between(OutboxEntry.Kind.RUNS, after, until)
    rebuild.finished_at = utc_now()
    _save(rebuild, "finished_at")


def _save(rebuild: ClickHouseRebuild, *fields: str) -> None:
    insist_on_turn()
    with write_turn(), transaction.atomic():
        rebuild.save(update_fields=fields)


def _kept_since() -> datetime:
    return retained_window(utc_now(), timedelta(days=settings.RETENTION_DAYS)).start
