"""What was acknowledged is there after kill -9."""

import os
import random
import signal
import threading
import time

from clickhouse_driver.errors import Error

from runs_app.clickhouse.embedded.lease import acquire
from tests.embedded.conftest import client_of
from tests.embedded.test_lifecycle import directory, is_running, pid_of  # noqa: F401

KILLS = 5
ROWS = 50


def test_acknowledged_inserts_are_there_after_the_process_was_killed(directory):  # noqa: F811
    lease = acquire(directory)
    client = client_of(lease.endpoint())
    client.execute("CREATE TABLE kept (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    client.execute(
        "CREATE MATERIALIZED VIEW counted ENGINE = SummingMergeTree ORDER BY k"
        " AS SELECT 1 AS k, count() AS n FROM kept"
    )
    acknowledged: list[int] = []
    finished = threading.Event()

    def write() -> None:
        client = client_of(lease.endpoint())
        number = 0
        while not finished.is_set():
            number += 1
            rows = [(number, "x" * 100) for _ in range(ROWS)]
            try:
                client.execute("INSERT INTO kept VALUES", rows)
            except (Error, OSError, EOFError):
                endpoint = lease.ensure(timeout=30)
                client = client_of(endpoint)
            else:
                acknowledged.append(number)
        client.disconnect()

    writers = threading.Thread(target=write)
    writers.start()
    for _ in range(KILLS):
        time.sleep(0.4 + random.random() / 5)
        pid = pid_of(directory)
        os.kill(pid, signal.SIGKILL)
        while is_running(pid):
            time.sleep(0.01)
        lease.ensure(timeout=30)
    finished.set()
    writers.join()
    client.disconnect()

    client = client_of(lease.ensure())
    stored = dict(client.execute("SELECT a, count() FROM kept GROUP BY a"))
    client.disconnect()
    lease.release()
    assert len(acknowledged) > KILLS
    assert {number: stored.get(number) for number in acknowledged} == dict.fromkeys(
        acknowledged, ROWS
    )
    assert set(stored.values()) == {ROWS}  # an insert is there as a whole or not at all
