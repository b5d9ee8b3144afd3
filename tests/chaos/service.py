"""The service in the storm: one family on a data directory, and a database of its own."""

import contextlib
import http.client
import json
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from clickhouse_driver import Client

from tests.chaos.client import Wrong
from tests.serve.family import Family

STOP_SECONDS: Final = 60.0
WEB: Final = "supervisor.web"
# By a part of the command line, for roles that have one process each.
COMMANDS: Final[Mapping[str, str]] = {
    "worker": "replicate_runs",
    "clickhouse": "clickhouse.embedded",
}


@contextlib.contextmanager
def own_database(server: str) -> Iterator[str]:
    """An empty database on PostgreSQL `server`, dropped afterwards; empty stays empty."""
    if not server:
        yield ""
        return
    name = f"faultline_chaos_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Service:
    """Started at once; `serve` itself is started again by `watch` when it has died."""

    def __init__(self, data: Path, database_url: str) -> None:
        self._data = data
        self._database_url = database_url
        self._lock = threading.Lock()
        self.starts = 0
        # Statuses with which `serve` ended by itself: the next one is tried again.
        self.refusals: list[int] = []
        self._family = self._start("0").wait_until_ready()
        self.address = self._family.address
        told = json.loads(self._family.manage("bootstrap", "--new-keys", "--json"))
        self.key = str(told["environments"]["prod"]["apiKey"])

    def watch(self) -> None:
        """Start `serve` again on its port if it has ended, as an init system does."""
        with self._lock:
            status = self._family.process.poll()
            if status is None:
                return
            if status != -signal.SIGKILL:
                self.refusals.append(status)
            if self._family.process.stdout is not None:
                self._family.process.stdout.close()
            self._family = self._start(self.address.rpartition(":")[2])

    def pids(self) -> dict[str, list[int]]:
        """The living processes by role."""
        members = self._family.members()
        serve = self._family.process.pid
        found: dict[str, list[int]] = {
            role: [pid for pid, command in members.items() if part in command]
            for role, part in COMMANDS.items()
        }
        found["serve"] = [serve] if serve in members else []
        found["web"], found["web worker"] = [], []
        for pid, command in members.items():
            if WEB in command:
                with contextlib.suppress(OSError):
                    role = "web" if self._family.parent_of(pid) == serve else "web worker"
                    found[role].append(pid)
        return found

    def readiness(self) -> dict[str, Any] | None:
        """What `/readyz` says, whatever its status; None where nobody answers."""
        connection = http.client.HTTPConnection(self.address, timeout=STOP_SECONDS)
        try:
            connection.request("GET", "/readyz")
            content: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            return None
        else:
            return content
        finally:
            connection.close()

    def clickhouse(self) -> Client:
        """The embedded engine itself, past everything of ours but its protocol."""
        told = json.loads((self._data / "clickhouse" / "endpoint.json").read_text())
        names = ("host", "port", "user", "password", "database")
        return Client(**{name: told[name] for name in names})

    def manage(self, *arguments: str) -> str:
        """The output of a command beside the running service. Raises Wrong when it fails."""
        try:
            return self._family.manage(*arguments)
        except subprocess.CalledProcessError as error:
            raise Wrong(f"{arguments[0]}: {error.stdout}{error.stderr}") from error

    def stop(self) -> tuple[int, dict[int, str]]:
        """Its exit status after SIGTERM, and whoever of the family is still there."""
        self._family.process.send_signal(signal.SIGTERM)
        return self._family.process.wait(STOP_SECONDS), self._family.members()

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        self._family.end()

    def log(self) -> str:
        return self._family.log.read_text(errors="replace")

    def _start(self, port: str) -> Family:
        self.starts += 1
        return Family(
            self._data,
            "--port",
            port,
            DATABASE_URL=self._database_url,
            # One key asks for everything a storm looks at.
            FAULTLINE_RATE_LIMIT="1000000",
            FAULTLINE_LOG_FORMAT="json",
        )
