"""What a report changes, and what it leaves alone."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models.signals import pre_save

from runs_app.domain.run_status import SHOWN
from runs_app.domain.times import iso, utc_now
from runs_app.models import OutboxEntry, TaskRun
from tests.conftest import Workspace, failed, make_workspace, settle

RUNS = "/api/v1/runs"
RETENTION = timedelta(days=90)


def ago(**parts: float) -> str:
    return iso(utc_now() - timedelta(**parts))


def only_run() -> TaskRun:
    return TaskRun.objects.get()


def taken(answer: dict[str, Any]) -> tuple[int, int, int]:
    return answer["accepted"], answer["unchanged"], len(answer["rejected"])


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("FAILED", "COMPLETED_WITH_ERRORS"),
        ("QUEUED", "PENDING"),
        ("WAITING", "WAITING_TO_RESUME"),
        ("COMPLETED", "COMPLETED_SUCCESSFULLY"),
        *((status.value, status.value) for status in SHOWN),
    ],
)
def test_api_and_stored_status_names_are_taken(prod: Workspace, sent: str, stored: str) -> None:
    prod.send({"id": "a", "taskIdentifier": "t", "status": sent})

    assert only_run().status == stored
    shown = prod.api.get("/api/v3/runs/run_a").body
    assert shown["status"] == SHOWN[only_run().status].status.value  # type: ignore[index]


def test_the_required_members_alone_are_enough(prod: Workspace) -> None:
    for name in ("id", "taskIdentifier", "status"):
        run = {"id": "a", "taskIdentifier": "t", "status": "FAILED"}
        del run[name]

        [refused] = prod.send(run)["rejected"]

        assert [detail["path"] for detail in refused["details"]] == [f"/body/0/{name}"]
    assert taken(prod.send({"id": "a", "taskIdentifier": "t", "status": "FAILED"})) == (1, 0, 0)


@pytest.mark.parametrize(
    ("created_at", "fine"),
    [
        (timedelta(minutes=59), True),
        (timedelta(minutes=61), False),
        (-RETENTION + timedelta(minutes=1), True),
        (-RETENTION - timedelta(minutes=1), False),
    ],
)
def test_created_at_lies_between_retention_and_an_hour_from_now(
    prod: Workspace, created_at: timedelta, fine: bool
) -> None:
    answer = prod.send(failed("a", createdAt=iso(utc_now() + created_at)), failed("b"))

    assert taken(answer) == ((2, 0, 0) if fine else (1, 0, 1))


def test_equal_content_is_unchanged_and_enters_no_outbox(prod: Workspace) -> None:
    run = failed("a", updatedAt=ago(minutes=5), tags=["x"], payload={"a": [1, None]}, version="1")
    prod.report(run)

    answers = [taken(prod.send(run)) for _ in range(3)]

    assert answers == [(0, 1, 0)] * 3
    assert OutboxEntry.objects.count() == 0


def test_null_and_absent_members_keep_what_was_there(prod: Workspace) -> None:
    prod.send(failed("a", version="7", tags=["x"], payload=1, metadata={"m": 1}, queue="q"))

    answer = prod.send(
        {"id": "a", "taskIdentifier": "send-mail", "status": "CRASHED", "version": None}
    )

    assert taken(answer) == (1, 0, 0)
    run = only_run()
    assert (run.task_version, run.tags, run.payload, run.queue) == ("7", ["x"], "1", "q")
    assert run.error_fingerprint


def test_an_older_update_changes_nothing(prod: Workspace) -> None:
    prod.report(failed("a", updatedAt=ago(minutes=5)))

    answer = prod.send({**failed("a"), "status": "EXECUTING", "updatedAt": ago(minutes=6)})

    assert taken(answer) == (0, 1, 0)
    assert only_run().status == "COMPLETED_WITH_ERRORS"


def test_an_update_older_than_a_resent_one_changes_nothing_either(prod: Workspace) -> None:
    prod.report(failed("a", updatedAt=ago(minutes=9)))
    resent = prod.send(failed("a", updatedAt=ago(minutes=1)))

    late = prod.send({**failed("a"), "status": "EXECUTING", "updatedAt": ago(minutes=5)})

    assert taken(resent) == taken(late) == (0, 1, 0)
    assert only_run().status == "COMPLETED_WITH_ERRORS"
    assert OutboxEntry.objects.count() == 0


def test_an_update_of_the_same_time_and_one_without_a_time_apply(prod: Workspace) -> None:
    at = ago(minutes=5)
    prod.send({**failed("a"), "status": "EXECUTING", "updatedAt": at})

    same = prod.send(failed("a", updatedAt=at))
    without = prod.send({"id": "a", "taskIdentifier": "send-mail", "status": "COMPLETED"})

    assert taken(same) == taken(without) == (1, 0, 0)
    assert only_run().status == "COMPLETED_SUCCESSFULLY"


def test_created_at_counts_in_the_first_report_only(prod: Workspace) -> None:
    first = ago(hours=3)
    prod.send(failed("a", createdAt=first))

    prod.send(failed("a", createdAt=ago(hours=1), version="2"))

    assert iso(only_run().created_at) == first


@pytest.mark.parametrize("name", ["queuedAt", "startedAt", "finishedAt", "failedAt", "updatedAt"])
def test_a_run_that_does_not_say_when_it_was_created_is_no_younger_than_what_it_tells(
    prod: Workspace, name: str
) -> None:
    told = ago(days=2)

    prod.send({"id": "a", "taskIdentifier": "t", "status": "CRASHED", name: told})

    assert iso(only_run().created_at) == told


def test_the_same_id_twice_in_one_call_is_one_run_in_its_last_state(prod: Workspace) -> None:
    answer = prod.report(
        failed("a"), failed("run_a", version="2"), failed("a", version="2"), failed("a", task="b")
    )

    assert taken(answer) == (3, 1, 0)
    assert (only_run().task_identifier, only_run().task_version) == ("b", "2")
    assert [(group["taskIdentifier"], group["count"]) for group in prod.errors()] == [("b", 1)]


def test_the_same_id_in_two_environments_is_two_runs_each_counted_in_its_own(
    prod: Workspace, staging: Workspace
) -> None:
    prod.report(failed("a"), failed("b"))
    staging.report(failed("a", version="9"))
    staging.report({"id": "b", "taskIdentifier": "send-mail", "status": "COMPLETED"})

    assert TaskRun.objects.filter(friendly_id="run_a").count() == 2
    assert [group["count"] for group in prod.errors()] == [2]
    assert [group["count"] for group in staging.errors()] == [1]
    assert prod.api.get("/api/v3/runs/run_a").body.get("version") is None
    assert staging.api.get("/api/v3/runs/run_a").body["version"] == "9"


def test_another_projects_environment_sees_nothing(prod: Workspace) -> None:
    stranger = make_workspace("prod")
    prod.report(failed("a"))

    assert stranger.errors() == stranger.runs() == []
    assert stranger.api.get("/api/v3/runs/run_a").status == 404


@pytest.mark.parametrize(
    ("told", "index"),
    [
        (("failedAt", "finishedAt", "updatedAt", "createdAt"), 0),
        (("finishedAt", "updatedAt", "createdAt"), 0),
        (("updatedAt", "createdAt"), 0),
        (("createdAt",), 0),
    ],
)
def test_the_time_of_failing_is_the_first_that_is_told(
    prod: Workspace, told: tuple[str, ...], index: int
) -> None:
    times = {name: ago(minutes=10 * (number + 1)) for number, name in enumerate(told)}

    prod.report(failed("a", **times))

    [group] = prod.errors()
    assert group["lastSeen"] == group["firstSeen"] == times[told[index]]


def test_a_failure_is_never_later_than_its_receipt(prod: Workspace) -> None:
    before = utc_now()

    prod.report(failed("a", failedAt="2150-01-01T00:00:00Z", createdAt=ago(minutes=-30)))

    [group] = prod.errors()
    assert before <= datetime.fromisoformat(group["lastSeen"]) <= utc_now()


def test_a_failure_is_never_older_than_what_is_kept(prod: Workspace) -> None:
    prod.send(failed("a", failedAt="2001-01-01T00:00:00Z"))

    run = only_run()
    assert run.failed_at is not None
    assert utc_now() - RETENTION - timedelta(seconds=30) < run.failed_at <= utc_now() - RETENTION


def test_the_first_failure_of_a_count_pins_its_time(prod: Workspace) -> None:
    first = ago(minutes=30)
    prod.report(failed("a", failedAt=first))

    for minutes in (20, 40):
        prod.report(failed("a", failedAt=ago(minutes=minutes), tags=[f"{minutes}"]))

    assert iso(only_run().failed_at) == first  # type: ignore[arg-type]
    assert [(group["count"], group["lastSeen"]) for group in prod.errors()] == [(1, first)]


@pytest.mark.parametrize("move", [{"task": "other"}, {"version": "2"}, {"error": "other"}])
def test_a_failure_that_moves_to_another_count_has_a_time_of_its_own(
    prod: Workspace, move: dict[str, Any]
) -> None:
    prod.report(failed("a", failedAt=ago(minutes=30)))
    second = ago(minutes=10)

    prod.report(failed("a", failedAt=second, **move))

    [group] = prod.errors()
    assert (group["count"], group["lastSeen"]) == (1, second)


def test_a_run_that_fails_again_after_it_healed_fails_at_the_new_time(prod: Workspace) -> None:
    prod.report(failed("a", failedAt=ago(minutes=30)))
    prod.report({"id": "a", "taskIdentifier": "send-mail", "status": "EXECUTING"})
    again = ago(minutes=10)

    prod.report(failed("a", failedAt=again))

    assert iso(only_run().failed_at) == again  # type: ignore[arg-type]
    [group] = prod.errors()
    assert (group["count"], group["lastSeen"]) == (1, again)


def test_a_run_and_its_outbox_rows_are_kept_together_or_not_at_all(prod: Workspace) -> None:
    def fail(**_: Any) -> None:
        raise OSError("the disk is full")

    pre_save.connect(fail, sender=OutboxEntry)
    try:
        answer = prod.api.post(RUNS, [failed("a"), failed("b")])
    finally:
        pre_save.disconnect(fail, sender=OutboxEntry)

    assert answer.status == 500
    assert TaskRun.objects.count() == OutboxEntry.objects.count() == 0
    assert taken(prod.report(failed("a"), failed("b"))) == (2, 0, 0)
    assert [group["count"] for group in prod.errors()] == [2]


def test_an_update_is_undone_with_its_outbox_rows(prod: Workspace) -> None:
    prod.report(failed("a", version="1"))

    def fail(**_: Any) -> None:
        raise OSError("the disk is full")

    pre_save.connect(fail, sender=OutboxEntry)
    try:
        prod.api.post(RUNS, [failed("a", version="2", task="moved")])
    finally:
        pre_save.disconnect(fail, sender=OutboxEntry)
    settle()

    assert (only_run().task_version, only_run().counted_version) == ("1", "1")
    assert [group["taskIdentifier"] for group in prod.errors()] == ["send-mail"]


def test_the_same_error_written_differently_is_unchanged(prod: Workspace) -> None:
    prod.api.post(
        RUNS,
        raw=b'{"id":"a","taskIdentifier":"t","status":"FAILED","error":{"type":"T","message":"m"}}',
    )

    answer = prod.send(failed("a", task="t", error={"message": "m", "type": "T"}))

    assert taken(answer) == (0, 1, 0)


def test_an_expected_error_and_a_run_without_one_belong_to_no_group(prod: Workspace) -> None:
    prod.report(
        failed("a", error={"message": "m", "expected": True}),
        {"id": "b", "taskIdentifier": "t", "status": "CRASHED"},
    )

    assert prod.errors() == []
    assert len(prod.runs()) == 2
