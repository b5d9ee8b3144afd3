"""The door to ClickHouse: `query`, `insert`, `command`. Nothing else talks to clickhouse-driver.

Connections are made at first use, kept in a small pool, and never carried across a fork. Values
travel as server-side parameters `{name:Type}`; times are sent as text, because the driver cuts
them to whole seconds.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, LiteralString, Protocol

from clickhouse_driver import Client
from clickhouse_driver import errors as driver
from django.conf import settings

from runs_app.clickhouse.address import parse_address
from runs_app.clickhouse.embedded.lease import EmbeddedUnavailable, Endpoint, Lease
from runs_app.clickhouse.embedded.places import Places
from runs_app.clickhouse.failures import (
    ClickHouseUnavailable,
    translate_insert,
    translate_read,
)
from runs_app.domain.correlation import current_request_id

IDLE_CONNECTIONS: Final = 8
# How long to wait for a word of the server: while it greets us or answers a ping; for a read beyond
# its own time limit; for an insert or a statement of maintenance.
GREETING_SECONDS: Final = 3.0
READ_GRACE_SECONDS: Final = 3.0
INSERT_PATIENCE_SECONDS: Final = 300.0
# How long to wait for the embedded process while it is started on demand, and while its supervisor
# starts it again; and for how long nobody waits after somebody did in vain.
START_SECONDS: Final = 30.0
RESTART_SECONDS: Final = 2.0
RESPITE_SECONDS: Final = 2.0

Row = tuple[Any, ...]
Parameter = str | int | float | bool | datetime | Sequence[str] | Sequence[int]


class Target(Protocol):
    """Where ClickHouse is. Asked again for every new connection."""

    def connect(self) -> Client: ...

    def revive(self) -> None:
        """Called after a connection failed; may start the server anew."""


# What a server's own profile may set otherwise, and what our statements rely on.
CLIENT_SETTINGS: Final[dict[str, Any]] = {
    "server_side_params": True,
    "output_format_native_write_json_as_string": 1,
    "max_partitions_per_insert_block": 0,
    # A repair that looks like an earlier one must not be dropped as its repetition.
    "insert_deduplicate": 0,
    # Acknowledged means written, in the table and in what its views feed.
    "async_insert": 0,
    "wait_for_async_insert": 1,
    "materialized_views_ignore_errors": 0,
    "session_timezone": "UTC",
    "final": 0,
    "prefer_column_name_to_alias": 0,
}


class ServerTarget:
    """A ClickHouse server, by its address (see `parse_address`)."""

    def __init__(self, url: str) -> None:
        self._arguments = parse_address(url)

    def connect(self) -> Client:
        return _client(self._arguments)

    def revive(self) -> None:
        """A server is somebody else's to start."""


class EmbeddedTarget:
    """The embedded process of a directory, started on demand.

    While it is away, waiting for it would take the threads that requests which do not need it run
    in. So threads wait for one of them together, and after it waited in vain nobody does for a
    while: statements fail at once.
    """

    def __init__(self, directory: Path) -> None:
        self._lease = Lease(Places(directory))
        self._lock = threading.Lock()
        self._waited_in_vain: tuple[float, str] | None = None

    def connect(self) -> Client:
        try:
            endpoint = self._lease.endpoint() if self._lease.is_held else self._ensure()
        except EmbeddedUnavailable as error:
            raise ClickHouseUnavailable(str(error), sent=False) from error
        return _client(
            {
                "host": endpoint.host,
                "port": endpoint.port,
                "user": endpoint.user,
                "password": endpoint.password,
                "database": endpoint.database,
                "compression": False,
            }
        )

    def revive(self) -> None:
        with contextlib.suppress(EmbeddedUnavailable):
            self._ensure()

    def _ensure(self) -> Endpoint:
        with self._lock:
            if self._waited_in_vain is not None:
                until, reason = self._waited_in_vain
                if time.monotonic() < until:
                    raise EmbeddedUnavailable(reason)
            try:
                endpoint = self._lease.ensure(
                    timeout=START_SECONDS, supervised_timeout=RESTART_SECONDS
                )
            except EmbeddedUnavailable as error:
                self._waited_in_vain = time.monotonic() + RESPITE_SECONDS, str(error)
                raise
            self._waited_in_vain = None
            return endpoint


def _client(arguments: Mapping[str, Any]) -> Client:
    return Client(
        **arguments,
        client_name="faultline",
        connect_timeout=GREETING_SECONDS,
        send_receive_timeout=GREETING_SECONDS,
        sync_request_timeout=GREETING_SECONDS,
        settings=CLIENT_SETTINGS,
    )


