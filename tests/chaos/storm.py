"""The storm: clients, a killer and a checker at once, and what must hold when it is over."""

import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.chaos.checks import Checker
from tests.chaos.client import PATIENCE_SECONDS, Connection, Reporter, Wrong
from tests.chaos.killer import WEIGHTS, Killer
from tests.chaos.model import Ledger
from tests.chaos.service import Service

CLIENTS: Final = 4
# Between two moments in which clients hold until everything is counted; killing goes on.
CALM_EVERY_SECONDS: Final = 20.0
LOOK_SECONDS: Final = 0.7
# How much longer than the storm the killer may take until it met every role.
MEETING_SECONDS: Final = 600.0
JOIN_SECONDS: Final = PATIENCE_SECONDS + 30

# What a log may say at ERROR: that somebody was killed, that a store is away because of it, and
# what the engine says when `serve` was: it ends by itself, and the next one has to wait for it.
EXPECTED: Final = re.compile(
    r" ended with status -9; it starts again| was sent SIGKILL! "
    r"|: service_unavailable: "
    r"|^the supervisor has gone$|^another Faultline already runs the embedded ClickHouse in "
    r"|^the embedded ClickHouse ended with status 1; it starts again"
)
LOUD: Final = frozenset({"ERROR", "CRITICAL"})
# The answer of `serve` to whoever started it while another still ends.
REFUSAL: Final = "CommandError: "


@dataclass(frozen=True, slots=True)
class Summary:
    """Of a storm in which everything held."""

    database: str
    seconds: float
    requests: int
    runs: int
    failing: int
    broken: int
    refused: int
    kills: Counter[str]
    pauses: Counter[str]
    starts_of_serve: int
    looks: int
    exact_looks: int
    unanswered: int
    longest_outage_seconds: float
    settled_after_seconds: float

    def lines(self) -> Sequence[str]:
        kills = ", ".join(f"{role} {count}" for role, count in sorted(self.kills.items()))
        pauses = ", ".join(f"{role} {count}" for role, count in sorted(self.pauses.items()))
        return (
            f"{self.database}: {self.seconds:.0f} s of storm, all counts exact",
            f"  sent          {self.requests} requests acknowledged, {self.runs} runs,"
            f" {self.failing} failed at the end",
            f"  met           {self.broken} broken connections, {self.refused} refusals,"
            f" {self.longest_outage_seconds:.1f} s the longest until an acknowledgement",
            f"  killed        {self.kills.total()}: {kills}",
            f"  paused        {self.pauses.total()}: {pauses or 'none'}",
            f"  serve         started {self.starts_of_serve} times",
            f"  looked        {self.looks} times at the counts, {self.unanswered} unanswered;"
            f" {self.exact_looks} times exactly",
            f"  all counted   {self.settled_after_seconds:.1f} s after the last acknowledgement",
        )


