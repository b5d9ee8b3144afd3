"""Inserting, through the real driver in every mode it has."""

import datetime as dt
import decimal
import json
import uuid
from collections.abc import Iterator

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ErrorCodes, ServerException

from tests.embedded.test_queries import NASTY

UTC = dt.UTC
AT = dt.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
COLUMNS = {
    "i8": ("Int8", [-128, 0, 127]),
    "u64": ("UInt64", [0, 1, 2**64 - 1]),
    "i128": ("Int128", [-(2**127), 0, 5]),
    "f": ("Float64", [0.5, -1e300, 0.0]),
    "b": ("Bool", [True, False, True]),
    "s": ("String", ["", "a\n\n\tb", "x" * 40_000]),
    "fs": ("FixedString(4)", ["ab", "abcd", "é"]),
    "ls": ("LowCardinality(String)", ["a", "a", "b"]),
    "lns": ("LowCardinality(Nullable(String))", ["a", None, ""]),
    "ns": ("Nullable(String)", [None, "", "n"]),
    "d": ("Date", [dt.date(2026, 1, 2), dt.date(1970, 1, 1), dt.date(2149, 6, 6)]),
    "t": ("DateTime('UTC')", [dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)] * 3),
    "t64": ("DateTime64(3, 'UTC')", [AT] * 3),
    "nt64": ("Nullable(DateTime64(3))", [None, AT.replace(tzinfo=None), None]),
    "dec": ("Decimal(18, 4)", [decimal.Decimal("1.2500"), decimal.Decimal(0), decimal.Decimal(-1)]),
    "id": ("UUID", [uuid.UUID(int=n) for n in (0, 1, 2**128 - 1)]),
    "e": ("Enum8('a' = 1, 'b, )' = -2)", ["a", "b, )", "a"]),
    "ai": ("Array(UInt8)", [[], [1], [1, 2, 3]]),
    "als": ("Array(LowCardinality(String))", [["x", "y", "x"], [], [""]]),
    "aas": ("Array(Array(String))", [[], [[], ["a"]], [["b", "c"], ["d"]]]),
    "tu": ("Tuple(UInt8, LowCardinality(String), Array(String))", [(1, "a", ["b"])] * 3),
    "m": ("Map(LowCardinality(String), UInt64)", [{}, {"k": 1}, {"k": 2, "l": 3}]),
    "agg": ("SimpleAggregateFunction(max, LowCardinality(String))", ["p", "q", "r"]),
    "j": ("JSON", [{}, {"a": "1"}, {"a": "x", "b": {"c": "2"}}]),
    "jl": ("JSON(max_dynamic_paths=8, SKIP REGEXP 'z.*')", [{"q": "w"}, {}, {"é": "日本"}]),
}
JSON_AS_TEXT = {"output_format_native_write_json_as_string": 1}


@pytest.fixture(params=[False, "lz4", "lz4hc", "zstd"], ids=lambda mode: mode or "plain")
def any_client(request, connect) -> Client:
    if request.param == "zstd":
        pytest.importorskip("zstd")
    return connect(compression=request.param)


@pytest.fixture
def pairs(table) -> str:
    return table("a UInt64, b String DEFAULT 'none'")


def rows_of(client: Client, name: str) -> list[tuple]:
    return client.execute(f"SELECT a, b FROM {name} ORDER BY a")


def test_values_of_every_type_come_back_as_they_went_in(any_client, table):
    name = table(", ".join(f"{column} {kind}" for column, (kind, _) in COLUMNS.items()))
    rows = list(zip(*(values for _, values in COLUMNS.values()), strict=True))

    inserted = any_client.execute(f"INSERT INTO {name} VALUES", rows)

    assert inserted == 3
    got = any_client.execute(f"SELECT * FROM {name}", settings=JSON_AS_TEXT)
    assert got == rows


@pytest.mark.parametrize("count", [1, 2, 2048, 2049, 50_000])
def test_many_rows_of_mixed_length_come_back_in_every_mode(any_client, table, count):
    name = table("a UInt64, b String, c LowCardinality(String), d Array(String)")
    rows = [
        (number, "x" * (number * 7 % 300), f"c{number % 9}", ["y"] * (number % 4))
        for number in range(count)
    ]

    assert any_client.execute(f"INSERT INTO {name} VALUES", rows) == count
    assert any_client.execute(f"SELECT * FROM {name} ORDER BY a") == rows


