"""GET /api/v1/errors/{errorId}"""

from typing import Any
from urllib.parse import urlencode

import pytest

from runs_app.services.credentials import create_api_key
from tests.api.expectations import failure, faults, iso, moment, refused, the_group
from tests.conftest import Api, Workspace, make_workspace

DETAIL = {
    "id", "fingerprint", "taskIdentifier", "errorType", "errorMessage", "category", "count",
    "firstSeen", "lastSeen", "affectedVersions", "mergedFingerprints", "status",
    "resolvedAt", "resolvedInVersion", "resolvedBy",
    "resolvedInNextVersion", "resolvedAfterVersion", "ignoredAt", "ignoredUntil",
    "ignoredReason", "ignoredByUserId", "ignoredUntilOccurrenceRate",
    "ignoredUntilTotalOccurrences",
}  # fmt: skip


def detail_of(workspace: Workspace, error_id: str, **query: Any) -> Any:
    return workspace.api.get(f"/api/v1/errors/{error_id}", query)


@pytest.fixture
def group(prod: Workspace) -> dict[str, Any]:
    prod.report(failure("run_a", version="20240101.1"))
    return the_group(prod)


@pytest.fixture
def shared(prod: Workspace) -> str:
    """One fingerprint in three tasks, the alphabetically middle one seen last."""
    prod.report(
        failure("run_a", task="a-task", failedAt=iso(moment(minutes=30))),
        failure("run_b", task="b-task", failedAt=iso(moment(minutes=10))),
        failure("run_c", task="c-task", failedAt=iso(moment(minutes=20))),
    )
    [error_id] = {group["id"] for group in prod.errors()}
    return error_id


# --- works --------------------------------------------------------------------------------------


def test_a_detail_has_every_member_even_where_nothing_is_set(
    prod: Workspace, group: dict[str, Any]
) -> None:
    answer = detail_of(prod, group["id"])

    assert answer.status == 200
    assert set(answer.body) == DETAIL
    assert answer.body == {
        **{name: None for name in DETAIL if name.startswith(("ignored", "resolved"))},
        "id": group["id"],
        "fingerprint": group["fingerprint"],
        "taskIdentifier": "send-mail",
        "errorType": "TypeError",
        "errorMessage": "It broke",
        "category": None,
        "count": 1,
        "firstSeen": group["firstSeen"],
        "lastSeen": group["lastSeen"],
        "affectedVersions": ["20240101.1"],
        "mergedFingerprints": [],
        "status": "unresolved",
        "resolvedInNextVersion": False,
    }


@pytest.mark.parametrize("form", ["error_{}", "{}"])
def test_an_id_is_taken_with_its_prefix_and_bare(
    prod: Workspace, group: dict[str, Any], form: str
) -> None:
    answer = detail_of(prod, form.format(group["fingerprint"]))

    assert answer.status == 200
    assert answer.body["id"] == group["id"]


def test_a_count_is_that_of_all_that_is_kept(prod: Workspace) -> None:
    prod.report(
        failure("run_a", failedAt=iso(moment(days=80))),
        failure("run_b", failedAt=iso(moment(days=8))),
        failure("run_c"),
        failure("run_d", "OtherError"),
    )
    group = the_group(prod, search="TypeError")
    assert group["count"] == 1

    detail = detail_of(prod, group["id"]).body

    assert detail["count"] == 3
    assert detail["firstSeen"] == group["firstSeen"]
    assert detail["lastSeen"] == group["lastSeen"]


def test_the_newest_five_versions_are_named_in_version_order(prod: Workspace) -> None:
    versions = ["20240101.9", "20240101.10", "v20240102.1", "20231231.99", "", "20240101.2", "beta"]
    prod.report(
        *(failure(f"run_{index}", version=version) for index, version in enumerate(versions))
    )

    detail = detail_of(prod, the_group(prod)["id"]).body

    assert detail["affectedVersions"] == [
        "v20240102.1",
        "20240101.10",
        "20240101.9",
        "20240101.2",
        "20231231.99",
    ]
    assert detail["count"] == 7


def test_a_version_that_no_run_is_left_in_is_not_named(prod: Workspace) -> None:
    prod.report(failure("run_a", version="1"), failure("run_b", version="2"))
    prod.report(failure("run_b", version="3"))

    detail = detail_of(prod, the_group(prod)["id"]).body

    assert detail["affectedVersions"] == ["3", "1"]


def test_runs_without_a_version_name_none(prod: Workspace) -> None:
    prod.report(failure("run_a"))

    assert detail_of(prod, the_group(prod)["id"]).body["affectedVersions"] == []


# --- one fingerprint in several tasks -----------------------------------------------------------


def test_of_several_tasks_the_one_seen_last_is_answered(prod: Workspace, shared: str) -> None:
    assert detail_of(prod, shared).body["taskIdentifier"] == "b-task"

    prod.report(failure("run_new", task="a-task"))

    detail = detail_of(prod, shared).body
    assert (detail["taskIdentifier"], detail["count"]) == ("a-task", 2)


@pytest.mark.parametrize("task", ["a-task", "b-task", "c-task"])
def test_a_task_can_be_picked(prod: Workspace, shared: str, task: str) -> None:
    detail = detail_of(prod, shared, taskIdentifier=task).body

    assert (detail["taskIdentifier"], detail["count"]) == (task, 1)


@pytest.mark.parametrize("task", ["d-task", "A-TASK", "a-task,b-task", "x" * 1000])
def test_a_task_the_fingerprint_is_not_in_is_not_found(
    prod: Workspace, shared: str, task: str
) -> None:
    refused(detail_of(prod, shared, taskIdentifier=task), 404, "not_found")


