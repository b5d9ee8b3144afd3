"""Changes of one group by several callers at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.clickhouse.client import clickhouse
from runs_app.models import OutboxEntry
from tests.api.expectations import failure, the_group
from tests.conftest import Answer, Workspace, make_workspace, settle

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 50
STATUS = {"resolve": "resolved", "ignore": "ignored", "unresolve": "unresolved"}


@pytest.fixture
def prod(transactional_db: None, clickhouse_tables: None) -> Workspace:
    return make_workspace("prod")


def at_once(workspace: Workspace, path: str, actions: list[str]) -> list[Answer]:
    """The answers to these changes, all asked for at the same moment."""
    answers: list[Answer] = []

    def change(action: str) -> Callable[[], None]:
        return lambda: answers.append(workspace.api.post(f"{path}/{action}", {}))

    together(*(change(action) for action in actions))
    assert len(answers) == len(actions)
    return answers


def together(*deeds: Callable[[], None]) -> None:
    """All begun at the same moment, each by somebody else. None of them fails."""
    start = threading.Barrier(len(deeds))

    def do(deed: Callable[[], None]) -> None:
        try:
            start.wait()
            deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as threads:
        for future in [threads.submit(do, deed) for deed in deeds]:
            future.result(timeout=60)


def change(workspace: Workspace, group: dict[str, Any], action: str, **body: Any) -> None:
    """What somebody decides, and is told that it was done."""
    answer = workspace.api.post(f"/api/v1/errors/{group['id']}/{action}", body)
    assert (answer.status, answer.body["status"]) == (200, STATUS[action])


def assert_no_half_state() -> None:
    """The row is what one decision alone makes of it."""
    state = ErrorGroupState.objects.get()
    resolved, ignored = state.resolved_at is not None, state.ignored_at is not None
    assert (resolved, ignored) == (state.status == "resolved", state.status == "ignored")
    assert resolved or state.resolved_in_version is None
    assert resolved or state.resolved_after_version is None
    assert ignored or (state.ignored_reason, state.ignored_until_total_occurrences) == (None, None)
    assert ignored or (state.ignored_until, state.ignored_at_occurrence_count) == (None, None)


def assert_one_order(workspace: Workspace, group: dict[str, Any], changes: int) -> None:
    """Each change starts where the one before it ended, and all stores tell the last one."""
    state = ErrorGroupState.objects.get()
    activity = list(ErrorGroupActivity.objects.order_by("id"))
    assert len(activity) == changes
    assert state.version == changes
    statuses = ["unresolved", *(row.to_status for row in activity)]
    assert [row.from_status for row in activity] == statuses[:-1]
    assert [row.state_version for row in activity] == list(range(1, changes + 1))
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


def test_two_people_who_decide_differently_at_the_same_moment_never_leave_half_of_each(
    prod: Workspace,
) -> None:
    prod.report(failure("run_a", version="1"))
    group = the_group(prod)
    conditions = {"reason": "noise", "totalOccurrences": 10, "duration": 60_000}

    for number in range(ROUNDS):
        version: dict[str, Any] = {"resolvedInNextVersion": True}
        if number % 2:
            version = {"resolvedInVersion": "2"}
        together(
            lambda version=version: change(prod, group, "resolve", **version),
            lambda: change(prod, group, "ignore", **conditions),
        )
        assert_no_half_state()

    assert_one_order(prod, group, 2 * ROUNDS)
    pairs = ErrorGroupActivity.objects.order_by("state_version").values_list("action", flat=True)
    assert all(
        {first, second} == {"resolve", "ignore"}
        for first, second in zip(pairs[::2], pairs[1::2], strict=True)
    )


@pytest.mark.parametrize("action", ["resolve", "ignore"])
def test_a_person_and_a_rule_at_the_same_moment_leave_what_the_person_decided(
    prod: Workspace, action: str
) -> None:
    prod.report(failure("run_a"))
    group = the_group(prod)

    for number in range(ROUNDS // 2):
        change(prod, group, "resolve")
        prod.send(failure(f"run_{number}"))
        together(settle, lambda: change(prod, group, action))
        assert_no_half_state()

    rules = ErrorGroupActivity.objects.filter(actor_kind="rule").count()
    assert_one_order(prod, group, ROUNDS + rules)
    assert ErrorGroupState.objects.get().status == STATUS[action]
    assert rules <= ROUNDS // 2


def test_a_person_and_a_bulk_change_at_the_same_moment_leave_one_order(prod: Workspace) -> None:
    prod.report(failure("run_a"))
    group = the_group(prod)

    def ignore_in_bulk(reason: str) -> None:
        body = {"action": "ignore", "ids": [group["id"]], "reason": reason}
        answer = prod.api.post("/api/v1/errors/bulk", body)
        assert (answer.status, answer.body["changed"]) == (200, 1)

    for number in range(ROUNDS):
        together(
            lambda number=number: ignore_in_bulk(f"round {number}"),
            lambda: change(prod, group, "resolve", resolvedInVersion="2"),
        )
        assert_no_half_state()

    assert_one_order(prod, group, 2 * ROUNDS)
