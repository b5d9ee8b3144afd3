"""`manage.py serve` in a process of its own, and what belongs to it."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
READY = "Faultline is ready on http://"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]


class Family:
    """One run of `serve` on a data directory."""

    def __init__(self, data: Path, *arguments: str, **variables: str) -> None:
        self.data = data
        self.log = data.with_suffix(".log")
        kept = {name: value for name, value in os.environ.items() if name != "CLICKHOUSE_URL"}
        self.environment = {**kept, **variables, "FAULTLINE_DATA": str(data)}
        self.began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", *(arguments or ("--port", "0"))],
                cwd=ROOT,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.address = ""

    def wait_until_ready(self) -> "Family":
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(READY):
                self.address = line.removeprefix(READY).strip()
                return self
        raise AssertionError(f"serve ended: {self.process.wait()}\n{self.log.read_text()}")

    def get(self, path: str, **headers: str) -> Answer:
        return self._request("GET", path, None, headers)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self._request("POST", path, json.dumps(body), headers)

    def _request(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            content = response.read().decode()
            is_json = "json" in response.headers["Content-Type"]
            return Answer(
                response.status,
                json.loads(content) if is_json else content,
                dict(response.headers),
            )
        finally:
            connection.close()

    def manage(self, *arguments: str) -> str:
        """The output of another command on the same data directory."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def members(self) -> dict[int, str]:
        """Every living process on this data directory: process ids and command lines."""
        wanted = f"FAULTLINE_DATA={self.data}".encode()
        found = {}
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if wanted in (place / "environ").read_bytes().split(b"\0"):
                    command = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if command:
                        found[int(place.name)] = command
        return found

    def pids(self, part: str) -> list[int]:
        """Members whose command line has `part`, the oldest first."""
        return sorted(pid for pid, command in self.members().items() if part in command)

    def parent_of(self, pid: int) -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[1])

    def end(self) -> None:
        for pid in self.members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def within(seconds: float, condition: Callable[[], Any]) -> Any:
    """The first true value of `condition`, asked again until the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
