"""Selecting, through the real driver in every mode it has."""

import datetime as dt
import decimal
import json
import math
import sys
import threading
import uuid
from ipaddress import IPv4Address, IPv6Address

import pytest
from clickhouse_driver import Client
from clickhouse_driver import connect as dbapi_connect
from clickhouse_driver.errors import ErrorCodes, ServerException

UTC = dt.UTC
MODES = [
    pytest.param((compression, server_side), id=f"{compression or 'plain'}-{where}")
    for compression in (False, "lz4", "zstd")
    for server_side, where in ((True, "server-side"), (False, "client-side"))
]
NASTY = [
    "",
    " ",
    "NULL",
    "\\N",
    "a\tb\nc\rd\be\ff\0g\ah\vi",
    "C:\\new\\table",
    "\\",
    "\\\\",
    "'",
    "''",
    "\\'",
    '"`',
    "{x:String}",
    "%(x)s %% %",
    "a\n\nb; DROP TABLE x",
    "/* -- */ # $$ ;",
    "Zoë 日本語 🎈",
    "x" * 300,
    "y" * 70_000,
]
TYPES = [
    ("toUInt8(255)", "UInt8", 255),
    ("toInt64(-9223372036854775808)", "Int64", -(2**63)),
    ("toUInt64(18446744073709551615)", "UInt64", 2**64 - 1),
    ("toInt128('-170141183460469231731687303715884105728')", "Int128", -(2**127)),
    ("toUInt256('1')", "UInt256", 1),
    ("toFloat32(1.5)", "Float32", 1.5),
    ("toFloat64(-1e300)", "Float64", -1e300),
    ("true", "Bool", True),
    ("'text'", "String", "text"),
    ("toFixedString('ab', 4)", "FixedString(4)", "ab"),
    ("toLowCardinality('low')", "LowCardinality(String)", "low"),
    ("CAST(NULL, 'LowCardinality(Nullable(String))')", "LowCardinality(Nullable(String))", None),
    ("CAST(NULL, 'Nullable(String)')", "Nullable(String)", None),
    ("toNullable('n')", "Nullable(String)", "n"),
    ("toDate('2026-11-20')", "Date", dt.date(2026, 11, 20)),
    ("toDate32('1950-01-02')", "Date32", dt.date(1950, 1, 2)),
    (
        "toDateTime('2026-11-20 01:02:03', 'UTC')",
        "DateTime('UTC')",
        dt.datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC),
    ),
    (
        "toDateTime64('2026-11-20 01:02:03.456', 3, 'UTC')",
        "DateTime64(3, 'UTC')",
        dt.datetime(2026, 11, 20, 1, 2, 3, 456000, tzinfo=UTC),
    ),
    ("CAST(NULL, 'Nullable(DateTime64(3))')", "Nullable(DateTime64(3))", None),
    ("toDecimal64('1.25', 2)", "Decimal(18, 2)", decimal.Decimal("1.25")),
    ("toDecimal256('1.25', 2)", "Decimal(76, 2)", decimal.Decimal("1.25")),
    (
        "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')",
        "UUID",
        uuid.UUID("61f0c404-5cb3-11e7-907b-a6006ad3dba0"),
    ),
    ("toIPv4('1.2.3.4')", "IPv4", IPv4Address("1.2.3.4")),
    ("toIPv6('::1')", "IPv6", IPv6Address("::1")),
    ("CAST('b', 'Enum8(\\'a\\' = 1, \\'b\\' = -2)')", "Enum8('b' = -2, 'a' = 1)", "b"),
    ("[1, 2]", "Array(UInt8)", [1, 2]),
    ("CAST([], 'Array(String)')", "Array(String)", []),
    ("[['a'], [], ['b', 'c']]", "Array(Array(String))", [["a"], [], ["b", "c"]]),
    (
        "CAST(['x', NULL], 'Array(LowCardinality(Nullable(String)))')",
        "Array(LowCardinality(Nullable(String)))",
        ["x", None],
    ),
    ("(1, 'a', [2])", "Tuple(UInt8, String, Array(UInt8))", (1, "a", [2])),
    ("map('k', 'v', 'l', 'w')", "Map(String, String)", {"k": "v", "l": "w"}),
    (
        "CAST(map('k', 1), 'Map(LowCardinality(String), UInt64)')",
        "Map(LowCardinality(String), UInt64)",
        {"k": 1},
    ),
    ("NULL", "Nullable(Nothing)", None),
    ("toIntervalDay(3)", "IntervalDay", 3),
    ("""CAST('{"a":{"b":[1,"x"]}}', 'JSON')""", "JSON", {"a": {"b": ["1", "x"]}}),
]


