"""Who starts the process, who may use it, and when it ends."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runs_app.clickhouse.embedded.launch import (
    environment,
    foreground_command,
    supervised_command,
)
from runs_app.clickhouse.embedded.lease import EmbeddedUnavailable, Lease, acquire
from runs_app.clickhouse.embedded.places import Places, identity_of
from tests.embedded.conftest import client_of
from tests.embedded.raw import eventually

HOLD = """
import sys, pathlib
from runs_app.clickhouse.embedded.lease import acquire
lease = acquire(pathlib.Path(sys.argv[1]))
print(lease.endpoint().port, flush=True)
sys.stdin.readline()
lease.release()
"""
SUPERVISE = """
import subprocess, sys, pathlib
from runs_app.clickhouse.embedded.launch import supervised_command, environment
command = supervised_command(pathlib.Path(sys.argv[1]))
subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL)
print("started", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory whose process, if any, is gone afterwards."""
    path = tmp_path / "data" / "clickhouse"
    yield path
    if (path / "endpoint.json").exists():
        pid = pid_of(path)
        if "embedded" in command_of(pid):
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: not is_running(pid), 5)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts programs with pipes; they are killed afterwards."""
    started: list[subprocess.Popen[str]] = []

    def run(command: list[str]) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen(
                command, env=environment(), stdin=pipe, stdout=pipe, stderr=pipe, text=True
            )
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def told(directory: Path) -> dict:
    return json.loads((directory / "endpoint.json").read_text())


def pid_of(directory: Path) -> int:
    return told(directory)["pid"]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def is_running(pid: int) -> bool:
    return identity_of(pid) is not None


def select_one(lease: Lease) -> bool:
    client = client_of(lease.endpoint())
    try:
        return client.execute("SELECT 1") == [(1,)]
    finally:
        client.disconnect()


def has_endpoint(directory: Path, mode: str) -> bool:
    try:
        return told(directory)["mode"] == mode and is_running(pid_of(directory))
    except (OSError, ValueError):
        return False


def hold(start, directory: Path) -> subprocess.Popen[str]:
    holder = start([sys.executable, "-c", HOLD, str(directory)])
    assert int(holder.stdout.readline())
    return holder


def supervise(start, directory: Path) -> subprocess.Popen[str]:
    supervised = start(supervised_command(directory))
    assert eventually(lambda: has_endpoint(directory, "supervised"), 20)
    return supervised


def test_a_lease_starts_the_process_and_its_end_ends_it(directory):
    lease = acquire(directory)
    pid = pid_of(directory)
    assert select_one(lease)

    time.sleep(0.6)
    assert is_running(pid)
    lease.release()

    assert eventually(lambda: not is_running(pid), 1.5)
    assert not (directory / "endpoint.json").exists()


def test_nothing_but_the_owner_may_read_the_files(directory):
    with acquire(directory):
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in directory.iterdir()
            if path.is_file()
        }

        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert modes.keys() >= {"endpoint.json", "password", "clickhouse.log"}
        assert set(modes.values()) == {0o600}
        locks = list(directory.parent.glob("clickhouse.*.lock"))
        assert len(locks) == 3
        assert {stat.S_IMODE(lock.stat().st_mode) for lock in locks} == {0o600}
        assert len(told(directory)["password"]) > 20


def test_the_process_listens_on_this_machine_only(directory):
    with acquire(directory) as lease:
        endpoint = lease.endpoint()
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        listening = [line.split()[1] for line in lines if line.split()[3] == "0A"]

    assert f"0100007F:{endpoint.port:04X}" in listening
    assert f"00000000:{endpoint.port:04X}" not in listening


def test_data_and_password_outlive_the_process(directory):
    with acquire(directory) as lease:
        before = lease.endpoint()
        client = client_of(before)
        client.execute("CREATE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a")
        client.execute("INSERT INTO kept VALUES", [(7,)])
        client.disconnect()

    with acquire(directory) as lease:
        after = lease.endpoint()
        client = client_of(after)
        rows = client.execute("SELECT a FROM kept")
        client.disconnect()

    assert rows == [(7,)]
    assert (after.user, after.password) == (before.user, before.password)


