"""Files that are deleted, moved or replaced under the running process: it ends, and nobody else can
have started meanwhile."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from runs_app.clickhouse.embedded.lease import EmbeddedUnavailable, acquire
from tests.embedded.raw import eventually
from tests.embedded.test_lifecycle import (  # noqa: F401
    directory,
    has_endpoint,
    is_running,
    pid_of,
    select_one,
    start,
    supervise,
)

PATIENCE = 30


def remove(path: Path) -> None:
    """At once for whoever looks: a process that is alive may add files while it is deleted."""
    gone = path.rename(path.with_name(f"{path.name}.gone"))
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()


@pytest.mark.parametrize(
    "lost",
    [
        "clickhouse",
        "clickhouse/data",
        "clickhouse/endpoint.json",
        "clickhouse.owner.lock",
        "clickhouse.supervised.lock",
        "clickhouse.leases.lock",
    ],
)
def test_a_process_ends_when_what_it_has_open_was_deleted(directory, start, lost):  # noqa: F811
    supervised = supervise(start, directory)

    remove(directory.parent / lost)
    _, said = supervised.communicate(timeout=PATIENCE)

    assert supervised.returncode == 1
    assert f"{directory.parent / lost} was deleted, moved or replaced" in said.replace(
        "data/status", "data"
    )


def test_a_process_leaves_alone_what_took_the_place_of_its_directory(directory, start):  # noqa: F811
    supervised = supervise(start, directory)
    remove(directory)
    directory.mkdir()
    (directory / "endpoint.json").write_text("of somebody else")

    supervised.communicate(timeout=PATIENCE)

    assert [path.name for path in directory.iterdir()] == ["endpoint.json"]
    assert (directory / "endpoint.json").read_text() == "of somebody else"
    (directory / "endpoint.json").unlink()


def test_nobody_starts_a_second_process_while_the_first_lives_on_deleted_files(
    directory,  # noqa: F811
    start,  # noqa: F811
):
    supervised = supervise(start, directory)
    # It cannot notice anything.
    supervised.send_signal(signal.SIGSTOP)
    remove(directory)

    with pytest.raises(EmbeddedUnavailable, match="did not answer in time"):
        acquire(directory, timeout=2)
    nobody = not (directory / "endpoint.json").exists()
    supervised.send_signal(signal.SIGCONT)
    supervised.communicate(timeout=PATIENCE)

    assert nobody
    # Its supervisor is this process.
    supervise(start, directory)
    with acquire(directory) as lease:
        assert select_one(lease)


def test_a_lease_outlives_the_directory(directory):  # noqa: F811
    """Also one whose lock file was deleted: it holds what the next process looks at."""
    with acquire(directory) as lease:
        for lost in (directory, directory.with_name("clickhouse.leases.lock")):
            first = pid_of(directory)
            remove(lost)
            assert eventually(lambda pid=first: not is_running(pid), PATIENCE)

            lease.ensure(timeout=PATIENCE)
            second = pid_of(directory)

            assert second != first
            # Longer than it takes to end without a lease.
            assert not eventually(lambda pid=second: not is_running(pid), 1.0)
            assert select_one(lease)


def test_a_supervised_process_starts_anew_on_a_directory_that_was_emptied(directory, start):  # noqa: F811
    first = supervise(start, directory)
    for path in directory.iterdir():
        remove(path)
    first.communicate(timeout=PATIENCE)

    second = supervise(start, directory)

    assert has_endpoint(directory, "supervised")
    assert pid_of(directory) == second.pid
    os.kill(second.pid, signal.SIGTERM)
    assert second.wait(PATIENCE) == 0
