"""An even rate of reports: whether all are taken, how soon they count, and what a run costs.

Visible is what ClickHouse counts. The first run of every request fails in a group made for this,
with the request's number as its version; the time of a request is from its answer until a look at
the occurrences of that group, every `LOOK_SECONDS`, counts its version. A request travels whole:
what is so for one of its runs is so for all. Looking costs the engine CPU time, so that what a run
costs is measured before, at the same rate, with nobody looking.
"""

import contextlib
import itertools
import multiprocessing
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from bench.pacing import percentile, wait_until
from bench.reports import error_of, failure, templates
from bench.service import HttpClient, Service, now
from bench.writes import GROUPS, die_as_told, wait_until_visible

RATE: Final = 5_000.0
CLIENTS: Final = 4
BATCHES: Final = (100, 1_000)
LOOK_SECONDS: Final = 0.1
LONGEST_WAIT_SECONDS: Final = 60.0
# The clients are forked meanwhile.
FORK_SECONDS: Final = 0.5
# Beyond the groups that the other runs belong to.
PROBED_GROUP: Final = GROUPS + 1

COUNTED: Final = """
SELECT task_version
FROM error_occurrences_v1
WHERE environment_id = {environment:String}
    AND error_fingerprint = {fingerprint:String}
    AND startsWith(task_version, {prefix:String})
    AND minute >= {since:DateTime}
GROUP BY task_version
HAVING sum(count) = 1
SETTINGS max_threads = 1
"""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What one client had acknowledged: version and moment of the answer of each request."""

    began: float
    requests: list[tuple[str, float]]
    latencies: list[float]
    refused: int
    late_seconds: float


@dataclass(frozen=True, slots=True)
class Paced:
    """One batch size. Rates are runs a second; `late_ms`: how far behind its time the latest
    request was sent, because earlier answers of its connection were outstanding."""

    batch: int
    offered_per_second: float
    accepted_per_second: float
    runs: int
    refused: int
    answer_p50_ms: float
    answer_p95_ms: float
    late_ms: float
    visible_p50_ms: float
    visible_p95_ms: float
    visible_max_ms: float
    cpu_ms_per_run: float
    cpu_ms_per_run_by_part: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure_paced(service: Service, seconds: float) -> Iterator[Paced]:
    prepared = list(templates(GROUPS))
    for batch in BATCHES:
        yield _measure(service, prepared, batch, seconds)


def _measure(
    service: Service, prepared: Sequence[tuple[bytes, bytes]], batch: int, seconds: float
) -> Paced:
    spent_before = service.cpu_seconds()
    acknowledged = _requests_of(_pace(service, prepared, batch, seconds, _prefix()))
    wait_until_visible(service)
    spent_after = service.cpu_seconds()
    by_part = {
        part: (spent - spent_before.get(part, 0.0)) * 1_000 / max(len(acknowledged) * batch, 1)
        for part, spent in sorted(spent_after.items())
    }
    prefix, seen = _prefix(), dict[str, float]()
    with _looking(service, prefix, seen) as thread:
        clients = _pace(service, prepared, batch, seconds, prefix)
        acknowledged = _requests_of(clients)
        _wait_until_seen(acknowledged, seen, thread)
    runs = len(acknowledged) * batch
    began = min(client.began for client in clients)
    latencies = sorted(itertools.chain.from_iterable(client.latencies for client in clients))
    # A look may find what is answered a moment later.
    visible = sorted(max(seen[version] - at, 0.0) for version, at in acknowledged.items())
    return Paced(
        batch=batch,
        offered_per_second=RATE,
        # The last request is sent a moment before the time is over.
        accepted_per_second=runs / max(max(acknowledged.values(), default=0.0) - began, seconds),
        runs=runs,
        refused=sum(client.refused for client in clients),
        answer_p50_ms=percentile(latencies, 50) * 1_000,
        answer_p95_ms=percentile(latencies, 95) * 1_000,
        late_ms=max(client.late_seconds for client in clients) * 1_000,
        visible_p50_ms=percentile(visible, 50) * 1_000,
        visible_p95_ms=percentile(visible, 95) * 1_000,
        visible_max_ms=max(visible, default=0.0) * 1_000,
        cpu_ms_per_run=sum(by_part.values()),
        cpu_ms_per_run_by_part=by_part,
    )


def _pace(
    service: Service,
    prepared: Sequence[tuple[bytes, bytes]],
    batch: int,
    seconds: float,
    prefix: str,
) -> list[Acknowledged]:
    begin = now() + FORK_SECONDS
    with multiprocessing.get_context("fork").Pool(CLIENTS, die_as_told) as pool:
        return pool.starmap_async(
            _send,
            [
                (service, prepared, batch, seconds, begin, prefix, client)
                for client in range(CLIENTS)
            ],
            chunksize=1,
        ).get(seconds + LONGEST_WAIT_SECONDS)


def _prefix() -> str:
    return f"p{time.time_ns()}."


def _requests_of(clients: Sequence[Acknowledged]) -> dict[str, float]:
    return dict(itertools.chain.from_iterable(client.requests for client in clients))


@contextlib.contextmanager
def _looking(service: Service, prefix: str, seen: dict[str, float]) -> Iterator[threading.Thread]:
    stop = threading.Event()
    thread = threading.Thread(target=_look, args=(service, prefix, seen, stop), daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join()


def _send(
    service: Service,
    prepared: Sequence[tuple[bytes, bytes]],
    batch: int,
    seconds: float,
    begin: float,
    prefix: str,
    client: int,
) -> Acknowledged:
    """Every CLIENTS-th request, each at its time. perf_counter is one clock for all processes."""
    connection = HttpClient(service.port, service.keys["staging"])
    requests: list[tuple[str, float]] = []
    latencies: list[float] = []
    refused, latest = 0, 0.0
    for number in range(client, int(seconds * RATE / batch), CLIENTS):
        version = f"{prefix}{number}"
        body = _body(prepared, batch, number, version)
        latest = max(latest, wait_until(begin + number * batch / RATE))
        sent = now()
        status, _ = connection.post("/api/v1/runs", body)
        answered = now()
        if status == 200:
            requests.append((version, answered))
            latencies.append(answered - sent)
        else:
            refused += batch
    connection.close()
    return Acknowledged(begin, requests, latencies, refused, latest)


def _body(prepared: Sequence[tuple[bytes, bytes]], batch: int, number: int, version: str) -> bytes:
    items = [failure(f"run_{version}-0", PROBED_GROUP, version)]
    for place in range(1, batch):
        before, after = prepared[(number * batch + place) % len(prepared)]
        items.append(b"%srun_%s-%d%s" % (before, version.encode(), place, after))
    return b"[" + b",".join(items) + b"]"


def _look(service: Service, prefix: str, seen: dict[str, float], stop: threading.Event) -> None:
    """Note when each request of `prefix` was first seen counted."""
    # They need Django's settings.
    from django.db import connection  # noqa: PLC0415

    from runs_app.clickhouse.client import Parameter, clickhouse  # noqa: PLC0415
    from runs_app.domain.grouping.resolve import group_error  # noqa: PLC0415
    from runs_app.domain.times import utc_now  # noqa: PLC0415
    from runs_app.services.credentials import find_api_key  # noqa: PLC0415

    key = find_api_key(service.keys["staging"])
    if key is None:
        raise SystemExit("The key of the staging environment does not open it.")
    connection.close()
    parameters: dict[str, Parameter] = {
        "environment": key.environment.tenant().environment_id,
        "fingerprint": group_error(error_of(PROBED_GROUP)).fingerprint,
        "prefix": prefix,
        "since": utc_now().replace(microsecond=0) - timedelta(minutes=2),
    }
    while not stop.wait(LOOK_SECONDS):
        rows = clickhouse().command("bench looks", COUNTED, parameters)
        looked = now()
        for (version,) in rows:
            seen.setdefault(str(version), looked)


def _wait_until_seen(
    acknowledged: dict[str, float], seen: dict[str, float], looking: threading.Thread
) -> None:
    deadline = now() + LONGEST_WAIT_SECONDS
    while missing := acknowledged.keys() - seen.keys():
        if now() > deadline or not looking.is_alive():
            raise SystemExit(f"{len(missing)} acknowledged requests were not seen counted.")
        time.sleep(LOOK_SECONDS)