@pytest.fixture(params=MODES)
def any_client(request, connect, monkeypatch) -> Client:
    """A client that keeps its connection after an exception, to show that it is in order."""
    monkeypatch.setattr(Client, "disconnect", keep_after_server_exception)
    compression, server_side = request.param
    if compression == "zstd":
        pytest.importorskip("zstd")
    return connect(compression=compression, settings={"server_side_params": server_side})


def keep_after_server_exception(client: Client) -> None:
    if not isinstance(sys.exception(), ServerException):
        client.disconnect_connection()
    else:
        client.connection.is_query_executing = False


def code_of(error: pytest.ExceptionInfo[ServerException]) -> int:
    return error.value.code


@pytest.mark.parametrize(("expression", "type_name", "value"), TYPES)
def test_a_value_of_every_type_arrives(client, expression, type_name, value):
    rows, columns = client.execute(
        f"SELECT {expression} AS v",
        with_column_types=True,
        settings={"output_format_native_write_json_as_string": 1},
    )

    assert columns == [("v", type_name)]
    if type_name == "JSON":
        assert json.loads(json.dumps(rows[0][0])).keys() == value.keys()
    else:
        assert rows == [(value,)]


@pytest.mark.parametrize(("expression", "type_name", "value"), TYPES)
def test_a_result_of_no_rows_has_names_and_types(client, expression, type_name, value):
    rows, columns = client.execute(
        f"SELECT {expression} AS v FROM numbers(0)", with_column_types=True
    )

    assert rows == []
    assert columns == [("v", type_name)]


def test_many_values_of_every_type_arrive_in_every_mode(any_client):
    expressions = ", ".join(expression for expression, _, _ in TYPES)

    rows = any_client.execute(f"SELECT number, {expressions} FROM numbers(5000)")

    assert [row[0] for row in rows] == list(range(5000))
    assert len({repr(row[1:]) for row in rows}) == 1


def test_strings_of_all_lengths_keep_their_place_in_every_mode(any_client):
    rows = any_client.execute(
        "SELECT number, repeat('x', number % 400), toLowCardinality(toString(number % 7)),"
        " if(number % 3 = 0, NULL, repeat('y', cityHash64(number) % 20)),"
        " arrayMap(i -> repeat('z', i), range(number % 5)) FROM numbers(70000)"
    )

    assert len(rows) == 70_000
    for number, text, low, maybe, array in rows:
        assert len(text) == number % 400
        assert low == str(number % 7)
        assert (maybe is None) == (number % 3 == 0)
        assert [len(each) for each in array] == list(range(number % 5))


def test_a_hundred_thousand_rows_arrive_in_every_mode(any_client):
    rows = any_client.execute("SELECT number, toString(number) FROM numbers(100000)")

    assert rows == [(number, str(number)) for number in range(100_000)]


def test_results_can_be_columnar(any_client):
    columns = any_client.execute("SELECT number, 'x' FROM numbers(3)", columnar=True)

    assert [list(column) for column in columns] == [[0, 1, 2], ["x", "x", "x"]]


def test_results_can_be_iterated(any_client):
    rows = any_client.execute_iter("SELECT number FROM numbers(200000)", chunk_size=1000)

    assert sum(number for chunk in rows for (number,) in chunk) == sum(range(200_000))


def test_progress_is_told(client):
    progress = client.execute_with_progress("SELECT sum(number) FROM numbers(100000)")
    seen = list(progress)

    assert progress.get_result() == [(sum(range(100_000)),)]
    assert seen


