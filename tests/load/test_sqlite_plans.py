"""How SQLite finds what a load looks for: it has no statistics, and may take the wrong index."""

from datetime import timedelta

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs_app.models import TaskRun
from runs_app.queries.task_runs import owners_of_keys, record_of
from runs_app.services.load import LINES_PER_TRANSACTION
from tests.conftest import Workspace, failed


@pytest.mark.parametrize("asked", [1, 100, LINES_PER_TRANSACTION])
def test_owners_of_keys_are_found_by_their_time_of_creation(prod: Workspace, asked: int) -> None:
    prod.send(failed("a"), failed("b"))
    run = record_of(TaskRun.objects.get(friendly_id="run_a"))
    asked_for = [
        msgspec.structs.replace(run, created_at=run.created_at + timedelta(seconds=number))
        for number in range(asked)
    ]

    with CaptureQueriesContext(connection) as captured:
        owners = owners_of_keys(prod.tenant, asked_for)

    [query] = captured
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + query["sql"])
        [(*_, plan)] = cursor.fetchall()
    assert "run_created_at (created_at=?)" in plan
    assert owners == {(run.run_id, run.created_at): "run_a"}
