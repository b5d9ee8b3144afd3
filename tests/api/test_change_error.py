"""What resolve, ignore and unresolve have in common."""

import gzip
import io
from typing import Any

import pytest
from django.test import Client

from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.clickhouse.client import clickhouse
from runs_app.models import ApiKey, OutboxEntry
from runs_app.services.credentials import create_api_key
from tests.api.expectations import failure, faults, hidden, iso, moment, refused, the_group
from tests.api.test_get_error import DETAIL
from tests.api.untouched import Untouched
from tests.conftest import Api, Workspace, make_workspace

ACTIONS = ["resolve", "ignore", "unresolve"]
STATUS = {"resolve": "resolved", "ignore": "ignored", "unresolve": "unresolved"}
DEEP = b"[" * 10_000 + b"]" * 10_000
DEEP_OBJECT = b'{"a":' * 10_000 + b"1" + b"}" * 10_000


@pytest.fixture
def group(prod: Workspace) -> dict[str, Any]:
    prod.report(failure("run_a"))
    return the_group(prod)


@pytest.fixture(params=ACTIONS)
def action(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def path_of(group: dict[str, Any], action: str) -> str:
    return f"/api/v1/errors/{group['id']}/{action}"


# --- works --------------------------------------------------------------------------------------


def test_the_answer_is_the_full_detail_after_the_change(
    prod: Workspace, group: dict[str, Any], action: str
) -> None:
    answer = prod.api.post(path_of(group, action))

    assert answer.status == 200
    assert set(answer.body) == DETAIL
    assert answer.body["status"] == STATUS[action]
    assert answer.body == prod.api.get(f"/api/v1/errors/{group['id']}").body


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json", "application/json; charset=utf-8", "text/plain",
        "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense", "",
    ],
)  # fmt: skip
def test_no_body_is_fine_whatever_its_type(
    prod: Workspace, group: dict[str, Any], content_type: str
) -> None:
    for action in ACTIONS:
        for raw in (b"", b" \n"):
            answer = prod.api.post(path_of(group, action), raw=raw, content_type=content_type)

            assert answer.status == 200, answer.body
            assert answer.body["status"] == STATUS[action]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"unknown": {"deep": [1, None, {"x": "y"}]}},
        {"resolvedInVersion": None, "duration": None, "occurrenceRate": None,
         "totalOccurrences": None, "reason": None},
    ],
)  # fmt: skip
def test_unknown_and_null_members_say_nothing(
    prod: Workspace, group: dict[str, Any], action: str, body: dict[str, Any]
) -> None:
    answer = prod.api.post(path_of(group, action), body)

    assert answer.status == 200, answer.body
    assert answer.body["resolvedInVersion"] is None
    assert answer.body["ignoredUntil"] is None
    assert answer.body["ignoredReason"] is None


def test_a_compressed_body_is_read(prod: Workspace, group: dict[str, Any]) -> None:
    answer = prod.api.post(
        path_of(group, "ignore"),
        raw=gzip.compress(b'{"reason": "noise"}'),
        **{"Content-Encoding": "gzip"},
    )

    assert answer.body["ignoredReason"] == "noise"


def test_a_chunked_body_is_read(prod: Workspace, group: dict[str, Any]) -> None:
    content = io.BytesIO(b'{"reason": "noise"}')

    response = Client().generic(
        "POST",
        path_of(group, "ignore"),
        content_type="application/json",
        headers={"authorization": f"Bearer {prod.key}", "transfer-encoding": "chunked"},
        **{"wsgi.input": content, "CONTENT_LENGTH": ""},
    )

    assert response.json()["ignoredReason"] == "noise"


def test_the_bare_fingerprint_is_taken(prod: Workspace, group: dict[str, Any], action: str) -> None:
    answer = prod.api.post(f"/api/v1/errors/{group['fingerprint']}/{action}")

    assert answer.body["id"] == group["id"]


# --- refused bodies -----------------------------------------------------------------------------


NO_OBJECTS = [b"[]", b"[{}]", b"7", b'"text"', b"null", b"true", b"[" * 100 + b"]" * 100]
NO_JSON = [
    b"{", b"{nonsense", b"{'a': 1}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e400}',
    b'{"a": 1,}', b"{} {}", b"\xff\xfe", b'{"a": "\xff"}', b'{"a": "\\ud800"}', b"\x00",
    "{}".encode("utf-16"), DEEP, DEEP_OBJECT, DEEP[:10_000],
]  # fmt: skip


