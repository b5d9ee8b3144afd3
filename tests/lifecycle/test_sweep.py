"""The sweep finds what no batch's step did, each time for a bounded price."""

from datetime import timedelta

import pytest
from django.conf import LazySettings

from errors_app.domain.groups import Actor, ActorKind
from errors_app.models import ErrorGroupState
from errors_app.queries import failures
from errors_app.services import sweep as sweeping
from errors_app.services.chores import all_chores
from runs_app.clickhouse.client import ClickHouse, clickhouse
from runs_app.clickhouse.failures import ClickHouseUnavailable
from tests.conftest import Workspace
from tests.lifecycle.deciding import (
    ago,
    assert_mirror_is_right,
    boom,
    ignore,
    resolve,
    rules_of,
    status_of,
    swept,
    trail_of,
)
from tests.lifecycle.telling import no_steps
from tests.people import member_of
from tests.replication.conftest import Line, engine, line

__all__ = ["engine", "line"]

FORGET_WHEN = """
ALTER TABLE error_group_states_v1
UPDATE resolved_at = NULL
WHERE environment_id = {environment:String}
SETTINGS mutations_sync = 2
"""
NAMES = ["alpha", "bravo", "charlie", "delta", "echo"]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the statements that ClickHouse was asked."""
    asked: list[str] = []
    read = ClickHouse._read

    def noted(self: ClickHouse, name: str, *arguments: object) -> object:
        asked.append(name)
        return read(self, name, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ClickHouse, "_read", noted)
    return asked


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "GROUPS_PER_STEP", 2)
    monkeypatch.setattr(sweeping, "CANDIDATES_AT_ONCE", 2)


def fail_unseen(workspace: Workspace, *reports: dict[str, object]) -> None:
    with no_steps():
        workspace.report(*reports)


def test_nothing_is_asked_of_clickhouse_where_nothing_is_decided(
    prod: Workspace, statements: list[str]
) -> None:
    prod.report(boom("first"))
    statements.clear()

    assert swept(prod) == {}
    assert statements == []


def test_resolved_groups_that_did_not_fail_since_cost_one_statement(
    prod: Workspace, statements: list[str]
) -> None:
    prod.report(*(boom(name, ago(hours=2), message=name) for name in NAMES))
    for name in NAMES:
        resolve(prod, ago(hours=1), message=name)
    statements.clear()

    assert swept(prod) == {}
    assert statements == ["groups that failed since they were resolved"]


def test_failures_of_older_versions_cost_one_more_and_no_look_at_runs(
    prod: Workspace, statements: list[str]
) -> None:
    prod.report(*(boom(name, ago(hours=2), message=name) for name in NAMES))
    for name in NAMES:
        resolve(prod, ago(hours=1), "20240101.10", message=name)
        prod.report(*(boom(f"{name}{n}", ago(minutes=n), "20240101.9", name) for n in range(5)))
    statements.clear()

    assert swept(prod) == {}
    assert statements == [
        "groups that failed since they were resolved",
        "versions of failures since",
    ]


def test_many_ignored_groups_cost_as_many_statements_as_one(
    prod: Workspace, statements: list[str]
) -> None:
    prod.report(*(boom(name, ago(hours=2), message=name) for name in NAMES))
    for name in NAMES:
        ignore(prod, ago(hours=1), total=1, message=name)
    fail_unseen(prod, *(boom(f"again-{name}", ago(minutes=5), message=name) for name in NAMES))
    statements.clear()

    assert swept(prod) == {"ignore_total": len(NAMES)}

    assert statements == ["figures of ignored groups", "newest bursts"]
    causes = {name: trail_of(prod, name)[-1]["runId"] for name in NAMES}
    assert causes == {name: f"run_again-{name}" for name in NAMES}


def test_states_of_which_clickhouse_does_not_know_since_when_are_looked_at(
    prod: Workspace,
) -> None:
    prod.report(boom("first", ago(hours=2)), boom("a", ago(hours=2), message="alpha"))
    resolve(prod, ago(hours=1))
    resolve(prod, ago(hours=1), message="alpha")
    fail_unseen(prod, boom("again", ago(minutes=5)))
    clickhouse().command("forget when", FORGET_WHEN, {"environment": prod.tenant.environment_id})

    assert swept(prod) == {"regression": 1}
    assert status_of(prod) == "unresolved"
    assert status_of(prod, "alpha") == "resolved"


def test_it_works_in_small_steps_that_find_all(prod: Workspace, small_steps: None) -> None:
    """A step's changes do not hide what the next one is to find."""
    names = [f"{kind} {name}" for kind in ("failed", "expired", "counted") for name in NAMES]
    prod.report(*(boom(name.replace(" ", "-"), ago(hours=2), message=name) for name in names))
    for name in NAMES:
        resolve(prod, ago(hours=1), message=f"failed {name}")
        ignore(prod, ago(hours=1), until=ago(minutes=1), message=f"expired {name}")
        ignore(prod, ago(hours=1), total=1, message=f"counted {name}")
    again = (boom(f"again-{n}", ago(minutes=5), message=name) for n, name in enumerate(names))
    fail_unseen(prod, *again)

    steps = [dict(part) for part in sweeping.sweep(prod.tenant)]

    assert max(sum(step.values()) for step in steps) == 2
    assert [sum(step.values()) for step in steps if step] == [2, 2, 1] * 3
    assert {group["status"] for group in prod.errors()} == {"unresolved"}
    assert all(len(rules_of(prod, name)) == 1 for name in names)
    assert_mirror_is_right(prod)
    assert swept(prod) == {}


