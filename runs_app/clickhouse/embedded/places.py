"""The directory of an embedded ClickHouse: its files, its locks, and what they mean.

Three lock files beside the directory, named after it, decide everything; they are never deleted,
and the kernel drops a lock when its holder dies, however it dies. Whoever deletes the directory
deletes no lock: nobody can start a second process in its place while the first one lives on
deleted files, which it does until it notices (`Pin`).

* `owner.lock`, exclusive: the one process that has the engine open, for its whole life.
* `leases.lock`, shared: everyone who wants the process to stay. A process that was started on
  demand tries to take it exclusively a few times a second. When it succeeds there is no lease,
  and because it keeps the lock until it has exited there can be no new one either: whoever asks
  for a lease waits until the process is gone, finds no owner, and starts another one. So nobody
  ever holds a lease on a process that is on its way out.
* `supervised.lock`, exclusive: the one process that is run by a supervisor or in a terminal. It
  is taken before `owner.lock`. A second one fails at once; an owner that was started on demand
  sees it taken, ends, and so hands over.

Beside them a fourth file, `supervisor`, names the process that restarts a supervised one. It
outlives the endpoint and the directory, both of which may be gone while a killed process is started
again: for as long as the supervisor lives, that is nobody else's business.
"""

import fcntl
import json
import os
import secrets
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
START_TIME_FIELD = 19  # of /proc/PID/stat, counted after the command's closing parenthesis


class Mode(Enum):
    """How a process was started, which decides when it ends."""

    ON_DEMAND = "on demand"
    SUPERVISED = "supervised"
    FOREGROUND = "foreground"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the embedded ClickHouse listens, and for whom."""

    host: str
    port: int
    user: str
    password: str
    database: str


@dataclass(frozen=True, slots=True)
class Owner:
    """The process behind an endpoint."""

    pid: int
    mode: Mode


class Places:
    """The files of one directory."""

    def __init__(self, directory: Path) -> None:
        # The engine compares paths as text, and a lock through a symbolic link is the same lock.
        self.directory = Path(os.path.realpath(directory))
        self.owner_lock = self._beside("owner.lock")
        self.leases_lock = self._beside("leases.lock")
        self.supervised_lock = self._beside("supervised.lock")
        self.log = self.directory / "clickhouse.log"
        # The engine's own, which it has locked while it is open.
        self.status = self.directory / "data" / "status"
        self._supervisor = self._beside("supervisor")
        self._endpoint = self.directory / "endpoint.json"
        self._password = self.directory / "password"

    def create(self) -> None:
        """Make the directory, for this user only."""
        self.directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        if self.directory.stat().st_mode & 0o077:
            self.directory.chmod(DIRECTORY_MODE)

    def password(self) -> str:
        """The installation's password, made at random the first time. For the owner only."""
        if self._password.exists() and (kept := self._password.read_text().strip()):
            return kept
        password = secrets.token_urlsafe(32)
        self._write(self._password, password)
        return password

    def write_endpoint(self, endpoint: Endpoint, owner: Owner) -> None:
        content = asdict(endpoint) | asdict(owner) | {"mode": owner.mode.value}
        self._write(self._endpoint, json.dumps(content, indent=2))

    def read_endpoint(self) -> tuple[Endpoint, Owner] | None:
        """What the last owner wrote; it may have died since."""
        try:
            content = json.loads(self._endpoint.read_text())
            endpoint = Endpoint(
                host=content["host"],
                port=content["port"],
                user=content["user"],
                password=content["password"],
                database=content["database"],
            )
            owner = Owner(content["pid"], Mode(content["mode"]))
        except (FileNotFoundError, ValueError, KeyError):
            return None
        return endpoint, owner

    def remove_endpoint(self) -> None:
        self._endpoint.unlink(missing_ok=True)

    def write_supervisor(self, pid: int) -> None:
        """Name the process that restarts the owner. By the owner, before it removes anything."""
        self._write(self._supervisor, identity_of(pid) or "")

    def has_supervisor(self) -> bool:
        """Whether a living process restarts the owner when that dies."""
        try:
            return is_alive(self._supervisor.read_text())
        except FileNotFoundError:
            return False

    def pins(self) -> tuple["Pin", ...]:
        """On what stays where it is for as long as the process that has written the endpoint lives.

        For the owner only. Raises OSError where something has gone already.
        """
        os.close(open_lock(self.leases_lock))  # which nobody may have asked for yet
        locks = (self.owner_lock, self.leases_lock, self.supervised_lock)
        return tuple(Pin(path) for path in (self.directory, self.status, self._endpoint, *locks))

    def is_owned(self) -> bool:
        """Whether a process has the engine open, or is about to."""
        descriptor = open_lock(self.owner_lock)
        try:
            return not try_lock(descriptor, exclusive=False)
        finally:
            os.close(descriptor)

    def _beside(self, name: str) -> Path:
        return self.directory.with_name(f"{self.directory.name}.{name}")

    def _write(self, path: Path, content: str) -> None:
        """Write atomically: readers see the old file or the new one."""
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        draft.rename(path)


class Pin:
    """A file or directory at a path: whether it is still the one that was there.

    It stays open, so that no later one gets its number.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)

    def holds(self) -> bool:
        return is_at(self.path, self._descriptor)


def is_at(path: Path, descriptor: int) -> bool:
    """Whether what is open as `descriptor` is what is at `path` now."""
    try:
        there = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        # A disk that fails for a moment tells nothing.
        return True
    return os.path.samestat(there, os.fstat(descriptor))


def open_lock(path: Path) -> int:
    """A descriptor to lock `path` with; not inherited by programs that are started."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)


def try_lock(descriptor: int, *, exclusive: bool) -> bool:
    kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def identity_of(pid: int) -> str | None:
    """A name for a living process that no later one with the same number has."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = status.rpartition(")")[2].split()
    return None if fields[0] == "Z" else f"{pid}:{fields[START_TIME_FIELD]}"


def is_alive(identity: str) -> bool:
    return bool(identity) and identity_of(int(identity.partition(":")[0])) == identity
