"""The directory of an embedded ClickHouse: its files, its locks, and what they mean.

Three lock files decide everything; they are never deleted, and the kernel drops a lock when its
holder dies, however it dies.

* `owner.lock`, exclusive: the one process that has the engine open, for its whole life.
* `leases.lock`, shared: everyone who wants the process to stay. A process that was started on
  demand tries to take it exclusively a few times a second. When it succeeds there is no lease,
  and because it keeps the lock until it has exited there can be no new one either: whoever asks
  for a lease waits until the process is gone, finds no owner, and starts another one. So nobody
  ever holds a lease on a process that is on its way out.
* `supervised.lock`, exclusive: the one process that is run by a supervisor or in a terminal. It
  is taken before `owner.lock`. A second one fails at once; an owner that was started on demand
  sees it taken, ends, and so hands over.
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
    """The process behind an endpoint. `supervisor` names its parent when that restarts it."""

    pid: int
    mode: Mode
    supervisor: str | None = None


class Places:
    """The files of one directory."""

    def __init__(self, directory: Path) -> None:
        # The engine compares paths as text, and a lock through a symbolic link is the same lock.
        self.directory = Path(os.path.realpath(directory))
        self.owner_lock = self.directory / "owner.lock"
        self.leases_lock = self.directory / "leases.lock"
        self.supervised_lock = self.directory / "supervised.lock"
        self.log = self.directory / "clickhouse.log"
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
            owner = Owner(content["pid"], Mode(content["mode"]), content["supervisor"])
        except (FileNotFoundError, ValueError, KeyError):
            return None
        return endpoint, owner

    def remove_endpoint(self) -> None:
        self._endpoint.unlink(missing_ok=True)

    def is_owned(self) -> bool:
        """Whether a process has the engine open, or is about to."""
        descriptor = open_lock(self.owner_lock)
        try:
            return not try_lock(descriptor, exclusive=False)
        finally:
            os.close(descriptor)

    def _write(self, path: Path, content: str) -> None:
        """Write atomically: readers see the old file or the new one."""
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        draft.rename(path)


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
    return identity_of(int(identity.partition(":")[0])) == identity