@pytest.mark.parametrize("raw", NO_OBJECTS + NO_JSON, ids=range(len(NO_OBJECTS + NO_JSON)))
def test_a_body_that_is_no_json_object_is_refused(
    untouched: Untouched, action: str, raw: bytes
) -> None:
    found = faults(untouched.post(action, raw=raw))

    assert [path for path, _ in found] == ["/body"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data"])
def test_a_body_of_another_type_is_refused(
    untouched: Untouched, action: str, content_type: str
) -> None:
    answer = untouched.post(action, raw=b"{}", content_type=content_type)

    refused(answer, 415, "unsupported_media_type")


def test_a_body_of_megabytes_is_refused(untouched: Untouched, action: str) -> None:
    refused(untouched.post(action, {"unknown": "x" * 3_000_000}), 413, "payload_too_large")


# --- who may, and what is found -----------------------------------------------------------------


def test_without_a_key_nothing_changes(group: dict[str, Any], action: str) -> None:
    refused(Api(None).post(path_of(group, action)), 401, "unauthorized")
    assert ErrorGroupState.objects.count() == 0


def test_other_tenants_change_nothing(
    prod: Workspace, staging: Workspace, group: dict[str, Any], action: str
) -> None:
    for workspace in (staging, make_workspace("prod")):
        refused(workspace.api.post(path_of(group, action)), 404, "not_found")

    assert ErrorGroupState.objects.count() == 0
    assert the_group(prod)["status"] == "unresolved"


def test_a_tenant_with_the_same_group_changes_its_own_only(
    prod: Workspace, staging: Workspace, group: dict[str, Any]
) -> None:
    staging.report(failure("run_a"))

    staging.api.post(path_of(group, "resolve"))

    assert the_group(staging)["status"] == "resolved"
    assert the_group(prod)["status"] == "unresolved"


def test_an_unknown_id_is_not_found(prod: Workspace, action: str) -> None:
    for error_id in ("error_unknown", "%00", "x" * 2000, "%27"):
        refused(prod.api.post(f"/api/v1/errors/{error_id}/{action}"), 404, "not_found")


def test_a_group_that_no_run_is_left_in_is_not_found(
    prod: Workspace, group: dict[str, Any], action: str
) -> None:
    prod.report({"id": "run_a", "taskIdentifier": "send-mail", "status": "COMPLETED"})

    refused(prod.api.post(path_of(group, action)), 404, "not_found")
    assert ErrorGroupState.objects.count() == 0


@pytest.mark.parametrize(
    "scopes", [("write:errors",), ("write:errors:{id}",), ("*:errors",), ("admin",)]
)
def test_a_scope_that_grants_it_is_enough(
    prod: Workspace, group: dict[str, Any], scopes: tuple[str, ...]
) -> None:
    held = tuple(scope.format(id=group["id"]) for scope in scopes)
    api = Api(create_api_key(prod.environment, name="narrow", scopes=held))

    for action in ACTIONS:
        assert api.post(path_of(group, action)).body["status"] == STATUS[action]


@pytest.mark.parametrize(
    "scope",
    [
        "read:errors", "read:all", "write:all", "write:runs", "write:errors:error_other",
        "admin:errors", "",
    ],
)  # fmt: skip
def test_any_other_scope_is_not(untouched: Untouched, action: str, scope: str) -> None:
    environment = untouched.workspace.environment
    api = Api(create_api_key(environment, name="narrow", scopes=(scope,)))

    body = refused(api.post(path_of(untouched.group, action)), 403, "insufficient_scope")

    assert body["permissions"] == ["write:errors", f"write:errors:{untouched.group['id']}"]
    assert ErrorGroupState.objects.count() == 0


def test_a_scope_is_asked_before_the_body_is_read(untouched: Untouched, action: str) -> None:
    environment = untouched.workspace.environment
    api = Api(create_api_key(environment, name="narrow", scopes=("read:errors",)))

    refused(api.post(path_of(untouched.group, action), raw=b"{"), 403, "insufficient_scope")


# --- one fingerprint in several tasks -----------------------------------------------------------


@pytest.fixture
def shared(prod: Workspace) -> dict[str, Any]:
    prod.report(
        failure("run_a", task="a-task", failedAt=iso(moment(minutes=30))),
        failure("run_b", task="b-task", failedAt=iso(moment(minutes=10))),
    )
    return prod.errors()[0]


def test_an_ambiguous_id_is_a_conflict_that_names_the_tasks(
    prod: Workspace, shared: dict[str, Any], action: str
) -> None:
    answer = prod.api.post(path_of(shared, action))

    body = refused(answer, 409, "ambiguous_error_id")
    assert "a-task" in body["detail"]
    assert "b-task" in body["detail"]
    assert "taskIdentifier" in body["hint"]
    assert body["retryable"] is False
    assert answer.headers["x-should-retry"] == "false"
    assert ErrorGroupState.objects.count() == 0


def test_a_picked_task_alone_changes(prod: Workspace, shared: dict[str, Any], action: str) -> None:
    answer = prod.api.post(path_of(shared, action) + "?taskIdentifier=a-task")

    assert answer.status == 200
    assert answer.body["taskIdentifier"] == "a-task"
    states = {group["taskIdentifier"]: group["status"] for group in prod.errors()}
    assert states == {"a-task": STATUS[action], "b-task": "unresolved"}


def test_a_picked_task_the_fingerprint_is_not_in_is_not_found(
    prod: Workspace, shared: dict[str, Any], action: str
) -> None:
    answer = prod.api.post(path_of(shared, action) + "?taskIdentifier=c-task")

    refused(answer, 404, "not_found")


# --- side effects -------------------------------------------------------------------------------


def test_a_change_is_written_down_with_the_key_that_made_it(
    prod: Workspace, group: dict[str, Any], action: str
) -> None:
    prod.api.post(path_of(group, "ignore"))
    prod.api.post(path_of(group, action))

    row, first = ErrorGroupActivity.objects.all()
    assert (first.from_status, first.to_status) == ("unresolved", "ignored")
    assert (row.action, row.from_status, row.to_status) == (action, "ignored", STATUS[action])
    assert row.actor_kind == "key"
    assert row.api_key_id == ApiKey.objects.get(environment=prod.environment).id
    assert row.user_id is None
    assert (row.client, row.rule, row.run_id, row.task_version) == ("", "", "", "")
    assert row.state.environment_id == prod.environment.pk
    assert row.state.error_fingerprint == group["fingerprint"]
    assert row.state.task_identifier == "send-mail"


def test_a_change_is_in_clickhouse_and_out_of_the_outbox_when_it_is_answered(
    prod: Workspace, group: dict[str, Any], action: str
) -> None:
    prod.api.post(path_of(group, "ignore"))
    prod.api.post(path_of(group, action))

    assert not OutboxEntry.objects.filter(environment=prod.environment).exists()
    mirrored = clickhouse().query(
        "states of a test",
        "SELECT status, version FROM error_group_states_v1 FINAL"
        " WHERE environment_id = {environment:String}",
        {"environment": prod.tenant.environment_id},
    )
    assert mirrored == [(STATUS[action], 2)]


def test_a_change_that_clickhouse_cannot_be_told_is_answered_and_kept(
    prod: Workspace, group: dict[str, Any], action: str
) -> None:
    with hidden("error_group_states_v1"):
        answer = prod.api.post(path_of(group, action))

    assert answer.status == 200
    assert ErrorGroupState.objects.get().status == STATUS[action]
    assert OutboxEntry.objects.filter(environment=prod.environment).count() == 1


def test_the_same_change_again_leaves_the_same_status(
    prod: Workspace, group: dict[str, Any], action: str
) -> None:
    first = prod.api.post(path_of(group, action))
    second = prod.api.post(path_of(group, action))

    assert second.status == 200
    assert first.body["status"] == second.body["status"] == STATUS[action]
    assert ErrorGroupState.objects.count() == 1


def test_runs_and_counts_are_not_touched(
    prod: Workspace, group: dict[str, Any], action: str
) -> None:
    prod.api.post(path_of(group, action))

    after = the_group(prod)
    untouched = ("id", "count", "firstSeen", "lastSeen", "errorType", "errorMessage")
    assert {name: after[name] for name in untouched} == {name: group[name] for name in untouched}
    assert [run["status"] for run in prod.runs()] == ["FAILED"]
