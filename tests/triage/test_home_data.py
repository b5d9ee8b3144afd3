"""What the home page of an environment shows, and what is left of it when a store is away."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from errors_app.domain.decisions import WantedResolution
from errors_app.domain.groups import Actor, ActorKind, GroupKey, IgnoreConditions
from errors_app.services.home_page import AWAY, BROKEN, HomeGroup, Part, T, read_home
from errors_app.services.lifecycle import ignore_group, resolve_group, unresolve_group
from runs_app.clickhouse import client
from runs_app.clickhouse.client import ClickHouse, ServerTarget, clickhouse
from runs_app.domain.times import iso, utc_now
from runs_app.models import OutboxEntry
from runs_app.services import back_pressure
from tests.api.expectations import failure, hidden
from tests.conftest import Workspace, settle

SOMEBODY = Actor(ActorKind.KEY)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Nobody listens where ClickHouse should be. What was asked all the same."""
    asked: list[str] = []

    class Nobody(ServerTarget):
        def connect(self) -> Any:
            asked.append("connect")
            return super().connect()

    door = ClickHouse(Nobody("clickhouse://127.0.0.1:1/default"))
    monkeypatch.setattr(client, "_process_wide", lambda _pid: door)
    yield asked
    door.close()


def fail(run_id: str, name: str, minutes: float = 5, **members: Any) -> dict[str, Any]:
    at = iso(utc_now() - timedelta(minutes=minutes))
    return failure(run_id, name, createdAt=at, failedAt=at, **members)


@contextmanager
def not_merged(table: str) -> Iterator[None]:
    """While this lasts, what was inserted stays apart."""
    clickhouse().command("stop merges", f"SYSTEM STOP MERGES {table}")
    try:
        yield
    finally:
        clickhouse().command("start merges", f"SYSTEM START MERGES {table}")


def value(part: Part[T]) -> T:
    assert part.problem == ""
    assert part.value is not None
    return part.value


def names(groups: tuple[HomeGroup, ...]) -> list[tuple[str, int]]:
    assert all(group.outline for group in groups)
    return [(group.outline.error_type, group.count) for group in groups if group.outline]


def key_of(workspace: Workspace, name: str) -> GroupKey:
    [group] = workspace.errors(period="90d", search=name)
    return GroupKey(group["fingerprint"], group["taskIdentifier"])


def test_groups_that_are_open_are_shown_by_when_they_came_and_how_loud_they_are(
    prod: Workspace, staging: Workspace
) -> None:
    staging.report(fail("run_theirs", "TheirError"))
    prod.report(
        *(fail(f"run_old{days}", "OldError", minutes=days * 1440) for days in (0.01, 2, 3)),
        *(fail(f"run_loud{n}", "LoudError", minutes=180) for n in range(4)),
        *(fail(f"run_new{n}", "NewError", minutes=2) for n in range(2)),
        *(fail(f"run_seen{n}", "IgnoredError", minutes=3) for n in range(9)),
    )
    key = key_of(prod, "IgnoredError")
    ignore_group(prod.tenant, key, SOMEBODY, IgnoreConditions(), 9)

    page = read_home(prod.tenant)

    new = value(page.new)
    assert names(new.groups) == [("NewError", 2), ("LoudError", 4)]
    assert (new.count, new.more) == (2, False)
    assert names(value(page.loudest_of_hour)) == [("NewError", 2), ("OldError", 1)]
    of_day = value(page.loudest_of_day)
    assert names(of_day) == [("LoudError", 4), ("NewError", 2), ("OldError", 1)]
    assert [sum(group.sparkline or ()) for group in of_day] == [4, 2, 1]
    assert page.clickhouse == ""


def test_a_group_that_came_back_is_shown_with_what_did_it_until_somebody_decides(
    prod: Workspace, staging: Workspace
) -> None:
    for workspace in (staging, prod):
        workspace.report(fail("run_a", "AError", version="1.0"), fail("run_b", "BError"))
        key = key_of(workspace, "AError")
        wanted = WantedResolution(version="1.1")
        resolve_group(workspace.tenant, key, SOMEBODY, wanted)
        workspace.report(failure(f"run_again{workspace.environment.slug}", "AError", version="1.2"))

    [back] = value(read_home(prod.tenant).regressions)
    resolve_group(prod.tenant, key, SOMEBODY, WantedResolution())
    resolved = value(read_home(prod.tenant).regressions)
    unresolve_group(prod.tenant, key, SOMEBODY)

    assert back.outline is not None
    assert back.outline.error_type == "AError"
    assert back.regression.key == key
    assert back.regression.run_id.endswith("againprod")
    assert (back.regression.resolved_in, back.regression.task_version) == ("1.1", "1.2")
    assert resolved == value(read_home(prod.tenant).regressions) == ()


