"""Turns at SQLite's write lock, while another program holds that lock."""

import sqlite3
import struct
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from runs_app.models import Organization
from runs_app.services.write_turns import write_turn

WAITING = 6


@pytest.fixture
def other(transactional_db: None) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the database."""
    name = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(name, isolation_level=None)) as program:
        yield program
        if program.in_transaction:
            program.execute("ROLLBACK")


def write() -> str:
    """What became of a write by a thread that has a connection of its own."""
    try:
        with write_turn(), transaction.atomic():
            Organization.objects.create(slug=f"org-{uuid.uuid4().hex[:12]}", title="Acme")
    except OperationalError as error:
        return str(error)
    else:
        return "written"
    finally:
        connection.close()


def test_one_finds_the_database_locked_and_all_who_wait_meanwhile_give_up_with_it(
    other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 2)
    other.execute("BEGIN EXCLUSIVE")

    with ThreadPoolExecutor(WAITING) as pool:
        outcomes = set(pool.map(lambda _: write(), range(WAITING)))
    other.execute("ROLLBACK")
    after = write()

    assert outcomes == {"database is locked", "database was locked while others waited for it"}
    assert after == "written"


@pytest.mark.parametrize("moment", [lambda: 0.0, lambda: time.monotonic() + 3600])
def test_a_mark_of_another_time_keeps_nobody_out(other: sqlite3.Connection, moment: Any) -> None:
    (settings.FAULTLINE_DATA / "write.lock").write_bytes(struct.pack("=d", moment()))

    assert write() == "written"


def test_other_failures_make_nobody_give_up(other: sqlite3.Connection) -> None:
    with pytest.raises(OperationalError, match="no such table"), write_turn():
        connection.cursor().execute("SELECT * FROM nowhere")
    with ThreadPoolExecutor(WAITING) as pool:
        outcomes = set(pool.map(lambda _: write(), range(WAITING)))

    assert outcomes == {"written"}
