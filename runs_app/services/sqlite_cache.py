"""A cache for the processes of one machine, whose counts are exact between them.

Django's file and database caches read a number, add to it and write it back, so that two who do so
at once count one; an in-process cache has every process count for itself. Here each method is one
statement on an SQLite file. Nothing in it is worth a flush to disk: it is lost with the machine's
power, and whatever is wrong with the file, a new one takes its place.
"""

import os
import pickle
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from runs_app.services.locks import file_lock

T = TypeVar("T")

# Writers wait for each other by sleeping and looking again. A write takes some microseconds:
# whoever gets no turn for so long stands before a process that was stopped in the middle of one.
BUSY_SECONDS: Final = 1.0
DEFAULT_MAX_ENTRIES: Final = 10_000
# So many entries may be new between two looks at what has to go.
MOST_BETWEEN_CULLS: Final = 100
SMALLEST_INTEGER: Final = -(2**63)
LARGEST_INTEGER: Final = 2**63 - 1

# An integer stands as itself, so that SQLite can add to it; anything else is pickled.
SCHEMA: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
PRAGMA journal_size_limit = 4194304;
PRAGMA temp_store = MEMORY;
CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value, expires REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires);
"""
GET: Final = "SELECT value FROM entries WHERE key = ? AND (expires IS NULL OR expires > ?)"
SET: Final = "INSERT OR REPLACE INTO entries (key, value, expires) VALUES (?, ?, ?)"
ADD: Final = """
INSERT INTO entries (key, value, expires)
VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE
SET value = excluded.value, expires = excluded.expires
WHERE entries.expires <= ?
RETURNING 1
"""
INCREMENT: Final = """
UPDATE entries
SET value = value + ?
WHERE key = ? AND (expires IS NULL OR expires > ?) AND typeof(value) = 'integer'
RETURNING value
"""
TOUCH: Final = """
UPDATE entries
SET expires = ?
WHERE key = ? AND (expires IS NULL OR expires > ?)
RETURNING 1
"""
DELETE: Final = "DELETE FROM entries WHERE key = ? RETURNING expires IS NULL OR expires > ?"
DELETE_EXPIRED: Final = "DELETE FROM entries WHERE expires <= ?"
COUNT: Final = "SELECT count(*) FROM entries"
# What would go first by itself goes first.
DELETE_SOME: Final = """
DELETE FROM entries
WHERE key IN (SELECT key FROM entries ORDER BY expires IS NULL, expires LIMIT ?)
"""
CLEAR: Final = "DELETE FROM entries"

# Of a file that was damaged, emptied or taken away under an open connection.
BROKEN: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_READONLY_DBMOVED", "SQLITE_IOERR_SHORT")
EMPTIED: Final = "no such table"

# Connections that were open when their process forked. The child must not even close them.
_of_the_parent: Final[list[sqlite3.Connection]] = []


class SqliteCache(BaseCache):
    """LOCATION is a directory of its own. Beside what Django documents: `incr` takes integers only,
    and raises TypeError for a key that holds something else.

    A file that has to be replaced never gets the name of the old one: whoever still had that open
    would, when it lets go of it, delete the new one's log by its name.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        options = {"MAX_ENTRIES": DEFAULT_MAX_ENTRIES, **params.get("OPTIONS", {})}
        super().__init__({**params, "OPTIONS": options})
        self._directory = Path(location)
        self._mine = threading.local()
        self._cull_every = max(1, min(MOST_BETWEEN_CULLS, self._max_entries // 10))

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        key = self.make_and_validate_key(key, version=version)
        expires = self.get_backend_timeout(timeout)
        added = bool(self._execute(ADD, key, _packed(value), expires, time.time()))
        if added:
            self._note_new_entry()
        return added

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        key = self.make_and_validate_key(key, version=version)
        rows = self._execute(GET, key, time.time())
        return _unpacked(rows[0][0]) if rows else default

    def set(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        key = self.make_and_validate_key(key, version=version)
        self._execute(SET, key, _packed(value), self.get_backend_timeout(timeout))
        self._note_new_entry()

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        key = self.make_and_validate_key(key, version=version)
        return bool(self._execute(TOUCH, self.get_backend_timeout(timeout), key, time.time()))

    def delete(self, key: Any, version: int | None = None) -> bool:
        key = self.make_and_validate_key(key, version=version)
        rows = self._execute(DELETE, key, time.time())
        return bool(rows and rows[0][0])

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Keeps the expiry. Raises ValueError where there is no such key."""
        name = self.make_and_validate_key(key, version=version)
        now = time.time()
        rows = self._execute(INCREMENT, delta, name, now)
        if rows:
            number: int = rows[0][0]
            return number
        if self._execute(GET, name, now):
            raise TypeError(f"Key '{key}' holds no integer")
        raise ValueError(f"Key '{key}' not found")

    def clear(self) -> None:
        self._execute(CLEAR)

    def _note_new_entry(self) -> None:
        self._mine.new_entries = getattr(self._mine, "new_entries", 0) + 1
        if self._mine.new_entries >= self._cull_every:
            self._mine.new_entries = 0
            self._with_connection(self._cull)

    def _cull(self, connection: sqlite3.Connection) -> None:
        connection.execute(DELETE_EXPIRED, [time.time()])
        [(count,)] = connection.execute(COUNT).fetchall()
        if count > self._max_entries:
            frequency = self._cull_frequency
            connection.execute(DELETE_SOME, [count // frequency if frequency else count])

    def _execute(self, statement: str, *parameters: Any) -> list[Any]:
        """All rows: a statement that was not read to its end would keep the write lock."""
        return self._with_connection(
            lambda connection: connection.execute(statement, parameters).fetchall()
        )

    def _with_connection(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._connection()
        try:
            return work(connection)
        except sqlite3.Error as error:
            if not _is_broken(error):
                raise
        self._mine.connection = None
        connection.close()
        with file_lock(self._lock_path()):
            _remove(self._mine.path)
        return work(self._connection())

    def _connection(self) -> sqlite3.Connection:
        """This thread's connection to the file that is in use now."""
        mine = self._mine
        connection: sqlite3.Connection | None = getattr(mine, "connection", None)
        if connection is not None and mine.process != os.getpid():
            _of_the_parent.append(connection)
            connection = None
        if connection is not None and not os.path.exists(mine.path):  # noqa: PTH110, twice as fast
            connection.close()
            connection = None
        if connection is None:
            mine.connection = None
            mine.path, connection = self._open()
            mine.connection, mine.process = connection, os.getpid()
        return connection

    def _open(self) -> tuple[Path, sqlite3.Connection]:
        """The newest file, or a new one where there is none that can be used."""
        with file_lock(self._lock_path()):
            for path in sorted(self._directory.glob("*.sqlite3"), reverse=True):
                try:
                    # Under the lock nobody is about to write the first page: that one was lost.
                    if path.stat().st_size:
                        return path, _connect(path)
                except sqlite3.Error as error:
                    if not _is_broken(error):
                        raise
                _remove(path)
            path = self._directory / f"{time.time_ns()}.sqlite3"
            return path, _connect(path)

    def _lock_path(self) -> Path:
        """Makes the directory, which may have been deleted, too."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._directory / "lock"


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.executescript(SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _remove(path: Path) -> None:
    for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        each.unlink(missing_ok=True)


def _is_broken(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(BROKEN) or EMPTIED in str(error)


def _packed(value: Any) -> Any:
    if type(value) is int and SMALLEST_INTEGER <= value <= LARGEST_INTEGER:
        return value
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def _unpacked(stored: Any) -> Any:
    """Only we write into the file, in a directory that is closed to others."""
    return pickle.loads(stored) if isinstance(stored, bytes) else stored  # noqa: S301
