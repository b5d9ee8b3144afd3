"""Watching the clients of running queries: one that leaves or cancels gets its query killed."""

import logging
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from runs_app.clickhouse.embedded.engine import Session
from runs_app.clickhouse.embedded.faults import ServerFault
from runs_app.clickhouse.embedded.wire import ClientPacket

logger = logging.getLogger(__name__)

INTERVAL = 0.05


class Watch:
    """A thread with an engine session of its own, asleep while no query runs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._numbers = count(1)
        self._running: dict[str, socket.socket | None] = {}
        self._wake = threading.Event()
        self._stopped = False
        self._kill_all = False
        self._let_end = False
        self._thread = threading.Thread(target=self._loop, name="watch", daemon=True)
        self._thread.start()

    @contextmanager
    def over(self, client: socket.socket | None) -> Iterator[str]:
        """Watch `client` while the block runs a statement that ends in the tag it is given.

        Without a client the statement is killed only when the process cannot wait any longer.
        """
        tag = f"\n/*faultline:{next(self._numbers)}*/"
        self._running[tag] = client
        self._wake.set()
        try:
            yield tag
        finally:
            del self._running[tag]

    def let_end(self) -> None:
        """Kill nothing for now: from here on clients look gone because we are leaving."""
        self._let_end = True

    def kill_all(self) -> None:
        """Kill every query from now on."""
        self._kill_all = True
        self._wake.set()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()
        self._thread.join()
        self._session.close()

    def _loop(self) -> None:
        while not self._stopped:
            self._wake.wait()
            self._wake.clear()
            while self._running and not self._stopped:
                time.sleep(INTERVAL)
                for tag, client in self._running.copy().items():
                    if self._is_to_end(client):
                        self._kill(tag)

    def _is_to_end(self, client: socket.socket | None) -> bool:
        if self._kill_all:
            return True
        return client is not None and not self._let_end and wants_no_more(client)

    def _kill(self, tag: str) -> None:
        # Anchored at the end, so that it does not find (and kill) itself.
        text = tag.replace("\n", "\\n")
        try:
            self._session.run(f"KILL QUERY WHERE query LIKE '%{text}' ASYNC", "Null")
        except ServerFault as fault:
            logger.warning("a query could not be killed: %s", fault.message)


def wants_no_more(client: socket.socket) -> bool:
    """Whether a client in the middle of its query has gone or sent Cancel."""
    try:
        poller = select.poll()
        poller.register(client, select.POLLIN | select.POLLRDHUP)
        events = poller.poll(0)
        if not events:
            return False
        return client.recv(1, socket.MSG_PEEK) in (b"", bytes((ClientPacket.CANCEL,)))
    except (OSError, ValueError):
        return True
