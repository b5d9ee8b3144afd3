"""Listening, one thread a client, and leaving without a crash."""

import logging
import socket
import threading
import time

from runs_app.clickhouse.embedded.connection import Access, Conversation
from runs_app.clickhouse.embedded.engine import Engine
from runs_app.clickhouse.embedded.faults import Code, ServerFault
from runs_app.clickhouse.embedded.watch import Watch

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
MAX_CONNECTIONS = 256
# So many more are told why they are refused; beyond that, connections are closed without a word.
MAX_REFUSALS = 32
RUNNING_QUERIES_MAY_TAKE = 3.0
KILLED_QUERIES_MAY_TAKE = 5.0
REFUSAL = ServerFault(
    Code.TOO_MANY_SIMULTANEOUS_QUERIES,
    f"DB::Exception: The embedded ClickHouse takes at most {MAX_CONNECTIONS} connections."
    " (TOO_MANY_SIMULTANEOUS_QUERIES)",
)


class Server:
    """Accepts clients on the loopback interface from its creation until `stop`."""

    def __init__(self, engine: Engine, access: Access, port: int = 0) -> None:
        """Listen on `port`, 0 for any free one; raises OSError when it is taken."""
        self._engine = engine
        self._access = access
        self._watch = Watch(engine.session())
        self._lock = threading.Lock()
        self._clients: dict[threading.Thread, socket.socket] = {}
        self._stopping = False
        self._listening = socket.create_server((HOST, port), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="accept", daemon=True)
        self._accepting.start()

    def stop(self) -> bool:
        """Stop accepting, let running queries end for a while, then kill them.

        Returns whether every client's thread has ended; only then may the engine be closed.
        """
        self._stopping = True
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join()
        self._watch.let_end()
        with self._lock:
            clients = dict(self._clients)
        for client in clients.values():
            _close_reading(client)
        ended = _join(clients, RUNNING_QUERIES_MAY_TAKE)
        if not ended:
            self._watch.kill_all()
            for client in clients.values():
                _close_both(client)
            ended = _join(clients, KILLED_QUERIES_MAY_TAKE)
        self._watch.stop()
        return ended

    def _accept(self) -> None:
        while not self._stopping:
            try:
                client, _ = self._listening.accept()
            except OSError as error:
                if not self._stopping:
                    logger.warning("a connection could not be accepted: %s", error)
                    time.sleep(0.1)
                continue
            self._admit(client)

    def _admit(self, client: socket.socket) -> None:
        with self._lock:
            count = len(self._clients)
            if count >= MAX_CONNECTIONS + MAX_REFUSALS:
                client.close()
                return
            refusal = REFUSAL if count >= MAX_CONNECTIONS else None
            thread = threading.Thread(
                target=self._talk, args=(client, refusal), name="client", daemon=True
            )
            self._clients[thread] = client
        thread.start()

    def _talk(self, client: socket.socket, refusal: ServerFault | None) -> None:
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Conversation(client, self._engine, self._watch, self._access).talk(refusal)
        except Exception:
            logger.exception("a connection failed")
        finally:
            client.close()
            with self._lock:
                self._clients.pop(threading.current_thread(), None)


def _join(clients: dict[threading.Thread, socket.socket], seconds: float) -> bool:
    until = time.monotonic() + seconds
    for thread in clients:
        thread.join(max(until - time.monotonic(), 0))
    return not any(thread.is_alive() for thread in clients)


def _close_reading(client: socket.socket) -> None:
    try:
        client.shutdown(socket.SHUT_RD)
    except OSError:
        logger.debug("a client left by itself")


def _close_both(client: socket.socket) -> None:
    try:
        client.shutdown(socket.SHUT_RDWR)
    except OSError:
        logger.debug("a client left by itself")
