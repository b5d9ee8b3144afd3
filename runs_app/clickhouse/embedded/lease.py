"""Leases on the embedded ClickHouse of a directory: the interface of this package.

    lease = acquire(directory)
    endpoint = lease.endpoint()   # host, port, user, password, database
    ...
    endpoint = lease.ensure()     # after a failure to connect
    lease.release()

A lease is a shared lock on an open file. It ends with its process, even a killed one. A forked
child has none until it asks (`acquire`, or `ensure` of the lease it inherited), and does not
disturb its parent's.
"""

import os
import socket
import threading
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

from runs_app.clickhouse.embedded.launch import BUSY, READY, Starting, reap
from runs_app.clickhouse.embedded.places import (
    Endpoint,
    Places,
    is_at,
    open_lock,
    try_lock,
)
from runs_app.clickhouse.embedded.wire import client_hello

__all__ = ["EmbeddedUnavailable", "Endpoint", "Lease", "acquire"]

PAUSE = 0.02
ANSWER_TIMEOUT = 2.0


class EmbeddedUnavailable(Exception):
    """There is no embedded ClickHouse; the sentence says why and what to do."""


class Lease:
    """A claim on the embedded ClickHouse of a directory. Threads may share it."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._descriptor: int | None = None
        self._released = False
        self._lock = threading.Lock()
        _leases.add(self)

    def endpoint(self) -> Endpoint:
        """Where the process listens now; it may differ after a restart."""
        told = self._places.read_endpoint()
        if told is None:
            return self.ensure()
        return told[0]

    @property
    def is_held(self) -> bool:
        """Whether `ensure` was called here: until then the process may end at any time."""
        return self._descriptor is not None

    def ensure(
        self,
        *,
        timeout: float = 10.0,
        start: bool = True,
        supervised_timeout: float | None = None,
    ) -> Endpoint:
        """Have the process run and answer, and say where.

        Starts it if nobody owns the directory, unless `start` is false. A process that has a
        supervisor is waited for instead: restarting it is the supervisor's business for as long
        as that lives. It is waited for `supervised_timeout` seconds only, where that is given.
        """
        reap()
        deadline = time.monotonic() + timeout
        with self._lock:
            if self._released:
                raise EmbeddedUnavailable("the lease on the embedded ClickHouse was released")
            try:
                self._places.create()
                self._hold(deadline)
                return _wait_until_it_answers(
                    self._places, deadline, supervised_timeout, start=start
                )
            except OSError as error:
                raise EmbeddedUnavailable(
                    f"the directory {self._places.directory} of the embedded ClickHouse cannot be"
                    f" used: {error}"
                ) from error

    def release(self) -> None:
        """Give the lease back. In a forked child this does not touch the parent's."""
        with self._lock:
            self._released = True
            self._drop()
        reap()

    def _hold(self, deadline: float) -> None:
        if self._descriptor is not None:
            if is_at(self._places.leases_lock, self._descriptor):
                return
            # Deleted with the data directory: nobody looks at that file any more.
            self._drop()
        descriptor = open_lock(self._places.leases_lock)
        while not try_lock(descriptor, exclusive=False):
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise EmbeddedUnavailable(
                    f"the embedded ClickHouse in {self._places.directory} is shutting down and"
                    f" does not come to an end: see {self._places.log}"
                )
            time.sleep(PAUSE)
        self._descriptor = descriptor

    def _drop(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _forget_in_child(self) -> None:
        # Closing the inherited descriptor keeps the parent's lock; keeping it open would make
        # the lease outlive the parent. The lock may have been held by a thread that is not here.
        self._lock = threading.Lock()
        self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


_leases: "weakref.WeakSet[Lease]" = weakref.WeakSet()


def _forget_leases_in_child() -> None:
    for lease in tuple(_leases):
        lease._forget_in_child()


os.register_at_fork(after_in_child=_forget_leases_in_child)


def acquire(directory: Path, *, timeout: float = 30.0, start: bool = True) -> Lease:
    """Take a lease on the embedded ClickHouse of `directory`, starting it if none runs.

    With `start` false it is only waited for, as by a supervisor that has just started it.
    Returns when it answers; raises EmbeddedUnavailable when it does not within `timeout` seconds.
    """
    lease = Lease(Places(directory))
    try:
        lease.ensure(timeout=timeout, start=start)
    except BaseException:
        lease.release()
        raise
    return lease


def _wait_until_it_answers(
    places: Places, deadline: float, supervised_timeout: float | None, *, start: bool
) -> Endpoint:
    starting: Starting | None = None
    began = time.monotonic()
    try:
        while True:
            told = places.read_endpoint()
            owned = places.is_owned()
            if told is not None and owned and _answers(told[0]):
                return told[0]
            if starting is None and start and not owned and not places.has_supervisor():
                starting = Starting(places)
            elif starting is not None and (report := starting.report(PAUSE)) is not None:
                _check(report, places)
                starting.close()
                starting = None
            now = time.monotonic()
            if (
                supervised_timeout is not None
                and now - began > supervised_timeout
                and places.has_supervisor()
            ):
                raise EmbeddedUnavailable(
                    f"the embedded ClickHouse in {places.directory} does not answer, and is its"
                    " supervisor's to start again"
                )
            if now > deadline:
                raise EmbeddedUnavailable(
                    f"the embedded ClickHouse in {places.directory} did not answer in time:"
                    f" see {places.log}"
                )
            time.sleep(PAUSE)
    finally:
        if starting is not None:
            starting.close()


def _check(report: str, places: Places) -> None:
    """READY: the endpoint is there. BUSY: somebody else was faster and will be."""
    if report in (READY, BUSY):
        return
    reason = report or "it ended before it was ready"
    raise EmbeddedUnavailable(
        f"the embedded ClickHouse cannot be started: {reason} (its log is {places.log})"
    )


def _answers(endpoint: Endpoint) -> bool:
    """Connecting is not enough: a dying process's socket still takes connections for a while."""
    hello = client_hello(endpoint.user, endpoint.password, endpoint.database)
    try:
        with socket.create_connection((endpoint.host, endpoint.port), ANSWER_TIMEOUT) as peer:
            peer.sendall(hello)
            return bool(peer.recv(1))
    except OSError:
        return False
