"""ClickHouse refuses inserts and reads with its code 241, "memory limit exceeded"."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from runs_app.clickhouse import client
from runs_app.clickhouse.client import CLIENT_SETTINGS, ClickHouse, ServerTarget
from runs_app.clickhouse.embedded.lease import Endpoint
from runs_app.models import OutboxEntry, QuarantinedRow
from runs_app.services.replicate import Replicator
from tests.conftest import Workspace, failed, settle
from tests.counting.figures import Failure, assert_counts
from tests.replication.conftest import engine

__all__ = ["engine"]

BOOM = Failure("send-mail", "boom")
BANG = Failure("send-mail", "bang")
# Bytes; limits of the session, which the engine obeys for every statement, none of it unwatched.
LITTLE = 500_000
STARVED = {"max_memory_usage": LITTLE, "max_untracked_memory": 0}


def boom(run_id: str, message: str = "boom") -> dict[str, Any]:
    return failed(run_id, error={"type": "E", "message": message})


class Starving:
    """The door, before and while every statement of its sessions is short of memory."""

    def __init__(self, engine: Endpoint, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        self._monkeypatch = monkeypatch
        self._settings = settings
        self.door = ClickHouse(
            ServerTarget(
                f"clickhouse://{engine.user}:{engine.password}"
                f"@{engine.host}:{engine.port}/{engine.database}"
            )
        )

    def begin(self) -> None:
        self.door.close()
        self._monkeypatch.setattr(client, "CLIENT_SETTINGS", {**CLIENT_SETTINGS, **STARVED})
        self._settings.CLICKHOUSE_MAX_QUERY_MEMORY = LITTLE

    def end(self, memory: int) -> None:
        self.door.close()
        self._monkeypatch.setattr(client, "CLIENT_SETTINGS", CLIENT_SETTINGS)
        self._settings.CLICKHOUSE_MAX_QUERY_MEMORY = memory


@pytest.fixture
def starving(
    engine: Endpoint, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> Iterator[Starving]:
    starving = Starving(engine, monkeypatch, settings)
    monkeypatch.setattr(client, "_process_wide", lambda _pid: starving.door)
    yield starving
    starving.door.close()


def test_reports_are_taken_and_wait_reads_say_so_and_all_is_counted_after(
    prod: Workspace, starving: Starving, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    prod.report(boom("a"), boom("b"))
    memory = settings.CLICKHOUSE_MAX_QUERY_MEMORY
    starving.begin()

    taken = prod.send(boom("b", "bang"), boom("c"))
    drained = [Replicator().drain() for _ in range(3)]
    lists = [prod.api.get(path) for path in ("/api/v1/errors", "/api/v1/runs")]
    later = prod.send(boom("d"))
    waiting = OutboxEntry.objects.count()
    starving.end(memory)
    settle()

    assert (taken["accepted"], later["accepted"]) == (2, 1)
    assert drained == [False] * 3
    assert waiting == 2
    for answer in lists:
        assert (answer.status, answer.body["error"]) == (503, "service_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert "memory" not in json.dumps(answer.body).replace("time or memory than it may", "")
    assert "ClickHouse code 241" in caplog.text
    assert not QuarantinedRow.objects.exists()
    assert_counts(prod, {"run_a": BOOM, "run_b": BANG, "run_c": BOOM, "run_d": BOOM})
    ready = prod.api.get("/readyz")
    assert (ready.status, ready.body["status"]) == (200, "ok")
