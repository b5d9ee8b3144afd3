"""Splitting a body into its runs: by the decoder, and by hand where that gives up."""

import contextlib
import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.domain.errors import InvalidInput
from runs_app.domain.report_bodies import mend_surrogates, split_body

# What a hostile client may fill a body with; each was slow for some splitter.
HOSTILE: dict[str, Callable[[int], bytes]] = {
    "escaped quotes without an end": lambda n: b'["' + b'\\"' * (n // 2),
    "quotes": lambda n: b"[" + b'"' * n,
    "backslashes": lambda n: b'["' + b"\\" * n,
    "commas": lambda n: b"[" + b"," * n + b"]",
    "opening brackets": lambda n: b"[" * n,
    "nested objects": lambda n: b'{"a":' * (n // 5),
    "space": lambda n: b'{"runs"' + b" " * n + b"x",
    "members named runs": lambda n: b'{"a":x' + b',"runs" ' * (n // 8) + b"}",
    "lone surrogates": lambda n: b'{"a":"' + b"\\ud800" * (n // 6) + b'",}',
    "half escapes": lambda n: b'{"a":"' + b"\\ud" * (n // 3) + b'",}',
    "lists of nothing": lambda n: b"[x" + b",[]" * (n // 3) + b"]",
}


def seconds_for(body: bytes) -> float:
    started = time.process_time()
    with contextlib.suppress(InvalidInput):
        split_body(body, lines=False)
    return time.process_time() - started


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_takes_linear_time(name: str) -> None:
    make = HOSTILE[name]

    # Quadratic work takes an hour at this size.
    assert seconds_for(make(3_000_000)) < 15


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('a"\\[]{},:', max_size=3), inner)
    ),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=5), st.integers(0, 5), st.booleans())
def test_items_around_a_broken_one_are_the_items_sent(
    items: list[object], place: int, wrapped: bool
) -> None:
    texts = [json.dumps(item).encode() for item in items]
    texts.insert(min(place, len(texts)), b"NaN")
    body = b"[" + b" , ".join(texts) + b" ] "

    split = split_body(
        b'{"x": [1, "]"], "runs" :' + body + b', "y": {}}' if wrapped else body, lines=False
    )

    assert split.form == ("runs" if wrapped else "list")
    assert [bytes(item) for item in split.items] == texts


@given(st.text())
def test_mending_changes_nothing_that_is_well_formed(text: str) -> None:
    encoded = json.dumps(text).encode()

    assert mend_surrogates(encoded) == encoded


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        (rb'"\ud800"', rb'"\ufffd"'),
        (rb'"\udc00\ud800"', rb'"\ufffd\ufffd"'),
        (rb'"\ud83d\ude00\ud83d"', rb'"\ud83d\ude00\ufffd"'),
        (rb'"\\ud800"', rb'"\\ud800"'),
        (rb'"\\\ud800"', rb'"\\\ufffd"'),
        (rb'"\uD800x"', rb'"\ufffdx"'),
    ],
)
def test_lone_halves_of_characters_are_mended(broken: bytes, mended: bytes) -> None:
    assert mend_surrogates(broken) == mended
