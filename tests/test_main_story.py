"""The main job from end to end, as its first user would check it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.conftest import Api, Workspace, failed

FIRST = "aaaaaaaaaaaaaaaa"
SECOND = "bbbbbbbbbbbbbbbb"


def export_row(prod: Workspace, run_id: str, **columns: Any) -> dict[str, Any]:
    created = datetime.now(UTC) - timedelta(hours=2)
    return {
        "environment_id": prod.tenant.environment_id,
        "organization_id": prod.tenant.organization_id,
        "project_id": prod.tenant.project_id,
        "run_id": run_id,
        "friendly_id": f"run_{run_id}",
        "environment_type": "PRODUCTION",
        "engine": "V2",
        "status": "COMPLETED_WITH_ERRORS",
        "task_identifier": "send-invoice",
        "queue": "task/send-invoice",
        "created_at": int(created.timestamp() * 1000),
        "updated_at": int((created + timedelta(minutes=1)).timestamp() * 1000),
        "completed_at": int((created + timedelta(minutes=1)).timestamp() * 1000),
        "task_version": "20240101.1",
        "_version": "1",
        "_is_deleted": 0,
        **columns,
    }


@pytest.fixture
def loaded(prod: Workspace, tmp_path: Path) -> Workspace:
    """Two groups (two runs and one), a successful run, and one without a fingerprint."""
    type_error = {"data": {"type": "TypeError", "message": "Cannot read x", "stack": "at a.js:1"}}
    crash = {"data": {"name": "OutOfMemory", "message": "Killed"}}
    rows = [
        export_row(prod, "one", error=type_error, error_fingerprint=FIRST),
        export_row(
            prod, "two", error=type_error, error_fingerprint=FIRST, task_version="20240101.2"
        ),
        export_row(
            prod,
            "three",
            error=crash,
            error_fingerprint=SECOND,
            status="CRASHED",
            task_identifier="resize",
        ),
        export_row(prod, "four", status="COMPLETED_SUCCESSFULLY", error={}, error_fingerprint=""),
        export_row(prod, "five", error=type_error, error_fingerprint=""),
    ]
    file = tmp_path / "export.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    call_command("load_runs", str(file))
    return prod


def test_a_loaded_export_shows_its_groups(loaded: Workspace) -> None:
    groups = loaded.errors()

    assert [(group["fingerprint"], group["count"]) for group in groups] == [(FIRST, 2), (SECOND, 1)]
    assert [group["errorType"] for group in groups] == ["TypeError", "OutOfMemory"]
    assert [group["errorMessage"] for group in groups] == ["Cannot read x", "Killed"]
    assert [group["taskIdentifier"] for group in groups] == ["send-invoice", "resize"]
    assert [group["status"] for group in groups] == ["unresolved", "unresolved"]
    assert {group["id"] for group in groups} == {f"error_{FIRST}", f"error_{SECOND}"}


def test_the_detail_names_the_versions_newest_first(loaded: Workspace) -> None:
    detail = loaded.api.get(f"/api/v1/errors/error_{FIRST}").body

    assert detail["affectedVersions"] == ["20240101.2", "20240101.1"]
    assert detail["count"] == 2


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"taskIdentifier": "resize"}, [SECOND]),
        ({"taskIdentifier": "resize,send-invoice"}, [FIRST, SECOND]),
        ({"version": "20240101.2"}, [FIRST]),
        ({"version": "nothing"}, []),
        ({"status": "unresolved"}, [FIRST, SECOND]),
        ({"status": "resolved,ignored"}, []),
        ({"search": "cannot READ"}, [FIRST]),
        ({"search": "outofmem"}, [SECOND]),
        ({"search": "%"}, []),
        ({"period": "1h"}, []),
        ({"period": "3h"}, [FIRST, SECOND]),
        ({"to": "2020-01-01T00:00:00Z"}, []),
        ({"from": "1577836800000"}, [FIRST, SECOND]),
    ],
)
def test_every_filter_narrows_the_list(
    loaded: Workspace, query: dict[str, str], expected: list[str]
) -> None:
    groups = loaded.errors(**query)

    assert sorted(group["fingerprint"] for group in groups) == sorted(expected)


def test_a_count_obeys_the_version_filter(loaded: Workspace) -> None:
    [group] = loaded.errors(version="20240101.2")

    assert group["count"] == 1


@pytest.mark.parametrize(
    "sort", ["-count", "count", "-lastSeen", "lastSeen", "-firstSeen", "firstSeen"]
)
def test_pages_of_one_go_forward_and_back(loaded: Workspace, sort: str) -> None:
    query = {"page[size]": "1", "sort": sort}
    first = loaded.api.get("/api/v1/errors", query).body
    assert "previous" not in first["pagination"]

    second = loaded.api.get(
        "/api/v1/errors", {**query, "page[after]": first["pagination"]["next"]}
    ).body
    back = loaded.api.get(
        "/api/v1/errors", {**query, "page[before]": second["pagination"]["previous"]}
    ).body

    assert {group["fingerprint"] for group in first["data"] + second["data"]} == {FIRST, SECOND}
    assert "next" not in second["pagination"]
    assert back["data"] == first["data"]
    assert "next" in back["pagination"]
    assert "previous" not in back["pagination"]


@pytest.mark.parametrize(
    ("action", "status"),
    [("resolve", "resolved"), ("ignore", "ignored"), ("unresolve", "unresolved")],
)
def test_a_change_shows_at_once_in_detail_list_and_filter(
    loaded: Workspace, action: str, status: str
) -> None:
    if action == "unresolve":
        loaded.api.post(f"/api/v1/errors/error_{FIRST}/resolve")

    changed = loaded.api.post(f"/api/v1/errors/error_{FIRST}/{action}")

    assert changed.status == 200
    assert changed.body["status"] == status
    assert loaded.api.get(f"/api/v1/errors/error_{FIRST}").body["status"] == status
    assert {g["fingerprint"]: g["status"] for g in loaded.errors()}[FIRST] == status
    for wanted in ("unresolved", "resolved", "ignored"):
        shown = {group["fingerprint"] for group in loaded.errors(status=wanted)}
        assert (FIRST in shown) == (wanted == status)


def test_the_runs_behind_a_group_are_listed(prod: Workspace) -> None:
    prod.report(failed("run_a"), failed("run_b"), failed("run_c", task="other", error="Boom"))
    [group] = [g for g in prod.errors() if g["taskIdentifier"] == "send-mail"]

    runs = prod.runs(error=group["id"])

    assert {run["id"] for run in runs} == {"run_a", "run_b"}
    assert all(run["isFailed"] for run in runs)


def test_refusals_are_one_envelope(loaded: Workspace, staging: Workspace) -> None:
    refusals = [
        (loaded.api.get("/api/v1/errors/error_unknown"), 404, "not_found"),
        (Api(None).get("/api/v1/errors"), 401, "unauthorized"),
        (staging.api.get(f"/api/v1/errors/error_{FIRST}"), 404, "not_found"),
        (
            loaded.api.post(f"/api/v1/errors/error_{FIRST}/ignore", raw=b"{nonsense"),
            400,
            "invalid_input",
        ),
        (loaded.api.get("/api/v1/nowhere"), 404, "not_found"),
    ]

    for answer, status, code in refusals:
        assert (answer.status, answer.body["error"], answer.body["status"]) == (
            status,
            code,
            status,
        )
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["x-request-id"] == answer.body["request_id"]