def test_a_new_lease_right_after_the_last_one_always_works(directory):
    """Also one that is asked for while the process is on its way out."""
    for pause in (0.0, 0.05, 0.1, 0.12, 0.2):
        with acquire(directory) as lease:
            assert select_one(lease)
        time.sleep(pause)


def test_two_programs_that_start_at_once_share_one_process(directory, start):
    holders = [start([sys.executable, "-c", HOLD, str(directory)]) for _ in range(3)]

    ports = {holder.stdout.readline() for holder in holders}

    assert len(ports) == 1
    assert int(ports.pop()) == told(directory)["port"]
    log = (directory / "clickhouse.log").read_text()
    assert log.count("listening") == 1


def test_threads_that_ask_at_once_share_one_process(directory):
    leases: list[Lease] = []
    threads = [threading.Thread(target=lambda: leases.append(acquire(directory))) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({lease.endpoint().port for lease in leases}) == 1
    for lease in leases:
        lease.release()


def test_the_process_stays_for_the_others_and_ends_with_the_last(directory, start):
    first, second = hold(start, directory), hold(start, directory)
    pid = pid_of(directory)

    first.communicate("\n")
    time.sleep(0.5)
    stays = is_running(pid)
    second.communicate("\n")

    assert stays
    assert eventually(lambda: not is_running(pid), 1.5)


def test_the_lease_of_a_killed_program_is_gone(directory, start):
    holder = hold(start, directory)
    pid = pid_of(directory)

    holder.kill()

    assert eventually(lambda: not is_running(pid), 1.5)


def test_ctrl_c_for_a_program_does_not_reach_the_process(directory):
    with acquire(directory):
        pid = pid_of(directory)

        assert os.getsid(pid) != os.getsid(0)


def test_a_forked_child_does_not_release_its_parents_lease(directory):
    lease = acquire(directory)
    pid = pid_of(directory)

    child = os.fork()
    if child == 0:
        lease.release()
        os._exit(0)
    os.waitpid(child, 0)
    time.sleep(0.5)

    assert is_running(pid)
    assert select_one(lease)
    lease.release()


def test_a_forked_child_does_not_prolong_its_parents_lease(directory):
    lease = acquire(directory)
    pid = pid_of(directory)
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)

    lease.release()
    ended = eventually(lambda: not is_running(pid), 1.5)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)

    assert ended


@pytest.mark.parametrize("ask", ["acquire", "ensure"])
def test_a_forked_child_can_take_a_lease_of_its_own(directory, ask):
    lease = acquire(directory)
    pid = pid_of(directory)
    reading, writing = os.pipe()

    child = os.fork()
    if child == 0:
        own = acquire(directory) if ask == "acquire" else lease
        own.ensure()
        os.write(writing, b"held")
        time.sleep(0.8)
        own.release()
        os._exit(0)
    assert os.read(reading, 4) == b"held"
    lease.release()
    time.sleep(0.5)
    stays = is_running(pid)
    os.waitpid(child, 0)

    assert stays
    assert eventually(lambda: not is_running(pid), 1.5)


def test_a_killed_process_is_started_again_by_whoever_needs_it(directory):
    with acquire(directory) as lease:
        first = pid_of(directory)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: not is_running(first), 5)

        lease.ensure()

        assert pid_of(directory) != first
        assert select_one(lease)


def test_a_released_lease_starts_nothing(directory):
    lease = acquire(directory)
    lease.release()

    with pytest.raises(EmbeddedUnavailable, match="released"):
        lease.ensure()


def test_a_supervised_process_stays_without_leases_and_ends_when_asked(directory, start):
    supervised = supervise(start, directory)
    with acquire(directory) as lease:
        assert select_one(lease)
        assert pid_of(directory) == supervised.pid

    time.sleep(0.5)
    stays = supervised.poll() is None
    supervised.send_signal(signal.SIGINT)  # Ctrl-C is its supervisor's business
    time.sleep(0.2)
    ignores = supervised.poll() is None
    supervised.terminate()

    assert stays
    assert ignores
    assert supervised.wait(3) == 0


