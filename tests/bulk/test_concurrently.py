"""Many changes of many groups at the same moment: one order of each group, and no half state."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.db import connection

from errors_app.models import BulkOperation, ErrorGroupActivity, ErrorGroupState
from runs_app.clickhouse.client import clickhouse
from runs_app.models import OutboxEntry
from tests.api.expectations import failure
from tests.bulk.conftest import Bulk
from tests.conftest import Answer, Workspace, make_workspace, settle

pytestmark = pytest.mark.django_db(transaction=True)

TYPES = [f"E{number}" for number in range(12)]


@pytest.fixture
def bulk(transactional_db: None, clickhouse_tables: None) -> Bulk:
    bulk = Bulk(make_workspace("prod"))
    bulk.fail(*TYPES)
    return bulk


def at_once(calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """The answers to these calls, all made at the same moment, in their order."""
    start = threading.Barrier(len(calls))
    answers: dict[int, Answer] = {}

    def call(number: int) -> None:
        try:
            start.wait()
            answers[number] = calls[number]()
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=100)
    assert len(answers) == len(calls)
    return [answers[number] for number in range(len(calls))]


def assert_one_order_each(bulk: Bulk) -> None:
    """Each change of a group starts where the one before it ended, and all stores tell the last."""
    for state in ErrorGroupState.objects.all():
        trail = list(ErrorGroupActivity.objects.filter(state=state).order_by("state_version"))
        assert [entry.state_version for entry in trail] == list(range(1, state.version + 1))
        statuses = ["unresolved", *(entry.to_status for entry in trail)]
        assert [entry.from_status for entry in trail] == statuses[:-1]
        assert state.status == statuses[-1]
        assert (state.resolved_at is None) == (state.status != "resolved")
        assert (state.ignored_at is None) == (state.status != "ignored")
    for operation in BulkOperation.objects.all():
        entries = ErrorGroupActivity.objects.filter(operation=operation).exclude(action="undo")
        assert entries.count() == operation.changed
    settle()
    assert not OutboxEntry.objects.exists()
    assert sorted(mirrored(bulk.workspace)) == sorted(
        ErrorGroupState.objects.values_list("error_fingerprint", "status", "version")
    )
    bulk.statuses()


def mirrored(workspace: Workspace) -> list[tuple[Any, ...]]:
    return clickhouse().query(
        "states of a test",
        "SELECT error_fingerprint, status, version FROM error_group_states_v1 FINAL"
        " WHERE environment_id = {environment:String}",
        {"environment": workspace.tenant.environment_id},
    )


def test_fifty_changes_of_overlapping_groups_leave_one_order(bulk: Bulk) -> None:
    ids = dict(zip(TYPES, bulk.ids(*TYPES), strict=True))
    chance = random.Random(4711)

    def calls() -> Iterator[Callable[[], Answer]]:
        for number in range(50):
            some = chance.sample(TYPES, 6)
            action = ("resolve", "ignore", "unresolve")[number % 3]
            if number % 5 == 4:
                path = f"/api/v1/errors/{ids[some[0]]}/{action}"
                yield lambda path=path: bulk.workspace.api.post(path, {})
            elif number % 5 == 3:
                yield lambda action=action: bulk.ask(action, filter={})
            else:
                named = [ids[name] for name in some]
                yield lambda action=action, named=named: bulk.ask(action, ids=named)

    answers = at_once(list(calls()))

    assert {answer.status for answer in answers} == {200}
    assert_one_order_each(bulk)


@pytest.mark.parametrize("attempt", range(3))
def test_two_first_changes_of_the_same_groups_leave_one_order(bulk: Bulk, attempt: int) -> None:
    answers = at_once(
        [lambda: bulk.ask("resolve", filter={}), lambda: bulk.ask("ignore", filter={})]
    )

    assert [answer.status for answer in answers] == [200, 200]
    assert [answer.body["changed"] for answer in answers] == [12, 12]
    assert len(set(bulk.statuses().values())) == 1
    assert_one_order_each(bulk)


def test_a_change_leaves_groups_alone_that_stopped_matching_meanwhile(bulk: Bulk) -> None:
    answers = at_once(
        [
            lambda: bulk.ask("resolve", filter={"status": "unresolved"}),
            lambda: bulk.ask("ignore", filter={"status": "unresolved"}),
        ]
    )

    assert sorted(answer.body["changed"] for answer in answers) == [0, 12]
    skipped = {each["reason"] for answer in answers for each in answer.body["skipped"]}
    assert skipped <= {"already_resolved", "already_ignored"}
    assert ErrorGroupActivity.objects.count() == 12
    assert_one_order_each(bulk)


def test_of_many_undos_one_restores_everything(bulk: Bulk) -> None:
    operation = bulk.change("resolve", filter={})["operationId"]

    answers = at_once([lambda: bulk.ask_undo(operation)] * 8)

    assert sorted(answer.status for answer in answers) == [200, *[409] * 7]
    [done] = [answer.body for answer in answers if answer.status == 200]
    assert done["restored"] == 12
    assert set(bulk.statuses().values()) == {"unresolved"}
    assert_one_order_each(bulk)


def test_an_undo_beside_changes_restores_only_what_they_left(bulk: Bulk) -> None:
    ids = bulk.ids(*TYPES)
    operation = bulk.change("resolve", filter={})["operationId"]

    undo, *_ = answers = at_once(
        [
            lambda: bulk.ask_undo(operation),
            lambda: bulk.ask("ignore", ids=ids[:6]),
            lambda: bulk.workspace.api.post(f"/api/v1/errors/{ids[7]}/ignore", {}),
        ]
    )

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert undo.body["restored"] + len(undo.body["skipped"]) == 12
    assert_one_order_each(bulk)
    assert set(ErrorGroupState.objects.values_list("status", flat=True)) == {
        "ignored",
        "unresolved",
    }


def test_changes_beside_rules_leave_one_order(bulk: Bulk) -> None:
    """A failure reopens a group that is resolved just then."""
    bulk.change("resolve", filter={})
    bulk.workspace.send(*(failure(f"run_new_{name}", name) for name in TYPES))

    def replicate() -> Answer:
        settle()
        return Answer(200, None, {})

    at_once([replicate, *([lambda: bulk.ask("resolve", filter={"status": "unresolved"})] * 3)])

    assert_one_order_each(bulk)
    settle()
    by_rules = ErrorGroupActivity.objects.filter(actor_kind="rule")
    assert by_rules.count() == 12
    assert len({entry.state_id for entry in by_rules}) == 12
