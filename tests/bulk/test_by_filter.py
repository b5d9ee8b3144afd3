"""Changing all groups that a list would show."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from errors_app.models import BulkOperation, ErrorGroupState
from tests.api.conftest import Clock
from tests.api.expectations import epoch, hidden, iso, moment, refused
from tests.bulk.conftest import Bulk


def test_all_that_the_list_shows_is_changed(bulk: Bulk) -> None:
    result = bulk.change("resolve", filter={})

    assert (result["matched"], result["changed"], result["skipped"]) == (3, 3, [])
    assert set(bulk.statuses().values()) == {"resolved"}


def test_the_window_that_was_used_is_told_and_kept(bulk: Bulk) -> None:
    result = bulk.change("resolve", filter={"search": "a", "taskIdentifier": ["send-mail"]})

    start, end = (datetime.fromisoformat(result["window"][name]) for name in ("from", "to"))
    assert timedelta(days=1) <= end - start <= timedelta(days=1, minutes=1)
    assert BulkOperation.objects.get().parameters == {
        "filter": {"search": "a", "taskIdentifier": ["send-mail"], **result["window"]}
    }


def test_the_window_of_one_answer_chooses_the_same_groups_later(bulk: Bulk, clock: Clock) -> None:
    preview = bulk.change("resolve", filter={}, dryRun=True)
    clock.advance(minutes=5)
    bulk.fail("D", failedAt=iso(moment(minutes=-4)))

    result = bulk.change("resolve", filter=preview["window"], expectedCount=preview["matched"])

    assert result["window"] == preview["window"]
    assert bulk.statuses() == {
        "A": "resolved",
        "B": "resolved",
        "C": "resolved",
        "D": "unresolved",
    }


def test_each_filter_narrows_as_it_does_in_the_list(bulk: Bulk) -> None:
    bulk.fail("D", task="send-fax", version="7")
    bulk.fail("E", task="a,b", version="8")
    bulk.fail("F", failedAt=iso(moment(hours=30)), createdAt=iso(moment(hours=31)))
    bulk.change("ignore", ids=[bulk.id("B")])

    def matched(**members: object) -> int:
        return int(bulk.change("resolve", filter=members, dryRun=True)["matched"])

    assert matched(taskIdentifier="send-fax") == 1
    assert matched(taskIdentifier="send-fax,send-mail") == 4
    assert matched(taskIdentifier=["send-fax", "send-mail"]) == 4
    # Of a list each text is one name, with whatever commas it has.
    assert matched(taskIdentifier=["a,b"]) == 1
    assert matched(taskIdentifier="a,b") == 0
    assert matched(version=["7", "8"]) == 2
    assert matched(status="ignored") == 1
    assert matched(status=["unresolved", "resolved"]) == 4
    assert matched(search="D") == 1
    assert matched(period="2d") == 6
    assert matched(**{"from": iso(moment(hours=48)), "to": iso(moment(hours=24))}) == 1
    assert matched(**{"from": int(epoch(moment(hours=48)))}) == 6
    assert matched(status=None, period=None) == 5


def test_a_status_is_filtered_by_what_the_outbox_still_holds(bulk: Bulk) -> None:
    with hidden("error_group_states_v1"):
        bulk.change("resolve", ids=bulk.ids("A"))

    result = bulk.change("ignore", filter={"status": "unresolved"})

    assert result["changed"] == 2
    assert bulk.statuses() == {"A": "resolved", "B": "ignored", "C": "ignored"}


def test_nothing_that_matches_is_no_failure(bulk: Bulk) -> None:
    result = bulk.change("resolve", filter={"taskIdentifier": "no-such-task"})

    assert (result["operationId"], result["matched"], result["changed"]) == (None, 0, 0)


def test_more_than_the_limit_is_refused_with_the_count(bulk: Bulk, settings: Any) -> None:
    settings.BULK_LIMIT = 2

    for chosen in ({"filter": {}}, {"ids": bulk.ids("A", "B", "C")}):
        for dry_run in (False, True):
            answer = bulk.ask("resolve", dryRun=dry_run, **chosen)

            body = refused(answer, 409, "bulk_too_large")
            assert body["detail"] == "3 groups match; 2 at most are changed at once."
            assert body["retryable"] is False
            assert answer.headers["x-should-retry"] == "false"
    assert not ErrorGroupState.objects.exists()


def test_as_many_as_the_limit_are_changed(bulk: Bulk, settings: Any) -> None:
    settings.BULK_LIMIT = 3

    assert bulk.change("resolve", filter={})["changed"] == 3


@pytest.mark.parametrize("chosen", ["ids", "filter"])
def test_another_count_than_expected_changes_nothing(bulk: Bulk, chosen: str) -> None:
    how = {"filter": {}} if chosen == "filter" else {"ids": [*bulk.ids("A", "B", "C"), "error_x"]}

    answer = bulk.ask("resolve", expectedCount=2, **how)

    body = refused(answer, 409, "conflict")
    assert body["detail"].startswith("3 groups match by now")
    assert not ErrorGroupState.objects.exists()
    assert bulk.change("resolve", expectedCount=3, **how)["changed"] == 3


def test_a_dry_run_tells_what_would_be_and_changes_nothing(bulk: Bulk) -> None:
    bulk.change("resolve", ids=bulk.ids("A"))
    operations = BulkOperation.objects.count()

    preview = bulk.change("resolve", filter={}, dryRun=True)

    assert preview["operationId"] is None
    assert (preview["matched"], preview["changed"]) == (3, 2)
    assert [skipped["reason"] for skipped in preview["skipped"]] == ["already_resolved"]
    assert bulk.statuses() == {"A": "resolved", "B": "unresolved", "C": "unresolved"}
    assert BulkOperation.objects.count() == operations
    assert bulk.change("resolve", filter={})["skipped"] == preview["skipped"]
