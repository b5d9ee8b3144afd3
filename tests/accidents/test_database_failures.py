"""Every way in which a database fails for a while is 503 with a wait, and none is a bug of ours."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from runs_app.models import TaskRun
from runs_app.queries import task_runs
from tests.conftest import Workspace, failed, make_workspace

# What to say to a database so that it fails like that, through its own driver.
POSTGRESQL: Mapping[str, Sequence[str]] = {
    "too many connections": ["DO $$ BEGIN RAISE SQLSTATE '53300'; END $$"],
    "disk full": ["DO $$ BEGIN RAISE SQLSTATE '53100'; END $$"],
    "input or output fails": ["DO $$ BEGIN RAISE SQLSTATE '58030'; END $$"],
    "starting up": ["DO $$ BEGIN RAISE SQLSTATE '57P03'; END $$"],
    "ended by an administrator": ["SELECT pg_terminate_backend(pg_backend_pid())"],
    "a standby takes over": ["SET TRANSACTION READ ONLY", "CREATE TABLE x (y int)"],
}
SQLITE: Mapping[str, Sequence[str]] = {
    # More than there can be free pages in the file, which are taken first.
    "disk full": ["PRAGMA max_page_count = 1", "CREATE TABLE x AS SELECT zeroblob(200000000) AS y"],
    "only reads": ["PRAGMA query_only = 1", "CREATE TABLE x (y)"],
}
FAILURES = POSTGRESQL if settings.DATABASE_URL else SQLITE


@pytest.fixture
def prod(transactional_db: None, clickhouse_tables: None) -> Iterator[Workspace]:
    yield make_workspace("prod")
    # Whatever was done to the session: the next test gets another.
    connection.close()


@pytest.mark.parametrize("name", FAILURES)
def test_a_report_is_refused_with_a_wait_and_taken_when_it_is_over(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(*_: Any) -> None:
        with connection.cursor() as cursor:
            for statement in FAILURES[name]:
                cursor.execute(statement)

    monkeypatch.setattr(task_runs, "insert_runs", fail)

    refused = prod.api.post("/api/v1/runs", [failed("run_a")])
    connection.close()
    left = TaskRun.objects.count()
    monkeypatch.undo()
    again = prod.api.post("/api/v1/runs", [failed("run_a")])

    assert (refused.status, refused.body["error"]) == (503, "service_unavailable")
    assert refused.headers["Retry-After"] == "5"
    assert left == 0
    assert (again.status, again.body["accepted"]) == (200, 1)
