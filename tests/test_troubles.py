"""Failures are told once, reminded of, and told to be over."""

import logging

import pytest
from django.db import OperationalError

from errors_app.services.troubles import Troubles
from runs_app.clickhouse.failures import ClickHouseUnavailable

log = logging.getLogger("test.troubles")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def troubles(clock: Clock, caplog: pytest.LogCaptureFixture) -> Troubles:
    caplog.set_level(logging.DEBUG)
    return Troubles(log, "the work", clock=clock)


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def raised_elsewhere(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_a_failure_that_lasts_is_told_once_a_minute(
    troubles: Troubles, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for second in range(0, 130, 2):
        clock.now = 1000.0 + second
        # Its words differ from one time to the next.
        troubles.unexpected("it failed", raised(KeyError(f"at {second}")))

    assert [(record.getMessage(), bool(record.exc_info)) for record in caplog.records] == [
        ("it failed", True),
        ("still: it failed: KeyError('at 60')", False),
        ("still: it failed: KeyError('at 120')", False),
    ]


def test_an_outage_is_told_in_its_own_words_without_a_stack(
    troubles: Troubles, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for second in (0, 2, 61):
        clock.now = 1000.0 + second
        troubles.expected("a store failed", raised(OSError("refused")))

    assert [(record.getMessage(), record.exc_info) for record in caplog.records] == [
        ("a store failed: refused", None),
        ("still: a store failed: refused", None),
    ]


def test_another_failure_is_told_at_once_and_the_first_is_not_forgotten(
    troubles: Troubles, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        troubles.unexpected("it failed", raised(KeyError("a")))
        troubles.unexpected("it failed", raised(ValueError("a")))
        troubles.unexpected("it failed", raised_elsewhere(KeyError("a")))

    assert len(caplog.records) == 3
    assert all(record.exc_info for record in caplog.records)


class DatabaseFailure(Exception):
    """What a driver raises, with the database's own code."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def from_the_database(sqlstate: str) -> OperationalError:
    try:
        raise OperationalError("failed") from DatabaseFailure(sqlstate)
    except OperationalError as caught:
        return caught


def test_database_errors_of_one_place_are_told_apart_by_their_cause(
    troubles: Troubles, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        troubles.expected("the store failed", from_the_database("57P01"))
        troubles.expected("the store failed", from_the_database("40001"))

    assert len(caplog.records) == 2


def test_failures_of_clickhouse_are_told_apart_by_their_code(
    troubles: Troubles, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        for code in (241, 243):
            error = ClickHouseUnavailable("it failed", sent=True, code=code)
            troubles.expected("a batch waits", raised(error))

    assert len(caplog.records) == 2


def test_the_end_is_told_once_and_then_all_is_new(
    troubles: Troubles, caplog: pytest.LogCaptureFixture
) -> None:
    troubles.over()
    troubles.expected("a store failed", raised(OSError("refused")))
    troubles.over()
    troubles.over()
    troubles.expected("a store failed", raised(OSError("refused")))

    assert [record.getMessage() for record in caplog.records] == [
        "a store failed: refused",
        "the work: works again",
        "a store failed: refused",
    ]
