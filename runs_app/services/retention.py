"""Retention: deleting what is older than it, in small steps beside everything else.

Runs expire in the relational store when they were created, and last counted as failed, before all
that is kept. ClickHouse's tables drop their own rows by TTL, but for the groups themselves, which
are deleted here once their last failure is past retention. What people decided about groups stays.
Sweeps may run at once: each deletes what it finds.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.db import transaction

from runs_app.clickhouse.tables import TABLES
from runs_app.domain.tenant import Tenant
from runs_app.domain.window import retained_window
from runs_app.queries import dead_groups, environments_in_clickhouse, expired_runs, tenants
from runs_app.queries.expired_runs import ExpiredRun
from runs_app.services.replicator_turn import insist_on_turn, replicator_turn
from runs_app.services.write_turns import write_turn

BATCH_ROWS: Final = 1_000
# How long a transaction goes on deleting: writers wait for it. Rows may be small or hold megabytes,
# so that their number tells nothing; each piece is twice the one before, and the last one, which
# ends beyond this time, no more than doubles it.
BATCH_SECONDS: Final = 0.04
FIRST_PIECE: Final = 10
GROUPS_AT_ONCE: Final = 5_000
ENVIRONMENTS_AT_ONCE: Final = 1_000


class Kind(StrEnum):
    """What is deleted, as people read it."""

    RUNS = "runs"
    QUARANTINED = "rows that had been set aside"
    REBUILDS = "records of rebuilds"
    GROUPS = "groups"
    ENVIRONMENTS = "unknown environments in ClickHouse"


@dataclass(frozen=True, slots=True)
class Swept:
    """One step of a sweep; `count` may be 0."""

    kind: Kind
    count: int


class NoEnvironmentKnown(Exception):
    """The two stores do not seem to belong together; the sentence says what was found."""


def sweep_retention(now: datetime) -> Iterator[Swept]:
    """Delete all that has expired at `now`, a step at a time; no lock is held between steps.

    ClickHouse comes last. Raises Unavailable while it is away, and django.db.Error.
    """
    cutoff = _cutoff(now)
    yield from _sweep_runs(cutoff)
    yield from _sweep_quarantined(cutoff)
    with write_turn():
        rebuilds = expired_runs.delete_expired_rebuilds(cutoff)
    yield Swept(Kind.REBUILDS, rebuilds)
    for tenant in tenants.all_tenants():
        yield from _sweep_groups(tenant, cutoff)


def count_expired(now: datetime) -> Mapping[Kind, int]:
    """What a sweep would delete. Marks of dropped rows are counted without those that go with
    their runs."""
    cutoff = _cutoff(now)
    return {
        Kind.RUNS: expired_runs.count_expired_runs(cutoff),
        Kind.QUARANTINED: sum(len(found) for found in _expired_quarantined(cutoff)),
        Kind.REBUILDS: expired_runs.count_expired_rebuilds(cutoff),
        Kind.GROUPS: sum(
            dead_groups.count_dead_groups(tenant, cutoff) for tenant in tenants.all_tenants()
        ),
    }


def find_unknown_environments() -> Sequence[str]:
    """Ids of environments that ClickHouse has rows of and the relational store does not know.

    Raises NoEnvironmentKnown where it knows none of those ClickHouse has rows of: then these are
    more likely somebody else's. Two installations that share a database of ClickHouse, and know one
    environment both, as after a copy of the relational store, cannot be told from one.
    """
    # In this order: an environment is known before the first row of it is written.
    present = environments_in_clickhouse.environments_with_rows()
    known = {tenant.environment_id for tenant in tenants.all_tenants()}
    if present and not present & known:
        raise NoEnvironmentKnown(
            f"ClickHouse has rows of {len(present)} environments, none of which the relational"
            " store knows. Are DATABASE_URL and CLICKHOUSE_URL those of one installation?"
        )
    return sorted(present - known)


def sweep_unknown_environments() -> Iterator[Swept]:
    """Delete from ClickHouse what belonged to environments that were deleted.

    Never where two installations share a database of ClickHouse: each would delete the other's.
    Nothing is replicated while a table is deleted from, which on a big one may take minutes. Raises
    NoEnvironmentKnown, and Unavailable while ClickHouse is away or takes longer than its patience:
    it goes on by itself then, and another call finds what is left.
    """
    unknown = find_unknown_environments()
    for start in range(0, len(unknown), ENVIRONMENTS_AT_ONCE):
        part = unknown[start : start + ENVIRONMENTS_AT_ONCE]
        for table in TABLES:
            with replicator_turn():
                insist_on_turn()
                environments_in_clickhouse.delete_rows_of(table, part)
            yield Swept(Kind.ENVIRONMENTS, 0)
        yield Swept(Kind.ENVIRONMENTS, len(part))


def _cutoff(now: datetime) -> datetime:
    """The start of what any list or count may still show."""
    return retained_window(now, timedelta(days=settings.RETENTION_DAYS)).start


def _sweep_runs(cutoff: datetime) -> Iterator[Swept]:
    with_marks = expired_runs.any_marks()
    last: ExpiredRun | None = None
    while True:
        runs = expired_runs.find_expired_runs(cutoff, after=last, limit=BATCH_ROWS)
        if not runs:
            return
        last = runs[-1]
        while runs:
            tried, deleted, marks = _delete_runs(cutoff, runs, with_marks=with_marks)
            runs = runs[tried:]
            yield Swept(Kind.RUNS, deleted)
            if marks:
                yield Swept(Kind.QUARANTINED, marks)


def _delete_runs(
    cutoff: datetime, runs: Sequence[ExpiredRun], *, with_marks: bool
) -> tuple[int, int, int]:
    """Delete as many as there is time for: how many were tried, deleted, and their marks."""
    tried = deleted = marks = 0
    piece = FIRST_PIECE
    with write_turn(), transaction.atomic():
        began = time.monotonic()
        while tried < len(runs) and time.monotonic() - began < BATCH_SECONDS:
            gone = expired_runs.delete_expired_runs(cutoff, runs[tried : tried + piece])
            if with_marks:
                marks += expired_runs.delete_marks_of(gone)
            deleted += len(gone)
            tried += piece
            piece *= 2
    return tried, deleted, marks


def _sweep_quarantined(cutoff: datetime) -> Iterator[Swept]:
    for found in _expired_quarantined(cutoff):
        with write_turn(), transaction.atomic():
            deleted = expired_runs.delete_quarantined(found)
        yield Swept(Kind.QUARANTINED, deleted)


def _expired_quarantined(cutoff: datetime) -> Iterator[Sequence[int]]:
    last: int | None = 0
    while last is not None:
        found, last = expired_runs.find_expired_quarantined(cutoff, after=last, limit=BATCH_ROWS)
        if found:
            yield found


def _sweep_groups(tenant: Tenant, cutoff: datetime) -> Iterator[Swept]:
    """In the replicator's turn, so that no group comes back to life between look and deletion.
    Looking first without it: mostly there is nothing to delete."""
    waiting = dead_groups.count_dead_groups(tenant, cutoff)
    yield Swept(Kind.GROUPS, 0)
    while waiting > 0:
        with replicator_turn():
            dead = dead_groups.find_dead_groups(tenant, cutoff, GROUPS_AT_ONCE)
            if dead:
                insist_on_turn()
                dead_groups.delete_dead_groups(tenant, cutoff, dead)
        waiting = waiting - GROUPS_AT_ONCE
        yield Swept(Kind.GROUPS, len(dead))