class ClickHouse:
    """A pool of connections to one target. Safe for threads; made anew after a fork."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._idle: list[Client] = []
        self._lock = threading.Lock()

    def query(
        self, name: str, sql: LiteralString, parameters: Mapping[str, Parameter]
    ) -> list[Row]:
        """The rows of a read. `name` is what the server's query log shows for it.

        Raises ClickHouseUnavailable, QueryTooHeavy, or ClickHouseFault where the SQL is wrong.
        """
        seconds: int = settings.CLICKHOUSE_MAX_EXECUTION_SECONDS
        limits = {
            "max_execution_time": seconds,
            "max_memory_usage": settings.CLICKHOUSE_MAX_QUERY_MEMORY,
        }
        return self._read(name, sql, parameters, limits, seconds + READ_GRACE_SECONDS)

    def command(
        self, name: str, sql: str, parameters: Mapping[str, Parameter] | None = None
    ) -> list[Row]:
        """A statement that changes something, or a maintenance read: without a read's limits."""
        return self._read(name, sql, parameters or {}, {}, INSERT_PATIENCE_SECONDS)

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        *,
        patience: float = INSERT_PATIENCE_SECONDS,
    ) -> None:
        """Insert rows, each in the order of `columns`, as one block; wait `patience` seconds.

        Raises DataRefused, or ClickHouseUnavailable, whose `sent` tells whether the outcome is
        unknown. It is never tried again here: whoever calls knows how to repair.
        """
        if not rows:
            return
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES"
        with self._connection(f"insert into {table}") as client:
            client.connection.socket.settimeout(patience)
            try:
                client.execute(
                    statement,
                    [list(column) for column in zip(*rows, strict=True)],
                    columnar=True,
                    settings={
                        "log_comment": _comment(f"insert into {table}"),
                        "insert_block_size": len(rows),
                    },
                )
            except Exception as error:
                client.disconnect()
                raise translate_insert(error, table) from error

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for client in idle:
            client.disconnect()

    def _read(
        self,
        name: str,
        sql: str,
        parameters: Mapping[str, Parameter],
        limits: Mapping[str, int],
        patience: float,
    ) -> list[Row]:
        with self._connection(name) as client:
            client.connection.socket.settimeout(patience)
            try:
                rows: list[Row] = client.execute(
                    sql,
                    {key: _value(value) for key, value in parameters.items()} or None,
                    settings={**limits, "log_comment": _comment(name)},
                )
            except (driver.Error, EOFError, OSError) as error:
                client.disconnect()
                raise translate_read(error, name) from error
        return rows

    @contextlib.contextmanager
    def _connection(self, name: str) -> Iterator[Client]:
        """A connected client: an idle one that still answers, or a new one."""
        client = self._take(name)
        try:
            yield client
        finally:
            self._give_back(client)

    def _give_back(self, client: Client) -> None:
        if client.connection.connected:
            with self._lock:
                if len(self._idle) < IDLE_CONNECTIONS:
                    self._idle.append(client)
                    return
        client.disconnect()

    def _take(self, name: str) -> Client:
        """An idle connection that still answers, or a new one.

        Where one does not answer, the others were to the same server: none is asked.
        """
        with self._lock:
            client = self._idle.pop() if self._idle else None
        if client is not None:
            if client.connection.ping():
                return client
            client.disconnect()
            self.close()
        return self._connect(name)

    def _connect(self, name: str) -> Client:
        """A new connection. The server may have moved to another port or be gone: try twice."""
        for last_try in (False, True):
            client = self._target.connect()
            try:
                client.connection.connect()
            except (driver.Error, EOFError, OSError) as error:
                client.disconnect()
                hangs = isinstance(error, driver.SocketTimeoutError)
                if last_try or hangs or isinstance(error, driver.ServerException):
                    raise ClickHouseUnavailable(f"{name}: {error}", sent=False) from error
                self._target.revive()
            else:
                return client
        raise AssertionError("unreachable")


def _comment(name: str) -> str:
    return f"{name} {current_request_id()}"


def _value(value: Parameter) -> Any:
    if isinstance(value, datetime):
        return time_parameter(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    return value


def time_parameter(value: datetime) -> str:
    """`2025-01-02 03:04:05`, with milliseconds where there are any, in UTC."""
    text = value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    milliseconds = value.microsecond // 1000
    return f"{text}.{milliseconds:03}" if milliseconds else text


@cache
def _process_wide(_pid: int) -> ClickHouse:
    url: str = settings.CLICKHOUSE_URL
    if url:
        return ClickHouse(ServerTarget(url))
    return ClickHouse(EmbeddedTarget(settings.FAULTLINE_DATA / "clickhouse"))


def clickhouse() -> ClickHouse:
    """This process's ClickHouse. A forked child gets its own."""
    return _process_wide(os.getpid())