@pytest.mark.parametrize("task", ["\0", "x" * 1001])
def test_what_no_task_is_called_is_refused(prod: Workspace, shared: str, task: str) -> None:
    path = f"/api/v1/errors/{shared}/resolve"

    for answer in (
        detail_of(prod, shared, taskIdentifier=task),
        prod.api.post(f"{path}?{urlencode({'taskIdentifier': task})}"),
    ):
        assert {place for place, _ in faults(answer)} == {"/query/taskIdentifier"}


def test_an_empty_task_picks_nothing(prod: Workspace, shared: str) -> None:
    assert detail_of(prod, shared, taskIdentifier="").status == 200


def test_two_tasks_cannot_be_picked(prod: Workspace, shared: str) -> None:
    path = f"/api/v1/errors/{shared}"
    query = "?taskIdentifier=a-task&taskIdentifier=b-task"

    assert faults(prod.api.get(path + query)) == {("/query/taskIdentifier", "repeated")}
    assert faults(prod.api.post(f"{path}/resolve{query}")) == {
        ("/query/taskIdentifier", "repeated")
    }


def test_a_task_that_no_run_is_left_in_does_not_count(prod: Workspace, shared: str) -> None:
    for run_id, task in (("run_b", "b-task"), ("run_c", "c-task")):
        prod.report({"id": run_id, "taskIdentifier": task, "status": "COMPLETED"})

    assert detail_of(prod, shared).body["taskIdentifier"] == "a-task"
    assert prod.api.post(f"/api/v1/errors/{shared}/resolve").status == 200
    refused(detail_of(prod, shared, taskIdentifier="b-task"), 404, "not_found")


# --- refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error_id",
    [
        "error_unknown", "unknown", "error_", "error_error_x", "%00", "error_%00", "%ED%A0%80",
        "%FF", "a%2Fb", "%27%20OR%201=1", "%5C", "%09%0A", "x" * 2000, "%F0%9F%8D%8F", "%25",
    ],
)  # fmt: skip
def test_an_unknown_id_is_not_found_in_constant_words(prod: Workspace, error_id: str) -> None:
    body = refused(detail_of(prod, error_id), 404, "not_found")

    assert body["detail"] in {"No such error group.", "There is nothing at this address."}


def test_a_doubled_prefix_is_another_id(prod: Workspace, group: dict[str, Any]) -> None:
    refused(detail_of(prod, f"error_{group['id']}"), 404, "not_found")


def test_an_id_differs_by_case(prod: Workspace) -> None:
    prod.report(failure("run_a", "BigError"))
    group = the_group(prod)

    refused(detail_of(prod, f"error_{group['fingerprint'].upper()}x"), 404, "not_found")
    refused(detail_of(prod, f"ERROR_{group['fingerprint']}"), 404, "not_found")


def test_a_group_that_no_run_is_left_in_is_not_found(
    prod: Workspace, group: dict[str, Any]
) -> None:
    prod.report({"id": "run_a", "taskIdentifier": "send-mail", "status": "COMPLETED"})

    refused(detail_of(prod, group["id"]), 404, "not_found")


def test_a_group_that_its_only_run_left_is_not_found(
    prod: Workspace, group: dict[str, Any]
) -> None:
    prod.report(failure("run_a", "MovedError"))

    refused(detail_of(prod, group["id"]), 404, "not_found")
    assert detail_of(prod, the_group(prod)["id"]).body["errorType"] == "MovedError"


def test_without_a_key_nothing_is_shown(group: dict[str, Any]) -> None:
    refused(Api(None).get(f"/api/v1/errors/{group['id']}"), 401, "unauthorized")


def test_other_tenants_do_not_find_it(
    prod: Workspace, staging: Workspace, group: dict[str, Any]
) -> None:
    unknown = detail_of(staging, "error_unknown").body["detail"]

    for workspace in (staging, make_workspace("prod")):
        body = refused(detail_of(workspace, group["id"]), 404, "not_found")
        assert body["detail"] == unknown


@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        (("read:errors",), 200),
        (("read:errors:{id}",), 200),
        (("read:all",), 200),
        (("*:errors",), 200),
        (("admin",), 200),
        (("write:errors",), 403),
        (("read:errors:error_other",), 403),
        (("read:runs",), 403),
        (("admin:errors",), 403),
        (("",), 403),
        (("read:errors:",), 403),
    ],
)
@pytest.mark.parametrize("form", ["error_{}", "{}"])
def test_scopes_decide(
    prod: Workspace, group: dict[str, Any], scopes: tuple[str, ...], status: int, form: str
) -> None:
    held = tuple(scope.format(id=group["id"]) for scope in scopes)
    api = Api(create_api_key(prod.environment, name="narrow", scopes=held))

    answer = api.get(f"/api/v1/errors/{form.format(group['fingerprint'])}")

    assert answer.status == status
    if status == 403:
        body = refused(answer, 403, "insufficient_scope")
        assert body["permissions"] == ["read:errors", f"read:errors:{group['id']}"]


def test_a_refused_scope_says_the_same_whether_the_group_exists_or_not(
    prod: Workspace, group: dict[str, Any]
) -> None:
    api = Api(create_api_key(prod.environment, name="narrow", scopes=("read:runs",)))

    known = api.get(f"/api/v1/errors/{group['id']}").body
    unknown = api.get("/api/v1/errors/error_unknown").body

    assert known["detail"].replace(group["id"], "error_unknown") == unknown["detail"]


def test_a_detail_costs_at_most_three_reads_of_clickhouse(
    prod: Workspace, group: dict[str, Any], clickhouse_reads: list[str]
) -> None:
    detail_of(prod, group["id"])

    assert 0 < len(clickhouse_reads) <= 3
