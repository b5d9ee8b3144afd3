"""One command brings everything up, and takes everything down."""

import contextlib
import fcntl
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.serve.conftest import Start
from tests.serve.family import Family, within


def test_serve_on_an_empty_directory_becomes_ready_and_sigterm_takes_all_down(
    start: Start,
) -> None:
    family = start().wait_until_ready()
    health, readiness = family.get("/healthz"), family.get("/readyz")
    # serve, ClickHouse, worker, the web and its two workers, of which one answers first
    all_are_there = within(60, lambda: len(family.members()) >= 6)

    family.process.send_signal(signal.SIGTERM)
    status = family.process.wait(timeout=60)

    assert (health.status, health.body) == (200, {"status": "ok"})
    assert readiness.status == 200
    assert readiness.body["status"] == "ok"
    assert all_are_there
    assert status == 0
    assert family.members() == {}


def test_a_later_start_is_ready_too_and_ctrl_c_ends_it(start: Start) -> None:
    first = start().wait_until_ready()
    first.process.send_signal(signal.SIGTERM)
    first.process.wait(timeout=60)

    later = start(data=first.data).wait_until_ready()
    readiness = later.get("/readyz")
    later.process.send_signal(signal.SIGINT)

    assert readiness.status == 200
    assert later.process.wait(timeout=60) == 0
    assert later.members() == {}


def test_no_member_survives_a_killed_serve_and_the_next_one_starts(start: Start) -> None:
    family = start().wait_until_ready()

    family.process.kill()

    within(60, lambda: not family.members())
    again = start(data=family.data).wait_until_ready()
    assert again.get("/readyz").status == 200


def test_the_port_stays_closed_while_a_store_is_away(start: Start, unused_port: int) -> None:
    family = start("--port", str(unused_port), CLICKHOUSE_URL="clickhouse://127.0.0.1:1/default")
    within(60, lambda: "waiting for the stores" in family.log.read_text())

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", unused_port), timeout=1)

    family.process.send_signal(signal.SIGTERM)
    assert family.process.wait(timeout=60) == 0


def test_a_taken_port_is_refused_before_anything_starts(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        family = start("--port", str(port))

        assert family.process.wait(timeout=60) != 0
    assert f"Port {port} on 127.0.0.1 is taken" in family.log.read_text()
    assert not (family.data / "clickhouse").exists()


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_clickhouse_that_dies_while_the_stores_are_migrated_is_started_again(
    start: Start, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with (data / "setup.lock").open("w") as setup:
        fcntl.flock(setup, fcntl.LOCK_EX)
        family = start(data=data)
        within(60, lambda: waits_for(family, data / "setup.lock"))
        [first] = family.pids("clickhouse.embedded")

        os.kill(first, signal.SIGKILL)

        within(60, lambda: family.pids("clickhouse.embedded") not in ([], [first]))
    assert family.wait_until_ready().get("/readyz").status == 200


def waits_for(family: Family, lock: Path) -> bool:
    """Whether `serve` has opened the lock, which it does to take it."""
    for descriptor in Path(f"/proc/{family.process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if descriptor.readlink() == lock:
                return True
    return False
