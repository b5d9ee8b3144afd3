"""Numbered SQL files applied once each, with a ledger of what ran.

Each file holds one repeatable statement, so that a migration cut off between its statement and
its ledger row can simply run again. Table engines are named here alone: replicated or distributed
ones can follow without touching a file.
"""

import hashlib
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from runs_app.clickhouse.client import ClickHouse
from runs_app.clickhouse.failures import ClickHouseFault

DIRECTORY: Final = Path(__file__).resolve().parent / "migrations"
LEDGER: Final = "faultline_migrations"
ENGINES: Final = {
    "replacing": "ReplacingMergeTree",
    "summing": "SummingMergeTree",
    "aggregating": "AggregatingMergeTree",
    "plain": "MergeTree",
}
# What expires, by which time. Never errors_v1 and the states: see the decisions.
EXPIRING: Final = {
    "task_runs_v2": "created_at",
    "error_runs_v1": "failed_at",
    "error_occurrences_v1": "minute",
}


class MigrationRefused(Exception):
    """The files and the ledger contradict each other; the sentence says how."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    statement: str
    checksum: str


def read_migrations(directory: Path = DIRECTORY) -> list[Migration]:
    """The files in order. Two files with one number are refused."""
    migrations = []
    for path in sorted(directory.glob("[0-9]*.sql")):
        text = path.read_text()
        migrations.append(
            Migration(
                number=int(path.stem.split("_", 1)[0]),
                name=path.stem,
                statement=string.Template(text).substitute(ENGINES),
                checksum=hashlib.sha256(text.encode()).hexdigest(),
            )
        )
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise MigrationRefused("ClickHouse migrations must be numbered 1, 2, 3 … without gaps.")
    return migrations


def migrate(clickhouse: ClickHouse, directory: Path = DIRECTORY) -> list[str]:
    """Apply what the ledger lacks, in order; answer the names of what ran.

    Raises MigrationRefused when a file was edited after it ran, or when the store is newer than
    the files.
    """
    migrations = read_migrations(directory)
    _make_ledger(clickhouse)
    applied = _ledger(clickhouse)
    _refuse_contradictions(migrations, applied)
    _insist_on_rights(clickhouse)
    ran = []
    for migration in migrations:
        if migration.number not in applied:
            clickhouse.command(f"migration {migration.name}", migration.statement)
            _record(clickhouse, migration)
            ran.append(migration.name)
    _set_retention(clickhouse)
    return ran


def pending(clickhouse: ClickHouse, directory: Path = DIRECTORY) -> list[str]:
    """Names of the migrations that have not run. Changes nothing."""
    [(has_ledger,)] = clickhouse.query(
        "look for migration ledger",
        "SELECT count() FROM system.tables"
        " WHERE database = currentDatabase() AND name = {ledger:String}",
        {"ledger": LEDGER},
    )
    applied = _ledger(clickhouse) if has_ledger else {}
    return [each.name for each in read_migrations(directory) if each.number not in applied]


def _make_ledger(clickhouse: ClickHouse) -> None:
    clickhouse.command(
        "make migration ledger",
        f"CREATE TABLE IF NOT EXISTS {LEDGER} (number UInt32, name String, checksum String,"
        f" applied_at DateTime('UTC') DEFAULT now()) ENGINE = {ENGINES['plain']} ORDER BY number",
    )


def _ledger(clickhouse: ClickHouse) -> dict[int, str]:
    """Checksums by number."""
    rows = clickhouse.query(
        "read migration ledger", "SELECT number, checksum FROM faultline_migrations", {}
    )
    return dict(rows)


def _insist_on_rights(clickhouse: ClickHouse) -> None:
    """A repair must see which inserts still run. Better to hear of it now than at the first one."""
    try:
        clickhouse.query("look at processes", "SELECT count() FROM system.processes", {})
    except ClickHouseFault as fault:
        raise MigrationRefused(
            "ClickHouse does not let this user read system.processes, which a repair needs:"
            " GRANT SELECT ON system.processes TO the user."
        ) from fault


def _refuse_contradictions(migrations: list[Migration], applied: dict[int, str]) -> None:
    for migration in migrations:
        checksum = applied.get(migration.number)
        if checksum is not None and checksum != migration.checksum:
            raise MigrationRefused(
                f"ClickHouse migration {migration.name} was edited after it ran."
                " Restore the file and put the change into a new one."
            )
    unknown = sorted(set(applied) - {migration.number for migration in migrations})
    if unknown:
        raise MigrationRefused(
            f"ClickHouse has run migration {unknown[-1]}, which this version does not know."
            " Use the version that made it, or a newer one."
        )


def _record(clickhouse: ClickHouse, migration: Migration) -> None:
    clickhouse.insert(
        LEDGER,
        ("number", "name", "checksum"),
        [(migration.number, migration.name, migration.checksum)],
    )


def _set_retention(clickhouse: ClickHouse) -> None:
    """Give every expiring table the TTL of the setting, where it has another one."""
    days: int = settings.RETENTION_DAYS
    for table, column in EXPIRING.items():
        [(definition,)] = clickhouse.command(
            "read table definition",
            "SELECT create_table_query FROM system.tables"
            " WHERE database = currentDatabase() AND name = {table:String}",
            {"table": table},
        )
        if f"TTL toDateTime({column}) + toIntervalDay({days})" not in definition:
            clickhouse.command(
                "set retention",
                f"ALTER TABLE {table} MODIFY TTL toDateTime({column}) + toIntervalDay({days})",
            )
