"""Garbage, lies, silence and sudden death: the process answers everyone else."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clickhouse_driver.errors import ServerException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs_app.clickhouse.embedded.compression import checksum
from runs_app.clickhouse.embedded.lease import Endpoint
from runs_app.clickhouse.embedded.server import MAX_CONNECTIONS
from tests.embedded.conftest import client_of
from tests.embedded.raw import EMPTY_BLOCK, Raw, eventually, hello, query, text, uint8_block, varint

HUGE = (1 << 20, 1 << 31, 1 << 32, 1 << 60, (1 << 63) - 1, (1 << 70) - 1)
SLOW = "SELECT sleepEachRow(0.1) FROM numbers(300) SETTINGS max_block_size = 1"
PONG = b"\x04"
FUZZ = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def still_answers(embedded):
    """After each of these tests a client that behaves is served."""
    yield
    client = client_of(embedded)
    assert client.execute("SELECT 1") == [(1,)]
    client.disconnect()


def memory_of(pid: int) -> int:
    """Kilobytes resident in a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def test_a_wrong_password_or_user_is_refused_with_its_code(embedded):
    for wrong in (
        {"password": "wrong"},
        {"password": ""},
        {"user": "default"},
        {"user": "é\udcff"},
    ):
        client = client_of(embedded, **{"user": embedded.user, **wrong})
        with pytest.raises((ServerException, UnicodeEncodeError)) as error:
            client.execute("SELECT 1")
        client.disconnect()
        if isinstance(error.value, ServerException):
            assert error.value.code == 516
            assert embedded.password not in str(error.value)


def test_an_unknown_database_is_refused_with_its_code(embedded):
    client = client_of(embedded, database="no`where")

    with pytest.raises(ServerException) as error:
        client.execute("SELECT 1")

    assert error.value.code == 81


def test_an_old_client_is_told_to_update(embedded):
    client = client_of(embedded, client_revision=54448)

    with pytest.raises(ServerException, match="update the client"):
        client.execute("SELECT 1")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 200,
        b"\xff" * 1000,
        b"\x00" + varint(1 << 60),
        b"\x00" + varint(1 << 14) + b"x" * 200_000,
        b"\x00" + text("x" * 10_000) + b"\x01\x01" + varint(54459) + text("y" * 10_000),
        b"\x01",
    ],
)
def test_who_does_not_say_hello_is_cut_off_at_once(embedded, data):
    with Raw(embedded) as peer:
        try:
            peer.send(data)
        except (BrokenPipeError, ConnectionResetError):
            return

        assert peer.read_to_the_end(2) == b""


def test_only_a_hello_has_to_come_within_some_seconds(embedded, client):
    assert client.execute("SELECT 1") == [(1,)]
    idle = client.connection.socket
    whole = hello(embedded)
    started = time.monotonic()
    silent, half, trickling = Raw(embedded), Raw(embedded), Raw(embedded)
    half.send(whole[:-3])

    for position in range(len(whole) - 1):
        try:
            trickling.send(whole[position : position + 1])
        except (BrokenPipeError, ConnectionResetError):
            break
        time.sleep(0.15)
    ended = [peer.read_to_the_end() for peer in (silent, half, trickling)]

    assert ended == [b"", b"", b""]
    assert 5 < time.monotonic() - started < 30
    assert client.execute("SELECT 2") == [(2,)]
    assert client.connection.socket is idle
    for peer in (silent, half, trickling):
        peer.close()


@pytest.mark.parametrize("size", HUGE)
def test_claims_of_enormous_sizes_are_not_believed(embedded, place, size):
    before = memory_of(place.pid)
    info = b"\x01\x00\x02\xff\xff\xff\xff\x00"
    frame = b"\x82" + (1 << 30).to_bytes(4, "little") + (min(size, 2**32 - 1)).to_bytes(4, "little")
    block = query("SELECT 1") + b"\x02\x00" + info
    column = block + varint(1) + varint(1) + text("a")
    lies = (
        b"\x01" + varint(size),
        query("SELECT 1")[:-10] + varint(size),
        query("SELECT 1") + b"\x02" + varint(size),
        block + varint(size) + varint(1),
        block + varint(1) + varint(size),
        block + varint(1) + varint(size) + text("a") + text("UInt256") + b"\0",
        column + text("String") + b"\0" + varint(size),
        column + text("Array(String)") + b"\0" + (size % 2**64).to_bytes(8, "little"),
        column + text(f"FixedString({size})") + b"\0",
        query("SELECT 1", compressed=True) + b"\x02\x00" + checksum(frame) + frame,
    )

    for lie in lies:
        with Raw(embedded) as peer:
            peer.greet().send(lie)
            peer.socket.shutdown(1)
            peer.read_to_the_end()

    assert memory_of(place.pid) - before < 100_000


