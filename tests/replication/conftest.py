"""A line to ClickHouse that can be cut, and the door using it."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from enum import Enum
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from runs_app.clickhouse import client
from runs_app.clickhouse.client import ClickHouse, ServerTarget
from runs_app.clickhouse.embedded.lease import Endpoint, acquire

EMPTY_BLOCK = 36
END_OF_STREAM = b"\x05"


class Cut(Enum):
    """What happens to the next insert into the runs."""

    NEVER = "nothing"
    BEFORE_THE_DATA = "the line goes dead when its data are sent, before the engine sees them"
    DURING_THE_INSERT = "the line goes dead as soon as the engine has all the data"
    AFTER_THE_DATA = "the line goes dead when the engine has answered, before the answer is read"


class Place(Enum):
    """How far an insert has come on one connection."""

    ELSEWHERE = 0
    STATEMENT = 1
    COLUMNS = 2
    DATA = 3


class Line:
    """A TCP proxy in front of the engine. One thread a connection."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self.cut = Cut.NEVER
        self.cuts = 0
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            self.port: int = probe.getsockname()[1]

    def up(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self) -> None:
        """Nobody listens any more, and every open connection is gone."""
        listener, self._listener = self._listener, None
        if listener is not None:
            # Wakes the thread that waits in accept, which closing alone does not.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for one in tuple(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with closing(caller), closing(socket.create_connection(self._upstream)) as engine:
            for one in (caller, engine):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {caller, engine}
            try:
                with suppress(OSError):
                    self._carry(caller, engine)
            finally:
                self._open -= {caller, engine}

    def _carry(self, caller: socket.socket, engine: socket.socket) -> None:
        """Pass bytes on. An insert is a statement, the table's columns back, and the data."""
        place = Place.ELSEWHERE
        # It ends a statement's own data, and an insert's: seen at the one, known at the other.
        empty_block = b""
        while True:
            readable, _, _ = select.select([caller, engine], [], [])
            if engine in readable:
                answer = engine.recv(1 << 20)
                if not answer:
                    return
                if place is Place.STATEMENT:
                    place = Place.COLUMNS
                elif place is Place.DATA and answer.endswith(END_OF_STREAM):
                    if self._is_cut(Cut.AFTER_THE_DATA):
                        return
                    place = Place.ELSEWHERE
                caller.sendall(answer)
            elif caller in readable:
                said = caller.recv(1 << 20)
                if not said:
                    return
                if b"INSERT INTO task_runs_v2" in said:
                    place = Place.STATEMENT
                elif place is Place.COLUMNS:
                    place = Place.DATA
                if place is Place.DATA and self._is_cut(Cut.BEFORE_THE_DATA):
                    return
                engine.sendall(said)
                if place is Place.STATEMENT:
                    empty_block = said[-EMPTY_BLOCK:]
                at_end = place is Place.DATA and said.endswith(empty_block)
                if at_end and self._is_cut(Cut.DURING_THE_INSERT):
                    return

    def _is_cut(self, cut: Cut) -> bool:
        if self.cut is not cut:
            return False
        self.cut = Cut.NEVER
        self.cuts += 1
        return True


@pytest.fixture(scope="session")
def engine(clickhouse_tables: None) -> Iterator[Endpoint]:
    """Where the suite's ClickHouse listens."""
    if settings.CLICKHOUSE_URL:
        url = urlsplit(settings.CLICKHOUSE_URL)
        yield Endpoint(
            host=url.hostname or "127.0.0.1",
            port=url.port or 9000,
            user=url.username or "default",
            password=url.password or "",
            database=url.path.strip("/") or "default",
        )
        return
    with acquire(settings.FAULTLINE_DATA / "clickhouse") as lease:
        yield lease.endpoint()


@pytest.fixture
def line(engine: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """The door goes through this line, which is up."""
    line = Line((engine.host, engine.port))
    line.up()
    door = ClickHouse(
        ServerTarget(
            f"clickhouse://{engine.user}:{engine.password}@127.0.0.1:{line.port}/{engine.database}"
        )
    )
    monkeypatch.setattr(client, "_process_wide", lambda _pid: door)
    yield line
    door.close()
    line.down()
