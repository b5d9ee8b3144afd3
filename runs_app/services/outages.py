"""Which failures of the relational store pass, or are mended, without a change here."""

import sqlite3
from typing import Final

from django.db import InterfaceError, InternalError, OperationalError

# PostgreSQL while a standby takes over: the session is still with a server that only reads.
READ_ONLY: Final = "25006"
MAY_BE_AWAY: Final = (OperationalError, InterfaceError, InternalError)


def database_is_away(error: BaseException) -> bool:
    """Whether the relational store may be back: away, locked, full, overloaded, restarting, or
    being replaced.

    SQLite reports a wrong statement as it does a locked or missing file, and psycopg a database
    that only reads as it does its own faults: those are bugs.
    """
    if not isinstance(error, MAY_BE_AWAY):
        return False
    cause = error.__cause__
    if isinstance(error, InternalError):
        return getattr(cause, "sqlstate", None) == READ_ONLY
    return not (
        isinstance(cause, sqlite3.Error)
        and getattr(cause, "sqlite_errorname", None) == "SQLITE_ERROR"
    )
