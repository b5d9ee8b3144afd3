"""PostgreSQL rolls a transaction back so that others can go on: it is done again."""

from typing import Any

import pytest
from django.db import connection

from runs_app.models import OutboxEntry, TaskRun
from runs_app.queries import task_runs
from tests.conftest import Workspace, failed, make_workspace


@pytest.fixture
def prod(transactional_db: None, clickhouse_tables: None) -> Workspace:
    return make_workspace("prod")


@pytest.mark.parametrize("code", ["40001", "40P01"])
@pytest.mark.parametrize(("times", "status"), [(1, 200), (5, 409)])
def test_a_transaction_that_lost_is_done_again_a_few_times(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch, code: str, times: int, status: int
) -> None:
    insert_runs = task_runs.insert_runs
    left = [None] * times

    def lose(*arguments: Any) -> None:
        insert_runs(*arguments)
        if left:
            left.pop()
            with connection.cursor() as cursor:
                cursor.execute(f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$")

    monkeypatch.setattr(task_runs, "insert_runs", lose)

    answer = prod.api.post("/api/v1/runs", [failed("run_a")])

    assert answer.status == status
    assert status == 200 or answer.body["retryable"] is True
    assert TaskRun.objects.count() == OutboxEntry.objects.count() == (status == 200)
