"""What the published schemas, and the SDK that goes by them, make of our answers."""

from datetime import timedelta

import pytest

from runs_app.domain.times import iso, utc_now
from tests.published_clients.service import Service

pytestmark = pytest.mark.timeout(360)

NOW = utc_now()
STARTED = iso(NOW - timedelta(minutes=2))
FINISHED = iso(NOW - timedelta(minutes=1))

COMPLETED = {
    "id": "run_completed",
    "taskIdentifier": "send-mail",
    "status": "COMPLETED",
    "version": "20260101.1",
    "idempotencyKey": "once",
    "tags": ["customer:1"],
    "createdAt": STARTED,
    "startedAt": STARTED,
    "finishedAt": FINISHED,
    "ttl": "1h",
    "region": "eu-central-1",
    "durationMs": 1500,
    "costInCents": 0.25,
    "isTest": True,
    "payload": {"to": ["a@example.com", None]},
    "output": [1, 2.5, "three"],
    "metadata": {"progress": {"done": 3}},
    "attemptNumber": 2,
}
FAILED = {
    "id": "run_failed",
    "taskIdentifier": "unresolved",
    "status": "FAILED",
    "version": "20260101.2",
    "createdAt": STARTED,
    "error": {"type": "TypeError", "message": "Boom", "stackTrace": "TypeError: Boom\n  at a.js:1"},
}
ODD = {
    "id": "run_odd",
    "taskIdentifier": "any",
    "status": "EXECUTING",
    "payload": "text",
    "metadata": ["no", "object"],
}
STATUSES = [
    "DELAYED", "PENDING", "PENDING_VERSION", "WAITING_FOR_DEPLOY", "DEQUEUED", "EXECUTING",
    "RETRYING_AFTER_FAILURE", "WAITING_TO_RESUME", "PAUSED", "COMPLETED_SUCCESSFULLY",
    "COMPLETED_WITH_ERRORS", "INTERRUPTED", "CRASHED", "SYSTEM_FAILURE", "TIMED_OUT", "EXPIRED",
    "CANCELED",
]  # fmt: skip
# Of a group, beside what the schemas name.
OURS = {"resolvedInNextVersion", "resolvedAfterVersion", "category", "mergedFingerprints"}
IGNORED_FOR = timedelta(hours=1)
CONDITIONS = {
    "duration": int(IGNORED_FOR / timedelta(milliseconds=1)),
    "occurrenceRate": 2.5,
    "totalOccurrences": 100,
    "reason": "Known, and harmless.",
}


@pytest.fixture(scope="module")
def groups(service: Service) -> dict[str, str]:
    """The ids of groups by the task they belong to: one in each state."""
    failures = [
        {**FAILED, "id": f"run_of_{task}", "taskIdentifier": task, "error": f"No {task}"}
        for task in ("resolved", "resolved-later", "ignored")
    ]
    others = [
        {"id": f"run_{status}", "taskIdentifier": "any", "status": status} for status in STATUSES
    ]
    service.report("dev", COMPLETED, FAILED, ODD, *failures, *others)
    listed = service.get("/api/v1/errors", service.keys["dev"]).body["data"]
    ids = {group["taskIdentifier"]: group["id"] for group in listed}
    person = service.exchange("dev", "write:errors")
    resolved = service.post(
        f"/api/v1/errors/{ids['resolved']}/resolve", {"resolvedInVersion": "20260102.1"}, person
    )
    later = service.post(
        f"/api/v1/errors/{ids['resolved-later']}/resolve", {"resolvedInNextVersion": True}, person
    )
    ignored = service.post(f"/api/v1/errors/{ids['ignored']}/ignore", CONDITIONS, person)
    assert (resolved.status, later.status, ignored.status) == (200, 200, 200)
    assert later.body["resolvedAfterVersion"] == "20260101.2"
    return ids


def test_the_schemas_of_errors_parse_groups_in_every_state(
    service: Service, groups: dict[str, str]
) -> None:
    asked = [["/api/v1/errors", "ListErrorsResponse"]]
    asked += [[f"/api/v1/errors/{groups[task]}", "ErrorGroupDetail"] for task in groups]

    listed, *details = service.run("parse_answers.mjs", asked, slug="dev")

    shown = {detail["taskIdentifier"]: detail for detail in details}
    assert {item["id"]: item["status"] for item in listed["data"]} == {
        detail["id"]: detail["status"] for detail in details
    }
    assert shown["unresolved"]["errorType"] == "TypeError"
    assert shown["unresolved"]["status"] == "unresolved"
    assert shown["unresolved"]["affectedVersions"] == ["20260101.2"]
    assert shown["resolved"]["status"] == "resolved"
    assert shown["resolved"]["resolvedInVersion"] == "20260102.1"
    assert shown["resolved"]["resolvedBy"] == service.user_id()
    assert shown["resolved-later"]["status"] == "resolved"
    assert shown["resolved-later"]["resolvedInVersion"] is None
    assert shown["ignored"]["status"] == "ignored"
    assert shown["ignored"]["ignoredByUserId"] == service.user_id()
    assert shown["ignored"]["ignoredUntil"] is not None
    assert shown["ignored"]["ignoredUntilOccurrenceRate"] == 2.5
    assert shown["ignored"]["ignoredUntilTotalOccurrences"] == 100
    assert shown["ignored"]["ignoredReason"] == "Known, and harmless."


def test_the_schemas_of_errors_lose_nothing_that_they_name(
    service: Service, groups: dict[str, str]
) -> None:
    path = f"/api/v1/errors/{groups['ignored']}"

    [parsed] = service.run("parse_answers.mjs", [[path, "ErrorGroupDetail"]], slug="dev")

    answered = service.get(path, service.keys["dev"]).body
    assert parsed == {name: value for name, value in answered.items() if name not in OURS}


def test_the_schemas_of_runs_parse_a_run_in_every_status(
    service: Service, groups: dict[str, str]
) -> None:
    asked = [["/api/v1/runs?page[size]=100", "ListRunResponse"]]
    asked += [[f"/api/v3/runs/run_{status}", "RetrieveRunResponse"] for status in STATUSES]

    listed, *retrieved = service.run("parse_answers.mjs", asked, slug="dev")

    by_id = {run["id"]: run for run in listed["data"]}
    assert [run["id"] for run in retrieved] == [f"run_{status}" for status in STATUSES]
    assert [run["status"] for run in retrieved] == [by_id[run["id"]]["status"] for run in retrieved]
    assert by_id["run_completed"]["env"]["name"] == "dev"


def test_the_sdk_retrieves_a_completed_and_a_failed_run(
    service: Service, groups: dict[str, str]
) -> None:
    completed, failed = service.run(
        "retrieve_runs.mjs", ["run_completed", "run_failed"], slug="dev"
    )

    names = set(COMPLETED) - {"attemptNumber"}
    assert {name: completed[name] for name in names} == {name: COMPLETED[name] for name in names}
    assert completed["attemptCount"] == 2
    assert completed["isSuccess"]
    assert failed["status"] == "FAILED"
    assert failed["isFailed"]
    assert failed["error"] == {
        "message": "Boom",
        "name": "TypeError",
        "stackTrace": "TypeError: Boom\n  at a.js:1",
    }
    assert "output" not in failed


def test_metadata_that_is_no_object_does_not_make_the_sdk_refuse_the_run(
    service: Service, groups: dict[str, str]
) -> None:
    [odd] = service.run("retrieve_runs.mjs", ["run_odd"], slug="dev")

    assert odd["payload"] == "text"
    assert "metadata" not in odd
