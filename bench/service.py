"""The service under measurement: a process family of its own, with an empty data directory."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.family import cpu_seconds_by_role

ROOT: Final = Path(__file__).resolve().parent.parent
READY: Final = re.compile(r"ready on http://127\.0\.0\.1:(\d+)")
STOP_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Service:
    """A running service. `keys` by environment; `superuser` with a `username` and a `password`."""

    pid: int
    port: int
    keys: Mapping[str, str]
    superuser: Mapping[str, str]

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time of the family so far, by what its processes do."""
        return cpu_seconds_by_role(self.pid)


@contextlib.contextmanager
def running(data: Path) -> Iterator[Service]:
    """Bootstrap and serve `data`; stopped at the end, whatever happens."""
    environment = {**os.environ, "FAULTLINE_DATA": str(data), "CLICKHOUSE_URL": ""}
    environment.setdefault("FAULTLINE_LOG_LEVEL", "WARNING")
    # Requests are counted, and a single key asks far more often than it may.
    environment.setdefault("FAULTLINE_RATE_LIMIT", "1000000000")
    manage = [sys.executable, str(ROOT / "manage.py")]
    told = subprocess.run(
        [*manage, "bootstrap", "--json"],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    document = json.loads(told.stdout)
    keys = {slug: str(known["apiKey"]) for slug, known in document["environments"].items()}
    log = data / "serve.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*manage, "serve", "--port", "0"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            # Ctrl-C is for the bench, which ends the service when it has looked at it once more.
            process_group=0,
        )
    try:
        yield Service(process.pid, _port(process, log), keys, document["superuser"])
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(process: "subprocess.Popen[str]", log: Path) -> int:
    assert process.stdout is not None  # noqa: S101
    for line in process.stdout:
        found = READY.search(line)
        if found:
            return int(found.group(1))
    raise SystemExit(f"The service did not start:\n{log.read_text()}")


class HttpClient:
    """HTTP/1.1 over one connection, with as little work on this side as possible."""

    def __init__(self, port: int, key: str = "", cookie: str = "") -> None:
        """`key`: a programme's; `cookie`: that of a person who is logged in."""
        self._port = port
        own = f"Cookie: {cookie}" if cookie else f"Authorization: Bearer {key}"
        self._head = (f"Host: 127.0.0.1\r\n{own}\r\nContent-Type: application/json\r\n").encode()
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def get(self, path: str) -> tuple[int, bytes]:
        return self._send(b"GET " + path.encode() + b" HTTP/1.1\r\n" + self._head + b"\r\n")

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        length = b"Content-Length: %d\r\n\r\n" % len(body)
        return self._send(b"POST " + path.encode() + b" HTTP/1.1\r\n" + self._head + length + body)

    def get_json(self, path: str) -> Any:
        status, body = self.get(path)
        if status != 200:
            raise RuntimeError(f"GET {path} was answered {status}: {body[:300]!r}")
        return json.loads(body)

    def close(self) -> None:
        self._socket.close()

    def _send(self, request: bytes) -> tuple[int, bytes]:
        """A server may close an idle connection: then once more over a new one."""
        try:
            self._socket.sendall(request)
            return self._answer()
        except (ConnectionError, EOFError):
            self._socket.close()
            self._connect()
            self._socket.sendall(request)
            return self._answer()

    def _answer(self) -> tuple[int, bytes]:
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        lower = head.lower()
        length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        while len(self._buffer) < length:
            self._receive()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        if b"connection: close" in lower:
            self._socket.close()
            self._connect()
        return int(head[9:12]), body

    def _receive(self) -> None:
        received = self._socket.recv(1 << 18)
        if not received:
            raise EOFError("the server closed the connection")
        self._buffer += received


def now() -> float:
    return time.perf_counter()
