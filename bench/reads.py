"""How long reads take over HTTP, beside the bare SQL of the same reads."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final
from unittest import mock
from urllib.parse import quote

import clickhouse_driver
from django.test import Client

from bench.pacing import percentile
from bench.service import HttpClient, Service, now

LONGEST_SECONDS: Final = 7.0
LEAST_SAMPLES: Final = 20
WARM_UP: Final = 5


@dataclass(frozen=True, slots=True)
class Read:
    """One read. `bare_p50_ms`: its statements alone, through the driver."""

    name: str
    requests: int
    p50_ms: float
    p95_ms: float
    statements: int
    bare_p50_ms: float

    @property
    def ratio(self) -> float:
        return self.p50_ms / self.bare_p50_ms if self.bare_p50_ms else 0.0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio}


def measure_reads(service: Service, requests: int) -> Iterator[Read]:
    connection = HttpClient(service.port, service.keys["prod"])
    for name, path in _reads(connection):
        bare = bare_read(path, service.keys["prod"])
        yield measure_read(name, partial(connection.get_json, path), bare, requests)


def measure_read(
    name: str,
    call: Callable[[], object],
    bare: tuple[Callable[[], object], int],
    requests: int,
) -> Read:
    """`bare`: as `bare_statements` gives it."""
    replay, statements = bare
    over_http, alone = _times(call, replay, requests)
    return Read(
        name=name,
        requests=len(over_http),
        p50_ms=percentile(over_http, 50) * 1_000,
        p95_ms=percentile(over_http, 95) * 1_000,
        statements=statements,
        bare_p50_ms=percentile(alone, 50) * 1_000,
    )


def _reads(connection: HttpClient) -> list[tuple[str, str]]:
    reads: list[tuple[str, dict[str, str]]] = []
    for period in ("1d", "7d", "30d"):
        for sort in ("-count", "-lastSeen"):
            for status in ("", "unresolved", "resolved,ignored"):
                query = {"sort": sort, "filter[period]": period}
                if status:
                    query["filter[status]"] = status
                reads.append((f"errors {period} {sort} {status}".rstrip(), query))
    paths = [(name, path_of("/api/v1/errors", query)) for name, query in reads]
    listed = path_of("/api/v1/errors", {"sort": "-count", "filter[period]": "30d"})
    error = str(connection.get_json(listed)["data"][0]["id"])
    return [
        *paths,
        ("error detail", f"/api/v1/errors/{error}"),
        ("runs", "/api/v1/runs"),
        ("runs of a status", path_of("/api/v1/runs", {"filter[status]": "FAILED"})),
        ("runs of an error", path_of("/api/v1/runs", {"filter[error]": error})),
    ]


def path_of(path: str, query: dict[str, str]) -> str:
    return path + "?" + "&".join(f"{quote(name)}={quote(value)}" for name, value in query.items())


def bare_read(path: str, key: str) -> tuple[Callable[[], object], int]:
    """A function that sends the statements of `path` through the driver, and how many they are.

    They are caught on their way out while this process answers the same request.
    """
    headers = {"authorization": f"Bearer {key}", "host": "127.0.0.1"}
    return bare_statements(partial(Client().get, path, headers=headers))


def bare_statements(ask: Callable[[], Any]) -> tuple[Callable[[], object], int]:
    """The same for a request that `ask` has this process answer."""
    caught: list[tuple[clickhouse_driver.Client, tuple[Any, ...], dict[str, Any]]] = []
    execute = clickhouse_driver.Client.execute

    def catch(client: clickhouse_driver.Client, *args: Any, **kwargs: Any) -> Any:
        caught.append((client, args, kwargs))
        return execute(client, *args, **kwargs)

    with mock.patch.object(clickhouse_driver.Client, "execute", catch):
        answer = ask()
    if answer.status_code != 200:
        request = answer.wsgi_request.get_full_path()
        raise RuntimeError(f"GET {request} was answered {answer.status_code} in this process")

    def replay() -> None:
        for client, args, kwargs in caught:
            execute(client, *args, **kwargs)

    return replay, len(caught)


def _times(
    call: Callable[[], object], bare: Callable[[], object], most: int
) -> tuple[list[float], list[float]]:
    """Sorted seconds of up to `most` calls of both; fewer where they are slow.

    In turns, so that whatever else the machine does meets both alike.
    """
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(WARM_UP):
        call()
        bare()
    begin = now()
    while len(taken[0]) < most and (
        len(taken[0]) < LEAST_SAMPLES or now() - begin < LONGEST_SECONDS
    ):
        for one, times in zip((call, bare), taken, strict=True):
            before = now()
            one()
            times.append(now() - before)
    return sorted(taken[0]), sorted(taken[1])
