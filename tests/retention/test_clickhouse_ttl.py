"""What is past retention in ClickHouse: dropped by merges, and not shown until then."""

from datetime import timedelta
from typing import Any

import pytest

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.migrate import EXPIRING
from runs_app.domain.run_rows import COLUMNS
from runs_app.domain.times import from_epoch_milliseconds, iso, utc_now
from runs_app.models import OutboxEntry
from tests.conftest import Workspace, failed
from tests.replication import accidents
from tests.retention.sweeping import before_retention


def rows_of(place: Workspace, table: str) -> int:
    [(count,)] = clickhouse().query(
        "test",
        f"SELECT count() FROM {table} WHERE environment_id = {{environment:String}}",  # type: ignore[arg-type]
        {"environment": place.tenant.environment_id},
    )
    return int(count)


def test_merges_drop_what_has_expired_and_nothing_else(prod: Workspace) -> None:
    old = before_retention()
    prod.send(failed("run_old"), failed("run_new"))
    old_row, new_row = (dict(accidents.named(row)) for row in accidents.claim())
    moved = int(old.timestamp() * 1000)
    old_row.update(created_at=moved, updated_at=moved, failed_at=moved)
    accidents.insert_runs([[row[name] for name in COLUMNS] for row in (old_row, new_row)])
    OutboxEntry.objects.all().delete()

    for table in EXPIRING:
        clickhouse().command("test", f"OPTIMIZE TABLE {table} PARTITION ID '{old:%Y%m}' FINAL")

    assert {table: rows_of(prod, table) for table in EXPIRING} == dict.fromkeys(EXPIRING, 1)
    # No TTL here: the group lives, and knows when it was seen first.
    [group] = prod.errors()
    assert (group["count"], group["firstSeen"]) == (1, iso(from_epoch_milliseconds(moved)))


def test_what_expired_and_was_not_merged_away_is_neither_shown_nor_counted(
    prod: Workspace, settings: Any
) -> None:
    old = utc_now() - timedelta(days=2)
    prod.report(
        failed("run_a", createdAt=iso(old)),
        failed("run_b", createdAt=iso(old), task="dead"),
        failed("run_c"),
    )
    [living] = prod.errors()
    [dead] = prod.errors(period="7d", taskIdentifier="dead")

    # The tables keep 90 days all the same.
    settings.RETENTION_DAYS = 1

    assert rows_of(prod, "task_runs_v2") == 3
    wide = {"from": iso(old - timedelta(days=1)), "to": iso(utc_now())}
    assert [group["count"] for group in prod.errors(**wide)] == [1]
    for sort in ("lastSeen", "-lastSeen", "firstSeen", "-firstSeen", "count"):
        listed = prod.errors(sort=sort, period="30d")
        assert [(group["id"], group["count"]) for group in listed] == [(living["id"], 1)]
    detail = prod.api.get(f"/api/v1/errors/{living['id']}", {"taskIdentifier": "send-mail"})
    assert (detail.status, detail.body["count"]) == (200, 1)
    gone = prod.api.get(f"/api/v1/errors/{dead['id']}", {"taskIdentifier": "dead"})
    assert gone.status == 404
    assert [run["id"] for run in prod.runs()] == ["run_c"]
    assert [run["id"] for run in prod.runs(error=living["id"])] == ["run_c"]


@pytest.mark.parametrize("table", sorted(EXPIRING))
def test_the_tables_that_expire_have_the_retention_of_the_setting(
    clickhouse_tables: None, table: str
) -> None:
    [(definition,)] = clickhouse().command("test", f"SHOW CREATE TABLE {table}")

    assert f"TTL toDateTime({EXPIRING[table]}) + toIntervalDay(90)" in definition