@pytest.mark.parametrize(
    "type_name",
    ["", "(", ")", "Array", "Array(", "Array()", "Array(String", "Map(String)", "Nullable()",
     "Tuple(,)", "LowCardinality", "FixedString(x)", "Decimal(x, y)", "Nope", "'", "é" * 100,
     "Array(" * 5000, "Array(" * 200 + "String" + ")" * 200, "AggregateFunction(sum, UInt8)"],
)  # fmt: skip
def test_nonsense_for_a_type_ends_the_connection_with_an_exception(embedded, type_name):
    block = b"\x02\x00\x01\x00\x02\xff\xff\xff\xff\x00" + varint(1) + varint(1) + text("a")

    with Raw(embedded) as peer:
        peer.greet().send(query("SELECT 1") + block + text(type_name) + b"\x00" + b"\x01" * 64)
        peer.socket.shutdown(1)
        answer = peer.read_to_the_end()

    assert answer.startswith(b"\x02") or answer == b""


@FUZZ
@given(data=st.binary(max_size=400))
def test_random_bytes_instead_of_a_hello_harm_nobody(embedded, data):
    with Raw(embedded) as peer:
        peer.send(data)
        peer.socket.shutdown(1)
        peer.read_to_the_end()

    assert answers(embedded)


@FUZZ
@given(data=st.binary(max_size=400))
def test_random_bytes_after_the_hello_harm_nobody(embedded, data):
    # It may have hung up before all was said.
    with Raw(embedded) as peer, contextlib.suppress(OSError):
        peer.greet().send(data)
        peer.socket.shutdown(1)
        peer.read_to_the_end()

    assert answers(embedded)


@FUZZ
@given(data=st.data())
def test_a_conversation_with_one_wrong_byte_harms_nobody(embedded, data):
    talk = bytearray(query("SELECT number FROM numbers(3)") + EMPTY_BLOCK)
    talk += query("INSERT INTO FUNCTION null('a UInt8') VALUES") + EMPTY_BLOCK
    talk += uint8_block("a", b"\x01\x02\x03") + EMPTY_BLOCK
    place = data.draw(st.integers(0, len(talk) - 1))
    talk[place] = data.draw(st.integers(0, 255))

    # It may have hung up before all was said.
    with Raw(embedded) as peer, contextlib.suppress(OSError):
        peer.greet().send(bytes(talk))
        peer.socket.shutdown(1)
        peer.read_to_the_end()

    assert answers(embedded)


def test_a_conversation_may_break_off_anywhere(embedded):
    talk = hello(embedded) + text("") + query("SELECT 1") + EMPTY_BLOCK + uint8_block("a", b"\x01")

    for end in range(0, len(talk), 3):
        with Raw(embedded) as peer:
            peer.send(talk[:end])

    assert answers(embedded)


def test_more_connections_than_allowed_are_told_so(embedded):
    peers = []
    try:
        for _ in range(MAX_CONNECTIONS - 20):
            peers.append(client_of(embedded))
            peers[-1].execute("SELECT 1")
        peers += [client_of(embedded) for _ in range(21)]

        with pytest.raises(ServerException) as error:
            all(peer.execute("SELECT 1") for peer in peers)
    finally:
        for peer in peers:
            peer.disconnect()

    assert error.value.code == 202
    assert eventually(lambda: answers(embedded), 5)


def answers(endpoint: Endpoint) -> bool:
    client = client_of(endpoint)
    try:
        return client.execute("SELECT 1") == [(1,)]
    except ServerException:
        return False
    finally:
        client.disconnect()


def running(client) -> int:
    """How many slow queries run now."""
    return client.execute(
        "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sleepEachRow%'"
    )[0][0]


