"""What becomes of a batch that ClickHouse does not take, by the code ClickHouse gives."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runs_app.clickhouse import client, failures
from runs_app.clickhouse.client import ClickHouse, clickhouse
from runs_app.clickhouse.failures import (
    REFUSED_DATA_CODES,
    SERVER_AT_FAULT_CODES,
    TOO_HEAVY_CODES,
    UNAVAILABLE_CODES,
    ClickHouseFault,
    ClickHouseUnavailable,
    DataRefused,
    QueryTooHeavy,
    Remedy,
    remedy_of,
    translate_insert,
)
from runs_app.domain.run_rows import run_id_of
from runs_app.models import OutboxEntry, QuarantinedRow
from runs_app.services.quarantine import try_again
from runs_app.services.replicate import (
    TRIES_IF_UNKNOWN,
    Outcome,
    Replicator,
    StepFailed,
    registry,
)
from tests.conftest import Workspace, failed, settle
from tests.counting.figures import Failure, assert_counts
from tests.replication.spoiling import relational_truth, set_aside_keys

# Code 395: FUNCTION_THROW_IF_VALUE_IS_NON_ZERO, which no list knows.
UNKNOWN = 395
TURNS = 30


def boom(run_id: str, message: str = "boom", **members: Any) -> dict[str, Any]:
    return failed(run_id, error={"type": "E", "message": message}, **members)


BOOM = Failure("send-mail", "boom")


@pytest.fixture
def any_code(prod: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A door whose statements may fail with a code of the test's choice."""
    monkeypatch.setitem(client.CLIENT_SETTINGS, "allow_custom_error_code_in_throwif", 1)
    door = ClickHouse(clickhouse()._target)
    monkeypatch.setattr(client, "_process_wide", lambda _pid: door)
    yield
    door.close()


@contextmanager
def failing(condition: str, code: int, table: str = "task_runs_v2") -> Iterator[None]:
    """ClickHouse fails with this code at every insert into the table that meets the condition."""
    clickhouse().command(
        "make inserts fail",
        f"ALTER TABLE {table} ADD CONSTRAINT fails"
        f" CHECK NOT throwIf({condition}, 'told to fail', toInt16({code}))",
    )
    try:
        yield
    finally:
        clickhouse().command("let inserts be", f"ALTER TABLE {table} DROP CONSTRAINT fails")


def turns(replicator: Replicator, count: int = TURNS) -> list[Outcome]:
    return [replicator.replicate_once() for _ in range(count)]


def test_a_code_that_nobody_knows_sets_a_row_aside_after_some_tries(
    prod: Workspace, any_code: None
) -> None:
    prod.report(boom("bad", version="1"))
    prod.send(boom("a"), boom("bad", version="2"), boom("b"))
    replicator = Replicator()

    with failing("friendly_id = 'run_bad'", UNKNOWN):
        first = turns(replicator, TRIES_IF_UNKNOWN)
        turns(replicator)

        assert first == [Outcome.AWAY] * (TRIES_IF_UNKNOWN - 1) + [Outcome.DONE]
        assert not OutboxEntry.objects.exists()
        rows = list(QuarantinedRow.objects.all())
        # The place it left is told by a tombstone, which goes past this table.
        assert [row.run_id for row in rows] == ["bad"]
        assert f"code {UNKNOWN}" in rows[0].reason
        assert "told to fail" in rows[0].reason
        assert_counts(prod, {"run_a": BOOM, "run_b": BOOM})
    try_again(set_aside_keys())
    settle()

    assert_counts(prod, relational_truth(prod))
    assert not QuarantinedRow.objects.exists()


def test_a_code_of_a_repair_that_nobody_knows_holds_nobody_up(
    prod: Workspace, any_code: None
) -> None:
    prod.send(boom("a"), boom("bad", "bang", task="bad"), boom("b"))
    replicator = Replicator()

    with failing("task_identifier = 'bad'", UNKNOWN, "error_occurrences_v1"):
        turns(replicator)

        assert [row.run_id for row in QuarantinedRow.objects.all()] == ["bad"]
        assert not OutboxEntry.objects.exists()
    try_again(set_aside_keys())
    settle()

    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM, "run_bad": Failure("bad", "bang")})


def test_tries_are_counted_by_one_replicator(prod: Workspace, any_code: None) -> None:
    prod.send(boom("a"), boom("b"))

    with failing("1", UNKNOWN):
        outcomes = [Replicator().replicate_once() for _ in range(2 * TRIES_IF_UNKNOWN)]

    assert set(outcomes) == {Outcome.AWAY}
    assert OutboxEntry.objects.count() == 1
    settle()
    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM})


@pytest.mark.parametrize("code", [49, 60, 243, 497, 1001])
def test_nothing_is_set_aside_for_what_the_server_lacks(
    prod: Workspace, any_code: None, code: int
) -> None:
    prod.send(boom("a"), boom("b"))
    replicator = Replicator()

    with failing("1", code):
        outcomes = turns(replicator, 12)

    assert set(outcomes) == {Outcome.AWAY}
    assert f"code {code}" in str(replicator.away)
    assert OutboxEntry.objects.count() == 1
    assert replicator.drain()
    assert not QuarantinedRow.objects.exists()
    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM})


