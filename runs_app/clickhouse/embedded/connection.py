"""One client's conversation, from its hello to its end."""

import hmac
import logging
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

from runs_app.clickhouse.embedded.blocks import (
    Block,
    Column,
    as_engine_input,
    read_answer,
    read_block,
)
from runs_app.clickhouse.embedded.engine import TIME_ZONE, Answer, Engine
from runs_app.clickhouse.embedded.faults import Code, PeerGone, ServerFault, StreamBroken
from runs_app.clickhouse.embedded.headers import header_of_nothing, with_time_zones
from runs_app.clickhouse.embedded.inserts import (
    InsertFile,
    insert_statement,
    sample_block,
    target_columns,
)
from runs_app.clickhouse.embedded.parameters import engine_parameters
from runs_app.clickhouse.embedded.session import ClientSession
from runs_app.clickhouse.embedded.source import FrameSource, Source
from runs_app.clickhouse.embedded.statements import Insert, Kind, Statement, parse_statement
from runs_app.clickhouse.embedded.watch import Watch
from runs_app.clickhouse.embedded.wire import (
    MAX_HELLO,
    MAX_QUERY,
    OLDEST_REVISION,
    ClientPacket,
    Hello,
    Progress,
    Query,
    ServerPacket,
    SocketSource,
    data_packet,
    exception_packet,
    hello_packet,
    profile_events_packet,
    progress_packets,
    read_hello,
    read_query,
)

logger = logging.getLogger(__name__)

HELLO_TIMEOUT = 5.0
GOODBYE_TIMEOUT = 2.0
FLUSH = 1 << 20
MAX_BLOCK = 1 << 28
MAX_INSERT = 1 << 30


@dataclass(frozen=True, slots=True)
class Access:
    """The one user there is."""

    user: str
    password: str


