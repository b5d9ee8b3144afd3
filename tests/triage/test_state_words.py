"""A group's state in words."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from errors_app.domain.groups import GroupState, Status
from errors_app.domain.state_words import reason_in_words, state_in_words

NOW = datetime.fromisoformat("2026-11-20T13:05:00+00:00")
TWO_PM = datetime.fromisoformat("2026-11-20T14:00:00+00:00")
RESOLVED: dict[str, dict[str, Any]] = {
    "resolved": {},
    "resolved in 20261120.1": {"resolved_in_version": "20261120.1"},
    "resolved in the next version after 1.4.0": {"resolved_after_version": "1.4.0"},
}
IGNORED: dict[str, dict[str, Any]] = {
    "ignored for ever": {},
    "ignored until 14:00 UTC": {"ignored_until": TWO_PM.astimezone(timezone(timedelta(hours=11)))},
    "ignored until 1 Dec 14:00 UTC": {"ignored_until": TWO_PM + timedelta(days=11)},
    "ignored until 20 Nov 2027": {"ignored_until": TWO_PM + timedelta(days=365)},
    "ignored until 2.5 a minute": {"ignored_until_occurrence_rate": 2.5},
    "ignored until 1,000,000 a minute": {"ignored_until_occurrence_rate": 1e6},
    "ignored until 1,500 more": {"ignored_until_total_occurrences": 1500},
    "ignored until 14:00 UTC, 10 a minute or 100 more": {
        "ignored_until": TWO_PM,
        "ignored_until_occurrence_rate": 10.0,
        "ignored_until_total_occurrences": 100,
    },
}
STATES = {
    "unresolved": GroupState(),
    **{words: GroupState(Status.RESOLVED, **members) for words, members in RESOLVED.items()},
    **{words: GroupState(Status.IGNORED, **members) for words, members in IGNORED.items()},
}


@pytest.mark.parametrize("words", STATES)
def test_a_state_says_what_was_decided_and_until_when(words: str) -> None:
    state = STATES[words]

    told = state_in_words(state, NOW)

    assert told == words
    assert reason_in_words(state, NOW) == words.partition(" ")[2]


def test_an_ignore_until_more_failures_says_how_many_are_left_once_it_is_less_than_all() -> None:
    state = GroupState(Status.IGNORED, ignored_until_total_occurrences=1500)

    told = [reason_in_words(state, NOW, remaining) for remaining in (1500, 1037, 0)]

    assert told == [
        "until 1,500 more",
        "until 1,500 more (1,037 left)",
        "until 1,500 more (0 left)",
    ]


def test_an_ignore_waits_no_longer_because_failures_expired_since() -> None:
    state = GroupState(
        Status.IGNORED, ignored_until_total_occurrences=10, ignored_at_occurrence_count=100
    )

    left = [state.failures_left(count) for count in (100, 104, 200, 40)]

    assert left == [10, 6, 0, 10]
    assert GroupState(Status.IGNORED).failures_left(7) is None
