"""Saying what is wrong once, not every time it is met."""

import logging
import math
import time
import traceback
from collections.abc import Callable
from typing import Final

# Where it was raised, as what, and why: texts of one failure may differ in numbers and names.
_Failure = tuple[type[BaseException], str, int, type[BaseException] | None, object]

CODES: Final = ("sqlstate", "sqlite_errorname", "clickhouse_code")
REMINDER_SECONDS: Final = 60.0
NO_REMINDER: Final = math.inf


class Troubles:
    """What keeps one piece of work from being done.

    Each failure is logged when it is met first, then at most once per `reminder_seconds`; once the
    work succeeds, that it does, and everything counts as new again.
    """

    def __init__(
        self,
        log: logging.Logger,
        work: str,
        *,
        reminder_seconds: float = REMINDER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._work = work
        self._reminder_seconds = reminder_seconds
        self._clock = clock
        self._said_at: dict[_Failure, float] = {}

    def expected(self, sentence: str, error: BaseException) -> None:
        """An outage: its own words are enough."""
        if self._is_new(error):
            self._log.warning("%s: %s", sentence, error)
        elif self._is_due(error):
            self._log.warning("still: %s: %s", sentence, error)

    def unexpected(self, sentence: str, error: BaseException) -> None:
        """A bug: the first time with its stack."""
        if self._is_new(error):
            self._log.error("%s", sentence, exc_info=error)
        elif self._is_due(error):
            self._log.error("still: %s: %r", sentence, error)

    def over(self) -> None:
        """The work succeeded."""
        if self._said_at:
            self._said_at.clear()
            self._log.warning("%s: works again", self._work)

    def _is_new(self, error: BaseException) -> bool:
        failure = _failure(error)
        new = failure not in self._said_at
        if new:
            self._said_at[failure] = self._clock()
        return new

    def _is_due(self, error: BaseException) -> bool:
        failure, now = _failure(error), self._clock()
        due = now - self._said_at[failure] >= self._reminder_seconds
        if due:
            self._said_at[failure] = now
        return due


def _failure(error: BaseException) -> _Failure:
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    file, line = (frames[-1].filename, frames[-1].lineno or 0) if frames else ("", 0)
    # Django raises all of a database's errors in one place: what they are is in the cause.
    cause = error.__cause__
    return type(error), file, line, None if cause is None else type(cause), _code(cause or error)


def _code(error: BaseException) -> object:
    """PostgreSQL's, SQLite's or ClickHouse's own code, or None."""
    codes = (getattr(error, name, None) for name in CODES)
    return next((code for code in codes if code is not None), None)
