"""Cursors: what is packed comes back, and nothing else is taken for one."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.domain.paging import (
    LAST_TURN,
    LATEST_MOMENT,
    LONGEST_CURSOR,
    Cursor,
    CursorRefused,
    decode_cursor,
    encode_cursor,
    fingerprint_of_filters,
    split_turn,
    with_turn,
)

KEYS = (int, str, str)
CURSOR = Cursor(about="about", start=60_000, end=120_000, as_of=3, keys=(4, "fp", "task"))
MOMENTS = st.integers(min_value=0, max_value=LATEST_MOMENT)
MINUTES = st.integers(min_value=0, max_value=LATEST_MOMENT // 60_000)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
NUMBERS = st.integers(min_value=-(2**63), max_value=2**63 - 1)


def packed(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def decode(text: str, about: str = "about", keys: tuple[type, ...] = KEYS) -> Cursor:
    return decode_cursor(text, about=about, keys=keys)


@given(MINUTES, MINUTES, MOMENTS, NUMBERS, TEXTS, TEXTS)
def test_a_cursor_comes_back_as_it_was(
    one_minute: int, other_minute: int, as_of: int, rank: int, one: str, other: str
) -> None:
    start, end = sorted((one_minute * 60_000, other_minute * 60_000))
    cursor = Cursor(about="about", start=start, end=end, as_of=as_of, keys=(rank, one, other))

    assert decode(encode_cursor(cursor)) == cursor


def test_a_cursor_is_taken_with_and_without_its_padding() -> None:
    text = encode_cursor(CURSOR)

    assert "=" not in text
    assert decode(text + "=" * (-len(text) % 4)) == CURSOR


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(CursorRefused):
        decode(encode_cursor(CURSOR), about="other")


@pytest.mark.parametrize("keys", [(), (int,), (int, str), (str, str, str), (int, str, str, str)])
def test_a_cursor_with_other_keys_is_refused(keys: tuple[type, ...]) -> None:
    with pytest.raises(CursorRefused):
        decode(encode_cursor(CURSOR), keys=keys)


@pytest.mark.parametrize(
    "value",
    [
        None, 1, "text", [], {}, [[]], ["about"], ["about", 1, 2, 3], ["about", 1, 2, 3, 4],
        ["about", 1, 2, 3, {"a": 1}], ["about", 1, 2, 3, [4, "fp"]],
        ["about", 1, 2, 3, ["4", "fp", "task"]], ["about", 1, 2, 3, [4, 5, 6]],
        ["about", 1, 2, 3, [True, "fp", "task"]], ["about", 1, 2, 3, [4.5, "fp", "task"]],
        ["about", 1, 2, 3, [None, "fp", "task"]], ["about", 1, 2, 3, [2**63, "fp", "task"]],
        ["about", 1, 2, 3, [10**400, "fp", "task"]], ["about", -1, 2, 3, [4, "fp", "task"]],
        ["about", 1, LATEST_MOMENT + 1, 3, [4, "fp", "task"]],
        ["about", 1, 2, 10**30, [4, "fp", "task"]], ["about", "1", 2, 3, [4, "fp", "task"]],
        ["about", 1.5, 2, 3, [4, "fp", "task"]], [None, 1, 2, 3, [4, "fp", "task"]],
    ],
)  # fmt: skip
def test_anything_out_of_shape_is_refused(value: Any) -> None:
    with pytest.raises(CursorRefused):
        decode(packed(value))


@pytest.mark.parametrize(
    "text",
    [
        "", "=", "====", "a", "a b", "ä", "\0", "\ud800", "/+/+", "not base64!", "A" * 5000,
        base64.urlsafe_b64encode(b"[" * 2000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b'["about",1,2,3,[4,"\\ud800","x"]]').decode(),
        base64.urlsafe_b64encode(b'["about",1,2,3,[4,"fp","task"]] x').decode(),
    ],
)  # fmt: skip
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(CursorRefused):
        decode(text)


@given(st.text(max_size=300))
def test_no_text_breaks_the_decoder(text: str) -> None:
    with pytest.raises(CursorRefused):
        decode(text)


@given(st.binary(max_size=300))
def test_no_packed_bytes_break_the_decoder(content: bytes) -> None:
    with pytest.raises(CursorRefused):
        decode(base64.urlsafe_b64encode(content).decode())


def test_the_longest_keys_there_are_fit_into_a_cursor() -> None:
    cursor = Cursor(
        about="x" * 12,
        start=LATEST_MOMENT,
        end=LATEST_MOMENT,
        as_of=LATEST_MOMENT,
        keys=(-(2**63), "f" * 64, "\N{GREEN APPLE}" * 255),
    )

    text = encode_cursor(cursor)

    assert len(text) <= LONGEST_CURSOR
    assert decode(text, about="x" * 12) == cursor


def test_filters_that_differ_have_different_fingerprints() -> None:
    parts: list[tuple[object, ...]] = [
        (), ("a",), ("b",), ("a", "b"), ("ab",), (["a", "b"],), (["a,b"],), (None,), ("None",),
        (1,), ("1",), (True,),
    ]  # fmt: skip

    assert len({fingerprint_of_filters(*part) for part in parts}) == len(parts)
    assert fingerprint_of_filters("a", ["b"]) == fingerprint_of_filters("a", ["b"])


@given(st.integers(min_value=0, max_value=LAST_TURN))
def test_the_turns_before_a_cursor_come_back_with_it(turn: int) -> None:
    text = encode_cursor(CURSOR)

    assert split_turn(with_turn(text, turn)) == (turn, text)


def test_a_cursor_of_a_first_page_is_told_without_turns() -> None:
    assert with_turn("cursor", 0) == "cursor"


def test_turns_are_counted_up_to_a_last_one() -> None:
    assert split_turn(with_turn("cursor", LAST_TURN + 1)) == (LAST_TURN, "cursor")


@pytest.mark.parametrize(
    "text", ["", ".", "1.", ".x", "0.x", "01.x", "-1.x", "٣.x", "1" * 10 + ".x"]
)
def test_a_number_that_counts_no_turns_is_left_in_the_text(text: str) -> None:
    assert split_turn(text) == (0, text)
