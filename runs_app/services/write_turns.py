"""Turns at SQLite's one write lock.

SQLite lets one connection write at a time, and lets the others wait by sleeping and looking again,
which under load is slow and so unfair that the replicator starves. Writers therefore queue at a
file lock first, which the kernel hands on in order, across threads and processes.

A program that is not ours (a backup, a shell) may hold SQLite's lock all the same, and for a
moment what Django writes by itself (sessions, logins, forms of the admin). Whoever has the
turn then waits for it until SQLite's own time limit, and leaves a mark in the lock's file: those
who queued meanwhile have waited as long for the same thing, and give up with it. Without that each
would wait for the limit anew, one after the other.
"""

import contextlib
import os
import struct
import threading
import time
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.db import OperationalError, connection

from runs_app.services.locks import file_lock, try_file_lock

# Seconds of the monotonic clock, which the processes of a machine share.
MARK: Final = struct.Struct("=d")

_held: Final = threading.local()


@contextlib.contextmanager
def write_turn() -> Iterator[None]:
    """Hold the turn, on SQLite; elsewhere do nothing. Not to be nested.

    Raises django.db.OperationalError where SQLite was found locked while this turn was waited for.
    """
    if connection.vendor != "sqlite":
        yield
        return
    if getattr(_held, "here", False):
        raise RuntimeError("A write turn inside a write turn would wait for itself.")
    began = time.monotonic()
    with file_lock(settings.FAULTLINE_DATA / "write.lock") as descriptor:
        # Of the time before the machine was started anew a mark may lie ahead.
        if began < _marked(descriptor) <= time.monotonic():
            raise OperationalError("database was locked while others waited for it")
        _held.here = True
        try:
            yield
        except OperationalError as error:
            if getattr(error.__cause__, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
                _mark(descriptor)
            raise
        finally:
            _held.here = False


@contextlib.contextmanager
def try_write_turn() -> Iterator[bool]:
    """Hold the turn if nobody does; whether it is held. For what can be left for another time:
    where SQLite itself is locked, what is written meanwhile fails at once."""
    if connection.vendor != "sqlite":
        yield True
        return
    if getattr(_held, "here", False):
        yield False
        return
    with try_file_lock(settings.FAULTLINE_DATA / "write.lock") as held:
        if not held:
            yield False
            return
        _held.here = True
        try:
            with _without_patience():
                yield True
        finally:
            _held.here = False


@contextlib.contextmanager
def _without_patience() -> Iterator[None]:
    """SQLite does not wait for its lock."""
    connection.ensure_connection()
    # The driver's own connection: neither statement touches the database, or may fail with it.
    driver = connection.connection
    [patience] = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA busy_timeout = {patience:d}")


def _marked(descriptor: int) -> float:
    """When SQLite was last found locked."""
    content = os.pread(descriptor, MARK.size, 0)
    moment: float = MARK.unpack(content)[0] if len(content) == MARK.size else 0.0
    return moment


def _mark(descriptor: int) -> None:
    # Without disk space the others find out by themselves.
    with contextlib.suppress(OSError):
        os.pwrite(descriptor, MARK.pack(time.monotonic()), 0)
