"""A process of the family: started by exec, started again when it dies, stopped in time."""

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from runs_app.clickhouse.embedded.launch import environment

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 8.0
# A process that lived this long did not die of its start.
SETTLED_SECONDS: Final = 20.0


class Child:
    """`command` is asked anew at every start, with how often in a row the process has died."""

    def __init__(
        self,
        name: str,
        command: Callable[[int], list[str]],
        *,
        stop_seconds: float,
        inherited: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.deaths = 0
        self._command = command
        self._stop_seconds = stop_seconds
        self._inherited = tuple(inherited)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._due_at = 0.0

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        self._started_at = time.monotonic()
        # A process group of its own: Ctrl-C in a terminal reaches the parent alone, which then
        # stops its children in order.
        self._process = subprocess.Popen(
            self._command(self.deaths),
            stdin=subprocess.DEVNULL,
            env=environment(),
            pass_fds=self._inherited,
            process_group=0,
        )

    def watch(self) -> None:
        """Notice a death; start the process again once the pause after it is over."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            if now - self._started_at > SETTLED_SECONDS:
                self.deaths = 0
            self._put_off(f"ended with status {self._process.returncode}")
            self._process = None
        if self._process is None and now >= self._due_at:
            try:
                self.start()
            except OSError as error:
                # Out of memory or of process ids: the others live on, and so it will pass.
                self._put_off(f"cannot be started: {error}")

    def _put_off(self, what: str) -> None:
        pause = min(FIRST_PAUSE_SECONDS * 2**self.deaths, LONGEST_PAUSE_SECONDS)
        self.deaths += 1
        log.error("%s %s; it starts again in %.2f s", self.name, what, pause)
        self._due_at = time.monotonic() + pause

    def stop(self, hurry: threading.Event) -> None:
        """Ask the process to end; kill it when its time is over or when `hurry` is set."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self._stop_seconds
        while process.poll() is None:
            if time.monotonic() > deadline or hurry.is_set():
                log.warning("%s did not end in time and is killed", self.name)
                process.kill()
                process.wait()
                return
            time.sleep(0.02)
