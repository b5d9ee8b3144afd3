"""The family: embedded ClickHouse, web, worker; started in order, watched, stopped in order."""

import contextlib
import fcntl
import http.client
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections

from errors_app.services.supervisor import listener
from errors_app.services.supervisor.child import Child
from errors_app.services.supervisor.refusal import CannotServe
from errors_app.services.supervisor.static_files import collect_static_files
from errors_app.services.supervisor.web import web_command
from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.embedded.launch import supervised_command
from runs_app.clickhouse.embedded.places import Places
from runs_app.clickhouse.migrate import MigrationRefused
from runs_app.domain.errors import Unavailable
from runs_app.services.stores import migrate_stores, setup_turn

log = logging.getLogger(__name__)

GLANCE_SECONDS: Final = 0.1
# A family that was killed needs a moment to vanish, and a machine in need kills one now and then; a
# child that dies for longer, again and again, is broken.
FAILING_START_SECONDS: Final = 10.0
FAILING_START_DEATHS: Final = 4
STORES_SECONDS: Final = 60.0
UPKEEP_PAUSE_SECONDS: Final = 2.0
IMPATIENT_SECONDS: Final = 1.0
WEB_STOP_SECONDS: Final = 5.0
WORKER_STOP_SECONDS: Final = 2.0
CLICKHOUSE_STOP_SECONDS: Final = 4.0


@dataclass(frozen=True, slots=True)
class Options:
    host: str
    port: int
    workers: int
    threads: int


class _Stopped(Exception):
    """Somebody asked to stop while the family was starting."""


