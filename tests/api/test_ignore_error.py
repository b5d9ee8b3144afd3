"""POST /api/v1/errors/{errorId}/ignore"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from errors_app.models import ErrorGroupActivity, ErrorGroupState
from tests.api.expectations import failure, faults, iso, moment, the_group
from tests.api.untouched import Untouched
from tests.conftest import Answer, Workspace


@pytest.fixture
def group(prod: Workspace) -> dict[str, Any]:
    prod.report(failure("run_a"))
    return the_group(prod)


def ignore(workspace: Workspace, group: dict[str, Any], body: Any = None) -> Answer:
    return workspace.api.post(f"/api/v1/errors/{group['id']}/ignore", body)


def test_without_a_condition_a_group_is_ignored_for_ever(
    prod: Workspace, group: dict[str, Any]
) -> None:
    body = ignore(prod, group).body

    assert body["status"] == "ignored"
    ignored_at = datetime.fromisoformat(body["ignoredAt"])
    assert timedelta(0) <= datetime.now(UTC) - ignored_at < timedelta(minutes=1)
    assert body["ignoredUntil"] is None
    assert body["ignoredUntilOccurrenceRate"] is None
    assert body["ignoredUntilTotalOccurrences"] is None
    assert body["ignoredReason"] is None
    assert body["ignoredByUserId"] is None


def test_every_condition_is_kept_and_written_down(prod: Workspace, group: dict[str, Any]) -> None:
    conditions = {
        "duration": 3_600_000,
        "occurrenceRate": 0.5,
        "totalOccurrences": 100,
        "reason": "  known and\nharmless 🍏  ",
    }

    body = ignore(prod, group, conditions).body

    until = datetime.fromisoformat(body["ignoredUntil"])
    assert abs(until - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=1)
    assert body["ignoredUntilOccurrenceRate"] == 0.5
    assert body["ignoredUntilTotalOccurrences"] == 100
    assert body["ignoredReason"] == "known and\nharmless 🍏"
    activity = ErrorGroupActivity.objects.get()
    assert activity.reason == "known and\nharmless 🍏"
    assert activity.details == {
        "until": body["ignoredUntil"],
        "occurrenceRate": 0.5,
        "totalOccurrences": 100,
    }


@pytest.mark.parametrize(
    ("sent", "member", "shown"),
    [
        ({"totalOccurrences": 5.0}, "ignoredUntilTotalOccurrences", 5),
        ({"totalOccurrences": 1}, "ignoredUntilTotalOccurrences", 1),
        ({"totalOccurrences": 10**12}, "ignoredUntilTotalOccurrences", 10**12),
        ({"occurrenceRate": 3}, "ignoredUntilOccurrenceRate", 3.0),
        ({"occurrenceRate": 1e-9}, "ignoredUntilOccurrenceRate", 1e-9),
        ({"reason": "x" * 1000}, "ignoredReason", "x" * 1000),
        ({"reason": ""}, "ignoredReason", None),
        ({"reason": "   "}, "ignoredReason", None),
        ({"reason": None}, "ignoredReason", None),
    ],
)
def test_the_edges_of_what_is_taken(
    prod: Workspace, group: dict[str, Any], sent: dict[str, Any], member: str, shown: Any
) -> None:
    answer = ignore(prod, group, sent)

    assert answer.status == 200, answer.body
    assert answer.body[member] == shown


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("duration", 0, "min_value"),
        ("duration", -1, "min_value"),
        ("duration", 0.5, "invalid"),
        ("duration", "60000", "invalid"),
        ("duration", "", "invalid"),
        ("duration", True, "invalid"),
        ("duration", [60_000], "invalid"),
        ("duration", {}, "invalid"),
        ("duration", 10**15, "max_value"),
        ("duration", 10**30, "max_value"),
        ("occurrenceRate", 0, "min_value"),
        ("occurrenceRate", -0.1, "min_value"),
        ("occurrenceRate", "1", "invalid"),
        ("occurrenceRate", True, "invalid"),
        ("occurrenceRate", False, "invalid"),
        ("occurrenceRate", [], "invalid"),
        ("occurrenceRate", 1e10, "max_value"),
        ("totalOccurrences", 0, "min_value"),
        ("totalOccurrences", -5, "min_value"),
        ("totalOccurrences", 1.5, "invalid"),
        ("totalOccurrences", "5", "invalid"),
        ("totalOccurrences", False, "invalid"),
        ("totalOccurrences", 10**13, "max_value"),
        ("totalOccurrences", 1e300, "max_value"),
        ("reason", "x" * 1001, "max_length"),
        ("reason", 5, "invalid"),
        ("reason", True, "invalid"),
        ("reason", ["noise"], "invalid"),
        ("reason", "a\0b", "null_characters_not_allowed"),
    ],
)
def test_a_wrong_member_is_refused_by_name(
    untouched: Untouched, member: str, value: Any, code: str
) -> None:
    answer = untouched.post("ignore", {member: value})

    assert faults(answer) == {(f"/body/{member}", code)}


def test_every_wrong_member_is_said_at_once(untouched: Untouched) -> None:
    body = {"duration": 0, "occurrenceRate": "x", "totalOccurrences": 0.5, "reason": "y" * 1001}

    assert faults(untouched.post("ignore", body)) == {
        ("/body/duration", "min_value"),
        ("/body/occurrenceRate", "invalid"),
        ("/body/totalOccurrences", "invalid"),
        ("/body/reason", "max_length"),
    }


def test_the_count_at_that_moment_is_the_base_of_n_more(prod: Workspace) -> None:
    prod.report(
        failure("run_a", failedAt=iso(moment(days=30))),
        failure("run_b"),
        failure("run_c", task="other-task"),
        failure("run_d", "OtherError"),
    )
    group = the_group(prod, search="TypeError", taskIdentifier="send-mail")

    path = f"/api/v1/errors/{group['id']}/ignore?taskIdentifier=send-mail"
    answer = prod.api.post(path, {"totalOccurrences": 10})

    assert answer.body["count"] == 2
    assert ErrorGroupState.objects.get().ignored_at_occurrence_count == 2


def test_without_a_total_there_is_no_base(prod: Workspace, group: dict[str, Any]) -> None:
    ignore(prod, group, {"totalOccurrences": 3})
    ignore(prod, group, {"occurrenceRate": 3})

    state = ErrorGroupState.objects.get()
    assert state.ignored_at_occurrence_count is None
    assert state.ignored_until_total_occurrences is None
    assert state.ignored_until_occurrence_rate == 3


def test_ignoring_clears_every_member_of_a_resolution(
    prod: Workspace, group: dict[str, Any]
) -> None:
    prod.api.post(f"/api/v1/errors/{group['id']}/resolve", {"resolvedInVersion": "2"})

    body = ignore(prod, group).body

    assert body["status"] == "ignored"
    assert (body["resolvedAt"], body["resolvedInVersion"], body["resolvedBy"]) == (None,) * 3


def test_a_list_shows_until_when_a_group_is_ignored(prod: Workspace, group: dict[str, Any]) -> None:
    body = ignore(prod, group, {"duration": 60_000}).body

    assert the_group(prod)["ignoredUntil"] == body["ignoredUntil"]
    assert body["ignoredUntil"].endswith("Z")
