"""Sending at a rate, whatever the answers take."""

import threading
import time
from collections.abc import Callable, Sequence


class Pacer:
    """Hands out the moments at which runs are due, `rate` runs a second, to any number of threads.

    A sender that comes late is told a moment that has passed and sends at once: what was offered
    stays offered, so that a slow service is not spared the load it cannot take.
    """

    def __init__(self, rate: float, begin: float) -> None:
        self._rate = rate
        self._begin = begin
        self._runs = 0
        self._lock = threading.Lock()

    def due(self, runs: int) -> float:
        """When the next `runs` runs are to be sent, on the clock of `begin`."""
        with self._lock:
            moment = self._begin + self._runs / self._rate
            self._runs += runs
            return moment


def wait_until(
    moment: float,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> float:
    """Sleep until `moment`; how many seconds late it is then."""
    early = moment - clock()
    if early > 0:
        sleep(early)
    return max(clock() - moment, 0.0)


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The value of sorted `ordered` that `percent` % of them do not exceed; 0 where none is."""
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0