def test_rows_may_be_lists_dicts_columns_or_a_generator(any_client, pairs):
    def generate() -> Iterator[tuple[int, str]]:
        yield from ((number, "generated") for number in range(4, 6))

    any_client.execute(f"INSERT INTO {pairs} (a, b) VALUES", [[1, "list"], [2, "list"]])
    any_client.execute(f"INSERT INTO {pairs} (a, b) VALUES", [{"b": "dict", "a": 3}])
    any_client.execute(f"INSERT INTO {pairs} (a, b) VALUES", generate())
    any_client.execute(f"INSERT INTO {pairs} (a, b) VALUES", [[6, 7], ["c", "c"]], columnar=True)

    assert rows_of(any_client, pairs) == [
        (1, "list"),
        (2, "list"),
        (3, "dict"),
        (4, "generated"),
        (5, "generated"),
        (6, "c"),
        (7, "c"),
    ]


def test_an_insert_of_several_blocks_is_one_insert(any_client, pairs):
    rows = [(number, str(number)) for number in range(1000)]

    inserted = any_client.execute(
        f"INSERT INTO {pairs} VALUES", rows, settings={"insert_block_size": 7}
    )

    assert inserted == 1000
    assert rows_of(any_client, pairs) == rows


@pytest.mark.parametrize(
    "head",
    [
        "INSERT INTO {t} (b, a) VALUES",
        "insert into {t}(b,a) values;",
        'INSERT INTO TABLE {t} (`b`, "a") FORMAT Native',
        "/* c */ INSERT INTO {d}.{t} (b, a) -- c\n VALUES",
        "INSERT INTO `{d}`.`{t}` (b, a) SETTINGS async_insert = 0 FORMAT Values",
        "INSERT INTO {t} (b, a)",
        "INSERT INTO {t} (* EXCEPT(a), a) VALUES",
    ],
)
def test_an_insert_may_be_written_in_many_ways(client, pairs, database, head):
    client.execute(head.format(t=pairs, d=database), [("x", 1)])

    assert rows_of(client, pairs) == [(1, "x")]


def test_columns_that_are_left_out_get_their_defaults(client, table):
    name = table(
        "a UInt64, b String DEFAULT concat('d', toString(a)), m UInt64 MATERIALIZED a + 1,"
        " l UInt64 ALIAS a + 2, e String EPHEMERAL 'e', f String DEFAULT concat(e, '!')"
    )

    client.execute(f"INSERT INTO {name} (a) VALUES", [(1,)])
    client.execute(f"INSERT INTO {name} (a, e) VALUES", [(2, "given")])
    client.execute(f"INSERT INTO {name} VALUES", [(3, "b", "f")])

    assert client.execute(f"SELECT a, b, m, l, f FROM {name} ORDER BY a") == [
        (1, "d1", 2, 3, "e!"),
        (2, "d2", 3, 4, "given!"),
        (3, "b", 4, 5, "f"),
    ]


@pytest.mark.parametrize(
    "value",
    [{"a": {"b": 1}}, '{"a":{"b":1}}', b'{"a":{"b":1}}'.decode(), {"a.b": 1}],
)
def test_json_may_be_a_dict_or_text(client, table, value):
    name = table("j JSON, n Array(JSON)")

    client.execute(f"INSERT INTO {name} VALUES", [(value, [value, {}])])

    assert client.execute(f"SELECT j.a.b::Int64, length(n), n[1].a.b::Int64 FROM {name}") == [
        (1, 2, 1)
    ]


def test_nasty_strings_come_back_exactly(any_client, pairs):
    rows = list(enumerate(NASTY))

    any_client.execute(f"INSERT INTO {pairs} VALUES", rows)

    assert rows_of(any_client, pairs) == rows


def test_nasty_strings_come_back_exactly_through_json(client, table):
    name = table("a UInt64, j JSON")
    rows = [(number, {"x": text}) for number, text in enumerate(NASTY)]

    client.execute(f"INSERT INTO {name} VALUES", rows)

    got = client.execute(f"SELECT a, j FROM {name} ORDER BY a", settings=JSON_AS_TEXT)
    assert got == rows


