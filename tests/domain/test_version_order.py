"""Which of two versions is newer, and when that cannot be told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.domain.version_order import Scheme, compare_versions, newest_of
from runs_app.domain.versions import version_key

# older, newer, how they are compared
PAIRS = [
    ("20240101.9", "20240101.10", Scheme.DATE_AND_COUNTER),
    ("20240101.10", "20240102.1", Scheme.DATE_AND_COUNTER),
    ("20231231.99", "20240101.1", Scheme.DATE_AND_COUNTER),
    ("1.9.0", "1.10.0", Scheme.SEMANTIC),
    ("v1.9.0", "1.10.0", Scheme.SEMANTIC),
    ("V1.9.0", "v1.10.0", Scheme.SEMANTIC),
    ("worker@1.9.0", "worker@1.10.0", Scheme.SEMANTIC),
    ("@acme/worker@1.9.0", "worker@v1.10.0", Scheme.SEMANTIC),
    ("1.0.0-alpha", "1.0.0-alpha.1", Scheme.SEMANTIC),
    ("1.0.0-alpha.1", "1.0.0-alpha.beta", Scheme.SEMANTIC),
    ("1.0.0-alpha.beta", "1.0.0-beta", Scheme.SEMANTIC),
    ("1.0.0-beta.2", "1.0.0-beta.11", Scheme.SEMANTIC),
    ("1.0.0-beta.11", "1.0.0-rc.1", Scheme.SEMANTIC),
    ("1.0.0-rc.1", "1.0.0", Scheme.SEMANTIC),
    ("1.0.0-rc.1", "1.0.1-alpha", Scheme.SEMANTIC),
    ("2024-01-31", "2024-02-01", Scheme.DATE),
    ("2024-2-9", "2024-2-10", Scheme.DATE),
    ("9", "10", Scheme.INTEGER),
    ("v9", "v10", Scheme.INTEGER),
    ("20240131", "20240201", Scheme.INTEGER),
    ("9" * 5_000, "1" + "0" * 5_000, Scheme.INTEGER),
    ("1.2", "1.10", Scheme.NUMBERS),
    ("1.2", "1.2.1", Scheme.NUMBERS),
    ("1.2.3", "1.2.3.4", Scheme.NUMBERS),
    ("2", "10.1", Scheme.NUMBERS),
]
SAME = [
    ("20240101.10", "20240101.10", Scheme.DATE_AND_COUNTER),
    ("20240101.010", "20240101.10", Scheme.DATE_AND_COUNTER),
    ("v1.2.3", "1.2.3", Scheme.SEMANTIC),
    ("worker@1.2.3", "v1.2.3", Scheme.SEMANTIC),
    ("1.2.3+build.5", "1.2.3+build.6", Scheme.SEMANTIC),
    ("1.2", "1.2.0", Scheme.NUMBERS),
    ("007", "7", Scheme.INTEGER),
    ("2024-01-05", "2024-1-5", Scheme.DATE),
    ("main", "main", Scheme.TEXT),
    ("a1b2c3d", "a1b2c3d", Scheme.TEXT),
]
INCOMPARABLE = [
    ("main", "feature"),
    ("a1b2c3d", "e4f5a6b"),
    ("1.2.3", "main"),
    ("", "1.2.3"),
    # Somebody went over to another way of counting.
    ("20240101.10", "1.2.3"),
    ("1.2", "20240101.10"),
    ("2024-01-31", "20240201.1"),
    ("1.2.3-rc.1", "1.2"),
    ("١٢", "13"),
]


@pytest.mark.parametrize(("older", "newer", "scheme"), PAIRS)
def test_a_newer_version_is_known_as_newer_from_both_sides(
    older: str, newer: str, scheme: Scheme
) -> None:
    up, down = compare_versions(newer, older), compare_versions(older, newer)

    assert (up.order, down.order) == (1, -1)
    assert up.scheme == down.scheme == scheme


@pytest.mark.parametrize(("one", "other", "scheme"), SAME)
def test_the_same_version_is_known_in_other_writing(one: str, other: str, scheme: Scheme) -> None:
    compared = compare_versions(one, other)

    assert (compared.order, compared.scheme) == (0, scheme)


@pytest.mark.parametrize(("one", "other"), INCOMPARABLE)
def test_where_it_cannot_be_told_nothing_is_guessed(one: str, other: str) -> None:
    assert compare_versions(one, other).order is None
    assert compare_versions(other, one).order is None


VERSIONS = st.one_of(
    st.from_regex(r"v?[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(-[a-z0-9.]{1,6})?", fullmatch=True),
    st.from_regex(r"[0-9]{8}\.[0-9]{1,3}", fullmatch=True),
    st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,3}){0,4}", fullmatch=True),
    st.text(max_size=12),
)


@given(VERSIONS, VERSIONS)
def test_both_sides_agree(one: str, other: str) -> None:
    up, down = compare_versions(one, other), compare_versions(other, one)

    assert up.order == (None if down.order is None else -down.order)
    assert up.scheme == down.scheme


@given(VERSIONS)
def test_every_version_is_the_same_as_itself(version: str) -> None:
    assert compare_versions(version, version).order == 0


@given(VERSIONS, VERSIONS, VERSIONS)
def test_newer_than_newer_is_newer_within_a_scheme(one: str, two: str, three: str) -> None:
    first, second = compare_versions(one, two), compare_versions(two, three)
    if first.order is None or second.order is None or first.scheme != second.scheme:
        return
    if first.order > 0 and second.order > 0 and compare_versions(one, three).order is not None:
        assert compare_versions(one, three).order == 1


PLAIN = st.one_of(
    st.from_regex(r"v?[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(\+[a-z]{1,3})?", fullmatch=True),
    st.from_regex(r"[0-9]{8}\.[0-9]{1,3}", fullmatch=True),
    st.from_regex(r"v?[0-9]{1,9}(\.[0-9]{1,3}){0,4}", fullmatch=True),
)


@given(PLAIN, PLAIN)
def test_the_order_in_which_versions_are_shown_is_the_same_where_it_is_known(
    one: str, other: str
) -> None:
    compared = compare_versions(one, other).order
    if compared is None:
        return
    first, second = version_key(one)[0], version_key(other)[0]

    assert compared == (first > second) - (first < second)


@pytest.mark.parametrize(
    ("last_first", "newest"),
    [
        ([], None),
        (["20240101.9", "20240101.10", "20231231.11"], "20240101.10"),
        (["v1.9.0", "worker@1.10.0", "1.10.0-rc.1"], "worker@1.10.0"),
        (["2024-2-9", "2024-2-10"], "2024-2-10"),
        (["9", "10", "8"], "10"),
        # Rolled back: the newest is what was there before.
        (["1.2.2", "1.2.3", "1.2.1"], "1.2.3"),
        # Of texts without an order it is the one seen last.
        (["a1b2c3d", "e4f5a6b"], "a1b2c3d"),
        # Whoever went over to another way of counting counts on in it.
        (["1.0.1", "20240101.10", "1.1.0", "20240201.1"], "1.1.0"),
        (["20240101.10", "1.1.0", "main", "20240101.11"], "20240101.11"),
        # Two ways of writing one version.
        (["v1.2.3", "1.2.3"], "v1.2.3"),
    ],
)
def test_the_newest_version_is_looked_for_from_the_one_seen_last(
    last_first: list[str], newest: str | None
) -> None:
    assert newest_of(last_first) == newest


@given(st.lists(VERSIONS, max_size=8))
def test_no_version_is_known_to_be_newer_than_the_newest_of_one_scheme(
    last_first: list[str],
) -> None:
    newest = newest_of(last_first)
    if newest is None:
        assert last_first == []
        return
    compared = [compare_versions(version, newest) for version in last_first]
    if len({each.scheme for each in compared}) == 1:
        assert all(each.order is None or each.order <= 0 for each in compared)
