"""Scopes: `action:type` or `action:type:id`, split on the first two colons only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.domain.scopes import (
    LONGEST_SCOPE,
    Scope,
    alternatives,
    any_grants,
    covers,
    is_scope,
    parse_scope,
    within,
)

READ = Scope("read", "errors")
READ_ONE = Scope("read", "errors", "error_x")
WRITE_ONE = Scope("write", "errors", "error_x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("read:errors", Scope("read", "errors")),
        ("read:errors:error_x", Scope("read", "errors", "error_x")),
        ("read:tags:a:b:c", Scope("read", "tags", "a:b:c")),
        ("read:tags::", Scope("read", "tags", ":")),
        ("*:errors", Scope("*", "errors")),
    ],
)
def test_a_scope_is_split_on_its_first_two_colons(text: str, expected: Scope) -> None:
    assert parse_scope(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text", ["", "read", "admin", ":", "::", "read:", ":errors", "read:errors:"]
)
def test_text_with_an_empty_part_is_no_scope(text: str) -> None:
    assert parse_scope(text) is None


@pytest.mark.parametrize(
    ("held", "wanted", "granted"),
    [
        ("read:errors", READ, True),
        ("read:errors", READ_ONE, True),
        ("read:errors:error_x", READ_ONE, True),
        ("read:errors:error_x", READ, False),
        ("read:errors:error_y", READ_ONE, False),
        ("read:errors", WRITE_ONE, False),
        ("write:errors", READ, False),
        ("read:runs", READ, False),
        ("*:errors", READ, True),
        ("*:errors", WRITE_ONE, True),
        ("*:errors:error_x", WRITE_ONE, True),
        ("*:errors:error_y", WRITE_ONE, False),
        ("*:runs", READ, False),
        ("read:all", READ_ONE, True),
        ("read:all", Scope("read", "runs"), True),
        ("read:all", WRITE_ONE, False),
        ("read:all:error_x", READ_ONE, False),
        ("write:all", WRITE_ONE, False),
        ("*:all", WRITE_ONE, False),
        ("*:*", READ, False),
        ("read:*", READ, False),
        ("admin", WRITE_ONE, True),
        ("admin:errors", READ, False),
        ("admin:all", READ, False),
        ("Admin", READ, False),
        (" admin", READ, False),
        ("READ:errors", READ, False),
        ("read:errors ", READ, False),
        ("read:error", READ, False),
        ("read:errors:", READ, False),
        ("", READ, False),
    ],
)
def test_a_held_scope_grants_by_the_grammar(held: str, wanted: Scope, granted: bool) -> None:
    assert any_grants([held], wanted) == granted
    assert any_grants(["nonsense", held, "x:y"], wanted) == granted


def test_nothing_held_grants_nothing() -> None:
    assert not any_grants([], READ)


def test_the_wider_alternative_comes_first() -> None:
    assert alternatives(WRITE_ONE) == ["write:errors", "write:errors:error_x"]
    assert alternatives(READ) == ["read:errors"]


@pytest.mark.parametrize(
    "id_", ["a\r\nSet-Cookie: a=b", 'a"b', "a\\b", "a b", "a\0b", "é", "x" * LONGEST_SCOPE]
)
def test_an_id_that_cannot_stand_in_a_header_is_not_named(id_: str) -> None:
    assert alternatives(Scope("read", "errors", id_)) == ["read:errors"]


@pytest.mark.parametrize("secret", ["tr_prod_sk_abcDEF123", "eyJhbGciOiJI.eyJzdWIi.sig-x_y"])
@pytest.mark.parametrize("prefix", ["", "run_", "error_"])
def test_a_secret_in_the_place_of_an_id_is_not_named(prefix: str, secret: str) -> None:
    assert alternatives(Scope("read", "runs", prefix + secret)) == ["read:runs"]


@given(st.text(max_size=30))
def test_every_alternative_would_do(id_: str) -> None:
    wanted = Scope("read", "errors", id_ or "x")

    for text in alternatives(wanted):
        assert any_grants([text], wanted)


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_scope_of_an_id_grants_no_other_id(one: str, other: str) -> None:
    wanted = Scope("write", "errors", other or "y")

    assert any_grants([f"write:errors:{one}"], wanted) == (one == wanted.id)


# --- what may be asked for ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "admin", "admin:all", "read:all", "*:errors", "read:*", "*:*", "READ:Errors",
        "read:deployment-events", "write:task_runs", "read:tags:a:b:c", "read:tags::",
        "read:tags:with space", "read:tags:é", "read:runs:run_" + "x" * (LONGEST_SCOPE - 14),
    ],
)  # fmt: skip
def test_this_is_a_scope(text: str) -> None:
    assert is_scope(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "read", "all", "Admin", " admin", "admin ", "admin:", ":errors", "read:",
        "read:errors:", "read errors", "read:err ors", " read:errors", "read:errors\n",
        "read:errors\n:x", "réad:errors", "read:errorſ", "toKen:runs",
        "read1:errors", "read:errors2", "read/write:errors", "read,write:errors", '["read:errors"]',
        "read:runs:run_" + "x" * (LONGEST_SCOPE - 13),
    ],
)  # fmt: skip
def test_this_is_no_scope(text: str) -> None:
    assert not is_scope(text)


# --- what is covered ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ceiling", "asked", "covered"),
    [
        ("admin", "admin", True),
        ("admin", "read:errors:error_x", True),
        ("admin", "*:*", True),
        ("admin:all", "admin", False),
        ("read:all", "read:all", True),
        ("read:all", "read:errors", True),
        ("read:all", "read:errors:error_x", True),
        ("read:all", "read:*", True),
        ("read:all", "write:errors", False),
        ("read:all", "*:errors", False),
        ("read:all", "*:all", False),
        ("read:all", "admin", False),
        ("*:all", "read:all", False),
        ("*:all", "*:all", True),
        ("*:*", "read:errors", False),
        ("*:*", "admin", False),
        ("read:*", "read:all", False),
        ("read:errors", "read:all", False),
        ("read:errors", "read:errors", True),
        ("read:errors", "read:errors:error_x", True),
        ("read:errors", "write:errors", False),
        ("read:errors", "*:errors", False),
        ("read:errors", "read:runs", False),
        ("*:errors", "read:errors", True),
        ("*:errors", "*:errors", True),
        ("*:errors", "*:errors:error_x", True),
        ("*:errors:error_x", "read:errors:error_x", True),
        ("*:errors:error_x", "read:errors:error_y", False),
        ("read:errors:error_x", "read:errors:error_x", True),
        ("read:errors:error_x", "read:errors:error_xy", False),
        ("read:errors:error_x", "read:errors", False),
        ("read:errors:a", "read:errors:a:b", False),
        ("read:errors", "READ:errors", False),
        ("nonsense", "nonsense", False),
        ("read:errors", "nonsense", False),
        ("", "read:errors", False),
    ],
)
def test_a_ceiling_covers_by_the_grammar(ceiling: str, asked: str, covered: bool) -> None:
    assert covers([ceiling], asked) == covered
    assert covers(["x:y", ceiling, "nonsense"], asked) == covered
    assert within([asked], [ceiling]) == ((asked,) if covered else ())


def test_several_scopes_are_not_put_together() -> None:
    assert not covers(["read:errors", "write:errors"], "*:errors")


def test_nothing_covers_nothing() -> None:
    assert not covers([], "read:errors")
    assert within(["read:errors", "admin"], []) == ()


def test_what_is_asked_has_to_be_within_every_ceiling() -> None:
    asked = ["read:errors", "write:errors", "read:runs", "admin"]

    assert within(asked, ["admin"], ["read:all"]) == ("read:errors", "read:runs")
    assert within(asked, ["*:errors"], ["read:all"]) == ("read:errors",)
    assert within(asked, ["read:all"], []) == ()
    assert within(asked) == tuple(asked)


def test_what_is_within_keeps_its_order_and_comes_once() -> None:
    asked = ["write:errors", "read:errors", "write:errors", "read:errors"]

    assert within(asked, ["admin"]) == ("write:errors", "read:errors")


# Few words, so that what is asked, held and wanted often meets.
ACTIONS = st.sampled_from(("read", "write", "*", "admin"))
TYPES = st.sampled_from(("errors", "runs", "all", "*"))
IDS = st.sampled_from(("", ":a", ":b", ":a:b", ":*", ":all", ":"))
TEXTS = st.one_of(
    st.sampled_from(("admin", "read:all", "*:all", "", "read", "nonsense")),
    st.builds("{}:{}{}".format, ACTIONS, TYPES, IDS),
)
LISTS = st.lists(TEXTS, max_size=4)
WANTED = st.builds(
    Scope,
    st.sampled_from(("read", "write", "admin", "delete")),
    st.sampled_from(("errors", "runs", "all", "queues")),
    st.sampled_from((None, "a", "b", "a:b", "*")),
)


@given(LISTS, LISTS, WANTED)
def test_what_is_within_a_ceiling_grants_nothing_that_the_ceiling_does_not(
    asked: list[str], ceiling: list[str], wanted: Scope
) -> None:
    if any_grants(within(asked, ceiling), wanted):
        assert any_grants(ceiling, wanted)
        assert any_grants(asked, wanted)


@given(LISTS, LISTS, LISTS, WANTED)
def test_what_is_within_two_ceilings_grants_nothing_that_either_does_not(
    asked: list[str], one: list[str], other: list[str], wanted: Scope
) -> None:
    if any_grants(within(asked, one, other), wanted):
        assert any_grants(one, wanted)
        assert any_grants(other, wanted)


@given(LISTS, LISTS)
def test_what_a_ceiling_names_literally_is_within_it(asked: list[str], ceiling: list[str]) -> None:
    literally = [scope for scope in asked if scope in ceiling and is_scope(scope)]

    assert set(literally) <= set(within(asked, ceiling))


@given(LISTS, LISTS)
def test_what_is_within_a_ceiling_stays_within_it(asked: list[str], ceiling: list[str]) -> None:
    once = within(asked, ceiling)

    assert within(once, ceiling) == once


@given(TEXTS, TEXTS, TEXTS)
def test_covering_goes_through(one: str, other: str, third: str) -> None:
    if covers([one], other) and covers([other], third):
        assert covers([one], third)
