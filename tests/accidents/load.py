"""Clients that report failed runs until told to stop, and what they were answered."""

import json
import threading
import time
import uuid
from collections import Counter
from itertools import count
from typing import Any

from tests.serve.family import Answer, Family, within

RUNS_A_REQUEST = 5
LONGEST_PAUSE_SECONDS = 0.2


class Load:
    """`clients` threads; each sends a request again until it is taken, and only then another.

    What was never taken is not counted; that something was taken twice shows in the counts.
    """

    def __init__(self, family: Family, key: str, *, clients: int = 4) -> None:
        self._family = family
        self._name = uuid.uuid4().hex[:8]
        self._headers = {"Authorization": f"Bearer {key}"}
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._report, args=(number,), daemon=True)
            for number in range(clients)
        ]
        self.taken: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.refusals: list[Answer] = []
        self.slowest = 0.0
        self.failure: BaseException | None = None

    def start(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Once every client's last request is taken."""
        self._over.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a request is not taken"
        assert self.failure is None, self.failure
        assert set(self.statuses) <= {200, 503}, self.statuses

    def wait_for(self, status: int, times: int) -> None:
        """Until that many more requests were answered so."""
        wanted = self.statuses[status] + times
        within(60, lambda: self.failure or self.statuses[status] >= wanted)

    def _report(self, client: int) -> None:
        try:
            for number in count():
                if self._over.is_set():
                    return
                self._send(f"task-{client % 3}", f"{self._name}-{client}-{number}")
        except BaseException as error:
            self.failure = error
            raise

    def _send(self, task: str, name: str) -> None:
        runs = [
            {
                "id": f"{name}-{n}",
                "taskIdentifier": task,
                "status": "FAILED",
                "error": {"type": "E", "message": "boom", "stack": "at x\n" * 40},
            }
            for n in range(RUNS_A_REQUEST)
        ]
        while True:
            began = time.monotonic()
            answer = self._family.post("/api/v1/runs", runs, **self._headers)
            with self._lock:
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.statuses[answer.status] += 1
                if answer.status == 200:
                    # Unchanged: an earlier try arrived that was not answered so.
                    assert answer.body["accepted"] + answer.body["unchanged"] == len(runs)
                    self.taken[task] += len(runs)
                else:
                    self.refusals.append(answer)
            if answer.status == 200:
                return
            time.sleep(min(float(answer.headers.get("Retry-After", "0")), LONGEST_PAUSE_SECONDS))


def assert_refusal(answer: Answer) -> None:
    """It is the one envelope, and says when to try again."""
    assert answer.status == 503, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["error"] == "service_unavailable"
    assert answer.body["retryable"] is True
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["x-request-id"] == answer.body["request_id"]


def assert_all_counted(family: Family, key: str, taken: Counter[str]) -> None:
    """Everything arrives, counts once, and nobody has anything to complain of."""
    within(60, lambda: drained(family))
    groups = family.get("/api/v1/errors", Authorization=f"Bearer {key}").body["data"]
    counted: Counter[str] = Counter()
    for group in groups:
        counted[group["taskIdentifier"]] += group["count"]
    assert counted == taken
    # Ends with another status where a count is wrong.
    family.manage("verify_counts")
    within(60, lambda: family.get("/readyz").body["status"] == "ok")


def drained(family: Family) -> bool:
    answer = family.get("/readyz")
    told: dict[str, Any] | None = answer.body["replication"]
    return answer.status == 200 and told is not None and told["waitingRows"] == 0


def new_keys(family: Family) -> dict[str, str]:
    """A key for each environment, by its slug."""
    told = json.loads(family.manage("bootstrap", "--new-keys", "--json"))
    return {slug: one["apiKey"] for slug, one in told["environments"].items()}