def test_a_process_in_the_foreground_ends_with_ctrl_c(directory, start):
    process = start(foreground_command(directory))
    assert eventually(lambda: has_endpoint(directory, "foreground"), 20)

    process.send_signal(signal.SIGINT)

    assert process.wait(3) == 0
    assert not (directory / "endpoint.json").exists()


def test_a_supervised_process_ends_with_its_killed_supervisor(directory, start):
    supervisor = start([sys.executable, "-c", SUPERVISE, str(directory)])
    assert eventually(lambda: has_endpoint(directory, "supervised"), 20)
    pid = pid_of(directory)

    supervisor.kill()
    supervisor.wait()

    assert eventually(lambda: not is_running(pid), 2)


def test_a_process_whose_supervisor_has_already_gone_does_not_start(directory, start):
    command = [*supervised_command(directory)[:-1], "999999999"]
    process = start(command)

    _, said = process.communicate(timeout=10)

    assert process.returncode == 1
    assert "the supervisor has gone" in said


def test_a_second_supervised_process_is_refused_at_once_with_a_sentence(directory, start):
    supervise(start, directory)
    started = time.monotonic()

    second = start(supervised_command(directory))
    _, said = second.communicate(timeout=10)

    assert second.returncode == 1
    assert "another Faultline already runs" in said
    assert "Traceback" not in said
    assert time.monotonic() - started < 10


def test_a_process_started_on_demand_hands_over_to_a_supervised_one(directory, start):
    with acquire(directory) as lease:
        client = client_of(lease.endpoint())
        client.execute("CREATE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a")
        client.disconnect()
        before = pid_of(directory)

        supervised = supervise(start, directory)
        endpoint = lease.ensure()

        assert not is_running(before)
        assert pid_of(directory) == supervised.pid
        client = client_of(endpoint)
        assert client.execute("EXISTS TABLE kept") == [(1,)]
        client.disconnect()


def test_a_supervised_process_that_died_is_left_to_its_supervisor(directory, start):
    supervised = supervise(start, directory)
    with acquire(directory) as lease:
        supervised.kill()
        supervised.wait()

        with pytest.raises(EmbeddedUnavailable, match="did not answer in time"):
            lease.ensure(timeout=1)
        waiting = threading.Thread(target=lease.ensure, kwargs={"timeout": 20})
        waiting.start()
        time.sleep(0.3)
        # By this thread: the kernel tells a child of the death of the thread that started it.
        supervise(start, directory)
        waiting.join()

        assert told(directory)["mode"] == "supervised"
        assert select_one(lease)


def test_a_supervised_process_that_died_in_its_start_is_left_to_its_supervisor(directory, start):
    supervised = supervise(start, directory)
    supervised.kill()
    supervised.wait()
    # The next one removes it first of all, and may be killed before it writes its own.
    (directory / "endpoint.json").unlink()

    with pytest.raises(EmbeddedUnavailable, match="its supervisor's to start again"):
        Lease(Places(directory)).ensure(timeout=20, supervised_timeout=0.3)

    assert not has_endpoint(directory, "on demand")


def test_when_the_supervisor_is_gone_too_anybody_may_start_the_process(directory, start):
    supervisor = start([sys.executable, "-c", SUPERVISE, str(directory)])
    assert eventually(lambda: has_endpoint(directory, "supervised"), 20)
    pid = pid_of(directory)
    supervisor.kill()
    supervisor.wait()
    assert eventually(lambda: not is_running(pid), 2)

    with acquire(directory) as lease:
        assert told(directory)["mode"] == "on demand"
        assert select_one(lease)


