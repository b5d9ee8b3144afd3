"""What the worker does beside replicating: chores, each every so often, in a thread of their own.

A chore works in short steps: after each it rests as long as the step took, up to a limit, since a
step under load mostly waits for its turn to write. One that is due more often is done in between.
Where several workers run, one of them at a time does chores.
"""

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, connections

from errors_app.services.sweep import sweep
from errors_app.services.troubles import NO_REMINDER, Troubles
from errors_app.services.undo import UNDO_TIME, forget_changes
from runs_app.domain.errors import Contention, Unavailable
from runs_app.domain.times import utc_now
from runs_app.services.locks import (
    advisory_lock,
    file_lock,
    try_advisory_lock,
    try_file_lock,
)
from runs_app.services.retention import Kind, sweep_retention

log = logging.getLogger(__name__)

# A process that has just started has a backlog to replicate first.
FIRST_SECONDS: Final = 30.0
RETENTION_SECONDS: Final = 600.0
LONGEST_REST_SECONDS: Final = 0.2
# Any number that nothing else in this database uses.
ADVISORY_LOCK: Final = 7_346_288_110
LOCK_FILE: Final = "chores.lock"


@dataclass(frozen=True, slots=True)
class Chore:
    """`steps` does the work as it is iterated, and may be left after any of them."""

    name: str
    interval_seconds: float
    steps: Callable[[], Iterable[object]]


class Chores:
    """Does chores until `stop` is set. For one thread, whose connections it closes."""

    def __init__(
        self,
        chores: Iterable[Chore],
        stop: threading.Event,
        *,
        first_seconds: float = FIRST_SECONDS,
    ) -> None:
        self._stop = stop
        self._troubles = {
            chore: Troubles(log, chore.name, reminder_seconds=NO_REMINDER) for chore in chores
        }
        due = time.monotonic() + first_seconds
        self._due = dict.fromkeys(self._troubles, due)

    def run(self) -> None:
        """Do each chore when its time has come, whatever goes away meanwhile."""
        while True:
            chore = min(self._due, key=self._due.__getitem__)
            if self._stop.wait(max(0.0, self._due[chore] - time.monotonic())):
                return
            self._do(chore)
            self._due[chore] = time.monotonic() + chore.interval_seconds

    def _do(self, chore: Chore) -> None:
        try:
            with self._trouble_told(chore), _turn_at_chores() as ours:
                if ours and self._work(chore):
                    self._troubles[chore].over()
        finally:
            connections.close_all()

    def _work(self, chore: Chore) -> bool:
        """Whether the end was reached."""
        began = time.monotonic()
        for _ in chore.steps():
            if self._stop.wait(min(time.monotonic() - began, LONGEST_REST_SECONDS)):
                return False
            began = time.monotonic()
            if self._do_more_frequent_ones(chore, began):
                began = time.monotonic()
        return True

    def _do_more_frequent_ones(self, chore: Chore, now: float) -> bool:
        """Whether one was due: a long chore must not keep a frequent one from its interval."""
        due = [
            other
            for other, moment in self._due.items()
            if other.interval_seconds < chore.interval_seconds and moment <= now
        ]
        for other in due:
            with self._trouble_told(other):
                if self._work(other):
                    self._troubles[other].over()
            self._due[other] = time.monotonic() + other.interval_seconds
        return bool(due)

    @contextlib.contextmanager
    def _trouble_told(self, chore: Chore) -> Iterator[None]:
        """A chore that fails is done again when its time has come."""
        try:
            yield
        except (DatabaseError, Unavailable, Contention) as error:
            self._troubles[chore].expected(
                f"{chore.name}: a store failed; tried again later", error
            )
        except Exception as error:
            self._troubles[chore].unexpected(f"{chore.name}: failed in an unexpected way", error)


@contextlib.contextmanager
def _turn_at_chores() -> Iterator[bool]:
    """Whether nobody else does chores; hold it so."""
    if connection.vendor == "postgresql":
        with try_advisory_lock(ADVISORY_LOCK) as ours:
            yield ours
    else:
        with try_file_lock(settings.FAULTLINE_DATA / LOCK_FILE) as ours:
            yield ours


@contextlib.contextmanager
def chores_held_off() -> Iterator[None]:
    """Wait until nobody does chores, and let nobody begin meanwhile: for commands."""
    if connection.vendor == "postgresql":
        with advisory_lock(ADVISORY_LOCK):
            yield
    else:
        with file_lock(settings.FAULTLINE_DATA / LOCK_FILE):
            yield


def all_chores() -> tuple[Chore, ...]:
    return (
        Chore("sweep", settings.SWEEP_SECONDS, sweep),
        Chore("retention", RETENTION_SECONDS, _retention),
        Chore("bulk changes", UNDO_TIME.total_seconds(), lambda: forget_changes(utc_now())),
    )


def _retention() -> Iterator[None]:
    deleted: Counter[Kind] = Counter()
    for swept in sweep_retention(utc_now()):
        deleted[swept.kind] += swept.count
        yield
    told = ", ".join(f"{count} {kind}" for kind, count in deleted.items() if count)
    if told:
        log.info("retention: deleted %s", told)
