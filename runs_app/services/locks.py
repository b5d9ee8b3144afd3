"""Locks between processes. The kernel or the database drops them when their holder dies."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from django.db import connection


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[int]:
    """Wait for the lock on `path` and hold it; the open file. Waiters get it in their order.

    The file is opened anew each time: a lock belongs to the open file, so that threads of one
    process queue like processes.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def advisory_lock(number: int) -> Iterator[None]:
    """Wait for PostgreSQL's lock of that number and hold it, for this database session.

    It needs a session of its own: a pooler that shares sessions between transactions breaks it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [number])
    try:
        yield
    finally:
        _give_up(number)


@contextlib.contextmanager
def try_file_lock(path: Path) -> Iterator[bool]:
    """Hold the lock on `path` if nobody does; whether it is held."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def try_advisory_lock(number: int) -> Iterator[bool]:
    """Hold PostgreSQL's lock of that number, for this database session, if nobody does; whether it
    is held."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        held: bool = cursor.fetchone()[0]
    try:
        yield held
    finally:
        if held:
            _give_up(number)


def _give_up(number: int) -> None:
    # A broken connection has already given the lock up.
    if connection.connection is not None and not connection.connection.closed:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [number])
