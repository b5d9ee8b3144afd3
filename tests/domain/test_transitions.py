"""When a decision about a group has had its time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors_app.domain.groups import UNTOUCHED, GroupState, Status
from errors_app.domain.transitions import (
    NOTHING_KNOWN,
    Facts,
    Failure,
    Rate,
    Rule,
    Transition,
    due_transition,
)

DECIDED = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOW = DECIDED + timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)
RESOLVED = GroupState(Status.RESOLVED, resolved_at=DECIDED)
IN_VERSION = GroupState(Status.RESOLVED, resolved_at=DECIDED, resolved_in_version="20260101.10")
AFTER_VERSION = GroupState(
    Status.RESOLVED, resolved_at=DECIDED, resolved_after_version="20260101.10"
)
IGNORED = GroupState(Status.IGNORED, ignored_at=DECIDED)
EVERYTHING_FAILS = Facts(
    (Failure("r", "", NOW),), count=10**9, rate=Rate(10**9, 1)
)  # fmt: skip


def ignored(
    until: datetime | None = None,
    rate: float | None = None,
    total: int | None = None,
    base: int | None = None,
) -> GroupState:
    return GroupState(
        Status.IGNORED,
        ignored_at=DECIDED,
        ignored_until=until,
        ignored_until_occurrence_rate=rate,
        ignored_until_total_occurrences=total,
        ignored_at_occurrence_count=base,
    )


def failed(*versions: str, at: datetime = NOW) -> Facts:
    """A failure of each version, a millisecond apart."""
    return Facts(
        tuple(
            Failure(f"r{number}", version, at + number * MILLISECOND)
            for number, version in enumerate(versions)
        )
    )


def rule_of(transition: Transition | None) -> Rule | None:
    return None if transition is None else transition.rule


@pytest.mark.parametrize("state", [UNTOUCHED, IGNORED])
def test_what_nobody_decided_or_what_is_ignored_for_ever_stays(state: GroupState) -> None:
    assert due_transition(state, EVERYTHING_FAILS, NOW) is None


@pytest.mark.parametrize("state", [RESOLVED, IN_VERSION, AFTER_VERSION, ignored(rate=1, total=1)])
def test_without_a_failure_nothing_but_time_ends_a_decision(state: GroupState) -> None:
    assert due_transition(state, NOTHING_KNOWN, NOW + timedelta(days=10_000)) is None


@pytest.mark.parametrize(("later", "due"), [(-1, False), (0, False), (1, True)])
def test_only_a_failure_after_the_resolution_counts(later: int, due: bool) -> None:
    facts = failed("", at=DECIDED + later * MILLISECOND)

    assert (due_transition(RESOLVED, facts, NOW) is not None) == due


@pytest.mark.parametrize(
    ("state", "version", "due"),
    [
        (RESOLVED, "", True),
        (RESOLVED, "20000101.1", True),
        (IN_VERSION, "20260101.9", False),
        (IN_VERSION, "20260101.10", True),
        (IN_VERSION, "20260101.11", True),
        (IN_VERSION, "", True),
        (IN_VERSION, "main", True),
        (AFTER_VERSION, "20260101.9", False),
        (AFTER_VERSION, "20260101.10", False),
        (AFTER_VERSION, "20260101.11", True),
        (AFTER_VERSION, "", True),
        (AFTER_VERSION, "main", True),
    ],
)
def test_the_version_of_a_failure_decides(state: GroupState, version: str, due: bool) -> None:
    assert (rule_of(due_transition(state, failed(version), NOW)) is Rule.REGRESSION) == due


@given(order=st.permutations(range(4)))
def test_the_first_failure_that_was_not_to_be_is_the_cause_in_any_order(order: list[int]) -> None:
    facts = failed("20260101.9", "20260101.12", "20260101.11", "20260101.8")
    shuffled = Facts(tuple(facts.failures[number] for number in order))

    transition = due_transition(IN_VERSION, shuffled, NOW)

    assert transition == Transition(
        Rule.REGRESSION,
        facts.failures[1],
        {"resolvedInVersion": "20260101.10", "comparison": "date and counter"},
    )


@pytest.mark.parametrize(
    ("state", "version", "details"),
    [
        (RESOLVED, "1", {}),
        (IN_VERSION, "", {"resolvedInVersion": "20260101.10", "comparison": "version not known"}),
        (IN_VERSION, "x", {"resolvedInVersion": "20260101.10", "comparison": "cannot be compared"}),
        (
            AFTER_VERSION,
            "20260102.1",
            {"resolvedAfterVersion": "20260101.10", "comparison": "date and counter"},
        ),
    ],
)
def test_it_tells_what_was_compared(
    state: GroupState, version: str, details: dict[str, str]
) -> None:
    transition = due_transition(state, failed(version), NOW)

    assert transition is not None
    assert transition.details == details


@pytest.mark.parametrize(("early", "due"), [(-1, False), (0, True), (1, True)])
def test_an_ignore_ends_with_its_time(early: int, due: bool) -> None:
    state = ignored(until=NOW)
    moment = NOW + early * MILLISECOND

    transition = due_transition(state, NOTHING_KNOWN, moment)

    assert (rule_of(transition) is Rule.IGNORE_EXPIRED) == due
    assert (state.at(moment) == UNTOUCHED) == due


@pytest.mark.parametrize(
    ("base", "count", "due"),
    [(100, 102, False), (100, 103, True), (None, 2, False), (None, 3, True), (100, 50, False)],
)
def test_an_ignore_ends_after_so_many_more(base: int | None, count: int, due: bool) -> None:
    transition = due_transition(ignored(total=3, base=base), Facts(count=count), NOW)

    assert (rule_of(transition) is Rule.IGNORE_TOTAL) == due


@pytest.mark.parametrize(
    ("rate", "due"), [(Rate(4, 1), False), (Rate(5, 1), True), (Rate(9, 2), False), (None, False)]
)
def test_an_ignore_ends_at_a_rate_a_minute(rate: Rate | None, due: bool) -> None:
    transition = due_transition(ignored(rate=5), Facts(rate=rate), NOW)

    assert (rule_of(transition) is Rule.IGNORE_RATE) == due


def test_figures_and_the_newest_failure_after_the_decision_are_named() -> None:
    early = Failure("early", "", DECIDED)
    facts = Facts((*failed("1", "2").failures, early), count=13, rate=Rate(6, 1.5))

    by_total = due_transition(ignored(total=3, base=10), facts, NOW)
    by_rate = due_transition(ignored(rate=4), facts, NOW)

    newest = facts.failures[1]
    assert by_total == Transition(Rule.IGNORE_TOTAL, newest, {"totalOccurrences": 3, "counted": 3})
    assert by_rate == Transition(
        Rule.IGNORE_RATE, newest, {"occurrenceRate": 4, "counted": 6, "minutes": 1.5}
    )


def test_a_failure_before_the_decision_is_no_cause() -> None:
    facts = Facts((Failure("r", "", DECIDED),), count=1)

    transition = due_transition(ignored(total=1, base=0), facts, NOW)

    assert transition is not None
    assert transition.cause is None


def test_of_several_conditions_time_comes_first_then_the_total() -> None:
    facts = Facts(count=9, rate=Rate(9, 1))
    all_three = ignored(until=NOW, rate=1, total=1, base=0)

    assert rule_of(due_transition(all_three, facts, NOW)) is Rule.IGNORE_EXPIRED
    assert rule_of(due_transition(all_three, facts, NOW - MILLISECOND)) is Rule.IGNORE_TOTAL
