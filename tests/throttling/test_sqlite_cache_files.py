"""The cache of one machine counts exactly between processes, and outlives its files."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from runs_app.services import sqlite_cache
from runs_app.services.sqlite_cache import SqliteCache

ROOT = Path(__file__).resolve().parents[2]
COUNT_UP = """
import sys
from django.conf import settings
settings.configure()
from runs_app.services.sqlite_cache import SqliteCache
cache = SqliteCache(sys.argv[1], {})
for _ in range(int(sys.argv[2])):
    cache.incr("n")
"""


def the_file(cache: SqliteCache) -> Path:
    [path] = cache._directory.glob("*.sqlite3")
    return path


# --- processes and threads ----------------------------------------------------------------------


def test_processes_that_count_at_once_lose_nothing(cache: SqliteCache) -> None:
    cache.set("n", 0, timeout=None)

    command = [sys.executable, "-c", COUNT_UP, str(cache._directory), "500"]
    counting = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]
    failed = [process.wait() for process in counting]

    assert failed == [0, 0, 0, 0]
    assert cache.get("n") == 2000


def test_of_threads_that_add_at_once_one_wins(cache: SqliteCache) -> None:
    barrier = threading.Barrier(8)
    won: list[int] = []

    def add(number: int) -> None:
        barrier.wait()
        if cache.add("key", number):
            won.append(number)
        cache.incr("key")

    threads = [threading.Thread(target=add, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1
    assert cache.get("key") == won[0] + 8


def test_a_child_uses_no_connection_of_its_parent(cache: SqliteCache) -> None:
    cache.set("n", 1)
    of_the_parent = cache._mine.connection

    child = os.fork()
    if child == 0:
        counted = cache.incr("n")
        own = cache._mine.connection is not of_the_parent
        kept = sqlite_cache._of_the_parent == [of_the_parent]
        os._exit(0 if (counted, own, kept) == (2, True, True) else 1)
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert cache._mine.connection is of_the_parent
    assert cache.incr("n") == 3


# --- files that are damaged or gone -------------------------------------------------------------


def test_its_files_are_for_their_owner_alone(cache: SqliteCache) -> None:
    cache.set("key", 1)

    assert {path.stat().st_mode & 0o077 for path in cache._directory.iterdir()} == {0}
    assert cache._directory.stat().st_mode & 0o077 == 0


def test_a_file_that_was_deleted_is_made_anew_for_all(cache: SqliteCache) -> None:
    other = SqliteCache(str(cache._directory), {})
    cache.set("key", 1)
    assert other.get("key") == 1
    deleted = the_file(cache)

    deleted.unlink()
    cache.set("key", 2)

    assert other.incr("key") == 3
    assert cache.get("key") == 3
    assert the_file(cache) != deleted


def test_a_directory_that_was_deleted_is_made_anew(cache: SqliteCache) -> None:
    cache.set("key", 1)

    for path in cache._directory.iterdir():
        path.unlink()
    cache._directory.rmdir()

    assert cache.get("key") is None
    assert cache.add("key", 2) is True
    assert cache.incr("key") == 3


def test_a_file_that_is_no_database_makes_way_for_one(cache: SqliteCache) -> None:
    cache._directory.mkdir()
    garbage = cache._directory / "1.sqlite3"
    garbage.write_bytes(b"garbage" * 1000)

    cache.set("key", 1)

    assert cache.incr("key") == 2
    assert not garbage.exists()


@pytest.mark.parametrize("damage", [b"", b"garbage" * 10_000])
def test_a_file_that_is_damaged_while_it_is_open_makes_way_for_another(
    cache: SqliteCache, damage: bytes
) -> None:
    cache.set_many({f"key{n}": "x" * 500 for n in range(200)})
    damaged = the_file(cache)
    cache._mine.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damaged.write_bytes(damage)

    other = SqliteCache(str(cache._directory), {})
    other.set("key", 1)

    assert other.incr("key") == 2
    assert cache.add("new", 5) is True
    assert cache.incr("new") == 6
    assert other.get("new") == 6
