"""A program that is not ours, such as a backup, holds SQLite's write lock for long."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

from tests.accidents.load import Load, assert_all_counted, assert_refusal, drained, new_keys
from tests.serve.conftest import Start
from tests.serve.family import Answer, Family, within

AT_ONCE = 24


@pytest.fixture(scope="module")
def family(start: Start) -> Family:
    return start().wait_until_ready()


@pytest.fixture(scope="module")
def keys(family: Family) -> dict[str, str]:
    return new_keys(family)


@contextmanager
def locked(family: Family) -> Iterator[None]:
    path = family.data / "faultline.sqlite3"
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def test_all_writers_are_refused_while_the_database_is_locked_and_readers_are_not(
    family: Family, keys: dict[str, str]
) -> None:
    headers = {"Authorization": f"Bearer {keys['staging']}"}
    load = Load(family, keys["staging"], clients=2).start()
    load.wait_for(200, 10)
    load.stop()
    within(60, lambda: drained(family))

    def report(number: int) -> Answer:
        run = {"id": f"r{number}", "taskIdentifier": "task-0", "status": "FAILED", "error": "boom"}
        return family.post("/api/v1/runs", run, **headers)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        with locked(family):
            # Were each to wait for SQLite's time limit in its turn, the last would be answered
            # after minutes, and the client not wait that long.
            writing = [pool.submit(report, number) for number in range(AT_ONCE)]
            listed = family.get("/api/v1/errors", **headers)
            refused = [one.result() for one in writing]
            ready = family.get("/readyz")
        taken = list(pool.map(report, range(AT_ONCE)))

    assert listed.status == ready.status == 200
    for answer in refused:
        assert_refusal(answer)
    assert [(answer.status, answer.body["accepted"]) for answer in taken] == [(200, 1)] * AT_ONCE
    load.taken["task-0"] += AT_ONCE
    assert_all_counted(family, keys["staging"], load.taken)


def test_a_lock_in_the_middle_of_load_loses_nothing_and_the_worker_goes_on_after(
    family: Family, keys: dict[str, str]
) -> None:
    members = family.members()
    load = Load(family, keys["prod"]).start()
    load.wait_for(200, 20)

    with locked(family):
        load.wait_for(503, 4)
    load.wait_for(200, 20)
    load.stop()

    for refusal in load.refusals:
        assert_refusal(refusal)
    assert_all_counted(family, keys["prod"], load.taken)
    assert family.members() == members
