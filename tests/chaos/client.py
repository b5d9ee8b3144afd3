"""A client as it should be: one request in flight, sent again until it is acknowledged."""

import http.client
import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chaos.model import FAILURES, Ledger, Report, iso

# Far longer than any pause or restart. Giving up earlier and sending again would be wrong: what a
# paused process has read it may still apply, after everything that was sent later.
PATIENCE_SECONDS: Final = 400.0
LONGEST_WAIT_SECONDS: Final = 1.0
TASKS: Final = ("send-invoice", "sync-stock", "resize-image", "charge-card")
MESSAGES: Final = ("apple", "birch", "cedar", "daisy", "elder", "fennel", "grape", "hazel")
VERSIONS: Final = ("1.0.0", "1.1.0", "2.0.0", "")
SIZES: Final = (1, 1, 1, 2, 3, 5, 10, 30, 100)
KEPT_BODIES: Final = 50
WITH_A_WAIT: Final = frozenset({429, 503})
# 408: a body that stalled on its way, as on a machine that stands still for a while.
TRY_AGAIN: Final = WITH_A_WAIT | {408}


class Wrong(AssertionError):
    """Something happened that must not."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    retry_after: float


class Connection:
    """A keep-alive connection that is made anew when it breaks."""

    def __init__(self, address: str, key: str) -> None:
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection(address, timeout=PATIENCE_SECONDS)

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answer | None:
        """None: the connection broke, and nobody knows what became of the request."""
        try:
            self._connection.request(method, path, body, self._headers)
            response = self._connection.getresponse()
            content = response.read()
        except TimeoutError as error:
            self.close()
            raise Wrong(f"{method} {path}: no answer in {PATIENCE_SECONDS:.0f} s") from error
        except (OSError, http.client.HTTPException):
            self.close()
            return None
        if response.status >= 400 and response.status not in TRY_AGAIN:
            raise Wrong(f"{method} {path} was answered {response.status}: {content[:500]!r}")
        waits = float(response.headers.get("Retry-After", "0"))
        if response.status in WITH_A_WAIT and waits <= 0:
            raise Wrong(f"{method} {path}: {response.status} without Retry-After")
        return Answer(response.status, json.loads(content), waits)

    def close(self) -> None:
        self._connection.close()


@dataclass
class Reporter(threading.Thread):
    """A thread that reports random lives of runs of its own until `over` is set.

    It holds between two requests while `go` is clear, and tells so by `holding`.
    """

    number: int
    connection: Connection
    ledger: Ledger
    random: random.Random
    start_ms: int
    over: threading.Event
    go: threading.Event
    holding: threading.Event = field(default_factory=threading.Event)
    broken: int = 0
    refused: int = 0
    longest_seconds: float = 0.0
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__(name=f"client {self.number}", daemon=True)
        self._ids: list[str] = []
        self._bodies: list[list[Report]] = []
        self._clock = self.start_ms

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        try:
            while not self.over.is_set():
                if not self.go.is_set():
                    self.holding.set()
                    self.go.wait(0.05)
                    continue
                self.holding.clear()
                if not self.go.is_set():
                    continue
                self._deliver(self._compose())
                time.sleep(self.random.choice((0.0, 0.0, 0.02, 0.1, 0.3)))
        except BaseException as error:
            self.failure = error
            self.over.set()
        finally:
            self.connection.close()
            self.holding.set()

    def _deliver(self, reports: Sequence[Report]) -> None:
        content = json.dumps([report.body(self.start_ms - 3_600_000) for report in reports])
        self.ledger.send(reports)
        began = time.monotonic()
        while True:
            answer = self.connection.ask("POST", "/api/v1/runs", content.encode())
            if answer is not None and answer.status == 200:
                break
            if answer is None:
                self.broken += 1
            else:
                self.refused += 1
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise Wrong(f"a request of {len(reports)} runs is not taken: {answer}")
            wait = LONGEST_WAIT_SECONDS if answer is None else answer.retry_after
            time.sleep(self.random.uniform(0.01, min(wait, LONGEST_WAIT_SECONDS)))
        self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
        told = answer.body
        if told["rejected"] or told["accepted"] + told["unchanged"] != len(reports):
            raise Wrong(f"{len(reports)} runs were answered {told}")
        self.ledger.acknowledge(reports)

    def _compose(self) -> list[Report]:
        if self._bodies and self.random.random() < 0.12:
            return self.random.choice(self._bodies)
        size = self.random.choice(SIZES)
        known = self.random.sample(self._ids, min(len(self._ids), self.random.randint(0, size)))
        new = [f"run_c{self.number}n{len(self._ids) + n}" for n in range(size - len(known))]
        self._ids += new
        reports = [self._report(run_id) for run_id in known + new]
        self.random.shuffle(reports)
        self._bodies.append(reports)
        del self._bodies[:-KEPT_BODIES]
        return reports

    def _report(self, run_id: str) -> Report:
        """Failures most of all; some without a word of why, which keep the error they had."""
        draw = self.random
        status = draw.choice((*FAILURES, "FAILED", "FAILED", "COMPLETED", "COMPLETED", "EXECUTING"))
        failed = status in FAILURES
        self._clock += draw.choice((0, 1, 1, 5))
        late = draw.choice((0, 0, 0, 500))
        return Report(
            run_id=run_id,
            task=draw.choice(TASKS),
            status=status,
            version=draw.choice((*VERSIONS, None)),
            message=draw.choice(MESSAGES) if failed and draw.random() < 0.9 else None,
            failed_at=earlier(self.start_ms, draw) if failed else None,
            updated_at=self._clock - late if draw.random() < 0.4 else None,
        )


def earlier(start_ms: int, draw: random.Random) -> int:
    """A time in the half hour before, in the same month: the tables' parts are by month, and only
    what goes into one part shows at once."""
    at = start_ms - draw.randrange(30 * 60_000)
    return at if iso(at)[:7] == iso(start_ms)[:7] else start_ms
