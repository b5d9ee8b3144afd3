"""An environment in which nearly all is decided: 100,000 groups are resolved, 10,000 ignored, and
nobody touched 10,000.

Its runs all failed, spread over two months, and are in ClickHouse only: lists, decisions and rules
read no others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Final

import msgspec

from bench.reports import error_of, task_of
from errors_app.domain.decisions import Decision, Resolution, ignoring, resolving
from errors_app.domain.groups import Actor, ActorKind, GroupKey, GroupState, IgnoreConditions
from errors_app.services.state_changes import change_states
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.counting import decide
from runs_app.domain.grouping.resolve import Grouping, group_error
from runs_app.domain.ids import friendly_run_id
from runs_app.domain.records import RunRecord
from runs_app.domain.run_rows import COLUMNS, RunRow, change_of
from runs_app.domain.run_status import RunStatus
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import to_milliseconds, utc_now
from runs_app.services.credentials import find_api_key

GROUPS: Final = 120_000
FAILURES_PER_GROUP: Final = 5
DAYS: Final = 60
# Of twelve groups one is ignored, one is left alone, and ten are resolved.
SHARE: Final = 12
ROWS_PER_INSERT: Final = 50_000
GROUPS_PER_CHANGE: Final = 5_000
BENCH: Final = Actor(ActorKind.RULE, rule="bench")


@dataclass(frozen=True, slots=True)
class Decided:
    """The environment, and its groups by their numbers."""

    tenant: Tenant
    keys: Sequence[GroupKey]

    @property
    def ignored(self) -> int:
        return len(self.keys[1::SHARE])

    @property
    def resolved(self) -> int:
        return len(self.keys) - len(self.keys[::SHARE]) - self.ignored


def make_decided(key: str, groups: int = GROUPS) -> Decided:
    """Fill the environment that an API key opens."""
    tenant, now = tenant_of_key(key), utc_now()
    decided = Decided(tenant, fail_often(tenant, now, groups))
    decide_most(tenant, decided.keys, now)
    return decided


def tenant_of_key(key: str) -> Tenant:
    found = find_api_key(key)
    if found is None:
        raise SystemExit("The key does not open its environment.")
    return found.environment.tenant()


def fail_often(tenant: Tenant, now: datetime, groups: int = GROUPS) -> list[GroupKey]:
    """Fill ClickHouse; the keys of the groups, in the order of their numbers."""
    groupings = [group_error(error_of(number)) for number in range(groups)]
    rows = _rows(tenant, groupings, now)
    while part := list(islice(rows, ROWS_PER_INSERT)):
        clickhouse().insert("task_runs_v2", COLUMNS, part)
    return [
        GroupKey(grouping.fingerprint, task_of(number)) for number, grouping in enumerate(groupings)
    ]


def decide_most(tenant: Tenant, keys: Sequence[GroupKey], now: datetime) -> None:
    """Resolve and ignore groups by the number each has in `keys`. Half of the ignored ones wait for
    a total that never comes, so that rules look at them."""
    resolve = resolving(Resolution(version="20260101.3"), BENCH, now)
    ignores = (
        ignoring(IgnoreConditions(), 0, BENCH, now),
        ignoring(IgnoreConditions(total_occurrences=10**9), FAILURES_PER_GROUP, BENCH, now),
    )
    wanted: dict[GroupKey, Decision] = {}
    for number, key in enumerate(keys):
        turn, place = divmod(number, SHARE)
        if place:
            wanted[key] = ignores[turn % 2] if place == 1 else resolve

    def decision(key: GroupKey, _: GroupState) -> Decision:
        return wanted[key]

    left = iter(wanted)
    while part := list(islice(left, GROUPS_PER_CHANGE)):
        change_states(tenant, part, decision, BENCH, now)


def fail_again(tenant: Tenant, numbers: Sequence[int], version: str, now: datetime) -> None:
    """Each of the groups with these numbers once, in a version."""
    rows: list[RunRow] = []
    for number in numbers:
        run_id = f"again{version}n{number}"
        rows += _failure(tenant, run_id, number, group_error(error_of(number)), version, now)
    clickhouse().insert("task_runs_v2", COLUMNS, rows)


def _rows(tenant: Tenant, groupings: Sequence[Grouping], now: datetime) -> Iterator[RunRow]:
    """Oldest first: each group once, then four times more on average, at random."""
    random = Random(len(groupings))  # noqa: S311
    failures = len(groupings) * FAILURES_PER_GROUP
    step = timedelta(days=DAYS) / failures
    for number in range(failures):
        failed_at = now - timedelta(days=DAYS) + number * step
        group = number if number < len(groupings) else random.randrange(len(groupings))
        version = f"20260101.{number % 3}"
        run_id = f"decided{number:09}"
        yield from _failure(tenant, run_id, group, groupings[group], version, failed_at)


def _failure(
    tenant: Tenant, run_id: str, group: int, grouping: Grouping, version: str, failed_at: datetime
) -> tuple[RunRow, ...]:
    failed_at = to_milliseconds(failed_at)
    record = RunRecord(
        run_id=run_id,
        friendly_id=friendly_run_id(run_id),
        status=RunStatus.COMPLETED_WITH_ERRORS,
        task_identifier=task_of(group),
        task_version=version,
        queue=f"task/{task_of(group)}",
        created_at=failed_at,
        updated_at=failed_at,
        completed_at=failed_at,
        failed_at=failed_at,
        error=msgspec.json.encode(error_of(group)).decode(),
        error_fingerprint=grouping.fingerprint,
        grouping_rule=grouping.rule,
        grouping_key=grouping.key,
    )
    return change_of(tenant, record, decide(None, record.wanted_count())).rows
