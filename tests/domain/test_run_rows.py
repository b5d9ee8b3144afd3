"""Outbox content outlives the release that wrote it."""

import msgspec
import pytest

from runs_app.domain import run_rows
from runs_app.domain.run_rows import (
    UnreadableRows,
    decode_rows,
    encode_rows,
    split_content,
)

COLUMNS = ("a", "b")


def test_rows_come_back_as_they_were_written() -> None:
    rows = [[1, "x"], [2, None]]

    assert decode_rows(encode_rows(rows, COLUMNS), COLUMNS) == rows


def test_a_column_that_was_added_since_gets_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_rows, "DEFAULTS", {"category": ""})
    content = encode_rows([[1, "x"]], COLUMNS)

    assert decode_rows(content, ("a", "category", "b")) == [[1, "", "x"]]


def test_a_column_of_a_newer_release_is_dropped() -> None:
    content = encode_rows([[1, "x", True]], ("a", "b", "new"))

    assert decode_rows(content, COLUMNS) == [[1, "x"]]


def test_a_missing_column_without_a_default_is_unreadable() -> None:
    with pytest.raises(UnreadableRows, match="rows without c"):
        decode_rows(encode_rows([[1, "x"]], COLUMNS), ("a", "b", "c"))


def test_a_row_that_does_not_match_its_columns_is_unreadable() -> None:
    with pytest.raises(UnreadableRows):
        decode_rows(encode_rows([[1]], COLUMNS), COLUMNS)


def test_content_that_is_no_rows_is_a_decode_error() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_rows(b"nonsense", COLUMNS)


def test_halves_keep_order_and_columns() -> None:
    content = encode_rows([[1, "x"], [2, "y"], [3, "z"]], COLUMNS)

    halves = split_content(content)

    assert [count for _, count in halves] == [1, 2]
    assert [row for half, _ in halves for row in decode_rows(half, COLUMNS)] == [
        [1, "x"],
        [2, "y"],
        [3, "z"],
    ]


@pytest.mark.parametrize("content", [encode_rows([[1, "x"]], COLUMNS), b"nonsense"])
def test_one_row_or_none_to_read_cannot_be_split(content: bytes) -> None:
    assert split_content(content) == []