class Conversation:
    """Serves one client. Everything it owns ends with `talk`."""

    def __init__(self, client: socket.socket, engine: Engine, watch: Watch, access: Access) -> None:
        self._client = client
        self._engine = engine
        self._watch = watch
        self._access = access
        self._source = SocketSource(client, MAX_HELLO)
        self._compressed = False
        self._session: ClientSession | None = None

    def talk(self, refusal: ServerFault | None = None) -> None:
        """Answer until the client leaves, or tell it the `refusal`."""
        try:
            session = self._greet(refusal)
            while True:
                self._source.begin(MAX_QUERY)
                self._answer(session, self._source.byte())
        except PeerGone:
            logger.debug("a client left")
        except StreamBroken as broken:
            logger.warning("closing a connection: %s", broken)
            if self._session is not None:
                self._part(
                    ServerFault(Code.UNEXPECTED_PACKET_FROM_CLIENT, f"DB::Exception: {broken}")
                )
        except ServerFault as fault:
            self._part(fault)
        finally:
            if self._session is not None:
                self._session.close()

    # Greeting and parting

    def _greet(self, refusal: ServerFault | None) -> ClientSession:
        self._source.deadline = time.monotonic() + HELLO_TIMEOUT
        hello = read_hello(self._source)
        if refusal is not None:
            raise refusal
        if hello.revision < OLDEST_REVISION:
            raise ServerFault(
                Code.NOT_IMPLEMENTED,
                f"DB::Exception: The client's protocol revision {hello.revision} is older than"
                f" {OLDEST_REVISION}: update the client. (NOT_IMPLEMENTED)",
            )
        self._authenticate(hello)
        self._session = session = ClientSession(self._engine, hello.database)
        self._tell(hello_packet(self._engine.version, TIME_ZONE))
        self._source.begin(MAX_HELLO)
        self._source.blob(MAX_HELLO)  # quota key
        self._source.deadline = None
        self._client.settimeout(None)
        return session

    def _authenticate(self, hello: Hello) -> None:
        right_user = _same(hello.user, self._access.user)
        right_password = _same(hello.password, self._access.password)
        if not (right_user and right_password):
            raise ServerFault(
                Code.AUTHENTICATION_FAILED,
                f"DB::Exception: {hello.user}: Authentication failed: password is incorrect, or"
                " there is no user with such name. (AUTHENTICATION_FAILED)",
            )

    def _part(self, fault: ServerFault) -> None:
        """Send a last exception, and wait until it has been read: closing with unread bytes
        would reset the connection and take the exception with it."""
        try:
            self._client.sendall(exception_packet(fault))
            self._client.shutdown(socket.SHUT_WR)
            until = time.monotonic() + GOODBYE_TIMEOUT
            while (left := until - time.monotonic()) > 0:
                self._client.settimeout(left)
                if not self._client.recv(FLUSH):
                    break
        except OSError:
            logger.debug("a client left before it was told: %s", fault.message)

    # Packets

    def _tell(self, data: bytes | bytearray) -> None:
        try:
            self._client.sendall(data)
        except OSError as error:
            raise PeerGone(str(error)) from error

    def _answer(self, session: ClientSession, packet: int) -> None:
        match packet:
            case ClientPacket.PING:
                self._tell(bytes((ServerPacket.PONG,)))
            case ClientPacket.QUERY:
                self._answer_query(session, read_query(self._source))
            case ClientPacket.DATA:  # what a client was still sending when its insert failed
                self._read_block()
            case ClientPacket.CANCEL:  # it came too late
                pass
            case _:
                raise StreamBroken(f"unexpected packet {packet}")

    def _answer_query(self, session: ClientSession, query: Query) -> None:
        self._compressed = query.compressed
        try:
            self._refuse_external_tables()
            statement = parse_statement(query.sql)
            self._run(session, statement, query)
        except ServerFault as fault:
            self._tell(exception_packet(fault))

    def _refuse_external_tables(self) -> None:
        """Read the blocks that follow a query up to the empty one."""
        tables = 0
        while self._next_block().columns:
            tables += 1
        if tables:
            raise ServerFault(
                Code.NOT_IMPLEMENTED,
                "DB::Exception: External tables are not supported by the embedded ClickHouse."
                " (NOT_IMPLEMENTED)",
            )

    def _next_block(self) -> Block:
        """The next Data packet's block; raises ServerFault when the client cancels instead."""
        self._source.begin(MAX_BLOCK)
        packet = self._source.byte()
        if packet == ClientPacket.CANCEL:
            raise ServerFault(
                Code.QUERY_WAS_CANCELLED,
                "DB::Exception: Query was cancelled. (QUERY_WAS_CANCELLED)",
            )
        if packet != ClientPacket.DATA:
            raise StreamBroken(f"packet {packet} where a block of data was due")
        return self._read_block()

    def _read_block(self) -> Block:
        self._source.limit = MAX_BLOCK
        self._source.blob(MAX_HELLO)  # the name of an external table
        content: Source = self._source
        if self._compressed:
            content = FrameSource(self._source, MAX_BLOCK)
        try:
            return read_block(content)
        except ServerFault as fault:
            # The end of the block is unknown, so nothing after it can be read.
            raise StreamBroken(fault.message) from fault

    # Statements

    def _run(self, session: ClientSession, statement: Statement, query: Query) -> None:
        if statement.kind is Kind.SET:
            self._finish(session.run_set(statement.text), ())
            return
        session.apply(query.settings)
        if statement.insert is not None:
            self._insert(session, statement.insert)
            return
        if statement.with_totals:
            raise ServerFault(
                Code.NOT_IMPLEMENTED,
                "DB::Exception: WITH TOTALS is not supported by the embedded ClickHouse."
                " (NOT_IMPLEMENTED)",
            )
        parameters = engine_parameters(query.parameters, statement.nullable)
        with self._watch.over(self._client) as tag:
            answer = session.run(statement.text + tag, "Native", parameters)
        # All of it is looked at before anything is sent: a column that cannot be sent is an
        # exception, not half an answer.
        blocks = read_answer(answer.data)
        if not blocks:
            blocks = header_of_nothing(session, statement, parameters)
        elif statement.kind is Kind.SELECT:
            blocks = with_time_zones(session, statement, parameters, blocks)
        if statement.kind is Kind.USE:
            session.notice_use()
        self._finish(answer, blocks)

    def _insert(self, session: ClientSession, insert: Insert) -> None:
        with InsertFile() as file:
            columns = target_columns(session, insert)
            if insert.data is None:
                self._send((sample_block(columns),))
                self._collect(file)
            else:
                file.write(insert.data.encode("utf-8", "surrogateescape"))
            if file.size:
                # Not for a client that leaves now: everything has arrived, and a killed INSERT
                # may have reached a table and not the views on it.
                with self._watch.over(None) as tag:
                    session.run(insert_statement(insert, columns, file.path) + tag, "Null")
        last = b"" if insert.data is not None else profile_events_packet()
        self._tell(last + bytes((ServerPacket.END_OF_STREAM,)))

    def _collect(self, file: InsertFile) -> None:
        """Take the client's blocks up to the empty one."""
        while (block := self._next_block()).columns:
            if block.rows:
                file.write(as_engine_input(block))
            if file.size > MAX_INSERT:
                raise ServerFault(
                    Code.LIMIT_EXCEEDED,
                    f"DB::Exception: An INSERT may hold at most {MAX_INSERT} bytes: send it in"
                    " smaller batches. (LIMIT_EXCEEDED)",
                )
            self._tell(profile_events_packet())

    def _finish(self, answer: Answer, blocks: tuple[Block, ...]) -> None:
        if blocks and blocks[0].rows:
            header = Block(0, tuple(Column(each.name, each.type) for each in blocks[0].columns))
            blocks = (header, *blocks)
        progress = Progress(
            rows=sum(block.rows for block in blocks),
            blocks=len(blocks),
            size=len(answer.data),
            rows_read=answer.rows_read,
            bytes_read=answer.bytes_read,
            rows_written=answer.rows_written,
            bytes_written=answer.bytes_written,
        )
        self._send(blocks, progress_packets(progress) + bytes((ServerPacket.END_OF_STREAM,)))

    def _send(self, blocks: Iterable[Block], last: bytes = b"") -> None:
        waiting = bytearray()
        for block in blocks:
            waiting += data_packet(block, compressed=self._compressed)
            if len(waiting) > FLUSH:
                self._tell(waiting)
                waiting = bytearray()
        self._tell(waiting + last)


def _same(told: str, expected: str) -> bool:
    return hmac.compare_digest(told.encode("utf-8", "surrogateescape"), expected.encode())
