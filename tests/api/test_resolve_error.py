"""POST /api/v1/errors/{errorId}/resolve"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.models import OutboxEntry
from tests.api.expectations import failure, faults, refused, the_group
from tests.api.untouched import Untouched
from tests.conftest import Answer, Workspace, settle


@pytest.fixture
def group(prod: Workspace) -> dict[str, Any]:
    prod.report(failure("run_a"))
    return the_group(prod)


def resolve(workspace: Workspace, group: dict[str, Any], body: Any = None) -> Answer:
    return workspace.api.post(f"/api/v1/errors/{group['id']}/resolve", body)


def test_a_resolved_group_says_since_when(prod: Workspace, group: dict[str, Any]) -> None:
    body = resolve(prod, group).body

    resolved_at = datetime.fromisoformat(body["resolvedAt"])
    assert timedelta(0) <= datetime.now(UTC) - resolved_at < timedelta(minutes=1)
    assert body["resolvedInVersion"] is None
    assert body["resolvedBy"] is None


@pytest.mark.parametrize("version", ["20240101.10", "v1.2.3-rc.1+build", "ü", "x" * 100])
def test_a_version_is_kept_as_it_was_sent(
    prod: Workspace, group: dict[str, Any], version: str
) -> None:
    body = resolve(prod, group, {"resolvedInVersion": version}).body

    assert body["resolvedInVersion"] == version
    assert ErrorGroupActivity.objects.get().details == {"version": version}


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("", "blank"),
        (20240101.1, "invalid"),
        (5, "invalid"),
        (True, "invalid"),
        (["1"], "invalid"),
        ({"major": 1}, "invalid"),
        ("x" * 101, "max_length"),
        ("a\0b", "null_characters_not_allowed"),
    ],
)
def test_a_wrong_version_is_refused(untouched: Untouched, version: Any, code: str) -> None:
    answer = untouched.post("resolve", {"resolvedInVersion": version})

    assert faults(answer) == {("/body/resolvedInVersion", code)}


def test_members_of_an_ignore_are_tolerated_and_unread(
    prod: Workspace, group: dict[str, Any]
) -> None:
    body = resolve(prod, group, {"duration": -1, "reason": 5}).body

    assert body["status"] == "resolved"
    assert body["ignoredReason"] is None


def test_resolving_clears_every_member_of_an_ignore(prod: Workspace, group: dict[str, Any]) -> None:
    conditions = {
        "duration": 60_000,
        "occurrenceRate": 2.5,
        "totalOccurrences": 10,
        "reason": "noise",
    }
    prod.api.post(f"/api/v1/errors/{group['id']}/ignore", conditions)

    body = resolve(prod, group, {"resolvedInVersion": "2"}).body

    assert {name for name, value in body.items() if name.startswith("ignored") and value} == set()
    state = ErrorGroupState.objects.get()
    assert state.ignored_at_occurrence_count is None
    assert state.ignored_at is None


def test_resolving_again_without_a_version_forgets_the_first(
    prod: Workspace, group: dict[str, Any]
) -> None:
    first = resolve(prod, group, {"resolvedInVersion": "2"}).body
    second = resolve(prod, group).body

    assert second["resolvedInVersion"] is None
    assert second["resolvedAt"] >= first["resolvedAt"]


def test_a_committed_change_is_answered_as_one_though_the_outbox_cannot_be_tidied(
    prod: Workspace, group: dict[str, Any]
) -> None:
    def break_deletes(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("DELETE"):
            raise OperationalError("the database went away")
        return execute(sql, *rest)

    with connection.execute_wrapper(break_deletes):
        answer = resolve(prod, group)

    assert (answer.status, answer.body["status"]) == (200, "resolved")
    assert [each["status"] for each in prod.errors()] == ["resolved"]
    settle()
    assert not OutboxEntry.objects.exists()


def test_in_the_next_version_is_after_the_newest_that_ran(
    prod: Workspace, group: dict[str, Any]
) -> None:
    runs = {"run_b": "20240101.10", "run_c": "20240101.9"}
    prod.report(
        *(
            {"id": id_, "taskIdentifier": "t", "status": "COMPLETED", "version": version}
            for id_, version in runs.items()
        )
    )

    body = resolve(prod, group, {"resolvedInNextVersion": True}).body

    assert body["status"] == "resolved"
    assert body["resolvedInNextVersion"] is True
    assert body["resolvedAfterVersion"] == "20240101.10"
    assert body["resolvedInVersion"] is None
    assert ErrorGroupActivity.objects.get().details == {"nextAfter": "20240101.10"}
    assert the_group(prod, status="resolved")["resolvedAfterVersion"] == "20240101.10"


def test_what_runs_in_another_environment_is_no_version_of_this_one(
    prod: Workspace, staging: Workspace, group: dict[str, Any]
) -> None:
    prod.report(failure("run_b", version="1.0.0"))
    staging.report(failure("run_c", version="1.1.0"))

    body = resolve(prod, group, {"resolvedInNextVersion": True}).body

    assert body["resolvedAfterVersion"] == "1.0.0"


def test_without_any_version_there_is_no_next_one(untouched: Untouched) -> None:
    answer = untouched.post("resolve", {"resolvedInNextVersion": True})

    body = refused(answer, 409, "conflict")
    assert body["detail"].startswith("No run in this environment has named a version yet")
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("no", [False, None])
def test_not_in_the_next_version_is_the_same_as_nothing(
    prod: Workspace, group: dict[str, Any], no: bool | None
) -> None:
    wanted = {"resolvedInVersion": "2", "resolvedInNextVersion": no}

    body = resolve(prod, group, wanted).body

    assert body["resolvedInVersion"] == "2"
    assert body["resolvedInNextVersion"] is False
    assert body["resolvedAfterVersion"] is None


@pytest.mark.parametrize("wrong", ["true", 1, 0, "", [True], {}])
def test_only_true_and_false_say_whether_it_is_the_next_version(
    untouched: Untouched, wrong: Any
) -> None:
    answer = untouched.post("resolve", {"resolvedInNextVersion": wrong})

    assert faults(answer) == {("/body/resolvedInNextVersion", "invalid")}


def test_a_version_and_the_next_one_exclude_each_other(untouched: Untouched) -> None:
    wanted = {"resolvedInVersion": "2", "resolvedInNextVersion": True}

    answer = untouched.post("resolve", wanted)

    assert faults(answer) == {
        ("/body/resolvedInVersion", "conflict"),
        ("/body/resolvedInNextVersion", "conflict"),
    }


def test_every_other_decision_forgets_the_next_version(
    prod: Workspace, group: dict[str, Any]
) -> None:
    prod.report(failure("run_b", version="5"))
    path = f"/api/v1/errors/{group['id']}"

    for action in ("ignore", "unresolve", "resolve"):
        resolve(prod, group, {"resolvedInNextVersion": True})
        body = prod.api.post(f"{path}/{action}", {}).body

        assert (body["resolvedInNextVersion"], body["resolvedAfterVersion"]) == (False, None)
        assert ErrorGroupState.objects.get().resolved_after_version is None