@pytest.mark.parametrize("text", NASTY)
def test_a_string_parameter_arrives_exactly(any_client, text):
    sql = "SELECT {x:String}, length({x:String})"
    if not any_client.connection.context.client_settings["server_side_params"]:
        sql = "SELECT %(x)s, length(%(x)s)"

    assert any_client.execute(sql, {"x": text}) == [(text, len(text.encode()))]


def test_an_array_parameter_arrives_exactly(client):
    rows = client.execute("SELECT {x:Array(String)}", {"x": NASTY})

    assert rows == [(NASTY,)]


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("UInt64", 2**64 - 1),
        ("Int8", -5),
        ("Float64", 0.1),
        ("Bool", True),
        ("Date", dt.date(2026, 1, 2)),
        ("DateTime64(3, 'UTC')", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("UUID", uuid.UUID(int=5)),
        ("Array(UInt64)", []),
        ("Array(UInt64)", [1, 2, 3]),
        ("Array(Array(String))", [["a'b"], []]),
        ("Array(Int64)", list(range(20_000))),
    ],
)
def test_a_parameter_of_every_type_arrives(client, type_name, value):
    assert client.execute("SELECT {x:" + type_name + "}", {"x": value}) == [(value,)]


def test_milliseconds_travel_as_text(client):
    rows = client.execute("SELECT {at:DateTime64(3, 'UTC')}", {"at": "2025-01-02 03:04:05.678"})

    assert rows == [(dt.datetime(2025, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),)]


def test_none_is_null_where_the_placeholder_takes_null(embedded, client):
    rows = client.execute(
        "SELECT {n:Nullable(UInt8)} IS NULL, { s : Nullable(String) } IS NULL, {t:String}",
        {"n": None, "s": None, "t": "NULL"},
    )

    assert rows == [(1, 1, "NULL")]


def test_an_identifier_can_be_a_parameter(client, table):
    name = table("a UInt8")

    assert client.execute("SELECT count() FROM {t:Identifier}", {"t": name}) == [(0,)]


def test_times_mean_utc(client):
    rows = client.execute("SELECT toDateTime('2026-07-01 00:00:00')::UInt32, timezone()")

    assert rows[0][0] == 1782864000
    assert client.connection.server_info.get_timezone() in ("UTC", "Etc/UTC")


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT 1 FROM nowhere", ErrorCodes.UNKNOWN_TABLE),
        ("SELECT nothing", 47),
        ("SELEC 1", ErrorCodes.SYNTAX_ERROR),
        ("", ErrorCodes.SYNTAX_ERROR),
        ("-- nothing", ErrorCodes.SYNTAX_ERROR),
        ("SELECT throwIf(1)", 395),
        ("SELECT 1; SELECT 2", ErrorCodes.SYNTAX_ERROR),
        ("USE nowhere", ErrorCodes.UNKNOWN_DATABASE),
        (
            "SELECT sleepEachRow(0.02) FROM numbers(50)"
            " SETTINGS max_block_size = 1, max_execution_time = 0.1",
            ErrorCodes.TIMEOUT_EXCEEDED,
        ),
        (
            "SELECT groupArray(number) FROM numbers(10000000) SETTINGS max_memory_usage = 1000000",
            ErrorCodes.MEMORY_LIMIT_EXCEEDED,
        ),
    ],
)
def test_an_exception_has_its_code_and_leaves_the_connection_usable(any_client, sql, code):
    any_client.execute("SELECT 1")
    socket = any_client.connection.socket

    with pytest.raises(ServerException) as error:
        any_client.execute(sql)

    assert code_of(error) == code
    assert any_client.execute("SELECT 1") == [(1,)]
    assert any_client.connection.socket is socket


@pytest.mark.parametrize(
    "failing",
    [
        "SELECT number, throwIf(number = 50) FROM numbers(100)",
        "SELECT number, sleepEachRow(0.02) FROM numbers(50) SETTINGS max_execution_time = 0.1,"
        " timeout_overflow_mode = 'throw'",
    ],
)
def test_nothing_of_a_failed_query_is_in_the_next_answer(any_client, failing):
    for following in (
        "SELECT 1",
        "SHOW TABLES LIKE 'nothing'",
        "SELECT 2 WHERE 0",
        "SET max_threads = 2",
    ):
        with pytest.raises(ServerException):
            any_client.execute(failing, settings={"max_block_size": 1})

        assert any_client.execute(following) in ([], [(1,)])
        assert any_client.execute("SELECT 3") == [(3,)]


