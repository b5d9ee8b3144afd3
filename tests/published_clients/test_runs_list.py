"""`runs.list` of the published SDK."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from runs_app.domain.times import iso, utc_now
from tests.published_clients.service import Service

pytestmark = pytest.mark.timeout(360)

NOW = utc_now()
MINUTE = timedelta(minutes=1)
LONG_AGO = NOW - timedelta(days=3)


def epoch_milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def run(run_id: str, **members: Any) -> dict[str, Any]:
    return {"id": run_id, "taskIdentifier": "send-mail", "status": "COMPLETED", **members}


# Each differs from the others in what it is named for. The newest stands first.
DIFFERENT = [
    run("run_status", status="CANCELED"),
    run("run_task", taskIdentifier="resize-image"),
    run("run_version", version="20260101.10"),
    run("run_tag", tags=["customer:1", "eu west"]),
    run("run_test", isTest=True),
    run("run_schedule", schedule="sched_1"),
    run("run_batch", batch="batch_1"),
    run("run_task_queue", queue="task/send-mail"),
    run("run_custom_queue", queue="mails"),
    run("run_machine", machine="large-2x"),
    run("run_region", region="eu-central-1"),
    run("run_error", status="FAILED", error="Boom"),
    run("run_old", createdAt=iso(LONG_AGO)),
]
ALL = [each["id"] for each in DIFFERENT]

QUERIES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, ALL),
    "a status": ({"status": "CANCELED"}, ["run_status"]),
    "statuses": ({"status": ["CANCELED", "FAILED"]}, ["run_status", "run_error"]),
    "a task": ({"taskIdentifier": "resize-image"}, ["run_task"]),
    "tasks": ({"taskIdentifier": ["resize-image", "no-task"]}, ["run_task"]),
    "a version": ({"version": "20260101.10"}, ["run_version"]),
    "versions": ({"version": ["20260101.10", "20260101.1"]}, ["run_version"]),
    "a tag": ({"tag": "eu west"}, ["run_tag"]),
    "tags": ({"tag": ["customer:1", "customer:2"]}, ["run_tag"]),
    "tests": ({"isTest": True}, ["run_test"]),
    "no tests": ({"isTest": False}, [each for each in ALL if each != "run_test"]),
    "a schedule": ({"schedule": "sched_1"}, ["run_schedule"]),
    "a batch": ({"batch": "batch_1"}, ["run_batch"]),
    "a task's queue": ({"queue": {"type": "task", "name": "send-mail"}}, ["run_task_queue"]),
    "a named queue": ({"queue": {"type": "custom", "name": "mails"}}, ["run_custom_queue"]),
    "queues": (
        {"queue": [{"type": "custom", "name": "mails"}, {"type": "task", "name": "send-mail"}]},
        ["run_task_queue", "run_custom_queue"],
    ),
    "a machine": ({"machine": "large-2x"}, ["run_machine"]),
    "machines": ({"machine": ["micro", "large-2x"]}, ["run_machine"]),
    "a region": ({"region": "eu-central-1"}, ["run_region"]),
    "regions": ({"region": ["eu-central-1", "us-east-1"]}, ["run_region"]),
    "from a date": ({"from": iso(NOW - 60 * MINUTE)}, ALL[:-1]),
    "to a date": ({"to": iso(NOW - 60 * MINUTE)}, ["run_old"]),
    "from and to, in milliseconds": (
        {
            "from": epoch_milliseconds(LONG_AGO),
            "to": epoch_milliseconds(LONG_AGO + MINUTE),
        },
        ["run_old"],
    ),
    "a period": ({"period": "1d"}, ALL[:-1]),
    "two filters": ({"taskIdentifier": "send-mail", "status": "FAILED"}, ["run_error"]),
    "filters that no run meets together": ({"tag": "eu west", "isTest": True}, []),
    "everything, in pages": ({"limit": 2}, ALL),
    "a bulk action": ({"bulkAction": "bulk_1"}, []),
}


@pytest.fixture(scope="module")
def found(service: Service) -> dict[str, Any]:
    """What the SDK found with each query."""
    created = [
        {"createdAt": iso(NOW - number * MINUTE), **each} for number, each in enumerate(DIFFERENT)
    ]
    service.report("prod", *created)
    answers: dict[str, Any] = service.run(
        "list_runs.mjs", {name: query for name, (query, _) in QUERIES.items()}
    )
    return answers


@pytest.mark.parametrize("name", [name for name in QUERIES if name != "a bulk action"])
def test_a_filter_of_the_sdk_finds_the_runs_it_names(found: dict[str, Any], name: str) -> None:
    assert found[name] == QUERIES[name][1]


def test_a_filter_for_a_bulk_action_is_refused_and_not_ignored(found: dict[str, Any]) -> None:
    failure = found["a bulk action"]

    assert failure["classes"] == ["BadRequestError"]
    assert failure["code"] == "invalid_input"


def test_sixty_runs_are_iterated_once_each_in_order(service: Service) -> None:
    # Some are as old as their neighbours: then their ids decide.
    runs = [
        run(f"run_{n:02}", tags=["sixty"], createdAt=iso(NOW - (n // 3) * MINUTE))
        for n in range(60)
    ]
    service.report("preview", *runs)

    listed = service.run(
        "list_runs.mjs",
        {"sevens": {"tag": "sixty", "limit": 7}, "default": {"tag": "sixty"}},
        slug="preview",
    )

    newest_first = sorted(runs, key=lambda each: (each["createdAt"], each["id"]), reverse=True)
    assert listed["sevens"] == [each["id"] for each in newest_first]
    assert listed["default"] == listed["sevens"]


def test_pages_are_turned_forth_and_back_and_forth_again(service: Service) -> None:
    runs = [run(f"run_p{n}", tags=["pages"], createdAt=iso(NOW - n * MINUTE)) for n in range(5)]
    service.report("preview", *runs)

    first, second, back, again = service.run(
        "turn_pages.mjs", {"tag": "pages", "limit": 2}, slug="preview"
    )

    assert first == {"ids": ["run_p0", "run_p1"], "hasNext": True, "hasPrevious": False}
    assert second == {"ids": ["run_p2", "run_p3"], "hasNext": True, "hasPrevious": True}
    assert back == first
    assert again == second
