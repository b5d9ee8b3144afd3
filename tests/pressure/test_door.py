"""What `POST /api/v1/runs` says while the backlog is too long or the disk too full."""

import logging
import os
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client

from runs_app.models import OutboxEntry, TaskRun
from runs_app.queries import outbox
from runs_app.services import back_pressure
from runs_app.services.back_pressure import Gauge
from tests.conftest import Answer, Api, Workspace, failed, settle

MUCH = 2**62


class Clock:
    """The monotonic clock of the gauge; time passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(back_pressure, "time", clock)
    monkeypatch.setattr(back_pressure, "gauge", Gauge())
    return clock


@pytest.fixture(autouse=True)
def limits(settings: Any) -> Any:
    """The settings, with nothing to refuse for."""
    settings.MAX_WAITING_ROWS = 1_000
    settings.MIN_FREE_DISK = 0
    settings.DATA_HOLDS_A_STORE = True
    return settings


def report(prod: Workspace, *names: str) -> Answer:
    return prod.api.post("/api/v1/runs", [failed(f"run_{name}") for name in names])


def assert_refused(answer: Answer, *, seconds: int) -> None:
    assert (answer.status, answer.body["error"]) == (503, "service_unavailable")
    assert answer.body["retryable"] is True
    assert answer.headers["Retry-After"] == str(seconds)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_reports_are_refused_while_more_rows_wait_than_may(
    prod: Workspace, limits: Any, clock: Clock
) -> None:
    limits.MAX_WAITING_ROWS = 3
    prod.send(failed("run_a"), failed("run_b"), failed("run_c"))
    clock.now += 1
    at_the_limit = report(prod, "d")
    clock.now += 1

    refused = report(prod, "e")
    settle()
    clock.now += 1
    after = report(prod, "e")

    assert at_the_limit.status == 200
    assert_refused(refused, seconds=30)
    assert "wait to be counted" in refused.body["detail"]
    assert (after.status, after.body["accepted"]) == (200, 1)
    assert set(TaskRun.objects.values_list("friendly_id", flat=True)) == {
        f"run_{name}" for name in "abcde"
    }


def test_reports_are_refused_while_the_disk_has_less_space_than_it_must(
    prod: Workspace, limits: Any, clock: Clock
) -> None:
    limits.MIN_FREE_DISK = MUCH

    refused = report(prod, "a")
    limits.MIN_FREE_DISK = 1
    clock.now += 1
    after = report(prod, "a")

    assert_refused(refused, seconds=60)
    assert "Disk space" in refused.body["detail"]
    assert (after.status, after.body["accepted"]) == (200, 1)


def test_a_disk_that_does_not_tell_its_free_space_refuses_nothing(
    prod: Workspace, limits: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limits.MIN_FREE_DISK = MUCH

    def broken(_path: object) -> None:
        raise OSError("Input/output error")

    monkeypatch.setattr(os, "statvfs", broken)

    answer = report(prod, "a")
    ready = Client().get("/readyz")

    assert answer.status == 200
    assert ready.status_code == 200
    assert ready.json()["ingest"]["freeDiskBytes"] is None
    assert "does not tell its free space" in caplog.text


def test_a_disk_without_a_store_of_ours_is_not_looked_at(prod: Workspace, limits: Any) -> None:
    limits.MIN_FREE_DISK = MUCH
    limits.DATA_HOLDS_A_STORE = False

    assert report(prod, "a").status == 200


def test_reads_and_decisions_go_on(prod: Workspace, limits: Any, clock: Clock) -> None:
    prod.report(failed("run_a"))
    [group] = prod.errors()
    limits.MIN_FREE_DISK = MUCH
    clock.now += 1

    assert report(prod, "b").status == 503
    assert prod.api.post(f"/api/v1/errors/{group['id']}/resolve").status == 200
    assert prod.errors()[0]["status"] == "resolved"
    assert len(prod.runs()) == 1


def test_credentials_are_looked_at_first_and_the_body_not_at_all(
    prod: Workspace, limits: Any
) -> None:
    limits.MIN_FREE_DISK = MUCH

    stranger = Api(None).post("/api/v1/runs", [failed("run_a")])
    unreadable = prod.api.post("/api/v1/runs", raw=b"{", content_type="text/plain")

    assert stranger.status == 401
    assert_refused(unreadable, seconds=60)


def test_the_door_opens_again_a_tenth_below_the_limit_and_the_log_tells_of_both_once(
    prod: Workspace, limits: Any, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    limits.MAX_WAITING_ROWS = 20
    prod.send(*(failed(f"run_{n}") for n in range(21)))
    entry = OutboxEntry.objects.get()
    statuses = []

    for rows in (21, 21, 20, 19, 18, 20):
        OutboxEntry.objects.filter(pk=entry.pk).update(row_count=rows)
        clock.now += 1
        statuses.append(prod.api.post("/api/v1/runs", []).status)

    assert statuses == [503, 503, 503, 503, 200, 200]
    told = [
        (one.levelname, one.getMessage())
        for one in caplog.records
        if one.name == back_pressure.log.name
    ]
    assert [level for level, _ in told] == ["ERROR", "WARNING"]
    assert "refused (backlog): 21 rows" in told[0][1]
    assert "taken again: 18 rows" in told[1][1]


def test_the_wait_is_what_the_backlog_needs_at_its_present_speed(
    prod: Workspace, limits: Any, clock: Clock
) -> None:
    limits.MAX_WAITING_ROWS = 100
    prod.send(failed("run_a"))
    waits = []

    # 50 rows in 5 seconds; 60 are left above the tenth below the limit.
    for rows in (200, 150, 250, 249):
        OutboxEntry.objects.update(row_count=rows)
        clock.now += 5
        waits.append(report(prod, "b").headers["Retry-After"])

    assert waits == ["30", "6", "30", "300"]


def test_one_caller_looks_while_the_others_do_not_wait(
    limits: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    looking, go_on = threading.Event(), threading.Event()

    def slow() -> int:
        asked.append(None)
        looking.set()
        assert go_on.wait(60)
        return 0

    gauge = Gauge()
    go_on.set()
    monkeypatch.setattr(outbox, "waiting_rows", slow)
    gauge.insist_on_room()
    looking.clear()
    go_on.clear()
    clock.now += 1

    with ThreadPoolExecutor(1) as pool:
        looker = pool.submit(gauge.insist_on_room)
        assert looking.wait(60)
        for _ in range(20):
            gauge.insist_on_room()
        go_on.set()
        looker.result()
    gauge.insist_on_room()

    assert len(asked) == 2


def test_a_long_backlog_is_estimated_from_a_bounded_part_of_it(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(outbox, "COUNTED_ENTRIES", 100)
    monkeypatch.setattr(outbox, "SLICES", 5)
    prod.send(failed("run_a"))
    [entry] = OutboxEntry.objects.all()

    def wait(counts: list[int]) -> None:
        OutboxEntry.objects.all().delete()
        OutboxEntry.objects.bulk_create(
            OutboxEntry(
                kind=entry.kind,
                environment_id=entry.environment_id,
                row_count=count,
                size=0,
                created_at=entry.created_at,
                content=b"",
            )
            for count in counts
        )

    wait([])
    assert outbox.waiting_rows() == 0
    wait([7] * 100)
    assert outbox.waiting_rows() == 700
    wait([7] * 1000)
    with django_assert_num_queries(3 + 5):
        assert outbox.waiting_rows() == 7000
    # Every other id stands for nothing any more.
    ids = list(OutboxEntry.objects.order_by("id").values_list("id", flat=True))
    OutboxEntry.objects.filter(id__in=ids[::2]).delete()
    assert outbox.waiting_rows() == pytest.approx(3500, rel=0.05)
    # An old batch that does not get through says nothing of those that do.
    OutboxEntry.objects.filter(id=ids[1]).update(batch_id=uuid.uuid4())
    last = OutboxEntry.objects.order_by("-id")[:30].values_list("id", flat=True)
    OutboxEntry.objects.filter(batch_id__isnull=True).exclude(id__in=list(last)).delete()
    assert outbox.waiting_rows() == 31 * 7
