"""Bringing both stores up to date, one process at a time."""

import contextlib
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.migrate import migrate, pending
from runs_app.services.emptiness import warn_if_lost
from runs_app.services.locks import advisory_lock, file_lock
from runs_app.services.replicator_turn import replicator_turn

# Any number that nothing else in this database uses.
ADVISORY_LOCK: Final = 7_346_288_102


@contextlib.contextmanager
def setup_turn() -> Iterator[None]:
    """Wait for the turn to change schemas or create the first things, and hold it.

    A file lock for those who share the data directory, and on PostgreSQL an advisory lock of the
    session for those who share the database only. Both die with their holder.
    """
    shared = (
        advisory_lock(ADVISORY_LOCK)
        if connection.vendor == "postgresql"
        else contextlib.nullcontext()
    )
    with file_lock(settings.FAULTLINE_DATA / "setup.lock"), shared:
        yield


def prepare_stores() -> None:
    """Take the turn and apply what either store lacks. Raises MigrationRefused, Unavailable."""
    with setup_turn():
        migrate_stores()


def migrate_stores() -> None:
    """Apply what either store lacks. Raises MigrationRefused; the caller holds the turn."""
    migrate_relational()
    migrate_clickhouse()


def migrate_clickhouse() -> list[str]:
    """Apply what ClickHouse lacks; the names of what ran. Raises MigrationRefused, Unavailable; the
    caller holds the turn to change schemas, and the relational store is migrated."""
    store = clickhouse()
    if not pending(store):
        return migrate(store)
    # Rows that arrive between a table and the views on it would never be counted, and the first
    # row that arrives hides that others are missing.
    with replicator_turn():
        ran = migrate(store)
        warn_if_lost()
        return ran


def migrate_relational() -> None:
    """Django's own migrations, where any are pending: looking first is ten times faster."""
    if relational_migrations_pending():
        call_command("migrate", interactive=False, verbosity=0)


def relational_migrations_pending() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