class Storm:
    """One storm on a data directory and a database, both new. `run` once."""

    def __init__(self, data: Path, database_url: str, seed: int) -> None:
        self._data = data
        self._database_url = database_url
        self._seed = seed
        self._ledger = Ledger()
        self._over = threading.Event()
        self._no_more_kills = threading.Event()
        self._go = threading.Event()
        self._stopping = threading.Event()

    def run(self, seconds: float) -> Summary:
        """Raises Wrong, with the seed and the log's place, when anything does not hold."""
        service = Service(self._data, self._database_url)
        try:
            return self._run(service, seconds)
        except AssertionError as error:
            database = "PostgreSQL" if self._database_url else "SQLite"
            raise Wrong(f"{error} (seed {self._seed}, {database}, log {self._data}.log)") from error
        finally:
            self._stopping.set()
            service.end()

    def _run(self, service: Service, seconds: float) -> Summary:
        killer = Killer(service, self._random("killer"), self._no_more_kills)
        reporters = self._reporters(service)
        checker = Checker(service, self._ledger, killer.all_is_well)
        watching = threading.Thread(target=self._watch, args=(service,), daemon=True)
        self._go.set()
        for thread in (watching, *reporters, killer):
            thread.start()
        try:
            began = time.monotonic()
            self._storm(checker, killer, reporters, began + seconds)
        finally:
            self._no_more_kills.set()
            self._over.set()
            self._go.set()
        lasted = time.monotonic() - began
        self._join(killer, reporters)
        acknowledged = time.monotonic()
        checker.look_exactly()
        settled = time.monotonic() - acknowledged
        checker.look_at_everything(self._random("checker"))
        service.manage("verify_counts")
        self._stopping.set()
        watching.join()
        self._stop(service)
        return Summary(
            database="PostgreSQL" if self._database_url else "SQLite",
            seconds=lasted,
            requests=self._ledger.requests,
            runs=len(self._ledger.runs),
            failing=len(self._ledger.failures()),
            broken=sum(reporter.broken for reporter in reporters),
            refused=sum(reporter.refused for reporter in reporters),
            kills=killer.kills(),
            pauses=killer.pauses(),
            starts_of_serve=service.starts,
            looks=checker.looks,
            exact_looks=checker.exact_looks,
            unanswered=checker.unanswered,
            longest_outage_seconds=max(reporter.longest_seconds for reporter in reporters),
            settled_after_seconds=settled,
        )

    def _reporters(self, service: Service) -> list[Reporter]:
        now = time.time_ns() // 1_000_000
        return [
            Reporter(
                number=number,
                connection=Connection(service.address, service.key),
                ledger=self._ledger,
                random=self._random(f"client {number}"),
                start_ms=now,
                over=self._over,
                go=self._go,
            )
            for number in range(1, CLIENTS + 1)
        ]

    def _random(self, name: str) -> random.Random:
        return random.Random(f"{self._seed} {name}")

    def _storm(
        self, checker: Checker, killer: Killer, reporters: Sequence[Reporter], end: float
    ) -> None:
        calm = time.monotonic() + CALM_EVERY_SECONDS
        while time.monotonic() < end or not killer.everybody_met.is_set():
            if time.monotonic() > end + MEETING_SECONDS:
                missing = sorted(set(WEIGHTS) - set(killer.kills()))
                raise Wrong(f"nobody could be killed as {', '.join(missing)}")
            self._complain(killer, reporters)
            checker.look()
            if time.monotonic() > calm:
                self._calm(checker, killer, reporters)
                calm = time.monotonic() + CALM_EVERY_SECONDS
            time.sleep(LOOK_SECONDS)
        self._calm(checker, killer, reporters)

    def _calm(self, checker: Checker, killer: Killer, reporters: Sequence[Reporter]) -> None:
        """Everything is acknowledged and nothing is sent: once it is counted, counts are exact,
        although the killing goes on."""
        self._hold(reporters)
        self._complain(killer, reporters)
        checker.look_exactly()
        self._go.set()

    def _watch(self, service: Service) -> None:
        while not self._stopping.wait(0.2):
            service.watch()

    def _hold(self, reporters: Sequence[Reporter]) -> None:
        """Let every client have its acknowledgement and send nothing more."""
        for reporter in reporters:
            reporter.holding.clear()
        self._go.clear()
        for reporter in reporters:
            if not reporter.holding.wait(JOIN_SECONDS):
                raise Wrong(f"{reporter.name} does not get its acknowledgement")

    def _join(self, killer: Killer, reporters: Sequence[Reporter]) -> None:
        for thread in (killer, *reporters):
            thread.join(JOIN_SECONDS)
            if thread.is_alive():
                raise Wrong(f"{thread.name} does not come to an end")
        self._complain(killer, reporters)

    def _complain(self, killer: Killer, reporters: Sequence[Reporter]) -> None:
        parts: tuple[Killer | Reporter, ...] = (killer, *reporters)
        for thread in parts:
            if thread.failure is not None:
                raise Wrong(f"{thread.name}: {thread.failure}") from thread.failure

    def _stop(self, service: Service) -> None:
        status, left_over = service.stop()
        if status or left_over:
            raise Wrong(f"after SIGTERM serve ended with {status} and left {left_over}")
        surprises = surprises_in(service.log())
        if surprises:
            raise Wrong("the log says: " + "\n".join(surprises))


def surprises_in(log: str) -> list[str]:
    """Failures that nobody's death explains, and whatever is no line of the log's form."""
    return [line for line in log.splitlines() if line and _is_surprising(line)]


def _is_surprising(line: str) -> bool:
    try:
        told = json.loads(line)
    except ValueError:
        return not line.startswith(REFUSAL)
    return told["level"] in LOUD and not EXPECTED.search(told["message"])
