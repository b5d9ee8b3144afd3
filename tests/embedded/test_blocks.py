"""Finding the ends of columns without decoding them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.clickhouse.embedded.blocks import blob, skip_strings, varint
from runs_app.clickhouse.embedded.columns import parse_type, requested_type
from runs_app.clickhouse.embedded.faults import StreamBroken
from runs_app.clickhouse.embedded.source import Source

LENGTHS = st.one_of(
    st.integers(0, 5), st.just(21), st.sampled_from([126, 127, 128, 16383, 16384, 20000])
)


class Arriving(Source):
    """Bytes that arrive in pieces."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(bytearray(), len(data))
        self._rest = data
        self._size = size

    def more(self) -> None:
        if not self._rest:
            raise StreamBroken("asked for more than there is")
        self.data += self._rest[: self._size]
        self._rest = self._rest[self._size :]


@given(
    lengths=st.lists(LENGTHS, max_size=60), size=st.integers(1, 5000), tail=st.binary(max_size=9)
)
def test_strings_are_stepped_over_exactly_however_they_arrive(lengths, size, tail):
    strings = b"".join(blob(b"\x05" * length) for length in lengths)
    source = Arriving(strings + tail, size)

    skip_strings(source, len(lengths))

    assert source.pos == len(strings)


@given(length=st.integers(0, 200), count=st.integers(0, 5000), odd=st.integers(0, 4999))
def test_strings_of_one_length_and_one_that_differs_are_stepped_over(length, count, odd):
    strings = b"".join(
        blob(bytes([length % 128]) * (length if number != odd else 3)) for number in range(count)
    )
    source = Source(strings, len(strings))

    skip_strings(source, count)

    assert source.pos == len(strings)


@given(value=st.integers(0, 2**63))
def test_a_varint_is_read_as_it_was_written(value):
    data = varint(value)

    assert Source(data, len(data)).varint() == value


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("UInt8", 1),
        ("DateTime64(3, 'Europe/Berlin')", 8),
        ("Nullable(DateTime64(3))", 9),
        ("Enum8('a)' = 1, 'b\\'' = -2)", 1),
        ("Decimal(38, 4)", 16),
        ("FixedString(7)", 7),
        ("Tuple(a UInt8, `b c` Nullable(UInt16))", 4),
        ("Point", 16),
        ("IntervalSecond", 8),
        ("SimpleAggregateFunction(min, DateTime64(3))", 8),
        ("String", None),
        ("Array(UInt8)", None),
        ("LowCardinality(String)", None),
        ("Tuple(UInt8, String)", None),
        ("JSON(max_dynamic_paths=1, a.b String, SKIP REGEXP 'x)')", None),
    ],
)
def test_the_width_of_a_type_is_known_where_it_has_one(text, width):
    assert parse_type(text).width == width


@pytest.mark.parametrize(
    ("declared", "requested"),
    [
        ("String", "String"),
        ("LowCardinality(String)", "String"),
        ("LowCardinality(Nullable(String))", "Nullable(String)"),
        ("Array(LowCardinality(String))", "Array(String)"),
        ("Map(LowCardinality(String), Array(JSON))", "Map(String, Array(Object('json')))"),
        ("Tuple(a LowCardinality(String), b JSON)", "Tuple(a String, b Object('json'))"),
        ("JSON(max_dynamic_paths=64)", "Object('json')"),
        ("SimpleAggregateFunction(anyLast, Nullable(String))", "Nullable(String)"),
        ("Enum8('LowCardinality(String)' = 1)", "Enum8('LowCardinality(String)' = 1)"),
        ("DateTime64(3, 'UTC')", "DateTime64(3, 'UTC')"),
    ],
)
def test_clients_are_asked_for_the_type_that_is_cheapest_to_send(declared, requested):
    assert requested_type(declared) == requested
