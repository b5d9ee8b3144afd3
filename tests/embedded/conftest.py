"""A running embedded ClickHouse, or the server behind TEST_CLICKHOUSE_URL, and clients of it."""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from clickhouse_driver import Client

from runs_app.clickhouse.embedded.lease import Endpoint, acquire

SERVER_URL = os.environ.get("TEST_CLICKHOUSE_URL", "")

Connect = Callable[..., Client]


@dataclass(frozen=True)
class Place:
    endpoint: Endpoint
    embedded: bool
    pid: int = 0


def client_of(endpoint: Endpoint, **options: Any) -> Client:
    return Client(
        endpoint.host,
        **{
            "port": endpoint.port,
            "user": endpoint.user,
            "password": endpoint.password,
            "database": endpoint.database,
            **options,
        },
    )


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if SERVER_URL:
        url = urlsplit(SERVER_URL)
        endpoint = Endpoint(
            host=url.hostname or "127.0.0.1",
            port=url.port or 9000,
            user=unquote(url.username or "default"),
            password=unquote(url.password or ""),
            database=url.path.strip("/") or "default",
        )
        yield Place(endpoint, embedded=False)
        return
    directory = tmp_path_factory.mktemp("clickhouse")
    with acquire(directory) as lease:
        pid = json.loads((directory / "endpoint.json").read_text())["pid"]
        yield Place(lease.endpoint(), embedded=True, pid=pid)


@pytest.fixture(scope="session")
def database(place: Place) -> Iterator[str]:
    name = f"faultline_test_{uuid.uuid4().hex[:12]}"
    client = client_of(place.endpoint)
    client.execute(f"CREATE DATABASE {name}")
    yield name
    client.execute(f"DROP DATABASE {name} SYNC")
    client.disconnect()


@pytest.fixture
def connect(place: Place, database: str) -> Iterator[Connect]:
    clients: list[Client] = []

    def make(**options: Any) -> Client:
        clients.append(client_of(place.endpoint, **{"database": database, **options}))
        return clients[-1]

    yield make
    for client in clients:
        client.disconnect()


@pytest.fixture
def client(connect: Connect) -> Client:
    return connect(settings={"server_side_params": True})


@pytest.fixture
def embedded(place: Place) -> Endpoint:
    """For tests of what only the embedded process promises."""
    if not place.embedded:
        pytest.skip("TEST_CLICKHOUSE_URL names a server, whose business this is")
    return place.endpoint


@pytest.fixture
def table(client: Client) -> Iterator[Callable[[str], str]]:
    """Makes tables from their columns; they are dropped afterwards."""
    names: list[str] = []

    def make(columns: str, engine: str = "MergeTree ORDER BY tuple()") -> str:
        names.append(f"t_{uuid.uuid4().hex[:12]}")
        client.execute(f"CREATE TABLE {names[-1]} ({columns}) ENGINE = {engine}")
        return names[-1]

    yield make
    for name in names:
        client.execute(f"DROP TABLE IF EXISTS {name} SYNC")