def test_a_semicolon_and_comments_are_no_second_statement(client):
    assert client.execute("/* ; */ SELECT ';', 1 -- ; SELECT\n; ;") == [(";", 1)]


def test_a_format_clause_changes_nothing(client):
    assert client.execute("SELECT 1 AS a FORMAT JSON") == [(1,)]
    assert client.execute("SELECT 'FORMAT JSON' AS format") == [("FORMAT JSON",)]


def test_statements_that_answer_with_rows(client, table):
    name = table("a UInt8, b String")

    assert client.execute(f"EXISTS TABLE {name}") == [(1,)]
    assert [row[:2] for row in client.execute(f"DESCRIBE TABLE {name}")] == [
        ("a", "UInt8"),
        ("b", "String"),
    ]
    assert (name,) in client.execute("SHOW TABLES")
    assert client.execute("SHOW TABLES LIKE 'nothing'", with_column_types=True) == (
        [],
        [("name", "String")],
    )
    assert "CREATE TABLE" in client.execute(f"SHOW CREATE TABLE {name}")[0][0]
    assert client.execute("EXPLAIN SYNTAX SELECT 1")
    assert client.execute("WITH 2 AS two SELECT two") == [(2,)]
    assert client.execute("(SELECT 1) UNION ALL (SELECT 1)") == [(1,), (1,)]


def test_statements_that_answer_with_nothing(client, table):
    name = table("a UInt8")

    assert client.execute(f"ALTER TABLE {name} ADD COLUMN b String") == []
    assert client.execute(f"INSERT INTO {name} SELECT number, 'x' FROM numbers(3)") == []
    assert client.execute(f"INSERT INTO {name} (a) (SELECT 9)") == []
    assert client.execute(f"OPTIMIZE TABLE {name} FINAL") == []
    assert client.execute(f"SELECT count() FROM {name}") == [(4,)]
    assert client.execute(f"TRUNCATE TABLE {name}") == []
    assert client.execute(f"SELECT count() FROM {name}") == [(0,)]


def test_settings_hold_for_their_query_only(client):
    with_setting = client.execute(
        "SELECT getSetting('max_threads'), getSetting('log_comment')",
        settings={"max_threads": 3, "log_comment": "it's \\ one"},
    )
    without = client.execute("SELECT getSetting('max_threads') != 3, getSetting('log_comment')")

    assert with_setting == [(3, "it's \\ one")]
    assert without == [(1, "")]


def test_limits_are_for_the_query_itself(client, table):
    limits = {"max_result_rows": 1, "result_overflow_mode": "throw", "readonly": 0}
    name = table("a UInt8, b UInt8, c UInt8")

    assert client.execute("SELECT 1, 2, 3 WHERE 0", with_column_types=True, settings=limits) == (
        [],
        [("1", "UInt8"), ("2", "UInt8"), ("3", "UInt8")],
    )
    assert client.execute(f"INSERT INTO {name} VALUES", [(1, 2, 3)], settings=limits) == 1
    with pytest.raises(ServerException):
        client.execute("SELECT number FROM numbers(2)", settings=limits)


def test_a_refused_setting_is_an_exception_and_changes_nothing(client):
    before = client.execute("SELECT getSetting('max_block_size')")

    with pytest.raises(ServerException):
        client.execute("SELECT 1", settings={"max_block_size": 7, "max_threads": "many"})

    assert client.execute("SELECT getSetting('max_block_size')") == before


def test_an_unknown_setting_is_ignored_unless_it_is_important(connect):
    careless = connect()
    careful = connect(settings_is_important=True)

    for _ in range(2):
        assert careless.execute(
            "SELECT getSetting('max_threads')", settings={"no_such_thing": 1, "max_threads": 3}
        ) == [(3,)]
    with pytest.raises(ServerException) as error:
        careful.execute("SELECT 1", settings={"no_such_thing": 1})

    assert code_of(error) == ErrorCodes.UNKNOWN_SETTING
    assert careful.execute("SELECT 1") == [(1,)]


