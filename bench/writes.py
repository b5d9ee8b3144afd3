"""How many runs a second are accepted, and how many arrive in ClickHouse."""

import itertools
import multiprocessing
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Final

from bench.pacing import percentile
from bench.reports import templates
from bench.service import HttpClient, Service, now

CLIENTS: Final = 8
GROUPS: Final = 500
BATCHES: Final = (1, 100, 1_000)
LONGEST_DRAIN_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class ClientResult:
    runs: int
    refused: int
    last_accepted: float
    latencies: list[float]


@dataclass(frozen=True, slots=True)
class Written:
    """One batch size. Rates are runs a second; times of answers in milliseconds."""

    batch: int
    runs: int
    refused: int
    accepted_per_second: float
    visible_per_second: float
    last_visible_after_seconds: float
    answer_p50_ms: float
    answer_p95_ms: float
    cpu_ms_per_run: float
    cpu_ms_per_run_by_part: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure_writes(service: Service, seconds: float) -> Iterator[Written]:
    prepared = list(templates(GROUPS))
    # The first requests of a process cost more than all later ones.
    _send(service, prepared, 10, 1.0, 0)
    wait_until_visible(service)
    for batch in BATCHES:
        yield measure_batch(service, prepared, batch, seconds)


def measure_batch(
    service: Service, prepared: Sequence[tuple[bytes, bytes]], batch: int, seconds: float
) -> Written:
    spent_before = service.cpu_seconds()
    began = now()
    with multiprocessing.get_context("fork").Pool(CLIENTS, die_as_told) as pool:
        results = pool.starmap_async(
            _send,
            [(service, prepared, batch, seconds, number) for number in range(1, CLIENTS + 1)],
            chunksize=1,
        ).get(seconds + LONGEST_DRAIN_SECONDS)
    last_accepted = max(result.last_accepted for result in results)
    visible = wait_until_visible(service)
    spent_after = service.cpu_seconds()
    runs = sum(result.runs for result in results)
    latencies = sorted(itertools.chain.from_iterable(result.latencies for result in results))
    by_part = {
        part: (seconds_ - spent_before.get(part, 0.0)) * 1_000 / max(runs, 1)
        for part, seconds_ in sorted(spent_after.items())
    }
    return Written(
        batch=batch,
        runs=runs,
        refused=sum(result.refused for result in results),
        accepted_per_second=runs / (last_accepted - began),
        visible_per_second=runs / (visible - began),
        last_visible_after_seconds=visible - last_accepted,
        answer_p50_ms=percentile(latencies, 50) * 1_000,
        answer_p95_ms=percentile(latencies, 95) * 1_000,
        cpu_ms_per_run=sum(by_part.values()),
        cpu_ms_per_run_by_part=by_part,
    )


def die_as_told() -> None:
    """A pool ends its processes by SIGTERM; our handler there could keep a lock of the pool."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _send(
    service: Service,
    prepared: Sequence[tuple[bytes, bytes]],
    batch: int,
    seconds: float,
    client: int,
) -> ClientResult:
    """Report as fast as answers come. perf_counter is one clock for all processes here."""
    connection = HttpClient(service.port, service.keys["staging"])
    random = Random(client)  # noqa: S311
    prefix = f"run_b{batch}c{client}t{time.time_ns()}n"
    runs = refused = 0
    latencies: list[float] = []
    begin = last = now()
    while last - begin < seconds:
        first = random.randrange(len(prepared))
        items = [
            b"%s%s%s" % (before, f"{prefix}{runs + refused + place}".encode(), after)
            for place in range(batch)
            for before, after in (prepared[(first + place) % len(prepared)],)
        ]
        body = items[0] if batch == 1 else b"[" + b",".join(items) + b"]"
        sent = now()
        status, _ = connection.post("/api/v1/runs", body)
        last = now()
        if status == 200:
            runs += batch
            latencies.append(last - sent)
        else:
            refused += batch
            time.sleep(0.05)
    connection.close()
    return ClientResult(runs, refused, last, latencies)


def wait_until_visible(service: Service, environment: str = "staging") -> float:
    """When the outbox was empty: then all is in ClickHouse."""
    connection = HttpClient(service.port, service.keys[environment])
    deadline = now() + LONGEST_DRAIN_SECONDS
    while True:
        waiting = connection.get_json("/readyz")["replication"]["waitingRows"]
        seen = now()
        if not waiting:
            return seen
        if seen > deadline:
            raise SystemExit(f"{waiting} rows still wait after {LONGEST_DRAIN_SECONDS:.0f} s.")
        time.sleep(0.02)
