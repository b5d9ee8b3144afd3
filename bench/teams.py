"""Teams that report runs for an hour, as workers do, and remember what was acknowledged."""

import heapq
import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any, Final

from bench.pacing import Pacer, wait_until
from bench.reports import error_of, task_of
from bench.service import HttpClient, Service, now

GROUPS: Final = 2_000
BATCH: Final = (10, 50)
FAILED_SHARE: Final = 0.2
# Reported as queued or executing first, and once more when they end.
OPEN_SHARE: Final = 0.3
OPEN_SECONDS: Final = (1.0, 30.0)
# Of the failed: reported a second time without news; run again, and completed then.
REPEATED_SHARE: Final = 0.01
HEALED_SHARE: Final = 0.01
LATER_SECONDS: Final = (5.0, 60.0)
PAYLOADS: Final = 200
PAYLOAD_BYTES: Final = (800, 1_600)
PATIENCE_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Item:
    """One report of a run, and what its acknowledgement means for the counts."""

    body: bytes
    new: bool = False
    group: int = 0
    failures: int = 0


@dataclass(slots=True)
class Tally:
    """What happened, of one team or of all. Latencies in seconds, since they were last taken."""

    runs: int = 0
    reports: int = 0
    requests: int = 0
    failures: Counter[int] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    rejected: int = 0
    unsettled: int = 0
    latest: float = 0.0


class Latencies:
    """Collected by many threads, taken away by one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._collected: list[float] = []

    def add(self, seconds: float) -> None:
        with self._lock:
            self._collected.append(seconds)

    def take(self) -> list[float]:
        """Sorted; the next call gives what came after this one."""
        with self._lock:
            taken, self._collected = self._collected, []
        return sorted(taken)


class Material:
    """Parts of reports, encoded once. Some groups fail 400 times as often as others."""

    def __init__(self, random: Random) -> None:
        self._weights = list(accumulate(1.0 / (rank + 5) for rank in range(GROUPS)))
        self._groups = range(GROUPS)
        self._errors = [json.dumps(error_of(group)).encode() for group in range(GROUPS)]
        self._payloads = [_payload(random) for _ in range(PAYLOADS)]

    def group(self, random: Random) -> int:
        return random.choices(self._groups, cum_weights=self._weights)[0]

    def error(self, group: int) -> bytes:
        return self._errors[group]

    def payload(self, random: Random) -> bytes:
        return random.choice(self._payloads)


class Team:
    """One keep-alive connection that sends what the pacer says is due, until told to stop."""

    def __init__(
        self,
        number: int,
        service: Service,
        environment: str,
        material: Material,
        pacer: Pacer,
        stop: threading.Event,
        latencies: Latencies,
    ) -> None:
        self.tally = Tally()
        self._number = number
        self._service = service
        self._key = service.keys[environment]
        self._material = material
        self._pacer = pacer
        self._stop = stop
        self._latencies = latencies
        self._random = Random(number)  # noqa: S311
        self._later: list[tuple[float, int, Item]] = []
        self._ids = 0
        self._connection: HttpClient | None = None

    def run(self) -> None:
        while not self._stop.is_set():
            runs = self._random.randint(*BATCH)
            late = wait_until(self._pacer.due(runs), sleep=self._stop.wait)
            if self._stop.is_set():
                break
            self.tally.latest = max(self.tally.latest, late)
            self._deliver([*(self._new_run() for _ in range(runs)), *self._due()])
        if self._connection is not None:
            self._connection.close()

    def _due(self) -> list[Item]:
        due = []
        while self._later and self._later[0][0] <= now():
            due.append(heapq.heappop(self._later)[2])
        return due

    def _deliver(self, items: Sequence[Item]) -> None:
        """Send until it is acknowledged: a report that arrived already is told again in vain."""
        body = b"[" + b",".join(item.body for item in items) + b"]"
        give_up = None
        while not self._acknowledged(body):
            if self._stop.is_set() and give_up is None:
                give_up = now() + PATIENCE_SECONDS
            if give_up is not None and now() > give_up:
                self.tally.unsettled += len(items)
                return
            threading.Event().wait(PAUSE_SECONDS)
        self.tally.reports += len(items)
        for item in items:
            self.tally.runs += item.new
            if item.failures:
                self.tally.failures[item.group] += item.failures

    def _acknowledged(self, body: bytes) -> bool:
        sent = now()
        try:
            if self._connection is None:
                self._connection = HttpClient(self._service.port, self._key)
            status, answer = self._connection.post("/api/v1/runs", body)
        except (OSError, EOFError):
            self._connection = None
            self.tally.broken += 1
            return False
        self._latencies.add(now() - sent)
        self.tally.requests += 1
        if status != 200:
            self.tally.refused[status] += 1
            return False
        self.tally.rejected += len(json.loads(answer)["rejected"])
        return True

    def _new_run(self) -> Item:
        random = self._random
        self._ids += 1
        run_id = b"run_soak%dn%d" % (self._number, self._ids)
        fails = random.random() < FAILED_SHARE
        group = self._material.group(random)
        begin = (
            b'{"id":"%s","taskIdentifier":"%s","version":"20260101.%d","queue":"default",'
            b'"machine":"small-1x","tags":["customer:%d","soak"],"payload":%s'
            % (
                run_id,
                task_of(group).encode(),
                group % 7,
                self._ids % 100,
                self._material.payload(random),
            )
        )
        if random.random() < OPEN_SHARE:
            status = random.choice((b"QUEUED", b"EXECUTING"))
            self._at_a_time(OPEN_SECONDS, self._end(run_id, group, fails=fails))
            return Item(begin + b',"status":"%s"}' % status, new=True)
        ended = self._ended(group, fails=fails)
        item = Item(begin + ended, new=True, group=group, failures=int(fails))
        if fails and random.random() < REPEATED_SHARE:
            self._at_a_time(LATER_SECONDS, Item(item.body))
        elif fails and random.random() < HEALED_SHARE:
            healed = self._end(run_id, group, fails=False)
            self._at_a_time(LATER_SECONDS, Item(healed.body, group=group, failures=-1))
        return item

    def _end(self, run_id: bytes, group: int, *, fails: bool) -> Item:
        begin = b'{"id":"%s","taskIdentifier":"%s"' % (run_id, task_of(group).encode())
        return Item(begin + self._ended(group, fails=fails), group=group, failures=int(fails))

    def _ended(self, group: int, *, fails: bool) -> bytes:
        if fails:
            return b',"status":"FAILED","durationMs":1234,"error":%s}' % self._material.error(group)
        return b',"status":"COMPLETED","durationMs":1234,"output":{"ok":true,"sent":17}}'

    def _at_a_time(self, span: tuple[float, float], item: Item) -> None:
        moment = now() + self._random.uniform(*span)
        heapq.heappush(self._later, (moment, self._random.getrandbits(62), item))


def sum_of(tallies: Sequence[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.runs += tally.runs
        total.reports += tally.reports
        total.requests += tally.requests
        total.failures.update(tally.failures)
        total.refused.update(tally.refused)
        total.broken += tally.broken
        total.rejected += tally.rejected
        total.unsettled += tally.unsettled
        total.latest = max(total.latest, tally.latest)
    return total


def _payload(random: Random) -> bytes:
    size = random.randint(*PAYLOAD_BYTES)
    lines: list[dict[str, Any]] = []
    document = {"order": random.randint(1, 10**6), "customer": 1234, "lines": lines}
    while len(json.dumps(document)) < size:
        lines.append({"sku": f"A-{random.randint(1, 10**5)}", "pieces": random.randint(1, 9)})
    return json.dumps(document).encode()
