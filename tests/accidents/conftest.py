"""Which accidents can happen depends on the relational store."""

import os

from tests.accidents.disks import disk
from tests.serve.conftest import database_url, start

__all__ = ["database_url", "disk", "start"]

collect_ignore = (
    ["test_sqlite_is_locked.py", "test_write_turns.py"]
    if os.environ.get("DATABASE_URL")
    else ["test_postgresql_restarts.py", "test_postgresql_rolls_back.py"]
)
