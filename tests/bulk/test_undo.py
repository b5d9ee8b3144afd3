"""Taking one decision about many groups back."""

import pytest

from errors_app.models import BulkOperation, ErrorGroupActivity, ErrorGroupState
from errors_app.services.undo import forget_changes
from runs_app.domain.times import utc_now
from runs_app.models import Membership, OutboxEntry
from runs_app.services.credentials import create_api_key
from tests.api.conftest import Clock
from tests.api.expectations import hidden, refused
from tests.bulk.conftest import PATH, Bulk
from tests.conftest import Api, Workspace, settle
from tests.people import member_of, token_of_person


def changed_at_will(bulk: Bulk) -> None:
    """A resolved in a version, B ignored with conditions, C as nobody touched it."""
    bulk.change("resolve", ids=bulk.ids("A"), resolvedInVersion="2.0")
    bulk.change(
        "ignore",
        ids=bulk.ids("B"),
        occurrenceRate=2.5,
        totalOccurrences=7,
        duration=3_600_000,
        reason="Known",
    )


def test_every_group_is_as_it_was_before(bulk: Bulk) -> None:
    changed_at_will(bulk)
    before = {name: bulk.detail(name) for name in "ABC"}
    operation = bulk.change("resolve", filter={})["operationId"]

    result = bulk.undo(operation)

    assert result == {"operationId": operation, "restored": 3, "skipped": []}
    assert {name: bulk.detail(name) for name in "ABC"} == before
    assert bulk.statuses() == {"A": "resolved", "B": "ignored", "C": "unresolved"}
    assert not OutboxEntry.objects.exists()
    base = ErrorGroupState.objects.get(error_fingerprint=bulk.id("B").removeprefix("error_"))
    assert base.ignored_at_occurrence_count == 1


def test_the_trail_tells_of_the_undo(bulk: Bulk) -> None:
    person = member_of(bulk.workspace, Membership.Role.MEMBER)
    operation = bulk.change("ignore", filter={})["operationId"]

    Bulk(bulk.workspace, Api(token_of_person(bulk.workspace, person, "write:errors"))).undo(
        operation
    )

    for name in "ABC":
        undo, ignore = bulk.trail(name)
        assert ignore["action"] == "ignore"
        assert (undo["action"], undo["fromStatus"], undo["toStatus"]) == (
            "undo",
            "ignored",
            "unresolved",
        )
        assert undo["details"] == {"operationId": operation}
        assert undo["actor"]["id"] == person.id
    kept = set(ErrorGroupActivity.objects.values_list("operation_id", flat=True))
    assert {str(one) for one in kept} == {operation}


def test_groups_changed_since_stay_as_they_are(bulk: Bulk) -> None:
    operation = bulk.change("resolve", filter={})["operationId"]
    bulk.change("ignore", ids=bulk.ids("A"))
    # Decided again just as the operation had decided.
    bulk.change("unresolve", ids=bulk.ids("B"))
    bulk.change("resolve", ids=bulk.ids("B"))

    result = bulk.undo(operation)

    assert result["restored"] == 1
    assert {(each["id"], each["taskIdentifier"]) for each in result["skipped"]} == {
        (bulk.id("A"), "send-mail"),
        (bulk.id("B"), "send-mail"),
    }
    assert {each["reason"] for each in result["skipped"]} == {"changed_since"}
    assert bulk.statuses() == {"A": "ignored", "B": "resolved", "C": "unresolved"}


def test_a_group_that_came_back_by_itself_stays_open(bulk: Bulk) -> None:
    operation = bulk.change("resolve", filter={})["operationId"]
    bulk.fail("A")

    result = bulk.undo(operation)

    assert (result["restored"], len(result["skipped"])) == (2, 1)
    assert bulk.trail("A")[0]["actor"]["type"] == "rule"


def test_what_nobody_left_to_restore_is_undone_all_the_same(bulk: Bulk) -> None:
    operation = bulk.change("resolve", filter={})["operationId"]
    bulk.change("unresolve", filter={})

    assert bulk.undo(operation)["restored"] == 0
    bulk.refused_undo(operation, 409, "conflict")


def test_a_second_undo_is_refused_and_changes_nothing(bulk: Bulk) -> None:
    operation = bulk.change("resolve", filter={})["operationId"]
    bulk.undo(operation)

    assert bulk.refused_undo(operation, 409, "conflict") == "This change was undone already."
    assert ErrorGroupActivity.objects.filter(action="undo").count() == 3


def test_it_is_too_late_after_ten_minutes(bulk: Bulk, clock: Clock) -> None:
    operation = bulk.change("resolve", filter={})["operationId"]

    clock.advance(minutes=10)

    assert "ten minutes" in bulk.refused_undo(operation, 409, "conflict")
    assert set(bulk.statuses().values()) == {"resolved"}


