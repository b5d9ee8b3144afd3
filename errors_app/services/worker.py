"""The worker: replicates for as long as it is let, whatever goes away meanwhile."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.db import Error as DatabaseError
from django.db import close_old_connections

from errors_app.services.troubles import Troubles
from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry
from runs_app.services.replicate import Outcome, Replicator

log = logging.getLogger(__name__)

# How long a report waits for company, so that small ones share an insert.
TICK_SECONDS: Final = 0.2
FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 2.0


class Worker:
    """Calls the replicator until `stop` is set, one batch at a time."""

    def __init__(
        self,
        replicator: Replicator,
        stop: threading.Event,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._replicator = replicator
        self._stop = stop
        self._pause = FIRST_PAUSE_SECONDS
        self._troubles = Troubles(log, "replication", clock=clock)

    def run(self) -> None:
        """Work until asked to stop; the batch in hand is finished first."""
        log.info("replicating")
        while not self._stop.is_set():
            self._stop.wait(self._turn())
        log.info("stopped")

    def _turn(self) -> float:
        """Settle one batch; the seconds to wait before the next."""
        try:
            outcome = self._replicator.replicate_once()
            at_once = outcome is Outcome.DONE and _somebody_waited_for_a_tick()
        except DatabaseError as error:
            self._troubles.expected("the relational store failed", error)
            close_old_connections()
            return self._back_off()
        except Exception as error:
            self._troubles.unexpected(
                "a batch failed in an unexpected way; it stays and is tried again", error
            )
            return self._back_off()
        if outcome is Outcome.AWAY:
            if self._replicator.away is not None:
                self._troubles.expected("a batch waits", self._replicator.away)
            return self._back_off()
        self._troubles.over()
        self._pause = FIRST_PAUSE_SECONDS
        return 0.0 if at_once else TICK_SECONDS

    def _back_off(self) -> float:
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        return pause


def _somebody_waited_for_a_tick() -> bool:
    """Whether the oldest entry has been there for a tick already: then there is a backlog."""
    oldest = OutboxEntry.objects.order_by("id").values_list("created_at", flat=True).first()
    return oldest is not None and utc_now() - oldest >= timedelta(seconds=TICK_SECONDS)