def test_values_in_the_statement_itself_are_inserted_and_nothing_else_runs(embedded, client, pairs):
    sql = f"INSERT INTO {pairs} (a, b) VALUES (1, 'x\n\n; DROP TABLE {pairs}'),\n\n(2, 'y');"

    client.execute(sql)
    with pytest.raises(ServerException):
        client.execute(f"INSERT INTO {pairs} (a) VALUES (3)\n\nDROP TABLE {pairs}")

    assert rows_of(client, pairs)[1] == (2, "y")


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("INSERT INTO nowhere VALUES", ErrorCodes.UNKNOWN_TABLE),
        ("INSERT INTO {t} (nothing) VALUES", ErrorCodes.NO_SUCH_COLUMN_IN_TABLE),
        ("INSERT INTO {t} (a, a) VALUES", ErrorCodes.DUPLICATE_COLUMN),
    ],
)
def test_an_insert_into_the_wrong_place_has_its_code(client, pairs, sql, code):
    with pytest.raises(ServerException) as error:
        client.execute(sql.format(t=pairs), [(1, 2)])

    assert error.value.code == code
    assert client.execute("SELECT 1") == [(1,)]


def test_a_broken_constraint_is_an_exception_and_no_row_is_there(any_client, table):
    name = table("a UInt64, b String, CONSTRAINT few CHECK a < 1000")

    with pytest.raises(ServerException) as error:
        any_client.execute(
            f"INSERT INTO {name} VALUES",
            [(number, "") for number in range(1001)],
            settings={"insert_block_size": 100},
        )

    assert error.value.code == 469
    assert rows_of(any_client, name) == []


def test_a_failing_view_is_an_exception(client, table):
    name = table("a UInt64, b String")
    client.execute(
        f"CREATE MATERIALIZED VIEW {name}_view ENGINE = Memory AS"
        f" SELECT throwIf(a = 3, 'no three') AS x FROM {name}"
    )

    try:
        with pytest.raises(ServerException) as error:
            client.execute(f"INSERT INTO {name} VALUES", [(3, "")])
        client.execute(f"INSERT INTO {name} VALUES", [(4, "")])
    finally:
        client.execute(f"DROP TABLE {name}_view SYNC")

    assert error.value.code == ErrorCodes.FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
    assert (4, "") in rows_of(client, name)


@pytest.mark.parametrize("text", ["{", '{"a":1,"a":{"b":1}}', '{"a":1e999}', "[1]"])
def test_json_that_cannot_be_stored_is_an_exception_and_no_row_is_there(client, table, text):
    name = table("a UInt64, b JSON")

    with pytest.raises(ServerException) as error:
        client.execute(f"INSERT INTO {name} VALUES", [(1, "{}"), (2, text)])

    assert error.value.code in (ErrorCodes.INCORRECT_DATA, ErrorCodes.CANNOT_PARSE_TEXT)
    assert client.execute(f"SELECT count() FROM {name}") == [(0,)]


def test_a_generator_that_fails_inserts_nothing(client, pairs):
    def fail() -> Iterator[tuple[int, str]]:
        yield from ((number, "") for number in range(20))
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        client.execute(f"INSERT INTO {pairs} VALUES", fail(), settings={"insert_block_size": 5})

    assert rows_of(client, pairs) == []


def test_an_insert_of_nothing_inserts_nothing(any_client, pairs):
    assert any_client.execute(f"INSERT INTO {pairs} VALUES", []) == 0
    assert rows_of(any_client, pairs) == []


def test_types_are_checked_where_the_client_asks_for_it(client, pairs):
    inserted = client.execute(f"INSERT INTO {pairs} VALUES", [(1, "x")], types_check=True)

    assert inserted == 1


def test_every_table_is_synced_to_disk(embedded, client):
    settings = client.execute(
        "SELECT name, value FROM system.merge_tree_settings"
        " WHERE name IN ('fsync_after_insert', 'fsync_part_directory') ORDER BY name"
    )

    assert settings == [("fsync_after_insert", "1"), ("fsync_part_directory", "1")]


def test_an_array_of_json_text_stays_text(client, table):
    name = table("a UInt64, b String")
    text = json.dumps({"Object('json')": "LowCardinality(String)"})

    client.execute(f"INSERT INTO {name} VALUES", [(1, text)])

    assert rows_of(client, name) == [(1, text)]
