"""The door to ClickHouse."""

import json
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from runs_app.clickhouse.client import (
    GREETING_SECONDS,
    ClickHouse,
    EmbeddedTarget,
    ServerTarget,
    clickhouse,
)
from runs_app.clickhouse.failures import (
    ClickHouseFault,
    ClickHouseUnavailable,
    DataRefused,
    QueryTooHeavy,
)

pytestmark = pytest.mark.usefixtures("clickhouse_tables")

embedded_only = pytest.mark.skipif(
    bool(os.environ.get("TEST_CLICKHOUSE_URL")),
    reason="about the embedded process, and a server is used",
)


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[ClickHouse]:
    """A door to an engine of the test's own, which it may kill."""
    door = ClickHouse(EmbeddedTarget(tmp_path / "clickhouse"))
    yield door
    door.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "tab\tnew\nline",
        r"C:\new\table",
        "it's",
        '"',
        "NULL",
        "\\N",
        "ünï 🎉",
        "%s {x}",
    ],
)
def test_a_text_parameter_arrives_exactly(text: str) -> None:
    rows = clickhouse().query("test", "SELECT {value:String}", {"value": text})

    assert rows == [(text,)]


def test_an_array_parameter_arrives_exactly() -> None:
    texts = ["a", "it's", "b\\c", "d\te", "ü", ""]

    rows = clickhouse().query("test", "SELECT {value:Array(String)}", {"value": texts})

    assert list(rows[0][0]) == texts


def test_an_empty_array_parameter_arrives() -> None:
    assert clickhouse().query("test", "SELECT length({value:Array(String)})", {"value": ()}) == [
        (0,)
    ]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, 1_000, tzinfo=timezone(timedelta(hours=-9))),
    ],
)
def test_a_time_parameter_keeps_its_milliseconds_and_its_moment(moment: datetime) -> None:
    [(milliseconds,)] = clickhouse().query(
        "test", "SELECT toUnixTimestamp64Milli({value:DateTime64(3, 'UTC')})", {"value": moment}
    )

    assert milliseconds == round(moment.timestamp() * 1000)


def test_wrong_sql_is_a_fault_of_ours() -> None:
    with pytest.raises(ClickHouseFault) as caught:
        clickhouse().query("test", "SELECT nothing FROM nowhere", {})

    assert caught.value.clickhouse_code == 60


@override_settings(CLICKHOUSE_MAX_EXECUTION_SECONDS=1)
def test_a_query_over_its_time_limit_is_unavailable_and_says_so() -> None:
    with pytest.raises(QueryTooHeavy):
        clickhouse().query("test", "SELECT count() FROM numbers(1000000000000)", {})


@override_settings(CLICKHOUSE_MAX_QUERY_MEMORY=50_000_000)
def test_a_query_over_its_memory_limit_is_unavailable_and_says_so() -> None:
    with pytest.raises(QueryTooHeavy):
        clickhouse().query("test", "SELECT length(groupArray(number)) FROM numbers(100000000)", {})


def test_the_text_of_a_failure_reaches_the_log_only() -> None:
    with (
        pytest.raises(QueryTooHeavy) as caught,
        override_settings(CLICKHOUSE_MAX_EXECUTION_SECONDS=1),
    ):
        clickhouse().query("secret name", "SELECT count() FROM numbers(1000000000000)", {})

    assert "secret name" not in caught.value.user_message
    assert "159" in str(caught.value.technical_message)


def test_a_value_of_the_wrong_type_is_refused_data() -> None:
    columns = ("number", "name", "checksum")

    with pytest.raises(DataRefused):
        clickhouse().insert("faultline_migrations", columns, [("not a number", "a", "b")])


def test_after_a_failure_the_next_query_works() -> None:
    for _ in range(20):
        with pytest.raises(ClickHouseFault):
            clickhouse().query("test", "SELECT nothing", {})

        assert clickhouse().query("test", "SELECT 1", {}) == [(1,)]


def test_a_server_that_is_not_there_is_unavailable_and_nothing_was_sent() -> None:
    door = ClickHouse(ServerTarget("clickhouse://127.0.0.1:1/default"))

    with pytest.raises(ClickHouseUnavailable) as caught:
        door.insert("anything", ("a",), [(1,)])

    assert caught.value.sent is False


def test_a_server_that_accepts_and_says_nothing_is_unavailable_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        door = ClickHouse(ServerTarget(f"clickhouse://127.0.0.1:{silent.getsockname()[1]}/default"))
        began = time.monotonic()

        with pytest.raises(ClickHouseUnavailable) as caught:
            door.query("test", "SELECT 1", {})

    # The greeting's patience, once; not that of an insert.
    assert time.monotonic() - began < 3 * GREETING_SECONDS
    assert caught.value.sent is False


@embedded_only
def test_an_engine_that_stops_in_mid_answer_is_unavailable_within_seconds(
    own_engine: ClickHouse, tmp_path: Path
) -> None:
    own_engine.query("test", "SELECT 1", {})
    pid = _engine_pid(tmp_path / "clickhouse")
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()

    try:
        with pytest.raises(ClickHouseUnavailable):
            own_engine.query("test", "SELECT 1", {})
    finally:
        os.kill(pid, signal.SIGCONT)

    assert time.monotonic() - began < 30
    assert own_engine.query("test", "SELECT 2", {}) == [(2,)]


@embedded_only
def test_an_engine_that_was_killed_is_started_again_for_the_next_query(
    own_engine: ClickHouse, tmp_path: Path
) -> None:
    own_engine.query("test", "SELECT 1", {})
    _kill_engine(tmp_path / "clickhouse")

    assert own_engine.query("test", "SELECT 2", {}) == [(2,)]


@embedded_only
def test_data_survives_the_death_of_the_engine(own_engine: ClickHouse, tmp_path: Path) -> None:
    own_engine.command("test", "CREATE TABLE kept (x UInt32) ENGINE = MergeTree ORDER BY x")
    own_engine.insert("kept", ("x",), [(1,), (2,)])
    _kill_engine(tmp_path / "clickhouse")

    assert own_engine.query("test", "SELECT sum(x) FROM kept", {}) == [(3,)]


def _kill_engine(directory: Path) -> None:
    os.kill(_engine_pid(directory), signal.SIGKILL)


def _engine_pid(directory: Path) -> int:
    pid: int = json.loads((directory / "endpoint.json").read_text())["pid"]
    return pid


def _answers(connection: Any) -> None:
    connection.send(clickhouse().query("test", "SELECT 41 + 1", {}))
    connection.close()
    os._exit(0)


def test_a_forked_child_makes_connections_of_its_own() -> None:
    clickhouse().query("test", "SELECT 1", {})
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()

    child = context.Process(target=_answers, args=(theirs,))
    child.start()

    assert ours.poll(20)
    assert ours.recv() == [(42,)]
    child.join(10)
    assert clickhouse().query("test", "SELECT 2", {}) == [(2,)]


def test_threads_get_their_own_answers() -> None:
    wrong: list[tuple[int, Any]] = []

    def ask(number: int) -> None:
        for _ in range(20):
            rows = clickhouse().query("test", "SELECT {n:Int64}", {"n": number})
            if rows != [(number,)]:
                wrong.append((number, rows))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
