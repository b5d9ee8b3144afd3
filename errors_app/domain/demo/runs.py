"""Writes one run in the form of the ingest API."""

from collections.abc import Mapping
from random import Random

from errors_app.domain.demo.bug import error_of
from errors_app.domain.demo.environments import DemoEnvironment
from errors_app.domain.demo.moments import HOUR, MINUTE, SECOND, iso
from errors_app.domain.demo.plan import Failure, Plan, Start, busy_milliseconds
from errors_app.domain.demo.tasks import Task
from errors_app.domain.demo.values import shaped, text

_CANCELED_SHARE = 0.009
_EXPIRED_SHARE = 0.022  # of the tasks with a time to live
_BATCHED_SHARE = 0.3
_TTL_MILLISECONDS: Mapping[str, int] = {"30m": 30 * MINUTE, "1h": HOUR, "2h": 2 * HOUR}
_CENTS_PER_SECOND: Mapping[str, float] = {
    "micro": 0.00169,
    "small-1x": 0.00338,
    "small-2x": 0.00675,
    "medium-1x": 0.0085,
    "medium-2x": 0.017,
    "large-1x": 0.034,
}
_CENTS_PER_RUN = 0.0025
_TEST_SHARE: Mapping[DemoEnvironment, float] = {
    DemoEnvironment.PROD: 0.003,
    DemoEnvironment.STAGING: 0.12,
    DemoEnvironment.DEV: 0.4,
    DemoEnvironment.PREVIEW: 0,
}

Run = dict[str, object]


class RunWriter:
    """Fills in everything about a run that its start leaves open."""

    def __init__(self, plan: Plan, rng: Random) -> None:
        self._now = plan.now
        self._environment = plan.environment
        self._history = plan.history
        self._rng = rng
        self._batches: dict[tuple[str, int], str] = {}

    def write(self, start: Start) -> Run:
        payload = shaped(start.task.payload, self._rng)
        run = self._opened(start, payload)
        if start.failure is not None:
            self._fail(run, start, start.failure, payload)
        elif start.live is not None:
            self._keep_live(run, start, start.live)
        elif self._rng.random() < _CANCELED_SHARE:
            self._cancel(run, start)
        elif start.task.ttl and self._rng.random() < _EXPIRED_SHARE:
            self._expire(run, start, start.task.ttl)
        else:
            self._complete(run, start)
        return run

    def _opened(self, start: Start, payload: Mapping[str, object]) -> Run:
        rng, task = self._rng, start.task
        worker = self._history.worker_at(start.created, rng)
        created = iso(start.created)
        run: Run = {
            "id": "run_" + text(rng, 25),
            "status": "QUEUED",
            "taskIdentifier": task.identifier,
            "version": worker.version,
            "createdAt": created,
            "updatedAt": created,
            "attemptNumber": 1,
            "isTest": rng.random() < _TEST_SHARE[self._environment],
            "tags": self._tags(task, payload),
            "queue": task.queue,
            "durationMs": 0,
            "costInCents": 0.0,
            "baseCostInCents": 0.0,
            "machine": task.machine,
            "region": "us-east-1" if rng.random() < 0.12 else "eu-central-1",
            "depth": task.depth,
            "payload": payload,
        }
        if task.ttl:
            run["ttl"] = task.ttl
        if task.idempotency:
            run["idempotencyKey"] = f"{task.identifier}-{payload[task.idempotency]}"
        if start.scheduled and task.schedule:
            run["schedule"] = task.schedule.id
        elif task.batched and rng.random() < _BATCHED_SHARE:
            run["batch"] = self._batch(task, start.created)
        return run

    def _tags(self, task: Task, payload: Mapping[str, object]) -> list[str]:
        tags = list(task.tags)
        if "customer" in payload:
            tags.append(f"customer:{payload['customer']}")
        return tags

    def _batch(self, task: Task, created: int) -> str:
        """Runs of one task share a batch for an hour."""
        key = (task.identifier, created // HOUR)
        if key not in self._batches:
            self._batches = {known: self._batches[known] for known in list(self._batches)[-8:]}
            self._batches[key] = "batch_" + text(self._rng, 24)
        return self._batches[key]

    def _fail(
        self, run: Run, start: Start, failure: Failure, payload: Mapping[str, object]
    ) -> None:
        bug = failure.bug
        finished = self._execute(run, start, failure.busy)
        run["status"] = bug.status
        run["version"] = failure.worker.version
        run["finishedAt"] = run["failedAt"] = run["updatedAt"] = iso(finished)
        run["attemptNumber"] = bug.attempts if bug.status == "FAILED" else 1
        shift = failure.worker.number * 5 % 23
        run["error"] = error_of(bug, self._rng, moment=finished, payload=payload, shift=shift)

    def _complete(self, run: Run, start: Start) -> None:
        rng, task = self._rng, start.task
        busy = busy_milliseconds(task.seconds, rng)
        finished = self._execute(run, start, busy)
        if finished > self._now:
            self._keep_live(run, start, "EXECUTING")
            return
        run["status"] = "COMPLETED"
        run["finishedAt"] = run["updatedAt"] = iso(finished)
        if rng.random() < 0.03:
            run["attemptNumber"] = 2 + (rng.random() < 0.2)
        run["output"] = shaped(task.output, rng)
        if task.metadata:
            run["metadata"] = shaped(task.metadata, rng)

    def _cancel(self, run: Run, start: Start) -> None:
        finished = self._execute(run, start, int(start.task.seconds * SECOND * self._rng.random()))
        if finished > self._now:
            self._keep_live(run, start, "EXECUTING")
            return
        run["status"] = "CANCELED"
        run["finishedAt"] = run["updatedAt"] = iso(finished)

    def _expire(self, run: Run, start: Start, ttl: str) -> None:
        expired = start.created + _TTL_MILLISECONDS[ttl]
        if expired > self._now:
            self._complete(run, start)
            return
        run["status"] = "EXPIRED"
        run["expiredAt"] = run["finishedAt"] = run["updatedAt"] = iso(expired)

    def _keep_live(self, run: Run, start: Start, status: str) -> None:
        """A run that has begun, or still waits for a worker."""
        begun = min(self._now, start.created + int(900 * self._rng.random()))
        run["status"] = status
        run["durationMs"] = 0
        run["costInCents"] = run["baseCostInCents"] = 0.0
        run.pop("startedAt", None)
        if status != "QUEUED":
            run["startedAt"] = run["updatedAt"] = iso(begun)

    def _execute(self, run: Run, start: Start, busy: int) -> int:
        """Writes start, duration and costs; answers when the run ended."""
        waited = min(6 * SECOND, int(150 + self._rng.expovariate(1 / 700)))
        begun = start.created + waited
        run["startedAt"] = iso(begun)
        run["durationMs"] = busy
        if self._environment is not DemoEnvironment.DEV:
            cents = busy / SECOND * _CENTS_PER_SECOND[start.task.machine]
            run["costInCents"] = round(cents, 6)
            run["baseCostInCents"] = _CENTS_PER_RUN
        return begun + busy
