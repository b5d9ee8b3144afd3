"""The order of versions."""

import random

import pytest

from runs_app.domain.versions import newest, version_key

IN_ORDER = [
    "",
    "v",
    "v0.1",
    "0.9",
    "1",
    "1.0",
    "1.0.0-alpha",
    "1.0.0-beta.2",
    "v1",
    "1.0.1",
    "1.2",
    "1.10",
    "20240101.9",
    "20240101.10",
    "v20240102.1",
]


def test_versions_are_ordered_number_by_number_and_then_by_text():
    shuffled = IN_ORDER[:]
    random.Random(1).shuffle(shuffled)

    assert sorted(shuffled, key=version_key) == IN_ORDER


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("20240101.9", "20240101.10"),
        ("1.9.9-rc.1", "1.10.0-rc.0"),
        ("1.2+build.9", "1.3+build.1"),
        ("1.x", "1.1"),
        ("abc", "0.1"),
        ("1.007", "1.8"),
        ("1.2", "1.2.0"),
        ("1.2.0", "1.2.0.1"),
        ("1.²", "1.1"),
        ("1.٣", "1.1"),
        ("1. 5", "1.1"),
        ("vv2", "1"),
        ("V2", "1"),
        ("-5", "1"),
        ("9" * 5000, "1" + "0" * 5000),
        ("1." + "0" * 5000 + "1", "1.2"),
    ],
)
def test_the_second_is_newer_than_the_first(older, newer):
    assert version_key(older) < version_key(newer)


@pytest.mark.parametrize(
    ("one", "other"), [("v1.2", "1.2"), ("1.2", "1.2.0.0"), ("1.2-a", "1.2+b"), ("1.02", "1.2")]
)
def test_equal_numbers_are_ordered_by_the_text_alone(one, other):
    assert version_key(one)[0] == version_key(other)[0]
    assert (version_key(one) < version_key(other)) == (one < other)


def test_the_newest_are_distinct_and_newest_first():
    versions = ["1.9", "1.10", "1.9", "1.2", "1.10"]

    assert newest(versions, 5) == ("1.10", "1.9", "1.2")
    assert newest(iter(versions), 2) == ("1.10", "1.9")
    assert newest(versions, 0) == ()
    assert newest([], 5) == ()
