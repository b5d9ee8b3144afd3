"""Routing statements by their first words and their ends."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.clickhouse.embedded.faults import ServerFault
from runs_app.clickhouse.embedded.parameters import engine_parameters, unquote
from runs_app.clickhouse.embedded.statements import Insert, Kind, column_names, parse_statement


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT 1", Kind.SELECT),
        ("  -- c\n /* d */ # e\n select 1", Kind.SELECT),
        ("WITH 1 AS a SELECT a", Kind.SELECT),
        ("(SELECT 1)", Kind.SELECT),
        ("SHOW TABLES", Kind.TELL),
        ("EXPLAIN SELECT 1", Kind.TELL),
        ("INSERT INTO t VALUES", Kind.INSERT),
        ("INSERT INTO t SELECT 1", Kind.OTHER),
        ("INSERT INTO t (a) WITH 1 AS x SELECT x", Kind.OTHER),
        ("INSERT INTO t (SELECT 1)", Kind.OTHER),
        ("INSERT INTO t FROM INFILE 'x' FORMAT CSV", Kind.OTHER),
        ("SET a = 1", Kind.SET),
        ("SET ROLE x", Kind.OTHER),
        ("USE d", Kind.USE),
        ("CREATE TABLE t (a UInt8) ENGINE = Memory", Kind.OTHER),
    ],
)
def test_a_statement_is_known_by_its_first_words(sql, kind):
    assert parse_statement(sql).kind is kind


@pytest.mark.parametrize(
    "sql",
    ["SELECT ';'", "SELECT `;`, \";\"", "SELECT 1 /* ; */;", "SELECT 1; -- ;", "SELECT $$;$$ ;;",
     "SELECT $a$ ; $$ $a$", "SELECT '\\';' ", "SELECT ''';'"],
)  # fmt: skip
def test_a_semicolon_that_ends_nothing_is_no_second_statement(sql):
    assert parse_statement(sql).kind is Kind.SELECT


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "SELECT a$b$; DROP TABLE t; $b$",
        "SELECT ''; DROP TABLE t",
        "SELECT 1;;x",
        "; SELECT 1",
        ";",
        " ",
    ],
)
def test_more_or_less_than_one_statement_is_refused(sql):
    with pytest.raises(ServerFault) as fault:
        parse_statement(sql)

    assert fault.value.code == 62


@pytest.mark.parametrize(
    ("sql", "insert"),
    [
        ("INSERT INTO t VALUES", Insert("t", None, "", "Native", None)),
        ("insert into t (a, b) values ;", Insert("t", "a, b", "", "Native", None)),
        ("INSERT INTO d.`t x`(a) FORMAT Native", Insert("d.`t x`", "a", "", "Native", None)),
        (
            "INSERT INTO t SETTINGS a = 1, b = 'VALUES' VALUES",
            Insert("t", None, "SETTINGS a = 1, b = 'VALUES'", "Native", None),
        ),
        ("INSERT INTO t (a) VALUES (1); x", Insert("t", "a", "", "Values", "(1); x")),
        ("INSERT INTO t FORMAT CSV 1,2", Insert("t", None, "", "CSV", "1,2")),
        (
            "INSERT INTO FUNCTION null('a UInt8') VALUES",
            Insert("FUNCTION null('a UInt8')", None, "", "Native", None),
        ),
    ],
)
def test_the_parts_of_an_insert_are_found(sql, insert):
    assert parse_statement(sql).insert == insert


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("SELECT 1 FORMAT JSON", "SELECT 1"),
        ("SELECT 1 FORMAT Native ;", "SELECT 1"),
        ("SELECT format FROM t", "SELECT format FROM t"),
        ("SHOW TABLES FORMAT TSV -- x", "SHOW TABLES"),
    ],
)
def test_a_format_is_taken_off(sql, text):
    assert parse_statement(sql).text == text


def test_the_names_in_a_column_list_are_unquoted():
    assert column_names('a, `b, c`, "d", n.x') == ("a", "b, c", "d", "n.x")
    assert column_names("* EXCEPT(a)") is None
    assert column_names("") is None


@given(sql=st.text(alphabet="abINSERTVALUESFORMT'\"`\\;(),./*-#$\n 1", max_size=80))
def test_any_text_is_a_statement_or_refused(sql):
    with suppress(ServerFault):
        assert parse_statement(sql).text in sql


@given(sql=st.text(alphabet="INSERT INTO t(a)VALUESFORMAT;'", max_size=40))
def test_any_insert_is_a_statement_or_refused(sql):
    with suppress(ServerFault):
        assert parse_statement("INSERT INTO " + sql).kind in (Kind.INSERT, Kind.OTHER)


def test_parameters_are_unquoted_once():
    assert unquote(r"'a\\tb'") == r"a\tb"
    assert unquote(r"'it\'s \x41\0'") == "it's A\0"
    assert unquote("5") == "5"


def test_null_is_null_only_where_the_placeholder_takes_it():
    given_parameters = {"a": "'NULL'", "b": "'NULL'", "c": "'x'"}

    assert engine_parameters(given_parameters, frozenset({"a", "c", "d"})) == {
        "a": "\\N",
        "b": "NULL",
        "c": "x",
    }
