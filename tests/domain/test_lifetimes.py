"""The forms in which clients say how long a token shall live."""

from datetime import UTC, datetime

import pytest

from runs_app.domain.lifetimes import seconds_ahead

NOW = datetime(2026, 1, 2, 3, 4, 5, 900_000, tzinfo=UTC)
EPOCH = int(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("90 s", 90),
        ("1 sec", 1),
        ("2secs", 2),
        ("1 second", 1),
        ("45 seconds", 45),
        ("30m", 1_800),
        ("1 min", 60),
        ("5 mins", 300),
        ("1 minute", 60),
        ("2 minutes", 120),
        ("1h", 3_600),
        ("1hr", 3_600),
        ("3 hrs", 10_800),
        ("1 hour", 3_600),
        ("24 hours", 86_400),
        ("1d", 86_400),
        ("1 day", 86_400),
        ("2 days", 172_800),
        ("1w", 604_800),
        ("1 week", 604_800),
        ("2 weeks", 1_209_600),
        ("1y", 31_557_600),
        ("1yr", 31_557_600),
        ("2 yrs", 63_115_200),
        ("1 year", 31_557_600),
        ("2 years", 63_115_200),
        ("1.5h", 5_400),
        ("0.4 s", 0),
        ("1 HOUR", 3_600),
        ("+1h", 3_600),
        ("+ 1 h", 3_600),
        (" 1h", 3_600),
        ("1h from now", 3_600),
        ("-1h", -3_600),
        ("1h ago", -3_600),
        ("2 Days AGO", -172_800),
        ("0m", 0),
    ],
)
def test_a_text_is_a_span_from_now(text: str, seconds: int) -> None:
    assert seconds_ahead(text, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "h", "1", "3600", "1 h 30 m", "1x", "1month", "one hour", "1,5h", ".5h", "1.h",
        "1e3s", "1h ", "1  h", "1h\n", "-1h ago", "+1h from now", "1h later", "1hago",
        "٣h", "1ſ", "2026-01-02T03:04:05Z", "9" * 5_000 + "s",
    ],
)  # fmt: skip
def test_other_text_is_no_span(text: str) -> None:
    with pytest.raises(ValueError, match="no span of time"):
        seconds_ahead(text, NOW)


@pytest.mark.parametrize(
    ("number", "seconds"),
    [(1, 1), (3600, 3600), (3600.0, 3600), (1.9, 1), (0, 0), (-5, -5), (10**9, 10**9)],
)
def test_a_small_number_is_a_span_in_seconds(number: float, seconds: int) -> None:
    assert seconds_ahead(number, NOW) == seconds


@pytest.mark.parametrize("ahead", [3600, 1, 0, -3600])
def test_a_large_number_counts_from_1970(ahead: int) -> None:
    assert seconds_ahead(EPOCH + ahead, NOW) == ahead
    assert seconds_ahead(EPOCH + ahead + 0.5, NOW) == ahead


def test_a_number_beyond_the_calendar_is_far_ahead() -> None:
    assert seconds_ahead(10**40, NOW) == 10**40 - EPOCH
    assert seconds_ahead(1e300, NOW) > 10**299
