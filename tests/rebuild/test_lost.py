"""Noticing that ClickHouse has lost what it was told."""

import io
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import call_command

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.tables import TABLES
from runs_app.domain.times import utc_now
from runs_app.models import ClickHouseRebuild, TaskRun
from runs_app.services.emptiness import warn_if_lost
from runs_app.services.replicator_turn import replicator_turn
from tests.conftest import Workspace, failed


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("WARNING", logger="runs_app.services.emptiness")
    return caplog


def empty() -> None:
    for table in TABLES:
        clickhouse().command("test", f"TRUNCATE TABLE {table}")


def looks_lost() -> bool:
    with replicator_turn():
        return warn_if_lost()


def test_runs_that_clickhouse_was_told_of_and_does_not_have_are_counted(
    prod: Workspace, warned: pytest.LogCaptureFixture
) -> None:
    prod.report(failed("run_a"), failed("run_b"))
    there = looks_lost()
    empty()
    prod.send(failed("run_c"))

    lost = looks_lost()

    assert not there
    assert lost
    [record] = warned.records
    assert "has 2 that it was told of" in record.getMessage()
    assert "`manage.py rebuild_clickhouse`" in record.getMessage()


def test_runs_that_wait_are_not_lost(prod: Workspace, warned: pytest.LogCaptureFixture) -> None:
    empty()
    nothing = looks_lost()
    prod.send(failed("run_a"), failed("run_b"))

    assert not nothing
    assert not looks_lost()
    assert not warned.records


def test_runs_that_clickhouse_need_not_have_any_more_are_not_lost(prod: Workspace) -> None:
    prod.report(failed("run_a"))
    empty()
    TaskRun.objects.update(created_at=utc_now() - timedelta(days=settings.RETENTION_DAYS))

    assert not looks_lost()


def test_a_rebuild_that_was_under_way_begins_again_and_one_that_was_not_does_anyway(
    prod: Workspace, warned: pytest.LogCaptureFixture
) -> None:
    prod.report(failed("run_a"))
    empty()
    rebuild = ClickHouseRebuild.objects.create(started_at=utc_now(), runs_total=1)
    before = looks_lost()
    ClickHouseRebuild.objects.filter(pk=rebuild.pk).update(
        emptied_at=utc_now(), states_told_at=utc_now(), next_run=0, runs_told=1
    )

    assert not before
    assert looks_lost()
    assert "in the middle of a rebuild" in warned.records[0].getMessage()
    call_command("rebuild_clickhouse", "--yes", stdout=io.StringIO())
    assert [group["count"] for group in prod.errors()] == [1]
