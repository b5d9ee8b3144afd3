"""How many requests somebody has made in this minute, counted for all processes in the cache.

The limits protect the service; keys are too long to be guessed. So where nobody can count, nobody
is stopped: a request is answered as if there were no limit.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.core.cache import cache

from runs_app.domain.times import utc_now

log = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 60
# A count outlives its window, also where the clocks of two machines differ.
KEPT_SECONDS: Final = 2 * WINDOW_SECONDS
# After a failure the cache is left alone for so long, so that one that hangs does not hold up
# every request.
PAUSE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What `limit` requests a minute leave to somebody who has made `used`, this one included.

    `resets_at` is in epoch seconds, `wait` in seconds until then.
    """

    limit: int
    used: int
    resets_at: int
    wait: float

    @property
    def remaining(self) -> int:
        return max(self.limit - self.used, 0)

    @property
    def is_exceeded(self) -> bool:
        return self.used > self.limit


class Counter:
    """Counts in the cache, for all threads of this process. What goes wrong there is logged when
    it begins and when it is over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failing = False
        self._ask_again_at = 0.0

    def count(self, key: str) -> int | None:
        """How often this key was counted, this time included; None where nobody can tell."""
        if self._is_paused():
            return None
        try:
            number = _increment(key)
        except Exception as error:  # Every cache has failures of its own.
            self._note_failure(error)
            return None
        if self._failing:
            self._note_success()
        return number

    def _is_paused(self) -> bool:
        if not self._failing:
            return False
        with self._lock:
            now = self._clock()
            if now < self._ask_again_at:
                return True
            # This request tries it, and the others do not wait with it.
            self._ask_again_at = now + PAUSE_SECONDS
            return False

    def _note_failure(self, error: Exception) -> None:
        with self._lock:
            self._ask_again_at = self._clock() + PAUSE_SECONDS
            news, self._failing = not self._failing, True
        if news:
            kind = type(error).__name__
            message = "the cache fails, requests go on without limits: %s: %s"
            log.error(message, kind, error, exc_info=error)

    def _note_success(self) -> None:
        with self._lock:
            news, self._failing = self._failing, False
        if news:
            log.warning("the cache works again, requests are limited")


def _increment(key: str) -> int:
    """One atomic step where the key is there, as it mostly is."""
    try:
        return cache.incr(key)
    except ValueError:
        if cache.add(key, 1, timeout=KEPT_SECONDS):
            return 1
        return cache.incr(key)


counter: Final = Counter()


def use_one(whose: str, limit: int) -> Allowance | None:
    """Counts one request of `whose`. None where there is no limit (0), or nobody can count."""
    if not limit:
        return None
    now = utc_now().timestamp()
    window = int(now // WINDOW_SECONDS)
    used = counter.count(f"requests:{whose}:{window}")
    if used is None:
        return None
    resets_at = (window + 1) * WINDOW_SECONDS
    return Allowance(limit=limit, used=used, resets_at=resets_at, wait=resets_at - now)
