"""Starting the embedded process: always a fresh interpreter, never a fork.

A child forked from a process that has imported the engine hangs, and one forked from a web
server inherits its sockets and locks.
"""

import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

from runs_app.clickhouse.embedded.places import FILE_MODE, Places

MODULE = "runs_app.clickhouse.embedded"
SOURCES = Path(__file__).resolve().parents[3]
READY = "ready"
BUSY = "busy"
MAX_REPORT = 4096
MOST_LOG = 1 << 20


def supervised_command(directory: Path, *, port: int = 0) -> list[str]:
    """The command with which a supervisor runs the process, to be started with `environment()`.

    The process ends when the calling process dies, to be exact its calling thread.
    """
    command = [sys.executable, "-m", MODULE, str(directory), "--supervised"]
    return [*command, "--port", str(port), "--parent", str(os.getpid())]


def foreground_command(directory: Path, *, port: int = 0) -> list[str]:
    """The command that runs the process in a terminal."""
    return [sys.executable, "-m", MODULE, str(directory), "--port", str(port)]


def environment() -> dict[str, str]:
    """This process's environment, in which the package can be imported from anywhere."""
    path = os.pathsep.join(filter(None, (str(SOURCES), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


class Starting:
    """A process being started on demand, in a session of its own: Ctrl-C does not reach it."""

    def __init__(self, places: Places) -> None:
        reading, writing = os.pipe()
        log = _open_log(places.log)
        try:
            self._pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-m", MODULE, str(places.directory), "--on-demand"],
                environment(),
                file_actions=(
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, writing, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ),
                setsid=True,
                setsigmask=(),
                setsigdef=(signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
            )
        finally:
            os.close(writing)
            os.close(log)
        self._reading = reading
        _started.add(self._pid)

    def report(self, seconds: float) -> str | None:
        """What the process says within `seconds`: READY, BUSY, or the reason why it failed.

        "" when it ended without a word, None when it has not said anything yet.
        """
        if not select.select([self._reading], [], [], seconds)[0]:
            return None
        return os.read(self._reading, MAX_REPORT).decode(errors="replace").strip()

    def close(self) -> None:
        os.close(self._reading)


def _open_log(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    if path.exists() and path.stat().st_size > MOST_LOG:
        flags |= os.O_TRUNC
    return os.open(path, flags, FILE_MODE)


_started: set[int] = set()


def reap() -> None:
    """Let go of started processes that have ended, so that they do not stay as zombies."""
    for pid in tuple(_started):
        ended = pid
        with suppress(ChildProcessError):  # another part of the program collected it
            ended, _ = os.waitpid(pid, os.WNOHANG)
        if ended:
            _started.discard(pid)


os.register_at_fork(after_in_child=_started.clear)