def test_it_may_be_left_after_any_step(prod: Workspace, small_steps: None) -> None:
    prod.report(*(boom(name, ago(hours=2), message=name) for name in NAMES))
    for name in NAMES:
        ignore(prod, ago(hours=1), until=ago(minutes=1), message=name)

    parts = iter(sweeping.sweep(prod.tenant))
    next(parts)

    assert sum(swept(prod).values()) == 3


def test_all_environments_are_swept_unless_one_is_named(
    prod: Workspace, staging: Workspace
) -> None:
    for workspace in (prod, staging):
        workspace.report(boom("first", ago(hours=2)))
        ignore(workspace, ago(hours=1), until=ago(minutes=1))

    assert swept(prod) == {"ignore_expired": 1}
    assert rules_of(staging) == []
    for _ in sweeping.sweep():
        pass
    assert rules_of(staging) == ["ignore_expired"]


def test_a_dry_run_counts_each_group_once_and_changes_nothing(prod: Workspace) -> None:
    prod.report(*(boom(name, ago(hours=2), message=name) for name in NAMES))
    ignore(prod, ago(hours=1), until=ago(minutes=1), total=1, rate=0.1, message="alpha")
    ignore(prod, ago(hours=1), total=1, message="bravo")
    ignore(prod, ago(hours=1), rate=1, message="charlie")
    resolve(prod, ago(hours=1), message="delta")
    fail_unseen(prod, *(boom(f"{name}2", ago(minutes=5), message=name) for name in NAMES))
    before = list(ErrorGroupState.objects.order_by("pk").values())
    found = {"ignore_expired": 1, "ignore_total": 1, "ignore_rate": 1, "regression": 1}

    assert swept(prod, dry_run=True) == found
    assert list(ErrorGroupState.objects.order_by("pk").values()) == before
    assert swept(prod) == found


def test_while_clickhouse_is_away_time_still_ends_ignores(prod: Workspace, line: Line) -> None:
    prod.report(boom("first", ago(hours=2)), boom("a", ago(hours=2), message="alpha"))
    ignore(prod, ago(hours=1), until=ago(minutes=1))
    resolve(prod, ago(hours=1), message="alpha")
    line.down()

    with pytest.raises(ClickHouseUnavailable):
        swept(prod)

    line.up()
    assert rules_of(prod) == ["ignore_expired"]


def test_candidates_are_found_in_parts_and_in_order(prod: Workspace) -> None:
    prod.report(*(boom(name, ago(hours=2), message=name) for name in NAMES))
    for name in NAMES:
        resolve(prod, ago(hours=1), message=name)
    fail_unseen(prod, *(boom(f"{name}2", ago(minutes=5), message=name) for name in NAMES))

    parts = list(failures.failed_since_resolved(prod.tenant, 2))

    assert [len(part) for part in parts] == [2, 2, 1]
    keys = [key for part in parts for key in part]
    assert keys == sorted(set(keys))


def test_an_older_version_in_the_minute_of_the_resolution_hides_no_newer_failure(
    prod: Workspace,
) -> None:
    resolved_at = ago(minutes=30).replace(second=30)
    second = timedelta(seconds=1)
    prod.report(boom("before", resolved_at - second, "20240101.11"))
    resolve(prod, resolved_at, "20240101.10")
    fail_unseen(prod, boom("old", resolved_at + second, "20240101.9"))
    assert swept(prod) == {}

    fail_unseen(prod, boom("new", resolved_at + 2 * second, "20240101.11"))

    assert swept(prod) == {"regression": 1}


def test_the_worker_sweeps_every_so_many_seconds(prod: Workspace, settings: LazySettings) -> None:
    settings.SWEEP_SECONDS = 7
    prod.report(boom("first", ago(hours=2)))
    ignore(prod, ago(hours=1), until=ago(minutes=1))

    [chore] = [chore for chore in all_chores() if chore.name == "sweep"]
    for _ in chore.steps():
        pass

    assert chore.interval_seconds == 7
    assert rules_of(prod) == ["ignore_expired"]


def test_what_a_person_decided_is_given_up_like_any_other(prod: Workspace) -> None:
    anna = Actor(ActorKind.USER, user_id=member_of(prod).id)
    prod.report(*(boom(name, ago(hours=2), message=name) for name in NAMES[:3]))
    resolve(prod, ago(hours=1), message="alpha", by=anna)
    ignore(prod, ago(hours=1), total=1, message="bravo", by=anna)
    ignore(prod, ago(hours=1), until=ago(minutes=1), message="charlie", by=anna)
    fail_unseen(prod, *(boom(f"{name}2", ago(minutes=5), message=name) for name in NAMES[:3]))

    assert sum(swept(prod).values()) == 3
    assert not ErrorGroupState.objects.exclude(resolved_by=None, ignored_by=None).exists()
