"""Migrations of ClickHouse and their ledger."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from runs_app.clickhouse.client import ClickHouse, EmbeddedTarget
from runs_app.clickhouse.migrate import DIRECTORY, MigrationRefused, migrate, pending

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("TEST_CLICKHOUSE_URL")),
    reason="needs an engine that is empty, and a server is used",
)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[ClickHouse]:
    door = ClickHouse(EmbeddedTarget(tmp_path / "clickhouse"))
    yield door
    door.close()


def write(directory: Path, name: str, statement: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(statement)


ONE = "CREATE TABLE IF NOT EXISTS one (x UInt8) ENGINE = ${plain} ORDER BY x"
TWO = "CREATE TABLE IF NOT EXISTS two (x UInt8) ENGINE = ${plain} ORDER BY x"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "sql"
    write(directory, "0001_one.sql", ONE)
    monkeypatch.setattr("runs_app.clickhouse.migrate.EXPIRING", {})
    return directory


def test_the_projects_own_migrations_make_every_table_and_run_once(empty: ClickHouse) -> None:
    names = [path.stem for path in sorted(DIRECTORY.glob("*.sql"))]

    assert migrate(empty) == names
    assert migrate(empty) == []
    assert pending(empty) == []
    tables = {name for (name,) in empty.command("test", "SHOW TABLES")}
    assert {"task_runs_v2", "error_runs_v1", "error_occurrences_v1", "errors_v1"} <= tables


def test_inserts_are_synced_to_disk(empty: ClickHouse) -> None:
    migrate(empty)

    rows = empty.command(
        "test",
        "SELECT name, value FROM system.merge_tree_settings"
        " WHERE name IN ('fsync_after_insert', 'fsync_part_directory')",
    )

    assert dict(rows) == {"fsync_after_insert": "1", "fsync_part_directory": "1"}


def test_only_what_is_new_runs(empty: ClickHouse, files: Path) -> None:
    migrate(empty, files)
    write(files, "0002_two.sql", TWO)

    assert pending(empty, files) == ["0002_two"]
    assert migrate(empty, files) == ["0002_two"]


def test_a_file_that_was_edited_after_it_ran_is_refused(empty: ClickHouse, files: Path) -> None:
    migrate(empty, files)
    write(files, "0001_one.sql", ONE + " -- changed")

    with pytest.raises(MigrationRefused, match="0001_one was edited"):
        migrate(empty, files)


def test_a_store_that_is_newer_than_the_files_is_refused(empty: ClickHouse, files: Path) -> None:
    write(files, "0002_two.sql", TWO)
    migrate(empty, files)
    (files / "0002_two.sql").unlink()

    with pytest.raises(MigrationRefused, match="does not know"):
        migrate(empty, files)


def test_numbers_with_a_gap_are_refused(empty: ClickHouse, files: Path) -> None:
    write(files, "0003_three.sql", TWO)

    with pytest.raises(MigrationRefused, match="without gaps"):
        migrate(empty, files)


def test_a_migration_cut_off_before_its_ledger_row_runs_again(
    empty: ClickHouse, files: Path
) -> None:
    empty.command("test", ONE.replace("${plain}", "MergeTree"))

    assert migrate(empty, files) == ["0001_one"]


def test_the_retention_setting_becomes_the_tables_ttl_and_follows_it(empty: ClickHouse) -> None:
    def days() -> set[str]:
        rows = empty.command(
            "test",
            "SELECT extract(create_table_query, 'toIntervalDay\\\\((\\\\d+)\\\\)')"
            " FROM system.tables WHERE database = currentDatabase() AND name IN"
            " ('task_runs_v2', 'error_runs_v1', 'error_occurrences_v1')",
        )
        return {value for (value,) in rows}

    migrate(empty)
    assert days() == {"90"}

    with override_settings(RETENTION_DAYS=30):
        migrate(empty)
    assert days() == {"30"}


def test_what_must_outlive_the_retention_has_no_ttl(empty: ClickHouse) -> None:
    migrate(empty)

    rows = empty.command(
        "test",
        "SELECT create_table_query FROM system.tables WHERE database = currentDatabase()"
        " AND name IN ('errors_v1', 'error_group_states_v1')",
    )

    assert len(rows) == 2
    assert not any(" TTL " in query for (query,) in rows)
