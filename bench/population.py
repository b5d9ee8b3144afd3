"""A million runs in both stores, by the functions that ingest and the replicator use, with larger
batches and no outbox between."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Final

import msgspec
from django.db import connection, transaction

from bench.reports import RUNS_PER_FAILURE, error_of, task_of
from errors_app.domain.decisions import Resolution, ignoring, resolving
from errors_app.domain.groups import Actor, ActorKind, GroupKey, IgnoreConditions
from errors_app.services.state_changes import change_states
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.counting import decide
from runs_app.domain.grouping.resolve import Grouping, group_error
from runs_app.domain.records import RunRecord
from runs_app.domain.run_rows import COLUMNS, Change, change_of
from runs_app.domain.run_status import RunStatus
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import to_milliseconds, utc_now
from runs_app.queries import task_runs

GROUPS: Final = 5_000
DAYS: Final = 89
RUNS_PER_INSERT: Final = 50_000


def populate(tenant: Tenant, runs: int, *, now: datetime) -> None:
    """Both stores at once: a child fills the relational one."""
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            _fill_relational_store(tenant, runs, now)
        except BaseException:
            os._exit(1)
        os._exit(0)
    try:
        _fill_clickhouse(tenant, runs, now)
    finally:
        _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit("The relational store could not be filled.")


def decide_some(tenant: Tenant, groups: int = GROUPS) -> None:
    """A fifth of the groups is resolved, a tenth ignored."""
    now = utc_now()
    bench = Actor(ActorKind.RULE, rule="bench")
    decisions = {
        0: ignoring(IgnoreConditions(), 0, bench, now),
        3: resolving(Resolution(), bench, now),
        7: resolving(Resolution(), bench, now),
    }
    wanted = {
        GroupKey(_grouping(number).fingerprint, task_of(number)): decisions[number % 10]
        for number in range(groups)
        if number % 10 in decisions
    }
    change_states(tenant, wanted, lambda key, _: wanted[key], bench, now)


def _fill_relational_store(tenant: Tenant, runs: int, now: datetime) -> None:
    changes = _changes(tenant, runs, now)
    while part := [change.record for change in islice(changes, RUNS_PER_INSERT)]:
        with transaction.atomic():
            task_runs.insert_runs(tenant, part)


def _fill_clickhouse(tenant: Tenant, runs: int, now: datetime) -> None:
    changes = _changes(tenant, runs, now)
    while part := [row for change in islice(changes, RUNS_PER_INSERT) for row in change.rows]:
        clickhouse().insert("task_runs_v2", COLUMNS, part)


def _changes(tenant: Tenant, runs: int, now: datetime) -> Iterator[Change]:
    """The same for the same arguments, oldest first."""
    random = Random(runs)  # noqa: S311
    now = to_milliseconds(now)
    step = timedelta(days=DAYS) / runs
    errors = [
        (msgspec.json.encode(error_of(number)).decode(), _grouping(number))
        for number in range(GROUPS)
    ]
    for number in range(runs):
        created_at = to_milliseconds(now - timedelta(days=DAYS) + number * step)
        finished_at = created_at + timedelta(milliseconds=random.randrange(200, 60_000))
        # Some groups fail a hundred times as often as others.
        group = int(GROUPS * random.random() ** 2)
        failed = number % RUNS_PER_FAILURE == 0
        text, grouping = errors[group]
        record = RunRecord(
            run_id=f"bench{number:09}",
            friendly_id=f"run_bench{number:09}",
            status=(
                RunStatus.COMPLETED_WITH_ERRORS if failed else RunStatus.COMPLETED_SUCCESSFULLY
            ),
            task_identifier=task_of(group),
            task_version=f"202601{number * 30 // runs:02}.1",
            queue=f"task/{task_of(group)}",
            machine="small-1x",
            tags=("bench", f"customer:{number % 100}"),
            created_at=created_at,
            updated_at=finished_at,
            reported_at=finished_at,
            started_at=created_at,
            completed_at=finished_at,
            duration_ms=1_234,
            cost_in_cents=0.0042,
            payload='{"order": 17, "lines": [{"sku": "A-17", "pieces": 3}]}',
            output=None if failed else '{"ok": true}',
            failed_at=finished_at if failed else None,
            error=text if failed else None,
            error_fingerprint=grouping.fingerprint if failed else "",
            grouping_rule=grouping.rule if failed else "",
            grouping_key=grouping.key if failed else "",
        )
        yield change_of(tenant, record, decide(None, record.wanted_count()))


def _grouping(group: int) -> Grouping:
    return group_error(error_of(group))
