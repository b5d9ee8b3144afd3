"""GET /api/v3/runs/{runId}"""

from typing import Any

import pytest

from runs_app.services.credentials import create_api_key
from tests.api.expectations import failure, refused
from tests.api.test_list_runs import OPTIONAL, REQUIRED, run
from tests.conftest import Answer, Api, Workspace, make_workspace

DETAIL = REQUIRED | {"attemptCount", "triggerFunction", "relatedRuns"}


def get(workspace: Workspace, run_id: str) -> Answer:
    return workspace.api.get(f"/api/v3/runs/{run_id}")


def test_a_run_that_says_little_has_no_optional_member(prod: Workspace) -> None:
    prod.send(run("run_a", status="QUEUED"))

    answer = get(prod, "run_a")

    assert answer.status == 200
    assert set(answer.body) == DETAIL
    assert answer.body["id"] == "run_a"
    assert answer.body["attemptCount"] == 1
    assert answer.body["triggerFunction"] == "trigger"
    assert answer.body["relatedRuns"] == {}


def test_a_run_shows_its_content_as_it_was_sent(prod: Workspace) -> None:
    content: dict[str, Any] = {
        "payload": {"big": 2**60, "list": [1.5, None, True], "é": "🍏"},
        "output": "text",
        "metadata": {"step": 3},
    }
    error = {"type": "TypeError", "message": "Broke", "stack": "TypeError: Broke\n    at a.js:1:2"}
    prod.send(run("run_a", status="FAILED", error=error, attemptNumber=3, **content))

    body = get(prod, "run_a").body

    assert set(body) == DETAIL | {"payload", "output", "metadata", "error", "grouping"}
    assert {name: body[name] for name in content} == content
    assert body["error"] == {
        "message": "Broke",
        "name": "TypeError",
        "stackTrace": "TypeError: Broke\n    at a.js:1:2",
    }
    assert body["attemptCount"] == 3


def test_an_error_without_a_trace_shows_none(prod: Workspace) -> None:
    prod.send(failure("run_a"))

    assert set(get(prod, "run_a").body["error"]) == {"message", "name"}


def test_a_detail_begins_with_the_item_of_the_list(prod: Workspace) -> None:
    prod.report(failure("run_a", version="1", tags=["x"], metadata={"a": 1}))
    [item] = prod.runs()

    body = get(prod, "run_a").body

    assert {name: body[name] for name in item} == item
    assert set(item) <= REQUIRED | OPTIONAL


@pytest.mark.parametrize("falsy", [0, False, "", [], {}])
def test_content_that_is_falsy_is_content(prod: Workspace, falsy: Any) -> None:
    prod.send(run("run_a", payload=falsy, output=falsy))

    body = get(prod, "run_a").body

    assert (body["payload"], body["output"]) == (falsy, falsy)


def test_a_run_is_found_before_it_arrives_in_clickhouse(prod: Workspace) -> None:
    prod.send(run("run_a"))

    assert prod.runs() == []
    assert get(prod, "run_a").status == 200


@pytest.mark.parametrize(("reported", "asked"), [("run_a", "a"), ("a", "run_a"), ("a", "a")])
def test_an_id_is_taken_with_its_prefix_and_without(
    prod: Workspace, reported: str, asked: str
) -> None:
    prod.send(run(reported))

    assert get(prod, asked).body["id"] == "run_a"


@pytest.mark.parametrize("run_id", ["a.b:c@d~e=f+g-h_i", "A" * 128])
def test_every_character_of_an_id_can_be_asked_for(prod: Workspace, run_id: str) -> None:
    prod.send(run(run_id))

    assert get(prod, run_id).body["id"] == f"run_{run_id}"


def test_a_doubled_prefix_is_another_id(prod: Workspace) -> None:
    prod.send(run("run_run_a"))

    refused(get(prod, "run_a"), 404, "not_found")
    assert get(prod, "run_run_a").status == 200


@pytest.mark.parametrize(
    "run_id",
    [
        "run_b",
        "b",
        "RUN_A",
        "run_",
        "%00",
        "run_a%00",
        "%FF",
        "%ED%A0%80",
        "x" * 3000,
        "%27",
        "%5C",
    ],
)
def test_an_unknown_id_is_not_found_in_constant_words(prod: Workspace, run_id: str) -> None:
    prod.send(run("run_a"))

    body = refused(get(prod, run_id), 404, "not_found")

    assert body["detail"] == "No such run."


def test_without_a_key_nothing_is_shown(prod: Workspace) -> None:
    prod.send(run("run_a"))

    refused(Api(None).get("/api/v3/runs/run_a"), 401, "unauthorized")


def test_other_tenants_do_not_find_it(prod: Workspace, staging: Workspace) -> None:
    prod.send(run("run_a"))

    for workspace in (staging, make_workspace("prod")):
        for run_id in ("run_a", "a"):
            body = refused(get(workspace, run_id), 404, "not_found")
            assert body["detail"] == "No such run."


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("read:runs", 200), ("read:runs:run_a", 200), ("read:all", 200), ("admin", 200),
        ("read:runs:run_b", 403), ("read:runs:a", 403), ("write:runs", 403), ("read:errors", 403),
    ],
)  # fmt: skip
@pytest.mark.parametrize("run_id", ["run_a", "a"])
def test_scopes_decide(prod: Workspace, scope: str, status: int, run_id: str) -> None:
    prod.send(run("run_a"))
    api = Api(create_api_key(prod.environment, name="narrow", scopes=(scope,)))

    answer = api.get(f"/api/v3/runs/{run_id}")

    assert answer.status == status
    if status == 403:
        body = refused(answer, 403, "insufficient_scope")
        assert body["permissions"] == ["read:runs", "read:runs:run_a"]