@pytest.mark.parametrize("code", [160, 241])
@pytest.mark.parametrize("table", ["task_runs_v2", "error_occurrences_v1"])
def test_a_batch_that_is_too_heavy_is_halved_until_it_gets_through(
    prod: Workspace, any_code: None, table: str, code: int
) -> None:
    messages = ("one", "two", "three", "four")
    prod.send(*(boom(message, message) for message in messages))
    prod.send(boom("five"))

    with failing("blockSize() > 2", code, table):
        turns(Replicator())

        assert not OutboxEntry.objects.exists()
    assert not QuarantinedRow.objects.exists()
    expected = {f"run_{message}": Failure("send-mail", message) for message in messages}
    assert_counts(prod, {**expected, "run_five": BOOM})


def test_one_row_that_is_too_heavy_waits_while_nothing_else_arrives(
    prod: Workspace, any_code: None
) -> None:
    prod.send(boom("a"), boom("heavy"))
    replicator = Replicator()

    with failing("friendly_id = 'run_heavy'", 241):
        turns(replicator, 12)

        waiting = OutboxEntry.objects.get()
        assert (waiting.row_count, run_id_of(waiting.content)) == (1, "heavy")
    assert replicator.drain()

    assert not QuarantinedRow.objects.exists()
    assert_counts(prod, {"run_a": BOOM, "run_heavy": BOOM})


@pytest.mark.parametrize(
    "error",
    [
        ClickHouseFault("a statement of a step", clickhouse_code=UNKNOWN),
        DataRefused("a row of a step", clickhouse_code=117),
    ],
)
def test_rows_are_not_set_aside_for_the_fault_of_a_step(prod: Workspace, error: Exception) -> None:
    prod.send(boom("a"), boom("b"))
    replicator = Replicator()

    def fail(_rows: object) -> None:
        raise error

    registry.after_runs.append(fail)
    try:
        for _ in range(2 * TRIES_IF_UNKNOWN):
            with pytest.raises(StepFailed):
                replicator.replicate_once()
    finally:
        registry.after_runs.remove(fail)
    assert replicator.drain()

    assert not QuarantinedRow.objects.exists()
    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM})


def test_a_batch_is_halved_when_a_step_is_too_heavy(prod: Workspace) -> None:
    prod.send(boom("a"), boom("b"), boom("c"))
    seen: list[int] = []

    def heavy(rows: Any) -> None:
        if len(rows) > 1:
            raise QueryTooHeavy("a statement of a step")
        seen.append(len(rows))

    registry.after_runs.append(heavy)
    try:
        turns(Replicator(), 20)
    finally:
        registry.after_runs.remove(heavy)

    assert seen == [1, 1, 1]
    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM, "run_c": BOOM})


def test_codes_have_the_names_they_are_listed_by(prod: Workspace) -> None:
    source = Path(failures.__file__).read_text()
    listed = {int(code): name for code, name in re.findall(r"(\d+),  # ([A-Z0-9_]+)", source)}

    rows = clickhouse().command(
        "names of codes",
        "SELECT number, errorCodeToName(number) FROM numbers(1200)"
        f" WHERE number IN ({', '.join(map(str, listed))})",
    )

    assert listed.keys() == (
        UNAVAILABLE_CODES | SERVER_AT_FAULT_CODES | REFUSED_DATA_CODES | TOO_HEAVY_CODES
    )
    assert dict(rows) == listed


def test_a_code_means_one_thing() -> None:
    assert not UNAVAILABLE_CODES & SERVER_AT_FAULT_CODES
    assert not (UNAVAILABLE_CODES | SERVER_AT_FAULT_CODES | TOO_HEAVY_CODES) & REFUSED_DATA_CODES
    assert not TOO_HEAVY_CODES & SERVER_AT_FAULT_CODES


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (ClickHouseUnavailable("no answer", sent=True), Remedy.WAIT),
        (ClickHouseUnavailable("partly read", sent=True, code=-1), Remedy.WAIT),
        (ClickHouseUnavailable("network", sent=True, code=210), Remedy.WAIT),
        (ClickHouseUnavailable("denied", sent=True, code=497), Remedy.WAIT),
        (ClickHouseUnavailable("cut short", sent=True, code=32), Remedy.WAIT),
        (ClickHouseUnavailable("cut short", sent=True, code=33), Remedy.WAIT),
        (ClickHouseUnavailable("file system", sent=True, code=1000), Remedy.WAIT),
        (ClickHouseUnavailable("no space left", sent=True, code=1001), Remedy.WAIT),
        (ClickHouseUnavailable("unknown", sent=True, code=1002), Remedy.WAIT),
        (ClickHouseUnavailable("memory", sent=True, code=241), Remedy.HALVE),
        (QueryTooHeavy("time"), Remedy.HALVE),
        (ClickHouseUnavailable("bad arguments", sent=True, code=36), Remedy.SET_ASIDE),
        (ClickHouseFault("no such table", clickhouse_code=60), Remedy.WAIT),
        (ClickHouseFault("no common type", clickhouse_code=386), Remedy.SET_ASIDE),
    ],
)
def test_every_failure_has_its_remedy(error: Any, remedy: Remedy) -> None:
    assert remedy_of(error) is remedy


def test_memory_that_this_process_lacks_says_nothing_of_the_rows() -> None:
    translated = translate_insert(MemoryError(), "task_runs_v2")

    assert isinstance(translated, ClickHouseUnavailable)
    assert remedy_of(translated) is Remedy.HALVE
