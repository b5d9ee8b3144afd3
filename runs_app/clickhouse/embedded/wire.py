"""Packets of ClickHouse's native protocol, as a server reads and writes them.

The layout is that of revision 54459, the first in which query parameters travel and the last
before packets that nothing here needs (nonce, password rules, time zone updates).
"""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from runs_app.clickhouse.embedded.blocks import Block, Column, as_packet_body, blob, varint
from runs_app.clickhouse.embedded.compression import compress
from runs_app.clickhouse.embedded.faults import PeerGone, ServerFault, StreamBroken
from runs_app.clickhouse.embedded.source import Source

REVISION = 54459
# Older clients send settings and blocks in other layouts; every driver of the last years is newer.
OLDEST_REVISION = 54459
NAME = "ClickHouse"
MAX_HELLO = 1 << 14
MAX_QUERY = 1 << 26
RECEIVE = 1 << 18
IMPORTANT = 0x01


class ClientPacket(IntEnum):
    HELLO = 0
    QUERY = 1
    DATA = 2
    CANCEL = 3
    PING = 4


class ServerPacket(IntEnum):
    HELLO = 0
    DATA = 1
    EXCEPTION = 2
    PROGRESS = 3
    PONG = 4
    END_OF_STREAM = 5
    PROFILE_INFO = 6
    PROFILE_EVENTS = 14


PROFILE_EVENTS = Block(
    0,
    tuple(
        Column(name.encode(), type_name.encode())
        for name, type_name in (
            ("host_name", "String"),
            ("current_time", "DateTime"),
            ("thread_id", "UInt64"),
            ("type", "Int8"),
            ("name", "String"),
            ("value", "Int64"),
        )
    ),
)


@dataclass(frozen=True, slots=True)
class Hello:
    client: str
    revision: int
    database: str
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as a client sends it. An unknown one is an error only if `important`."""

    value: str
    important: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    query_id: str
    sql: str
    settings: Mapping[str, Setting]
    parameters: Mapping[str, str]
    compressed: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """What ProfileInfo and Progress packets tell about a finished query."""

    rows: int
    blocks: int
    size: int
    rows_read: int
    bytes_read: int
    rows_written: int
    bytes_written: int


class SocketSource(Source):
    """The bytes a peer sends."""

    __slots__ = ("_socket", "deadline")

    def __init__(self, connected: socket.socket, limit: int) -> None:
        super().__init__(bytearray(), limit)
        self._socket = connected
        self.deadline: float | None = None

    def more(self) -> None:
        try:
            if self.deadline is not None:
                self._socket.settimeout(max(self.deadline - time.monotonic(), 0.001))
            chunk = self._socket.recv(min(RECEIVE, self.limit))
        except OSError as error:
            raise PeerGone(str(error)) from error
        if not chunk:
            raise PeerGone("the peer closed the connection")
        self.data += chunk

    def begin(self, limit: int) -> None:
        """Forget what has been read; the next packet may be `limit` bytes long."""
        if self.pos == len(self.data):
            self.data = bytearray()
        elif self.pos:
            self.data = self.data[self.pos :]
        self.pos = 0
        self.limit = limit


def client_hello(user: str, password: str, database: str) -> bytes:
    """What a client says first, and the quota key that follows the server's answer."""
    head = (varint(ClientPacket.HELLO), blob(b"lease"), varint(0), varint(0), varint(REVISION))
    return b"".join((*head, *(blob(text.encode()) for text in (database, user, password, ""))))


def read_hello(source: Source) -> Hello:
    if source.byte() != ClientPacket.HELLO:
        raise StreamBroken("the peer does not speak ClickHouse's native protocol")
    client = source.text(MAX_HELLO)
    source.varint(), source.varint()  # the client's version
    revision = source.varint()
    return Hello(client, revision, *(source.text(MAX_HELLO) for _ in range(3)))


def read_query(source: Source) -> Query:
    """A Query packet, after its first byte."""
    query_id = source.text(MAX_HELLO)
    if source.byte():
        _skip_client_info(source)
    settings = _read_settings(source)
    source.blob(MAX_HELLO)  # secret between servers
    source.varint()  # stage
    compressed = bool(source.varint())
    sql = source.text(MAX_QUERY)
    parameters = {name: setting.value for name, setting in _read_settings(source).items()}
    return Query(query_id, sql, settings, parameters, compressed)


def _skip_client_info(source: Source) -> None:
    for _ in range(3):  # initial user, query id, address
        source.blob(MAX_HELLO)
    source.skip(9)  # start time, interface
    for _ in range(3):  # user, host, client
        source.blob(MAX_HELLO)
    for _ in range(3):  # version, revision
        source.varint()
    source.blob(MAX_HELLO)  # quota key
    source.varint(), source.varint()  # distributed depth, patch of the version
    if source.byte():  # OpenTelemetry: trace and span, state, flags
        source.skip(24)
        source.blob(MAX_HELLO)
        source.skip(1)
    for _ in range(3):  # parallel replicas
        source.varint()


def _read_settings(source: Source) -> dict[str, Setting]:
    settings = {}
    while name := source.text(MAX_HELLO):
        flags = source.varint()
        settings[name] = Setting(source.text(MAX_QUERY), bool(flags & IMPORTANT))
    return settings


def hello_packet(version: tuple[int, ...], time_zone: str) -> bytes:
    major, minor, patch = (*version, 0, 0, 0)[:3]
    return b"".join(
        (
            varint(ServerPacket.HELLO),
            blob(NAME.encode()),
            varint(major),
            varint(minor),
            varint(REVISION),
            blob(time_zone.encode()),
            blob(b"faultline"),
            varint(patch),
        )
    )


def data_packet(block: Block, *, compressed: bool) -> bytes:
    body = as_packet_body(block)
    return varint(ServerPacket.DATA) + blob(b"") + (compress(body) if compressed else body)


def profile_events_packet() -> bytes:
    """Clients of this revision wait for one after each inserted block; never compressed."""
    return varint(ServerPacket.PROFILE_EVENTS) + blob(b"") + as_packet_body(PROFILE_EVENTS)


def progress_packets(progress: Progress) -> bytes:
    profile = (progress.rows, progress.blocks, progress.size)
    read = (progress.rows_read, progress.bytes_read, 0)
    written = (progress.rows_written, progress.bytes_written)
    return b"".join(
        (
            varint(ServerPacket.PROFILE_INFO),
            *(varint(number) for number in profile),
            b"\x00\x00\x00",  # no limit applied, rows before it, not counted
            varint(ServerPacket.PROGRESS),
            *(varint(number) for number in read + written),
        )
    )


def exception_packet(fault: ServerFault) -> bytes:
    return b"".join(
        (
            varint(ServerPacket.EXCEPTION),
            int(fault.code).to_bytes(4, "little", signed=True),
            blob(b"DB::Exception"),
            blob(fault.message.encode("utf-8", "surrogateescape")),
            blob(b""),  # stack trace
            b"\x00",  # nothing nested
        )
    )
