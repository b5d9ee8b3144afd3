"""One replicator at a time per deployment, by a lock that dies with its holder.

On PostgreSQL an advisory lock of the session, on SQLite a file lock beside the database. The turn
is held for one batch, so that `verify_counts --repair` gets in between two batches.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.db import connection

# Any number that nothing else in this database uses.
ADVISORY_LOCK: Final = 7_346_288_101


@contextlib.contextmanager
def replicator_turn() -> Iterator[None]:
    """Wait for the turn and hold it."""
    if connection.vendor == "postgresql":
        with _advisory_lock():
            yield
    else:
        with _file_lock():
            yield


@contextlib.contextmanager
def _advisory_lock() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
    try:
        yield
    finally:
        # A broken connection has already given the lock up.
        if connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])


@contextlib.contextmanager
def _file_lock() -> Iterator[None]:
    path = settings.FAULTLINE_DATA / "replicator.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
