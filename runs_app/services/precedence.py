"""Which batch goes first where one fails again and again.

A batch that failed some times lets others go first, for longer after every try. While those arrive,
what fails is the batch, whatever code it fails with; while they fail as well, it is the server.
"""

import math
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from runs_app.clickhouse.failures import Remedy

# As many tries of a batch have nobody go past it: most failures end by themselves.
TRIES_ALONE: Final = 5
# Longer than a worker rests after a failure, or the next turn would be the same batch's again.
FIRST_SECONDS: Final = 10.0
# As many tries, each after others arrived, show that a single row will not. They take 10 + 20 + 40
# seconds and so on, all in all 85 minutes: a server that is short of something for some rows only
# may be mended in that time.
TRIES_OF_ITS_OWN: Final = 9
# What waits because nothing arrives is not to wait long when the server is back.
DOUBLINGS_IN_VAIN: Final = 3
# While what went past fails as well, only one more batch in so long is claimed: every claimed batch
# must be repaired, which takes longer than to insert it.
PROBE_SECONDS: Final = 60.0


@dataclass(slots=True)
class Trouble:
    """What is known of a batch that failed. `rounds`: how often it had to let others go first;
    `of_its_own`: after how many of them it failed though others had arrived."""

    failures: Counter[Remedy] = field(default_factory=Counter)
    rounds: int = 0
    of_its_own: int = 0
    arrivals: int = 0
    gives_way_until: float = -math.inf

    def is_of_the_batch(self) -> bool:
        """Whether others arrive and this batch does not."""
        return self.of_its_own > 0

    def is_beyond_hope(self) -> bool:
        return self.of_its_own >= TRIES_OF_ITS_OWN


class Precedence:
    """In the memory of one replicator: whoever begins anew counts anew."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._troubles: dict[uuid.UUID, Trouble] = {}
        self._arrivals = 0
        self._newest: uuid.UUID | None = None
        self._next_claim = -math.inf

    def may_claim(self) -> bool:
        """Whether one more batch may be claimed past those that give way."""
        return self._clock() >= self._next_claim or not self.giving_way()

    def claimed(self, batch_id: uuid.UUID) -> None:
        self._newest = batch_id

    def failed(self, batch_id: uuid.UUID, remedy: Remedy) -> Trouble:
        """Note a failed try."""
        now = self._clock()
        if batch_id == self._newest and self.giving_way():
            self._next_claim = now + PROBE_SECONDS
        trouble = self._troubles.setdefault(batch_id, Trouble(arrivals=self._arrivals))
        trouble.failures[remedy] += 1
        # Tries in between, because nothing else was left to try, show nothing.
        if trouble.failures.total() >= TRIES_ALONE and now >= trouble.gives_way_until:
            if trouble.arrivals < self._arrivals:
                trouble.of_its_own = min(trouble.of_its_own + 1, TRIES_OF_ITS_OWN)
            trouble.arrivals = self._arrivals
            doublings = max(trouble.of_its_own, min(trouble.rounds, DOUBLINGS_IN_VAIN))
            trouble.gives_way_until = now + FIRST_SECONDS * 2**doublings
            trouble.rounds += 1
        return trouble

    def arrived(self, batch_id: uuid.UUID) -> None:
        self._arrivals += 1
        self._next_claim = -math.inf
        self.forget(batch_id)

    def forget(self, batch_id: uuid.UUID) -> None:
        """The batch is there no more, or not under this id."""
        self._troubles.pop(batch_id, None)

    def forget_all(self) -> None:
        self._troubles.clear()

    def giving_way(self) -> frozenset[uuid.UUID]:
        """Batches to be tried only when nothing else is left to try."""
        now = self._clock()
        return frozenset(
            batch_id
            for batch_id, trouble in self._troubles.items()
            if trouble.gives_way_until > now
        )