def test_set_and_use_last_for_the_connection(connect, client, database):
    other = connect()

    client.execute("SET max_threads = 3")
    client.execute("USE system")
    client.execute("SELECT 1", settings={"max_threads": 5})

    assert client.execute("SELECT getSetting('max_threads'), currentDatabase()") == [(3, "system")]
    assert other.execute("SELECT getSetting('max_threads') != 3, currentDatabase()") == [
        (1, database)
    ]


def test_a_readonly_query_does_not_make_the_connection_readonly(client, table):
    name = table("a UInt8")

    assert client.execute("SELECT 1", settings={"readonly": 1}) == [(1,)]
    with pytest.raises(ServerException) as error:
        client.execute(f"TRUNCATE TABLE {name}", settings={"readonly": 1})
    client.execute(f"INSERT INTO {name} VALUES", [(1,)])

    assert code_of(error) == ErrorCodes.READONLY
    assert client.execute(f"SELECT a FROM {name}", settings={"max_threads": 2}) == [(1,)]


def test_the_protocol_setting_for_json_comes_back(client):
    client.execute("SELECT 1", settings={"output_format_native_write_json_as_string": 0})

    assert client.execute("""SELECT '{"a":1}'::JSON""") == [({"a": 1},)]


def test_temporary_tables_belong_to_their_connection(connect):
    one, two = connect(), connect()

    one.execute("CREATE TEMPORARY TABLE kept (a UInt8)")
    one.execute("INSERT INTO kept VALUES", [(1,)])

    assert one.execute("SELECT a FROM kept", settings={"max_threads": 2}) == [(1,)]
    with pytest.raises(ServerException):
        two.execute("SELECT a FROM kept")


def test_query_ids_are_taken(client):
    assert client.execute("SELECT 1", query_id=str(uuid.uuid4())) == [(1,)]


def test_a_ping_is_answered(client):
    assert client.execute("SELECT 1") == [(1,)]
    assert all(client.connection.ping() for _ in range(3))


def test_the_database_api_of_python_works(place, database):
    endpoint = place.endpoint
    with (
        dbapi_connect(
            host=endpoint.host,
            port=endpoint.port,
            user=endpoint.user,
            password=endpoint.password,
            database=database,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT number, toString(number) FROM numbers(3)")

        assert cursor.description[0][:2] == ("number", "UInt64")
        assert cursor.fetchall() == [(0, "0"), (1, "1"), (2, "2")]


def test_nan_and_infinity_arrive(client):
    nan, infinity = client.execute("SELECT nan, inf")[0]

    assert math.isnan(nan)
    assert infinity == math.inf


def test_external_tables_are_refused_with_a_code(embedded, client):
    tables = [{"name": "ext", "structure": [("x", "String"), ("y", "UInt8")], "data": [("a", 1)]}]

    with pytest.raises(ServerException) as error:
        client.execute("SELECT x FROM ext", external_tables=tables)

    assert code_of(error) == 48
    assert client.execute("SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT number % 2 AS n, count() FROM numbers(9) GROUP BY n WITH TOTALS",
        "SELECT sumState(number) FROM numbers(9)",
        "SELECT 1::Dynamic",
        "SELECT [1::Variant(UInt8, String)]",
    ],
)
def test_what_cannot_be_sent_is_an_exception_with_a_code(embedded, client, sql):
    with pytest.raises(ServerException) as error:
        client.execute(sql)

    assert code_of(error) == 48
    assert client.execute("SELECT 1") == [(1,)]


def test_sixteen_connections_never_mix_up_their_answers(connect):
    wrong: list[object] = []

    def ask(worker: int) -> None:
        client = connect(settings={"server_side_params": True})
        for turn in range(60):
            mine = f"{worker}-{turn}\t'\\"
            rows = client.execute(
                "SELECT {x:String}, {n:UInt64} + number, getSetting('log_comment') FROM numbers(2)",
                {"x": mine, "n": worker},
                settings={"log_comment": mine},
            )
            if rows != [(mine, worker, mine), (mine, worker + 1, mine)]:
                wrong.append(rows)

    threads = [threading.Thread(target=ask, args=(worker,)) for worker in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
