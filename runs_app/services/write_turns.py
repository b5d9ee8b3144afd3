"""Turns at SQLite's one write lock.

SQLite lets one connection write at a time, and lets the others wait by sleeping and looking again,
which under load is slow and so unfair that the replicator starves. Writers therefore queue at a
file lock first, which the kernel hands on in order, across threads and processes.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.db import connection

from runs_app.services.locks import file_lock

_held: Final = threading.local()


@contextlib.contextmanager
def write_turn() -> Iterator[None]:
    """Hold the turn, on SQLite; elsewhere do nothing. Not to be nested."""
    if connection.vendor != "sqlite":
        yield
        return
    if getattr(_held, "here", False):
        raise RuntimeError("A write turn inside a write turn would wait for itself.")
    with file_lock(settings.FAULTLINE_DATA / "write.lock"):
        _held.here = True
        try:
            yield
        finally:
            _held.here = False