def test_tasks_are_told_with_what_part_of_their_runs_failed_hour_by_hour(prod: Workspace) -> None:
    now = utc_now()

    def ended(run_id: str, status: str, hours: float, task: str = "mail") -> dict[str, Any]:
        at = iso(now - timedelta(hours=hours))
        return {"id": run_id, "taskIdentifier": task, "status": status, "createdAt": at}

    prod.report(
        *(ended(f"run_ok{n}", "COMPLETED", 2) for n in range(3)),
        ended("run_bad", "FAILED", 2),
        ended("run_late", "TIMED_OUT", 22),
        ended("run_old", "FAILED", 30),
        ended("run_off", "CANCELED", 2),
        ended("run_going", "EXECUTING", 2),
        ended("run_fine", "COMPLETED", 2, task="calm"),
    )
    with not_merged("task_runs_v2"):
        prod.report(ended("run_ok0", "FAILED", 2), ended("run_bad", "COMPLETED", 2))
        rates = value(read_home(prod.tenant).rates)

    assert [one.task_identifier for one in rates.shown] == ["mail", "calm"]
    mail, calm = rates.shown
    assert (mail.total.finished, mail.total.failed, mail.total.failure_rate) == (5, 2, 0.4)
    assert (calm.total.failure_rate, rates.tasks) == (0.0, 2)
    by_hour = {
        rates.start + number * timedelta(hours=1): (hour.finished, hour.failed)
        for number, hour in enumerate(mail.hours)
        if hour.finished
    }
    full_hour = now.replace(minute=0, second=0, microsecond=0)
    assert by_hour == {
        full_hour - timedelta(hours=2): (4, 1),
        full_hour - timedelta(hours=22): (1, 1),
    }
    assert len(mail.hours) == 24


def test_what_waits_for_clickhouse_is_told(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod.send(failure("run_a"), failure("run_b"))
    OutboxEntry.objects.update(created_at=utc_now() - timedelta(seconds=90))
    # This process has looked when the runs were reported, less than a second ago.
    monkeypatch.setattr(back_pressure, "gauge", back_pressure.Gauge())

    stores = value(read_home(prod.tenant).stores)

    assert stores.replication.waiting_rows == 2
    assert stores.replication.lag_seconds >= 90
    assert stores.ingest.refused_for is None
    assert not stores.is_degraded


def test_without_clickhouse_the_rest_is_there_and_it_is_asked_for_once(
    prod: Workspace, away: list[str]
) -> None:
    page = read_home(prod.tenant)

    parts = (page.new, page.loudest_of_hour, page.loudest_of_day, page.rates)
    assert [(part.value, part.problem) for part in parts] == [(None, AWAY)] * 4
    assert page.clickhouse == AWAY
    assert value(page.stores).replication.waiting_rows == 0
    assert value(page.regressions) == ()
    # The door itself tries a second time.
    assert len(away) <= 2


def test_a_regression_is_told_without_clickhouse(
    prod: Workspace, request: pytest.FixtureRequest
) -> None:
    prod.report(fail("run_a", "AError"))
    key = key_of(prod, "AError")
    resolve_group(prod.tenant, key, SOMEBODY, WantedResolution())
    prod.report(failure("run_again", "AError"))
    request.getfixturevalue("away")

    [back] = value(read_home(prod.tenant).regressions)

    assert (back.regression.key, back.outline, back.sparkline) == (key, None, None)


def test_a_part_that_clickhouse_refuses_leaves_the_others(
    prod: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    prod.report(fail("run_a", "AError"))

    with hidden("task_runs_v2"), caplog.at_level(logging.CRITICAL):
        page = read_home(prod.tenant)

    assert page.rates.problem == page.clickhouse == BROKEN
    assert names(value(page.new).groups) == [("AError", 1)]


def test_the_home_page_asks_clickhouse_six_times_at_most(prod: Workspace, asked: list[str]) -> None:
    prod.report(*(fail(f"run_{n}", f"{chr(65 + n)}Error") for n in range(12)))
    settle()
    asked.clear()

    page = read_home(prod.tenant)

    assert value(page.new).count == 12
    assert len(asked) == 6
