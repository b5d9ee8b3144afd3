"""What becomes of groups, and which of them stay as they are."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from errors_app.models import BulkOperation, ErrorGroupState
from errors_app.queries import occurrences
from runs_app.models import Membership
from tests.api.conftest import Clock
from tests.api.expectations import refused
from tests.bulk.conftest import Bulk
from tests.conftest import Api
from tests.people import member_of, token_of_person


def reasons(result: dict[str, Any]) -> list[str]:
    return [skipped["reason"] for skipped in result["skipped"]]


def test_resolving_again_changes_nothing(bulk: Bulk) -> None:
    bulk.change("resolve", filter={}, resolvedInVersion="2")
    before = bulk.detail("A")

    result = bulk.change("resolve", filter={}, resolvedInVersion="2")

    assert (result["operationId"], result["matched"], result["changed"]) == (None, 3, 0)
    assert reasons(result) == ["already_resolved"] * 3
    assert bulk.detail("A") == before
    assert len(bulk.trail("A")) == 1


def test_resolving_in_another_version_is_a_change(bulk: Bulk) -> None:
    bulk.change("resolve", filter={}, resolvedInVersion="2")

    assert bulk.change("resolve", filter={}, resolvedInVersion="3")["changed"] == 3
    assert bulk.detail("A")["resolvedInVersion"] == "3"
    assert bulk.change("resolve", filter={})["changed"] == 3
    assert bulk.detail("A")["resolvedInVersion"] is None


def test_resolving_in_the_next_version_is_after_the_newest_that_ran(bulk: Bulk) -> None:
    bulk.fail("A", "B", version="20240101.9")
    bulk.fail("A", version="20240101.10")

    result = bulk.change("resolve", filter={}, resolvedInNextVersion=True)

    assert result["changed"] == 3
    states = ErrorGroupState.objects.all()
    assert {state.resolved_after_version for state in states} == {"20240101.10"}
    again = bulk.change("resolve", filter={}, resolvedInNextVersion=True)
    assert reasons(again) == ["already_resolved"] * 3
    bulk.fail("C", version="20240101.10")
    assert bulk.statuses()["C"] == "resolved"


def test_there_is_no_next_version_where_none_ran(bulk: Bulk) -> None:
    refused(bulk.ask("resolve", filter={}, resolvedInNextVersion=True), 409, "conflict")

    assert not ErrorGroupState.objects.exists()


def test_ignoring_with_the_same_conditions_changes_nothing(bulk: Bulk) -> None:
    conditions = {"occurrenceRate": 5, "totalOccurrences": 100}
    bulk.change("ignore", filter={}, reason="Known", **conditions)

    again = bulk.change("ignore", filter={}, **conditions)

    assert reasons(again) == ["already_ignored"] * 3
    assert bulk.detail("A")["ignoredReason"] == "Known"


@pytest.mark.parametrize(
    "other", [{}, {"occurrenceRate": 6}, {"duration": 60_000}, {"reason": "Another"}]
)
def test_ignoring_with_other_conditions_is_a_change(bulk: Bulk, other: dict[str, Any]) -> None:
    same = {"occurrenceRate": 5, "reason": "Known"}
    bulk.change("ignore", filter={}, **same)

    assert bulk.change("ignore", filter={}, **({**same, **other} if other else {}))["changed"] == 3


def test_so_many_more_count_from_what_each_group_has_now(bulk: Bulk) -> None:
    bulk.fail("A", "A", "B")

    bulk.change("ignore", filter={}, totalOccurrences=10)

    counts = {
        group["errorType"]: group["count"] for group in bulk.workspace.errors(status="ignored")
    }
    bases = {
        state.error_fingerprint: state.ignored_at_occurrence_count
        for state in ErrorGroupState.objects.all()
    }
    assert counts == {"A": 3, "B": 2, "C": 1}
    assert {name: bases[bulk.id(name).removeprefix("error_")] for name in counts} == counts


def test_counts_of_more_groups_than_one_query_asks_for_are_all_there(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(occurrences, "FINGERPRINTS_PER_QUERY", 2)

    bulk.change("ignore", filter={}, totalOccurrences=10)

    bases = ErrorGroupState.objects.values_list("ignored_at_occurrence_count", flat=True)
    assert list(bases) == [1, 1, 1]


def test_so_many_more_is_another_condition_once_it_failed_again(bulk: Bulk) -> None:
    bulk.change("ignore", filter={}, totalOccurrences=10)
    bulk.fail("B")

    again = bulk.change("ignore", filter={}, totalOccurrences=10)

    assert again["changed"] == 1
    assert reasons(again) == ["already_ignored"] * 2


def test_a_duration_counts_from_now(bulk: Bulk, clock: Clock) -> None:
    bulk.change("ignore", filter={}, duration=60_000)

    until, since = (
        datetime.fromisoformat(bulk.detail("A")[name]) for name in ("ignoredUntil", "ignoredAt")
    )
    assert timedelta(seconds=59) < until - since <= timedelta(seconds=60)
    clock.advance(seconds=61)
    assert set(bulk.statuses().values()) == {"unresolved"}
    assert reasons(bulk.change("unresolve", filter={})) == ["already_unresolved"] * 3


def test_reopening_takes_back_what_was_decided(bulk: Bulk) -> None:
    bulk.change("resolve", ids=bulk.ids("A"))
    bulk.change("ignore", ids=bulk.ids("B"), reason="Known")

    result = bulk.change("unresolve", filter={})

    assert result["changed"] == 2
    assert reasons(result) == ["already_unresolved"]
    assert set(bulk.statuses().values()) == {"unresolved"}
    assert bulk.detail("B")["ignoredReason"] is None


def test_ignoring_clears_what_resolving_set_and_the_other_way_round(bulk: Bulk) -> None:
    bulk.change("resolve", filter={}, resolvedInVersion="2")

    bulk.change("ignore", filter={}, reason="Known")

    detail = bulk.detail("A")
    assert (detail["resolvedAt"], detail["resolvedInVersion"]) == (None, None)
    bulk.change("resolve", filter={})
    assert (bulk.detail("A")["ignoredAt"], bulk.detail("A")["ignoredReason"]) == (None, None)


def test_a_person_is_named_in_states_trail_and_operation(bulk: Bulk) -> None:
    person = member_of(bulk.workspace, Membership.Role.MEMBER)
    token = token_of_person(bulk.workspace, person, "write:errors")

    Bulk(bulk.workspace, Api(token)).change("resolve", filter={})

    assert bulk.detail("A")["resolvedBy"] == person.id
    assert {entry["actor"]["id"] for entry in bulk.trail("B")} == {person.id}
    operation = BulkOperation.objects.get()
    assert (operation.actor_kind, str(operation.user_id)) == ("user", person.id)
