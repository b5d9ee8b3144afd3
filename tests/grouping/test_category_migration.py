"""Categories come to tables that hold groups already."""

import os
from collections.abc import Iterator
from pathlib import Path
from shutil import copy

import pytest

from runs_app.clickhouse.client import ClickHouse, EmbeddedTarget
from runs_app.clickhouse.migrate import DIRECTORY, migrate

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("TEST_CLICKHOUSE_URL")),
    reason="needs an engine that is empty, and a server is used",
)

BEFORE = "0012"
ROW = {
    "organization_id": "o", "project_id": "p", "environment_id": "e", "run_id": "a",
    "status": "CRASHED", "task_identifier": "t", "created_at": "2026-01-02 00:00:00",
    "error": '{"data": {"type": "E", "message": "timeout"}}', "error_fingerprint": "f",
    "_version": "1",
}  # fmt: skip
GROUPS = """
SELECT
    error_fingerprint,
    max(newest).error_message,
    max(newest_category).category,
    count()
FROM errors_v1
GROUP BY error_fingerprint
ORDER BY error_fingerprint"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[ClickHouse]:
    door = ClickHouse(EmbeddedTarget(tmp_path / "clickhouse"))
    yield door
    door.close()


def insert(engine: ClickHouse, **columns: str) -> None:
    row = {**ROW, **columns}
    values = ", ".join(f"'{value}'" for value in row.values())
    engine.command("test", f"INSERT INTO task_runs_v2 ({', '.join(row)}) VALUES ({values})")


def test_old_groups_have_no_category_until_they_fail_again(
    engine: ClickHouse, tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    files = sorted(DIRECTORY.glob("*.sql"))
    for path in files:
        if path.name < BEFORE:
            copy(path, earlier)
    migrate(engine, earlier)
    insert(engine)
    insert(engine, run_id="b", error_fingerprint="g")

    migrate(engine)
    # A migration that was cut off before its entry in the ledger runs again.
    for path in files:
        if BEFORE <= path.name < "0016":
            engine.command("test", path.read_text())
    insert(engine, run_id="c", error_category="network", completed_at="2026-01-02 00:00:09")

    assert sorted(engine.command("test", GROUPS)) == [
        ("f", "timeout", "network", 2),
        ("g", "timeout", "", 1),
    ]
