"""One replicator at a time per deployment, by a lock that dies with its holder.

On PostgreSQL an advisory lock of the session, on SQLite a file lock beside the database. The turn
is held for one batch, so that `verify_counts --repair` gets in between two batches.
"""

import contextlib
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.db import OperationalError, connection

from runs_app.services.locks import advisory_lock, file_lock

# Any number that nothing else in this database uses.
ADVISORY_LOCK: Final = 7_346_288_101
# A session that was opened anew meanwhile would answer, too, but holds nothing.
HOLDS_TURN: Final = """
SELECT EXISTS (
    SELECT 1
    FROM pg_locks
    WHERE locktype = 'advisory'
        AND pid = pg_backend_pid()
        AND granted
        AND classid::bigint = %s
        AND objid::bigint = %s
        AND objsubid = 1
)
"""


@contextlib.contextmanager
def replicator_turn() -> Iterator[None]:
    """Wait for the turn and hold it."""
    if connection.vendor == "postgresql":
        with advisory_lock(ADVISORY_LOCK):
            yield
    else:
        with file_lock(settings.FAULTLINE_DATA / "replicator.lock"):
            yield


def insist_on_turn() -> None:
    """Make sure that the turn was not lost with the session that took it.

    Raises django.db.OperationalError. A file lock cannot be lost by a living process.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(HOLDS_TURN, [ADVISORY_LOCK >> 32, ADVISORY_LOCK & 0xFFFF_FFFF])
            [holds] = cursor.fetchone()
        if not holds:
            raise OperationalError("The turn at replicating was lost with its session.")
