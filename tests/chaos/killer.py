"""SIGKILL at random moments, and pauses, which are faults, too."""

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.service import Service

MEAN_SECONDS: Final = 2.5
# Killing `serve` takes down everybody at once, and is rarer.
WEIGHTS: Final = {"web": 4, "web worker": 6, "worker": 6, "clickhouse": 6, "serve": 1}
# So many until everything was seen to work again: else a slow machine would never get up.
MOST_IN_A_ROW: Final = 10
PAUSED: Final = ("web", "web worker", "worker", "clickhouse")


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done to a process, in seconds since the storm began."""

    at: float
    what: str
    role: str
    pid: int


@dataclass
class Killer(threading.Thread):
    """Strikes until `over` is set: every role once in the first round, then at random."""

    service: Service
    random: random.Random
    over: threading.Event
    everybody_met: threading.Event = field(default_factory=threading.Event)
    deeds: list[Deed] = field(default_factory=list)
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__(name="killer", daemon=True)
        self._began = time.monotonic()
        self._in_a_row = 0

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        try:
            first = list(WEIGHTS)
            self.random.shuffle(first)
            while first and not self._wait():
                # One that is not there right now gets its turn later.
                role = first.pop(0)
                if not self._kill(role):
                    first.append(role)
            self.everybody_met.set()
            while not self._wait():
                self._strike()
        except BaseException as error:
            self.failure = error
            self.over.set()

    def all_is_well(self) -> None:
        """Called by whoever saw the service count everything and answer."""
        self._in_a_row = 0

    def kills(self) -> Counter[str]:
        return Counter(deed.role for deed in self.deeds if deed.what == "kill")

    def pauses(self) -> Counter[str]:
        return Counter(deed.role for deed in self.deeds if deed.what == "pause")

    def _wait(self) -> bool:
        """Until the next strike; whether it is over."""
        over = self.over.wait(0.1 + self.random.expovariate(1 / MEAN_SECONDS))
        while not over and self._in_a_row >= MOST_IN_A_ROW:
            over = self.over.wait(0.1)
        return over

    def _strike(self) -> None:
        chance = self.random.random()
        if chance < 0.12:
            self._pause(self.random.choice(PAUSED))
        elif chance < 0.22:
            for role in self.random.sample(PAUSED, 2):
                self._kill(role)
        elif chance < 0.32:
            self._kill_twice("clickhouse")
        else:
            [role] = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
            self._kill(role)

    def _kill(self, role: str) -> bool:
        pids = self.service.pids()[role]
        return bool(pids) and self._signal(self.random.choice(pids), role, "kill", signal.SIGKILL)

    def _kill_twice(self, role: str) -> None:
        """Again as soon as the next one is there, in the middle of its start."""
        if not self._kill(role):
            return
        until = time.monotonic() + 10
        while time.monotonic() < until and not self.over.wait(self.random.uniform(0, 1)):
            if self._kill(role):
                return

    def _pause(self, role: str) -> None:
        pids = self.service.pids()[role]
        if not pids:
            return
        pid = self.random.choice(pids)
        if self._signal(pid, role, "pause", signal.SIGSTOP):
            try:
                self.over.wait(self.random.uniform(1, 3))
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _signal(self, pid: int, role: str, what: str, number: signal.Signals) -> bool:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        self._in_a_row += 1
        self.deeds.append(Deed(round(time.monotonic() - self._began, 2), what, role, pid))
        return True
