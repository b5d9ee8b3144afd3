"""Windows: half-open, of minute precision, inside what is kept."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.domain.times import epoch_milliseconds
from runs_app.domain.window import (
    MINUTE,
    Window,
    WindowRequest,
    ceil_minute,
    covering_window,
    floor_minute,
    is_empty,
    parse_moment,
    parse_period,
    retained_window,
    until_now,
    window_of,
)

NOW = datetime(2026, 11, 20, 12, 34, 56, 789_000, tzinfo=UTC)
KEPT = timedelta(days=90)
MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001
    max_value=datetime(2099, 12, 31, 23, 59, 59, 999_000),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def at(hour: int, minute: int = 0, second: int = 0, millisecond: int = 0) -> datetime:
    return datetime(2026, 11, 20, hour, minute, second, millisecond * 1000, tzinfo=UTC)


@given(MOMENTS)
def test_a_moment_lies_between_its_floor_and_its_ceiling(moment: datetime) -> None:
    first, last = floor_minute(moment), ceil_minute(moment)

    assert first <= moment <= last
    assert last - first in {timedelta(0), MINUTE}
    assert (first == last) == (moment == first)
    assert moment < until_now(moment) <= moment + MINUTE


def test_a_full_minute_is_its_own_floor_and_ceiling() -> None:
    assert floor_minute(at(12)) == ceil_minute(at(12)) == at(12)
    assert until_now(at(12)) == at(12, 1)


@pytest.mark.parametrize(
    ("request_", "start", "end"),
    [
        (WindowRequest(), NOW - timedelta(days=1), at(12, 35)),
        (WindowRequest(period=timedelta(minutes=5)), at(12, 29), at(12, 35)),
        (WindowRequest(start=at(10, 0, 59, 999)), at(10), at(12, 35)),
        (WindowRequest(start=at(10), end=at(11)), at(10), at(11)),
        (WindowRequest(start=at(10, 0, 1), end=at(11, 0, 0, 1)), at(10), at(11, 1)),
        (WindowRequest(end=at(11)), NOW - KEPT, at(11)),
        (WindowRequest(period=timedelta(days=400)), NOW - KEPT, at(12, 35)),
        (WindowRequest(start=datetime(2000, 1, 1, tzinfo=UTC)), NOW - KEPT, at(12, 35)),
        (WindowRequest(start=at(12), end=at(23)), at(12), at(23)),
    ],
)
def test_a_request_becomes_a_window(
    request_: WindowRequest, start: datetime, end: datetime
) -> None:
    window = window_of(request_, now=NOW, retention=KEPT)

    assert window == Window(floor_minute(start), end)


def test_another_default_counts_back_from_now() -> None:
    window = window_of(WindowRequest(), now=NOW, retention=KEPT, default=timedelta(hours=2))

    assert window == Window(at(10, 34), at(12, 35))


def test_a_window_before_all_that_is_kept_is_empty() -> None:
    request = WindowRequest(
        start=datetime(2001, 1, 1, tzinfo=UTC), end=datetime(2001, 2, 1, tzinfo=UTC)
    )

    window = window_of(request, now=NOW, retention=KEPT)

    assert window.start == window.end == floor_minute(NOW - KEPT)


@given(st.none() | MOMENTS, st.none() | MOMENTS, st.timedeltas(min_value=MINUTE, max_value=KEPT))
def test_every_window_is_of_full_minutes_and_inside_what_is_kept(
    start: datetime | None, end: datetime | None, period: timedelta
) -> None:
    asked = WindowRequest(period if start is None and end is None else None, start, end)

    window = window_of(asked, now=NOW, retention=KEPT)

    assert window.start <= window.end
    assert window.start >= floor_minute(NOW - KEPT)
    assert window.start == floor_minute(window.start)
    assert window.end == floor_minute(window.end)


def test_all_that_is_kept_ends_after_this_very_moment() -> None:
    window = retained_window(NOW, KEPT)

    assert window == Window(floor_minute(NOW - KEPT), at(12, 35))


@given(MOMENTS, MOMENTS)
def test_a_covering_window_holds_both_moments(one: datetime, other: datetime) -> None:
    first, last = sorted([one, other])

    window = covering_window(first, last)

    assert window.start <= first <= last < window.end


@pytest.mark.parametrize(
    ("start", "end", "empty"),
    [
        (at(10), at(11), False),
        (at(11), at(10), True),
        (at(10), at(10), True),
        (at(10, 0, 30), at(10, 0, 30), False),
        (at(10, 0, 10), at(10, 0, 50), False),
        (at(10, 0, 50), at(10, 0, 10), True),
        (at(10), at(10, 0, 0, 1), False),
    ],
)
def test_bounds_that_contradict_each_other_are_empty(
    start: datetime, end: datetime, empty: bool
) -> None:
    assert is_empty(start, end) == empty


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("1d", timedelta(days=1)),
        ("2w", timedelta(weeks=2)),
        ("01d", timedelta(days=1)),
        ("99999w", timedelta(weeks=99999)),
    ],
)
def test_a_period_is_a_number_and_a_unit(text: str, expected: timedelta) -> None:
    assert parse_period(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "d", "1", "0d", "000m", "1s", "1M", "1D", "1y", "-1d", "+1d", "1.5d", "1 d", " 1d", "1d\n",
     "1d2h", "100000m", "١d", "1e3d"],
)  # fmt: skip
def test_anything_else_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="A period is"):
        parse_period(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T10:00:00Z", at(10)),
        ("2026-11-20T10:00:00.123456Z", at(10, 0, 0, 123)),
        ("2026-11-20T10:00:00", at(10)),
        ("2026-11-20 10:00:00", at(10)),
        ("2026-11-20T12:00:00+02:00", at(10)),
        ("2026-11-20T12:00:00 02:00", at(10)),
        ("2026-11-20T05:00:00-05:00", at(10)),
        ("2026-11-20", at(0)),
        ("0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1763632800000", datetime(2025, 11, 20, 10, tzinfo=UTC)),
        ("4102444799999", datetime(2099, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
    ],
)
def test_a_moment_is_iso_8601_or_epoch_milliseconds(text: str, expected: datetime) -> None:
    moment = parse_moment(text)

    assert moment == expected
    assert moment.tzinfo is UTC


@given(MOMENTS)
def test_both_forms_of_a_moment_mean_the_same(moment: datetime) -> None:
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    assert parse_moment(whole.isoformat()) == whole
    assert parse_moment(str(epoch_milliseconds(whole))) == whole


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "yesterday", "2026-13-01", "2026-02-30", "2026-11-20T25:00:00Z", "-1", "1.5",
        "1e12", "٣", "2026-11-20T10:00:00+25:00", "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00", "9999999999999999", "999999999999999", "253402300799999",
        "4102444800000", "2100-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z",
        "1970-01-01T00:00:00+01:00", "2199-01-01",
    ],
)  # fmt: skip
def test_anything_else_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="A time "):
        parse_moment(text)


@given(st.text(max_size=40))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (parse_moment, parse_period):
        try:
            parse(text)
        except ValueError as error:
            assert str(error).startswith("A ")  # noqa: PT017
