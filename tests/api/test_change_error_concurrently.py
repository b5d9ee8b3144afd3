"""Changes of one group by several callers at the same moment."""

import threading
from typing import Any

import pytest
from django.db import connection

from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.clickhouse.client import clickhouse
from runs_app.models import OutboxEntry
from tests.api.expectations import failure, the_group
from tests.conftest import Answer, Workspace, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)
STATUS = {"resolve": "resolved", "ignore": "ignored", "unresolve": "unresolved"}


@pytest.fixture
def prod(transactional_db: None, clickhouse_tables: None) -> Workspace:
    return make_workspace("prod")


def at_once(workspace: Workspace, path: str, actions: list[str]) -> list[Answer]:
    """The answers to these changes, all asked for at the same moment."""
    start = threading.Barrier(len(actions))
    answers: list[Answer] = []

    def change(action: str) -> None:
        try:
            start.wait()
            answers.append(workspace.api.post(f"{path}/{action}", {}))
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(answers) == len(actions)
    return answers


def assert_one_order(workspace: Workspace, group: dict[str, Any], changes: int) -> None:
    """Each change starts where the one before it ended, and all stores tell the last one."""
    state = ErrorGroupState.objects.get()
    activity = list(ErrorGroupActivity.objects.order_by("id"))
    assert len(activity) == changes
    assert state.version == changes
    statuses = ["unresolved", *(row.to_status for row in activity)]
    assert [row.from_status for row in activity] == statuses[:-1]
    assert state.status == statuses[-1]
    assert not OutboxEntry.objects.exists()
    assert the_group(workspace)["status"] == state.status
    assert the_group(workspace, status=state.status)["id"] == group["id"]
    mirrored = clickhouse().query(
        "states of a test",
        "SELECT status, version FROM error_group_states_v1 FINAL"
        " WHERE environment_id = {environment:String}",
        {"environment": workspace.tenant.environment_id},
    )
    assert mirrored == [(state.status, changes)]


@pytest.mark.parametrize("attempt", range(3))
def test_two_first_changes_of_a_group_leave_one_order(prod: Workspace, attempt: int) -> None:
    prod.report(failure("run_a"))
    group = the_group(prod)

    answers = at_once(prod, f"/api/v1/errors/{group['id']}", ["resolve", "ignore"])

    assert sorted(answer.status for answer in answers) == [200, 200]
    assert {answer.body["status"] for answer in answers} == {"resolved", "ignored"}
    assert_one_order(prod, group, 2)


def test_many_changes_of_a_group_leave_one_order(prod: Workspace) -> None:
    prod.report(failure("run_a"))
    group = the_group(prod)
    actions = ["resolve", "ignore", "unresolve"] * 4

    answers = at_once(prod, f"/api/v1/errors/{group['id']}", actions)

    assert [answer.status for answer in answers] == [200] * 12
    assert_one_order(prod, group, 12)
