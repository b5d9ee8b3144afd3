"""Scopes: `action:type` or `action:type:id`, split on the first two colons only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.domain.scopes import Scope, alternatives, any_grants, parse_scope

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


@given(st.text(max_size=30))
def test_every_alternative_would_do(id_: str) -> None:
    wanted = Scope("read", "errors", id_ or "x")

    for text in alternatives(wanted):
        assert any_grants([text], wanted)


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_scope_of_an_id_grants_no_other_id(one: str, other: str) -> None:
    wanted = Scope("write", "errors", other or "y")

    assert any_grants([f"write:errors:{one}"], wanted) == (one == wanted.id)