def test_a_taken_port_is_refused_with_a_sentence(directory, start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start(supervised_command(directory, port=taken.getsockname()[1]))
        _, said = process.communicate(timeout=20)

    assert process.returncode == 1
    assert "Address already in use" in said
    assert "Traceback" not in said


def test_a_supervisor_can_wait_for_the_process_it_has_started(directory, start):
    with pytest.raises(EmbeddedUnavailable, match="did not answer in time"):
        acquire(directory, timeout=0.2, start=False)

    supervised = start(supervised_command(directory))
    with acquire(directory, start=False) as lease:
        assert select_one(lease)
        assert pid_of(directory) == supervised.pid


def test_a_fixed_port_is_used(directory, start):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    process = start(supervised_command(directory, port=port))
    assert eventually(lambda: has_endpoint(directory, "supervised"), 20)

    assert told(directory)["port"] == port
    assert process.poll() is None


@pytest.mark.parametrize("memory", ["lots", "-1", "0", "1e9", "4 GB"])
def test_a_wrong_memory_limit_is_refused_with_a_sentence(directory, monkeypatch, memory):
    monkeypatch.setenv("FAULTLINE_CLICKHOUSE_MEMORY", memory)

    with pytest.raises(EmbeddedUnavailable, match="FAULTLINE_CLICKHOUSE_MEMORY must be"):
        acquire(directory)


def test_the_memory_limit_reaches_the_engine(directory, monkeypatch):
    monkeypatch.setenv("FAULTLINE_CLICKHOUSE_MEMORY", "1234567890")

    with acquire(directory) as lease:
        client = client_of(lease.endpoint())
        rows = client.execute(
            "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"
        )
        client.disconnect()

    assert rows == [("1234567890",)]


def test_a_missing_engine_is_told_with_what_to_do(directory, monkeypatch, tmp_path):
    package = tmp_path / "path" / "chdb"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))

    with pytest.raises(EmbeddedUnavailable, match="install the extra `embedded` or set CLICKHOUSE"):
        acquire(directory)


def test_a_directory_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(EmbeddedUnavailable, match="cannot be used"):
        acquire(tmp_path / "file" / "clickhouse")


def test_a_directory_that_another_program_has_open_is_told(directory, start):
    with acquire(directory):
        pass
    eventually(lambda: not (directory / "endpoint.json").exists(), 5)
    code = "import sys, time; from chdb import session; s = session.Session(sys.argv[1]);"
    foreign = start(
        [
            sys.executable,
            "-c",
            f"{code} print(1, flush=True); time.sleep(60)",
            str(directory / "data"),
        ]
    )
    foreign.stdout.readline()

    with pytest.raises(EmbeddedUnavailable, match=r"another program|in time"):
        acquire(directory, timeout=1)


def test_a_symbolic_link_leads_to_the_same_process(directory, tmp_path):
    with acquire(directory) as lease:
        link = tmp_path / "link"
        link.symlink_to(directory)

        with acquire(link) as other:
            assert other.endpoint() == lease.endpoint()


def test_a_directory_may_have_a_strange_name(tmp_path):
    with acquire(tmp_path / "dätä dir #1 & 50%") as lease:
        assert select_one(lease)


def test_leaving_with_running_queries_is_clean(directory, start):
    supervised = supervise(start, directory)
    endpoint = acquire(directory)
    failures: list[Exception] = []

    def ask() -> None:
        client = client_of(endpoint.endpoint())
        try:
            client.execute("SELECT sleepEachRow(0.1) FROM numbers(600) SETTINGS max_block_size = 1")
        except Exception as error:
            failures.append(error)
        client.disconnect()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    supervised.terminate()

    assert supervised.wait(10) == 0
    for thread in threads:
        thread.join()
    assert len(failures) == 4
    endpoint.release()


def test_an_insert_that_runs_while_the_process_leaves_is_finished(directory, start):
    supervised = supervise(start, directory)
    lease = acquire(directory)
    client = client_of(lease.endpoint())
    client.execute(
        "CREATE TABLE slow (a UInt8, b UInt8 DEFAULT sleepEachRow(1)) ENGINE = MergeTree ORDER BY a"
    )
    done: list[int] = []
    thread = threading.Thread(
        target=lambda: done.append(client.execute("INSERT INTO slow (a) VALUES", [(1,)]))
    )
    thread.start()
    time.sleep(0.4)

    supervised.terminate()
    thread.join()

    assert done == [1]
    assert supervised.wait(5) == 0
    client.disconnect()
    lease.release()
