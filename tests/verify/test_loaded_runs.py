"""A run that was loaded from an export, and whose version `verify_counts --repair` had to raise."""

from io import StringIO

import pytest
from django.core.management import call_command

from runs_app.clickhouse.client import clickhouse
from runs_app.models import TaskRun
from tests.conftest import Workspace
from tests.counting.figures import Failure, assert_counts
from tests.load.conftest import Load, load, row
from tests.verify.history import boom

__all__ = ["load"]

ANOTHER_FORM = """
INSERT INTO task_runs_v2 SELECT * REPLACE (_version + 40 AS _version, 0 AS error_delta)
FROM task_runs_v2 FINAL WHERE environment_id = {environment:String}
"""


@pytest.fixture
def raised(prod: Workspace, load: Load) -> TaskRun:
    load([row(prod, "a", _version=5)])
    before = TaskRun.objects.get().row_version
    clickhouse().command(
        "know it in a newer version", ANOTHER_FORM, {"environment": prod.tenant.environment_id}
    )
    call_command("verify_counts", "--repair", stdout=StringIO())
    run = TaskRun.objects.get()
    assert run.row_version > before + 40
    return run


def test_a_newer_row_of_a_run_whose_version_was_raised_is_loaded(
    prod: Workspace, load: Load, raised: TaskRun
) -> None:
    load([row(prod, "a", _version=4, task_version="old")])
    assert_counts(prod, {"run_a": Failure("send-mail", "boom")})

    load([row(prod, "a", _version=6, task_version="new")])

    assert_counts(prod, {"run_a": Failure("send-mail", "boom", "new")})


def test_a_report_still_comes_between(prod: Workspace, load: Load, raised: TaskRun) -> None:
    prod.report(boom("a", "reported", 0))

    load([row(prod, "a", _version=6, task_version="new", updated_at="1700000000000")])

    [failure] = [run["id"] for run in prod.runs()]
    assert failure == "run_a"
    assert TaskRun.objects.get().task_version != "new"