def test_it_can_be_undone_just_before_that(bulk: Bulk, clock: Clock) -> None:
    operation = bulk.change("resolve", filter={})["operationId"]

    clock.advance(minutes=9)

    assert bulk.undo(operation)["restored"] == 3


def test_an_older_operation_is_undone_where_a_newer_one_changed_other_groups(bulk: Bulk) -> None:
    older = bulk.change("resolve", ids=bulk.ids("A"))["operationId"]
    newer = bulk.change("ignore", ids=bulk.ids("B", "C"))["operationId"]

    assert bulk.undo(older)["restored"] == 1
    assert bulk.undo(newer)["restored"] == 2
    assert set(bulk.statuses().values()) == {"unresolved"}


def test_an_operation_on_an_operation_is_undone_newest_first(bulk: Bulk) -> None:
    first = bulk.change("resolve", filter={})["operationId"]
    second = bulk.change("ignore", filter={})["operationId"]

    assert bulk.undo(second)["restored"] == 3
    assert set(bulk.statuses().values()) == {"resolved"}
    # Restoring was a change, too.
    assert bulk.undo(first)["restored"] == 0


def test_people_who_are_gone_by_then_are_left_out(bulk: Bulk) -> None:
    person = member_of(bulk.workspace, Membership.Role.MEMBER)
    theirs = Bulk(bulk.workspace, Api(token_of_person(bulk.workspace, person, "write:errors")))
    theirs.change("resolve", filter={}, resolvedInVersion="2.0")
    operation = bulk.change("ignore", filter={})["operationId"]
    person.user.delete()

    assert bulk.undo(operation)["restored"] == 3
    detail = bulk.detail("A")
    assert (detail["status"], detail["resolvedInVersion"]) == ("resolved", "2.0")
    assert detail["resolvedBy"] is None


def test_an_outage_of_clickhouse_does_not_hold_an_undo_up(bulk: Bulk) -> None:
    operation = bulk.change("resolve", filter={})["operationId"]

    with hidden("error_group_states_v1"):
        assert bulk.undo(operation)["restored"] == 3

    assert set(bulk.statuses().values()) == {"unresolved"}
    settle()
    assert set(bulk.statuses().values()) == {"unresolved"}


@pytest.mark.parametrize(
    "id_", ["nonsense", "x" * 500, "%00", "0b7d4f5e-6a8c-4e0b-9d53-2f1c7a9be001"]
)
def test_an_unknown_operation_is_not_found(bulk: Bulk, id_: str) -> None:
    bulk.refused_undo(id_, 404, "not_found")


def test_another_environments_operation_is_not_found(bulk: Bulk, staging: Workspace) -> None:
    operation = bulk.change("resolve", filter={})["operationId"]

    Bulk(staging).refused_undo(operation, 404, "not_found")

    assert set(bulk.statuses().values()) == {"resolved"}


def test_anybody_who_may_write_errors_may_undo_and_nobody_else(bulk: Bulk) -> None:
    operation = bulk.change("resolve", filter={})["operationId"]
    environment = bulk.workspace.environment
    for scopes in (("read:errors",), (f"write:errors:{bulk.id('A')}",)):
        narrow = Api(create_api_key(environment, name="narrow", scopes=scopes))
        body = refused(narrow.post(f"{PATH}/{operation}/undo"), 403, "insufficient_scope")
        assert body["permissions"] == ["write:errors"]

    other = Api(create_api_key(environment, name="other", scopes=("write:errors",)))

    assert Bulk(bulk.workspace, other).undo(operation)["restored"] == 3


def test_what_cannot_be_undone_any_more_is_not_kept(bulk: Bulk, clock: Clock) -> None:
    late = bulk.change("resolve", ids=bulk.ids("A"))["operationId"]
    clock.advance(minutes=5)
    fresh = bulk.change("resolve", ids=bulk.ids("B"))["operationId"]
    undone = bulk.change("resolve", ids=bulk.ids("C"))["operationId"]
    bulk.undo(undone)
    clock.advance(minutes=5)

    forgotten = list(forget_changes(utc_now()))

    assert sum(forgotten) == 1
    kept = {str(one.id): bytes(one.changes) for one in BulkOperation.objects.all()}
    assert kept.pop(fresh)
    assert kept == {late: b"", undone: b""}
    assert list(forget_changes(utc_now())) == []
    assert bulk.undo(fresh)["restored"] == 1


def test_many_operations_are_forgotten_in_steps(bulk: Bulk, clock: Clock) -> None:
    bulk.change("resolve", filter={})
    kept = BulkOperation.objects.get()
    BulkOperation.objects.bulk_create(
        BulkOperation(
            environment_id=kept.environment_id,
            action=kept.action,
            actor_kind=kept.actor_kind,
            matched=kept.matched,
            changed=kept.changed,
            changes=kept.changes,
            created_at=kept.created_at,
        )
        for _ in range(40)
    )
    clock.advance(minutes=11)

    assert list(forget_changes(utc_now())) == [20, 20, 1]
