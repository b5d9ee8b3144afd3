"""Native blocks: finding where each column ends, and writing them with another header.

Clients want a byte before every column ("custom serialization", 0) that the engine's Native
format neither writes nor reads, so each column's end must be known. Nothing is decoded for that:
columns of fixed width are a multiplication, strings are stepped over by their lengths.
"""

from dataclasses import dataclass
from itertools import repeat

from runs_app.clickhouse.embedded.columns import MAX_TYPE_LENGTH, ColumnType, parse_type
from runs_app.clickhouse.embedded.faults import Code, ServerFault, StreamBroken
from runs_app.clickhouse.embedded.source import Source

MAX_COLUMNS = 10_000
MAX_NAME_LENGTH = 1 << 16
STEP = 2048
KNOWN = frozenset({"String", "Nullable", "Array", "Tuple"})
PLAIN = b"\x00"
JSON_TEXT = b"Object('json')"
# Block info: no overflow rows, no bucket.
BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"


@dataclass(frozen=True, slots=True)
class Column:
    name: bytes
    type: bytes
    body: bytes | bytearray | memoryview = b""


@dataclass(frozen=True, slots=True)
class Block:
    rows: int
    columns: tuple[Column, ...]


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def blob(value: bytes) -> bytes:
    return varint(len(value)) + value


def read_answer(data: bytes) -> tuple[Block, ...]:
    """The blocks of the engine's Native output; raises ServerFault if they cannot be sent."""
    source = Source(data, len(data))
    view = memoryview(data)
    blocks = []
    try:
        while source.pos < len(data):
            count, rows = source.varint(), source.varint()
            columns = tuple(_read_answered_column(source, rows, view) for _ in range(count))
            blocks.append(Block(rows, columns))
    except StreamBroken as broken:
        raise ServerFault(
            Code.NOT_IMPLEMENTED,
            f"DB::Exception: The result cannot be sent by the embedded ClickHouse: {broken}."
            " (NOT_IMPLEMENTED)",
        ) from broken
    return tuple(blocks)


def _read_answered_column(source: Source, rows: int, view: memoryview) -> Column:
    name, type_name = source.blob(len(view)), source.blob(len(view))
    parsed = parse_type(type_name.decode("utf-8", "replace"))
    start = source.pos
    if rows:
        skip_prefix(source, parsed)
        skip_rows(source, parsed, rows)
    return Column(name, type_name, view[start : source.pos])


def read_block(source: Source) -> Block:
    """A client's block, its JSON columns as String columns."""
    while (field := source.varint()) != 0:
        source.skip(1 if field == 1 else 4)
    count, rows = source.varint(), source.varint()
    if count > MAX_COLUMNS or rows > source.limit:
        raise StreamBroken(f"a block claims {count} columns and {rows} rows")
    return Block(rows, tuple(_read_column(source, rows) for _ in range(count)))


def _read_column(source: Source, rows: int) -> Column:
    name, type_name = source.blob(MAX_NAME_LENGTH), source.blob(MAX_TYPE_LENGTH)
    if source.byte():
        raise StreamBroken("a column uses a serialization that was not announced")
    parsed = parse_type(type_name.decode("utf-8", "replace"))
    start = source.pos
    if rows:
        skip_prefix(source, parsed)
        if JSON_TEXT in type_name:
            # The engine casts String to JSON; the byte that says "text follows" is not for it.
            start = source.pos
            type_name = type_name.replace(JSON_TEXT, b"String")
        skip_rows(source, parsed, rows)
    return Column(name, type_name, source.data[start : source.pos])


def as_engine_input(block: Block) -> bytes:
    """The block as the engine's Native format reads it."""
    parts: list[bytes | bytearray | memoryview] = [varint(len(block.columns)), varint(block.rows)]
    for column in block.columns:
        parts += (blob(column.name), blob(column.type), column.body)
    return b"".join(parts)


def as_packet_body(block: Block) -> bytes:
    """The block as clients of our protocol revision read it."""
    parts: list[bytes | bytearray | memoryview] = [
        BLOCK_INFO,
        varint(len(block.columns)),
        varint(block.rows),
    ]
    for column in block.columns:
        parts += (blob(column.name), blob(column.type), PLAIN, column.body)
    return b"".join(parts)


def skip_prefix(source: Source, column: ColumnType) -> None:
    """Step over what some types write once before a column's rows."""
    match column.name:
        case "LowCardinality":
            source.skip(8)
        case "JSON":
            if source.uint64() != 1:
                raise _unsupported(column)
        case "Object":
            if source.byte() != 1:
                raise _unsupported(column)
        case _ if column.width is None and column.name not in KNOWN:
            raise _unsupported(column)
        case _:
            for inner in column.inner:
                skip_prefix(source, inner)


def skip_rows(source: Source, column: ColumnType, rows: int) -> None:
    """Step over the rows of a column."""
    if column.width is not None:
        source.skip(column.width * rows)
        return
    if not rows:
        return
    match column.name:
        case "String" | "JSON" | "Object":
            skip_strings(source, rows)
        case "Nullable":
            source.skip(rows)
            skip_rows(source, column.inner[0], rows)
        case "Tuple":
            for inner in column.inner:
                skip_rows(source, inner, rows)
        case "Array":
            source.skip(8 * (rows - 1))
            skip_rows(source, column.inner[0], source.uint64())
        case "LowCardinality":
            _skip_dictionary(source, column)
        case _:
            raise _unsupported(column)


def _skip_dictionary(source: Source, column: ColumnType) -> None:
    key_width = 1 << (source.uint64() & 0x0F)
    values = column.inner[0]
    if values.name == "Nullable":
        values = values.inner[0]
    skip_rows(source, values, source.uint64())
    source.skip(source.uint64() * key_width)


def skip_strings(source: Source, count: int) -> None:
    """Step over `count` strings.

    Columns often hold strings of one length (ids, or nothing at all): if every (length + 1)-th
    byte from here on equals this length, these are the lengths of as many strings, by induction,
    and comparing them is one call.
    """
    while count:
        source.need(1)
        data, pos = source.data, source.pos
        step = data[pos] + 1
        rows = min(count, STEP, (len(data) - pos) // step)
        if step <= 0x80 and rows > 1:
            lengths = data[pos : pos + (rows - 1) * step + 1 : step]
            if lengths.count(step - 1) == rows:
                source.pos += rows * step
                count -= rows
                continue
        count -= _skip_mixed_strings(source, min(count, STEP))


def _skip_mixed_strings(source: Source, count: int) -> int:
    """Step over at most `count` strings that are already here, at least one; how many."""
    data, pos = source.data, source.pos
    end = len(data)
    done = 0
    for _ in repeat(None, count):
        if pos + 1 >= end:
            break
        size = data[pos]
        after = pos + 1 + size
        if size > 0x7F:
            upper = data[pos + 1]
            if upper > 0x7F:
                break
            after = pos + 2 + (size & 0x7F) + (upper << 7)
        if after > end:
            break
        pos = after
        done += 1
    source.pos = pos
    if not done:  # a string of 16 kB or more, or one that has not fully arrived
        source.skip(source.varint())
        done = 1
    return done


def _unsupported(column: ColumnType) -> ServerFault:
    return ServerFault(
        Code.NOT_IMPLEMENTED,
        f"DB::Exception: Columns of type {column.name} cannot be sent by the embedded ClickHouse:"
        " convert the value in SQL. (NOT_IMPLEMENTED)",
    )
