"""Back-pressure: reports are refused at the door before they can do harm.

Two things fill up when replication or the machine cannot keep up: the outbox, and the disk under
SQLite and the embedded ClickHouse. A database whose disk is full takes nothing and may not even
be able to delete.
"""

import logging
import os
import threading
import time
from dataclasses import dataclass
from enum import Enum
from typing import Final

from django.conf import settings

from runs_app.domain.errors import Refusing
from runs_app.queries import outbox

log = logging.getLogger(__name__)

FRESH_SECONDS: Final = 1.0
# Once refused, reports are taken again when it is better by this part of the limit, so that the
# door does not open and close with every batch.
MARGIN: Final = 0.1
UNKNOWN_WAIT_SECONDS: Final = 30.0
LONGEST_WAIT_SECONDS: Final = 300.0
DISK_WAIT_SECONDS: Final = 60.0


class Shortage(Enum):
    """Why nothing is taken. The value is what probes are told."""

    BACKLOG = "backlog"
    DISK = "disk"


SENTENCES: Final = {
    Shortage.BACKLOG: "Too many reports wait to be counted; none is taken until there are fewer.",
    Shortage.DISK: "Disk space runs out; no report is taken until there is more.",
}


@dataclass(frozen=True, slots=True)
class Pressure:
    """`waiting_rows`: in the outbox. `free_disk`: bytes, None where no store is on our disk, or
    the disk does not tell. `retry_after`: seconds."""

    waiting_rows: int
    free_disk: int | None
    shortage: Shortage | None
    retry_after: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The longest backlog since reports are refused, and when that was by the monotonic clock."""

    at: float
    rows: int


class Gauge:
    """The pressure as this process knows it, to be shared by its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: Pressure | None = None
        self._looked_at = 0.0
        self._peak: Peak | None = None

    def insist_on_room(self) -> None:
        """Raises Refusing while there is a shortage, by what was known a second ago.

        One caller a second looks anew, and the others do not wait for it.
        """
        pressure = self._known
        if pressure is None:
            pressure = self.read()
        elif self._is_stale() and self._lock.acquire(blocking=False):
            try:
                pressure = self._look()
            finally:
                self._lock.release()
        if pressure.shortage is not None:
            raise Refusing(SENTENCES[pressure.shortage], retry_after=pressure.retry_after)

    def read(self) -> Pressure:
        """The pressure, known for a second at most: however many ask, the stores are asked once.

        Raises django.db.Error.
        """
        with self._lock:
            if self._known is None or self._is_stale():
                return self._look()
            return self._known

    def _is_stale(self) -> bool:
        return time.monotonic() - self._looked_at >= FRESH_SECONDS

    def _look(self) -> Pressure:
        # First: while the database does not answer, one caller a second asks it.
        self._looked_at = time.monotonic()
        rows, free = outbox.waiting_rows(), _free_disk()
        before = None if self._known is None else self._known.shortage
        shortage = _shortage(rows, free, before)
        if shortage is not before:
            _tell(shortage, rows, free)
        self._known = Pressure(rows, free, shortage, self._wait(shortage, rows))
        return self._known

    def _wait(self, shortage: Shortage | None, rows: int) -> float:
        """How long until it is worth trying again, by how fast the backlog has shrunk so far."""
        if shortage is not Shortage.BACKLOG:
            self._peak = None
            return DISK_WAIT_SECONDS
        if self._peak is None or rows >= self._peak.rows:
            self._peak = Peak(self._looked_at, rows)
            return UNKNOWN_WAIT_SECONDS
        drained_in = self._looked_at - self._peak.at
        a_row = drained_in / (self._peak.rows - rows)
        left = rows - settings.MAX_WAITING_ROWS * (1 - MARGIN)
        return min(max(left * a_row, 1.0), LONGEST_WAIT_SECONDS)


def _free_disk() -> int | None:
    """Bytes that we may still write where the stores are; None where the disk does not tell: then
    the stores themselves decide."""
    if not settings.DATA_HOLDS_A_STORE:
        return None
    try:
        disk = os.statvfs(settings.FAULTLINE_DATA)
    except OSError as error:
        log.warning(
            "the disk of %s does not tell its free space: %s", settings.FAULTLINE_DATA, error
        )
        return None
    return disk.f_bavail * disk.f_frsize


def _shortage(rows: int, free: int | None, before: Shortage | None) -> Shortage | None:
    least = settings.MIN_FREE_DISK * (1 + MARGIN if before is Shortage.DISK else 1)
    if free is not None and free < least:
        return Shortage.DISK
    most = settings.MAX_WAITING_ROWS * (1 - MARGIN if before is Shortage.BACKLOG else 1)
    return Shortage.BACKLOG if rows > most else None


def _tell(shortage: Shortage | None, rows: int, free: int | None) -> None:
    if shortage is None:
        log.warning("reports are taken again: %d rows wait, %s bytes are free", rows, free)
    else:
        log.error(
            "reports are refused (%s): %d rows wait, %s bytes are free", shortage.value, rows, free
        )


gauge: Final = Gauge()
