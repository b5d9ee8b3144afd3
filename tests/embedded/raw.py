"""A client that can say anything, also what no driver would."""

import socket
import time
from collections.abc import Callable
from typing import Self

from runs_app.clickhouse.embedded.lease import Endpoint

REVISION = 54459
EMPTY_BLOCK = b"\x02\x00" + b"\x01\x00\x02\xff\xff\xff\xff\x00" + b"\x00\x00"


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def text(value: str | bytes) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return varint(len(value)) + value


def hello(endpoint: Endpoint, *, password: str | None = None, revision: int = REVISION) -> bytes:
    names = (endpoint.database, endpoint.user, endpoint.password if password is None else password)
    head = b"\x00" + text("raw") + varint(1) + varint(1) + varint(revision)
    return head + b"".join(text(name) for name in names)


def query(sql: str, *, compressed: bool = False) -> bytes:
    return b"".join(
        (
            b"\x01",
            text(""),
            b"\x00",  # no client info
            text(""),  # no settings
            text(""),
            varint(2),
            varint(compressed),
            text(sql),
            text(""),  # no parameters
        )
    )


def uint8_block(column: str, values: bytes) -> bytes:
    body = text(column) + text("UInt8") + b"\x00" + values
    return (
        b"\x02\x00" + b"\x01\x00\x02\xff\xff\xff\xff\x00" + varint(1) + varint(len(values)) + body
    )


class Raw:
    """A connected socket with patience."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.socket = socket.create_connection((endpoint.host, endpoint.port), 20)
        self.endpoint = endpoint

    def greet(self) -> Self:
        """Say hello and the addendum, and read the server's."""
        self.socket.sendall(hello(self.endpoint))
        self.socket.recv(4096)
        self.socket.sendall(text(""))
        return self

    def send(self, data: bytes) -> Self:
        self.socket.sendall(data)
        return self

    def read_until(self, end: bytes) -> bytes:
        got = b""
        while end not in got:
            chunk = self.socket.recv(1 << 16)
            if not chunk:
                raise AssertionError(f"closed after {got!r}")
            got += chunk
        return got

    def read_to_the_end(self, seconds: float = 10) -> bytes:
        """Everything until the server closes, which it must within `seconds`."""
        until = time.monotonic() + seconds
        got = b""
        while True:
            self.socket.settimeout(max(until - time.monotonic(), 0.01))
            try:
                chunk = self.socket.recv(1 << 16)
            except ConnectionResetError:
                return got
            if not chunk:
                return got
            got += chunk

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether it holds within so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.01)
    return holds()