class Family:
    """One per data directory."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._places = Places(settings.FAULTLINE_DATA / "clickhouse")
        self._children: list[Child] = []
        self._upkeep: _Upkeep | None = None
        self._stop = threading.Event()
        self._hurry = threading.Event()

    def run(self, when_ready: Callable[[str], None]) -> None:
        """Serve until a signal; `when_ready` gets the address once it answers.

        Raises CannotServe when the family cannot start.
        """
        with _only_one(), contextlib.closing(self._bind()) as socket_:
            self._catch_signals()
            try:
                self._start(socket_)
                when_ready(f"http://{listener.address_of(socket_)}")
                while True:
                    self._glance()
                    if self._upkeep is not None:
                        self._upkeep.watch()
            except _Stopped:
                log.info("stopping")
            finally:
                # Ours is the last open end but the web's: with it closed, nobody new comes in.
                socket_.close()
                for child in reversed(self._children):
                    child.stop(self._hurry)

    def _bind(self) -> socket.socket:
        return listener.bind(self._options.host, self._options.port)

    def _start(self, socket_: socket.socket) -> None:
        embedded = None if settings.CLICKHOUSE_URL else self._add(self._clickhouse())
        # While ClickHouse starts.
        collect_static_files()
        if embedded is not None:
            self._wait_for_clickhouse(embedded)
        self._migrate()
        if embedded is not None:
            self._upkeep = _Upkeep(embedded, self._places)
        listener.open_for_clients(socket_)
        self._add(Child("the worker", _worker_command, stop_seconds=WORKER_STOP_SECONDS))
        web = self._add(self._web(socket_))
        self._wait_for_web(web, listener.own_address(socket_))

    def _clickhouse(self) -> Child:
        return Child(
            "the embedded ClickHouse",
            self._clickhouse_command,
            stop_seconds=CLICKHOUSE_STOP_SECONDS,
        )

    def _clickhouse_command(self, deaths: int) -> list[str]:
        """On the port it had, so that clients find it again; on any when that does not work."""
        told = self._places.read_endpoint() if deaths == 1 else None
        port = 0 if told is None else told[0].port
        return supervised_command(self._places.directory, port=port)

    def _web(self, socket_: socket.socket) -> Child:
        options = self._options
        command = web_command(
            socket_.fileno(),
            workers=options.workers,
            threads=options.threads,
        )
        return Child(
            "the web",
            lambda _: command,
            stop_seconds=WEB_STOP_SECONDS,
            inherited=(socket_.fileno(),),
        )

    def _add(self, child: Child) -> Child:
        self._children.append(child)
        child.start()
        return child

    def _wait_for_clickhouse(self, child: Child) -> None:
        """Until the endpoint is that of our process: asking for a lease would start another."""
        began = time.monotonic()
        while True:
            if _is_endpoint_of(child, self._places):
                return
            self._glance_at_start(child, began)

    def _wait_for_web(self, child: Child, address: tuple[str, int]) -> None:
        began = time.monotonic()
        while not _answers(address):
            self._glance_at_start(child, began)

    def _migrate(self) -> None:
        """In this process, because another interpreter would take half a second to start."""
        deadline = time.monotonic() + STORES_SECONDS
        while True:
            migration = _Migration()
            migration.start()
            while migration.is_alive():
                migration.join(GLANCE_SECONDS)
                self._glance(0)
            match migration.failure:
                case None:
                    return
                case MigrationRefused() as refusal:
                    raise CannotServe(str(refusal)) from refusal
                case DatabaseError() | Unavailable() as error:
                    if time.monotonic() > deadline:
                        raise CannotServe(
                            "A store does not answer: see the lines above."
                        ) from error
                    log.warning("waiting for the stores: %s", error)
                    self._glance(1.0)
                case unexpected:
                    raise unexpected

    def _glance_at_start(self, child: Child, began: float) -> None:
        self._glance()
        late = time.monotonic() - began > FAILING_START_SECONDS
        if late and child.deaths >= FAILING_START_DEATHS:
            name = child.name[0].upper() + child.name[1:]
            raise CannotServe(f"{name} does not start: see the lines above.")

    def _glance(self, seconds: float = GLANCE_SECONDS) -> None:
        """Let some time pass, and start again who died. Raises _Stopped when asked to stop."""
        if self._stop.wait(seconds):
            raise _Stopped
        for child in self._children:
            child.watch()

    def _catch_signals(self) -> None:
        """The first signal stops in order, a later one at once.

        `make`, `timeout` and terminals deliver one request to stop twice.
        """
        first: float | None = None

        def caught(_number: int, _frame: object) -> None:
            nonlocal first
            first = first or time.monotonic()
            self._stop.set()
            if time.monotonic() - first > IMPATIENT_SECONDS:
                self._hurry.set()

        signal.signal(signal.SIGTERM, caught)
        signal.signal(signal.SIGINT, caught)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            # The terminal was closed, unless nohup says that this does not matter.
            signal.signal(signal.SIGHUP, caught)


class _Migration(threading.Thread):
    """One try at migrating both stores.

    In a thread, because it waits for ClickHouse: should that die meanwhile, the main thread has to
    start it again, for children die with the thread that started them.
    """

    def __init__(self) -> None:
        super().__init__(name="migration", daemon=True)
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            with setup_turn():
                migrate_stores()
        except Exception as error:
            self.failure = error
        finally:
            connections.close_all()
            clickhouse().close()


class _Upkeep:
    """Migrating again when the embedded ClickHouse was started again: its directory may have been
    emptied under it, and without tables every read is a fault."""

    def __init__(self, child: Child, places: Places) -> None:
        self._child = child
        self._places = places
        self._migrated = child.pid
        self._migration: _Migration | None = None
        self._migrating: int | None = None
        self._due_at = 0.0

    def watch(self) -> None:
        """Begin a migration where one is due, or see what became of it. Never waits."""
        if self._migration is not None:
            if not self._migration.is_alive():
                self._see(self._migration.failure)
                self._migration = None
        elif (
            self._child.pid != self._migrated
            and time.monotonic() >= self._due_at
            and _is_endpoint_of(self._child, self._places)
        ):
            self._migrating = self._child.pid
            self._migration = _Migration()
            self._migration.start()

    def _see(self, failure: Exception | None) -> None:
        match failure:
            case None:
                self._migrated = self._migrating
            case DatabaseError() | Unavailable():
                log.warning("ClickHouse's tables are not made sure of yet: %s", failure)
                self._due_at = time.monotonic() + UPKEEP_PAUSE_SECONDS
            case _:
                # Another try would end like this one; the next start of ClickHouse has one.
                log.error("ClickHouse's tables cannot be made sure of", exc_info=failure)
                self._migrated = self._migrating


def _is_endpoint_of(child: Child, places: Places) -> bool:
    told = places.read_endpoint()
    return told is not None and told[1].pid == child.pid


def _worker_command(_deaths: int) -> list[str]:
    command = [sys.executable, "-m", "django", "replicate_runs"]
    return [*command, "--supervisor", str(os.getpid())]


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    path = settings.FAULTLINE_DATA / "serve.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotServe(
                f"Another `manage.py serve` uses {settings.FAULTLINE_DATA}: stop it first, or set"
                " FAULTLINE_DATA to another directory."
            ) from None
        yield
    finally:
        os.close(descriptor)


def _answers(address: tuple[str, int]) -> bool:
    connection = http.client.HTTPConnection(*address, timeout=1)
    try:
        connection.request("GET", "/healthz", headers={"Host": _allowed_host()})
        # A redirect to https is an answer, too.
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _allowed_host() -> str:
    """A name that our own requests may use."""
    first: str = settings.ALLOWED_HOSTS[0]
    return "localhost" if first == "*" else first.lstrip(".")
