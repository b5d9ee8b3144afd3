"""Whose rows ClickHouse holds: to find those of environments that were deleted."""

from collections.abc import Sequence

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.tables import TABLES


def environments_with_rows() -> set[str]:
    """The ids of all environments that any table has rows of."""
    return {
        environment_id
        for table in TABLES
        for (environment_id,) in clickhouse().command(
            "environments with rows",
            f"SELECT DISTINCT environment_id FROM {table}",  # noqa: S608
        )
    }


def delete_rows_of(table: str, environment_ids: Sequence[str]) -> None:
    """Delete all rows of these environments from one of TABLES. Returns once that is done."""
    clickhouse().command(
        "delete rows of environments",
        f"DELETE FROM {table} WHERE environment_id IN {{ids:Array(String)}}"  # noqa: S608
        " SETTINGS lightweight_deletes_sync = 2, mutations_sync = 2",
        {"ids": list(environment_ids)},
    )
