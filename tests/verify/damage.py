"""Breaking ClickHouse on purpose, behind everybody's back."""

from collections.abc import Callable, Mapping
from typing import Final

from runs_app.clickhouse.client import clickhouse
from tests.conftest import Workspace

TABLES: Final = (
    "task_runs_v2",
    "error_runs_v1",
    "error_occurrences_v1",
    "errors_v1",
    "error_group_states_v1",
)
# Parts with rows of the workspace, the newest first. They may hold rows of other tests, which are
# over.
PARTS: Final = """
SELECT _part
FROM {table}
GROUP BY _part
HAVING countIf(environment_id = {environment:String}) > 0
ORDER BY max(_block_number) DESC
"""
DELETE: Final = "DELETE FROM {table} WHERE environment_id = {environment:String}"
SOME: Final = " AND cityHash64(error_fingerprint, task_identifier) % 2 = 0"
SOME_RUNS: Final = " AND cityHash64(run_id) % 2 = 0"
BY_RUN: Final = frozenset({"task_runs_v2", "error_runs_v1"})


def drop_newest_part(workspace: Workspace, table: str) -> None:
    environment = {"environment": workspace.tenant.environment_id}
    parts = clickhouse().command("parts", PARTS.replace("{table}", table), environment)
    clickhouse().command(
        "drop part", f"ALTER TABLE {table} DROP PART {{part:String}}", {"part": parts[0][0]}
    )


def delete_all(workspace: Workspace, table: str) -> None:
    _delete(workspace, DELETE.replace("{table}", table))


def delete_some(workspace: Workspace, table: str) -> None:
    _delete(workspace, DELETE.replace("{table}", table) + (SOME_RUNS if table in BY_RUN else SOME))


def _delete(workspace: Workspace, statement: str) -> None:
    clickhouse().command(
        "delete by hand",
        statement + " SETTINGS lightweight_deletes_sync = 2, mutations_sync = 2",
        {"environment": workspace.tenant.environment_id},
    )


def count_rows(workspace: Workspace, table: str) -> int:
    [(count,)] = clickhouse().command(
        "count rows",
        f"SELECT count() FROM {table} WHERE environment_id = {{environment:String}}",
        {"environment": workspace.tenant.environment_id},
    )
    return int(count)


DAMAGES: Final[Mapping[str, Callable[[Workspace, str], None]]] = {
    "newest part": drop_newest_part,
    "everything": delete_all,
    "some rows": delete_some,
}
