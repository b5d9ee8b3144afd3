"""What cannot be merged or split is refused with a sentence, and leaves everything as it was."""

from typing import Any

import pytest

from errors_app.domain import merging as limits
from errors_app.models import ErrorGroupActivity, ErrorGroupState
from errors_app.services import merging as service
from runs_app.services.credentials import create_api_key
from tests.api.expectations import faults, hidden, refused
from tests.conftest import Api, Workspace
from tests.merging.conftest import PATH, Merging, body_of


def assert_nothing_happened() -> None:
    assert not ErrorGroupState.objects.exists()
    assert not ErrorGroupActivity.objects.exists()


BAD_BODIES: dict[str, tuple[Any, set[tuple[str, str]]]] = {
    "nothing": ({}, {("/body/into", "required"), ("/body/from", "required")}),
    "no list": ({"into": "error_a", "from": "error_b"}, {("/body/from", "not_a_list")}),
    "an empty list": ({"into": "error_a", "from": []}, {("/body/from", "empty")}),
    "no ids": (
        {"into": 7, "from": ["error_b", None, "", "x" * 256, "a\0b"]},
        {
            ("/body/into", "invalid"),
            *((f"/body/from/{number}", "invalid") for number in range(1, 5)),
        },
    ),
    "too many": (
        {"into": "error_a", "from": [f"error_{number}" for number in range(101)]},
        {("/body/from", "too_many")},
    ),
    "itself": (
        {"into": "error_a", "from": ["error_b", "a"]},
        {("/body/from/1", "same_group")},
    ),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_bad_body_is_told_member_by_member(prod: Workspace, name: str) -> None:
    body, expected = BAD_BODIES[name]

    answer = prod.api.post(f"{PATH}/merge", body)

    assert faults(answer) == expected
    assert_nothing_happened()


def test_a_bad_split_is_told(prod: Workspace) -> None:
    for body, code in (({}, "required"), ({"fingerprint": 7}, "invalid")):
        answer = prod.api.post(f"{PATH}/error_a/split", body)

        assert faults(answer) == {("/body/fingerprint", code)}


def test_ids_that_are_not_known_are_named_and_nothing_is_merged(merging: Merging) -> None:
    merging.ids |= {"none": "error_none", "other": "error_other"}

    unknown = refused(merging.ask_merge("A", "B", "none", "other"), 404, "not_found")
    refused(merging.ask_merge("none", "A"), 404, "not_found")
    refused(merging.ask_split("none", "A"), 404, "not_found")

    assert "error_none, error_other" in unknown["detail"]
    assert merging.id("B") not in unknown["detail"]
    assert_nothing_happened()


def test_groups_of_different_tasks_are_not_merged(merging: Merging) -> None:
    merging.fail("D", "A", task="send-fax")

    ambiguous = refused(merging.ask_merge("A", "B"), 409, "ambiguous_error_id")
    across = refused(merging.ask_merge("B", "D"), 409, "conflict")
    picked = refused(merging.ask_merge("A", "D", taskIdentifier="send-mail"), 409, "conflict")
    nowhere = refused(merging.ask_merge("A", "D", taskIdentifier="nothing"), 404, "not_found")

    assert "send-fax, send-mail" in ambiguous["detail"]
    assert merging.id("D") in across["detail"]
    assert [body["retryable"] for body in (ambiguous, across, picked)] == [False] * 3
    assert "no such error group" in nowhere["detail"]
    assert_nothing_happened()
    assert merging.merge("A", "D", taskIdentifier="send-fax")["taskIdentifier"] == "send-fax"


def test_what_is_one_group_already_stays_as_it_is(merging: Merging) -> None:
    first = merging.merge("A", "B")
    before = ErrorGroupActivity.objects.count()

    again = merging.merge("A", "B")
    around = merging.merge("B", "A")

    assert again == around == first
    assert ErrorGroupActivity.objects.count() == before


def test_merging_into_a_merged_group_merges_into_the_survivor(merging: Merging) -> None:
    merging.merge("A", "B")

    answer = merging.merge("B", "C")

    assert (answer["id"], answer["count"]) == (merging.id("A"), 6)
    # One hop, however it came about.
    assert set(
        ErrorGroupState.objects.exclude(merged_into=None).values_list("merged_into", flat=True)
    ) == {merging.fingerprint("A")}


def test_what_is_not_merged_is_not_split(merging: Merging) -> None:
    merging.merge("A", "B")

    for group, leaving in (("A", "C"), ("C", "B"), ("A", "A"), ("B", "A")):
        body = refused(merging.ask_split(group, leaving), 409, "conflict")
        assert (body["retryable"], bool(body["hint"])) == (False, True)
    merging.split("A", "B")
    refused(merging.ask_split("A", "B"), 409, "conflict")

    assert merging.named() == {"A": 1, "B": 2, "C": 3}


def test_a_group_has_room_for_so_many(merging: Merging, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.MOST_MERGED == service.MOST_MERGED
    monkeypatch.setattr(service, "MOST_MERGED", 2)
    merging.fail("D")
    merging.merge("A", "B")
    merging.merge("C", "D")

    body = refused(merging.ask_merge("A", "C"), 409, "conflict")

    assert "At most 2 groups" in body["detail"]
    assert merging.named() == {"A": 3, "C": 4}


def test_a_scope_for_one_group_does_not_do(merging: Merging) -> None:
    merging.merge("A", "B")
    scopes = tuple(f"write:errors:{merging.id(one)}" for one in "ABC")
    key = create_api_key(merging.workspace.environment, name="narrow", scopes=scopes)
    narrow = Merging(merging.workspace, Api(key))
    narrow.ids = merging.ids

    refused(narrow.ask_merge("A", "C"), 403, "insufficient_scope")
    refused(narrow.ask_split("A", "B"), 403, "insufficient_scope")


def test_without_clickhouse_nothing_is_half_done(merging: Merging) -> None:
    with hidden("error_occurrences_v1"):
        assert merging.ask_merge("A", "B").status in {500, 503}
    assert_nothing_happened()

    # The copy cannot be told; the relational store and the outbox have it.
    with hidden("error_group_states_v1"):
        assert body_of(merging.ask_merge("A", "B"))["count"] == 3
    assert merging.named() == {"A": 3, "C": 3}
    assert merging.named(status="unresolved") == {"A": 3, "C": 3}
    with hidden("error_group_states_v1"):
        merging.split("A", "B")
    merging.merge("A", "C")
    assert merging.named() == {"A": 4, "B": 2}
