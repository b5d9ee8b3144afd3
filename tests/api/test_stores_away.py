"""What the API answers, and logs, while a store is really away or a read is really too heavy."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import override_settings

from runs_app.clickhouse import client
from runs_app.clickhouse.client import ClickHouse, ServerTarget
from runs_app.clickhouse.failures import QueryTooHeavy
from tests.api.expectations import ALWAYS, failure, refused
from tests.conftest import Answer, Workspace
from tests.replication.conftest import engine

__all__ = ["engine"]

Door = Callable[[str], None]


@pytest.fixture(params=[False, True], ids=["DEBUG off", "DEBUG on"])
def debug(request: pytest.FixtureRequest, settings: Any) -> bool:
    settings.DEBUG = request.param
    on: bool = request.param
    return on


@pytest.fixture
def door_to(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """Makes an address the place of ClickHouse."""
    doors: list[ClickHouse] = []

    def set_to(address: str) -> None:
        doors.append(ClickHouse(ServerTarget(address)))
        monkeypatch.setattr(client, "_process_wide", lambda _pid: doors[-1])

    yield set_to
    for door in doors:
        door.close()


def unavailable(answer: Answer, caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    """The one line in the error log, after the checks of the answer."""
    body = refused(answer, 503, "service_unavailable")
    assert set(body) == ALWAYS | {"hint", "retryable"}
    assert body["retryable"] is True
    assert int(answer.headers["Retry-After"]) > 0
    [line] = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert line.name == "faultline.errors"
    assert body["instance"] in line.getMessage()
    return line


def test_clickhouse_away_is_unavailable_and_its_cause_is_in_the_log_alone(
    prod: Workspace, door_to: Door, debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    door_to("clickhouse://127.0.0.1:1/default")

    answer = prod.api.get("/api/v1/errors")

    line = unavailable(answer, caplog)
    assert line.exc_info is not None
    assert "127.0.0.1" not in str(answer)
    assert answer.body["hint"] == "Send the same request again in 5 seconds."


def test_a_password_that_clickhouse_refuses_is_no_failure_of_the_callers(
    prod: Workspace, engine: Any, door_to: Door, debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    door_to(f"clickhouse://{engine.user}:wrong@{engine.host}:{engine.port}/{engine.database}")

    answer = prod.api.get("/api/v1/errors")

    unavailable(answer, caplog)
    assert "WWW-Authenticate" not in answer.headers


def test_a_read_over_its_limits_is_unavailable_and_told_to_ask_for_less(
    prod: Workspace, debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    prod.report(failure("run_a"))

    with override_settings(CLICKHOUSE_MAX_QUERY_MEMORY=1):
        answer = prod.api.get("/api/v1/errors")

    unavailable(answer, caplog)
    assert answer.body["hint"] == QueryTooHeavy.hint


def test_reports_are_taken_while_clickhouse_is_away(
    prod: Workspace, door_to: Door, debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    door_to("clickhouse://127.0.0.1:1/default")

    assert prod.send(failure("run_a"))["accepted"] == 1
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []
