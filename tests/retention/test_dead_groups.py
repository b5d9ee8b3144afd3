"""Groups whose last failure is past retention leave ClickHouse; what people decided stays."""

from datetime import timedelta
from typing import Any

import pytest

from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.times import iso, utc_now
from runs_app.queries import dead_groups
from runs_app.services import retention
from runs_app.services.retention import Kind
from tests.conftest import Workspace, failed, settle
from tests.retention.sweeping import after_retention, sweep


def group_rows(place: Workspace) -> list[tuple[Any, ...]]:
    """Tasks with their first and last seen."""
    return clickhouse().query(
        "test",
        "SELECT task_identifier, min(first_seen), max(last_seen) FROM errors_v1"
        " WHERE environment_id = {environment:String} GROUP BY task_identifier ORDER BY 1",
        {"environment": place.tenant.environment_id},
    )


def tasks(place: Workspace) -> list[str]:
    return [task for task, _, _ in group_rows(place)]


def test_only_dead_groups_go(prod: Workspace, staging: Workspace) -> None:
    now = utc_now()
    prod.report(
        failed("run_a", task="dead", createdAt=iso(now - timedelta(days=3))),
        failed("run_b", task="old-and-new", createdAt=iso(now - timedelta(days=3))),
    )
    # A part of its own, which holds nothing but old failures of a group that lives.
    prod.report(failed("run_c", task="old-and-new"), failed("run_d", task="new"))
    staging.report(failed("run_a", task="dead", createdAt=iso(now - timedelta(days=3))))
    before = {task: seen for task, *seen in group_rows(prod)}

    deleted = sweep(now + timedelta(days=88))

    assert deleted[Kind.GROUPS] == 2
    assert {task: seen for task, *seen in group_rows(prod)} == {
        task: before[task] for task in ("new", "old-and-new")
    }
    assert tasks(staging) == []


def test_nothing_is_changed_where_nothing_is_dead(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod.report(failed("run_a"))

    def refuse(*_: object) -> None:
        raise AssertionError("a mutation of nothing")

    monkeypatch.setattr(dead_groups, "delete_dead_groups", refuse)

    assert sweep() == {}


def test_many_groups_go_some_at_a_time(prod: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "GROUPS_AT_ONCE", 2)
    prod.report(*(failed(f"run_{number}", task=f"task-{number}") for number in range(5)))

    deleted = sweep(after_retention())

    assert deleted[Kind.GROUPS] == 5
    assert tasks(prod) == []


def test_a_group_that_comes_back_to_life_before_the_deletion_ends_keeps_what_is_new(
    prod: Workspace,
) -> None:
    now = utc_now()
    prod.report(failed("run_a", createdAt=iso(now - timedelta(days=3))))
    cutoff = now - timedelta(days=1)
    dead = dead_groups.find_dead_groups(prod.tenant, cutoff, 10)
    assert len(dead) == 1
    prod.report(failed("run_b"))

    # As a statement that outlived its caller would go on.
    dead_groups.delete_dead_groups(prod.tenant, cutoff, dead)

    [(_, first_seen, last_seen)] = group_rows(prod)
    assert last_seen >= now - timedelta(seconds=1)
    # The old time only where ClickHouse merged both rows into one meanwhile.
    assert first_seen in {last_seen, now - timedelta(days=3)}
    [group] = prod.errors(period="7d")
    assert group["count"] == 2


def test_a_group_ignored_for_ever_is_still_ignored_when_it_fails_after_it_was_swept(
    prod: Workspace,
) -> None:
    prod.report(failed("run_a"))
    [group] = prod.errors()
    assert prod.api.post(f"/api/v1/errors/{group['id']}/ignore", {"reason": "noise"}).status == 200
    settle()

    deleted = sweep(after_retention())
    assert (deleted[Kind.GROUPS], tasks(prod)) == (1, [])
    prod.report(failed("run_b"))

    assert [one["id"] for one in prod.errors(status="ignored")] == [group["id"]]
    assert prod.errors(status="unresolved") == []
    detail = prod.api.get(f"/api/v1/errors/{group['id']}").body
    assert (detail["status"], detail["ignoredReason"]) == ("ignored", "noise")
    assert ErrorGroupState.objects.count() == ErrorGroupActivity.objects.count() == 1