def test_the_query_of_a_client_that_leaves_is_killed(embedded, client):
    with Raw(embedded) as peer:
        peer.greet().send(query(SLOW) + EMPTY_BLOCK)
        assert eventually(lambda: running(client) == 1, 5)

    assert eventually(lambda: running(client) == 0, 0.5)


def test_the_query_of_a_killed_client_is_killed(embedded, client):
    code = (
        "import sys; from clickhouse_driver import Client;"
        "Client(sys.argv[1], port=sys.argv[2], user=sys.argv[3], password=sys.argv[4])"
        ".execute(sys.argv[5])"
    )
    told = (embedded.host, str(embedded.port), embedded.user, embedded.password, SLOW)
    process = subprocess.Popen([sys.executable, "-c", code, *told])
    assert eventually(lambda: running(client) == 1, 10)

    process.kill()
    killed = eventually(lambda: running(client) == 0, 0.5)
    process.wait()

    assert killed


def test_a_cancelled_query_is_killed_and_its_connection_stays_usable(embedded, client):
    client.execute("SELECT 1")
    client.connection.send_query(SLOW)
    client.connection.send_external_tables(None)
    time.sleep(0.3)
    started = time.monotonic()

    client.connection.send_cancel()
    packet = client.connection.receive_packet()

    assert packet.exception.code == 394
    assert time.monotonic() - started < 10
    client.connection.is_query_executing = False
    assert client.execute("SELECT 2") == [(2,)]


def test_a_cancelled_insert_inserts_nothing_and_its_connection_stays_usable(
    embedded, table, client
):
    name = table("a UInt8")

    with Raw(embedded) as peer:
        peer.greet().send(
            query(f"INSERT INTO {client.connection.database}.{name} VALUES") + EMPTY_BLOCK
        )
        peer.send(uint8_block("a", b"\x01\x02") + b"\x03")
        peer.read_until(b"QUERY_WAS_CANCELLED")
        peer.send(b"\x04")
        peer.read_until(PONG)

    assert client.execute(f"SELECT count() FROM {name}") == [(0,)]


@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_a_client_that_dies_in_an_insert_has_inserted_nothing(embedded, table, client, blocks):
    name = table("a UInt8")

    with Raw(embedded) as peer:
        peer.greet().send(
            query(f"INSERT INTO {client.connection.database}.{name} VALUES") + EMPTY_BLOCK
        )
        peer.send(uint8_block("a", b"\x01\x02") * blocks + uint8_block("a", b"\x01\x02")[:-1])
    time.sleep(0.2)

    assert client.execute(f"SELECT count() FROM {name}") == [(0,)]


def test_blocks_sent_for_an_insert_that_failed_are_passed_over(embedded):
    blocks = uint8_block("a", b"\x01\x02") * 3 + EMPTY_BLOCK

    with Raw(embedded) as peer:
        peer.greet().send(query("INSERT INTO nowhere VALUES") + EMPTY_BLOCK + blocks + b"\x04")
        got = peer.read_until(b"UNKNOWN_TABLE")
        got += b"" if got.endswith(PONG) else peer.read_until(PONG)
        peer.send(query("SELECT 'still here'") + EMPTY_BLOCK)

        assert b"still here" in peer.read_until(b"still here")


def test_a_frame_with_a_wrong_checksum_ends_the_connection(embedded):
    frame = b"\x02" + (9 + 10).to_bytes(4, "little") + (10).to_bytes(4, "little") + EMPTY_BLOCK[2:]

    with Raw(embedded) as peer:
        peer.greet().send(query("SELECT 1", compressed=True) + b"\x02\x00" + b"\x00" * 16 + frame)
        answer = peer.read_to_the_end()

    assert b"checksum" in answer


def test_uncompressed_frames_are_taken(embedded):
    body = EMPTY_BLOCK[2:]
    frame = b"\x02" + (9 + len(body)).to_bytes(4, "little") + len(body).to_bytes(4, "little") + body

    with Raw(embedded) as peer:
        peer.greet().send(
            query("SELECT 1", compressed=True) + b"\x02\x00" + checksum(frame) + frame
        )

        assert peer.socket.recv(100)[0] == 1
