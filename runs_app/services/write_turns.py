"""Turns at SQLite's one write lock.

SQLite lets one connection write at a time, and lets the others wait by sleeping and looking again,
which under load is slow and so unfair that the replicator starves. Writers therefore queue at a
file lock first, which the kernel hands on in order, across threads and processes.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from django.conf import settings
from django.db import connection


@contextlib.contextmanager
def write_turn() -> Iterator[None]:
    """Hold the turn, on SQLite; elsewhere do nothing. Not to be nested."""
    if connection.vendor != "sqlite":
        yield
        return
    # Opened anew each time: a lock belongs to the open file, so that threads queue like processes.
    path = settings.FAULTLINE_DATA / "write.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
