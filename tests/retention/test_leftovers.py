"""What was set aside, and records of rebuilds, go with what they tell of."""

from datetime import datetime

import pytest

from runs_app.domain.times import utc_now
from runs_app.models import ClickHouseRebuild, OutboxEntry, QuarantinedRow, TaskRun
from runs_app.services import retention
from runs_app.services.retention import Kind
from tests.conftest import Workspace, failed
from tests.retention.sweeping import before_retention, make_old, sweep


def set_aside(
    prod: Workspace,
    run_id: str,
    *,
    accepted: datetime | None = None,
    dropped: bool = False,
) -> QuarantinedRow:
    now = utc_now()
    return QuarantinedRow.objects.create(
        kind=OutboxEntry.Kind.RUNS,
        environment=prod.environment,
        run_id=run_id,
        row_count=1,
        reason="refused",
        created_at=accepted or now,
        quarantined_at=now,
        dropped_at=now if dropped else None,
        content=b"" if dropped else b"{}",
    )


def stored_id(friendly_id: str) -> str:
    return TaskRun.objects.get(friendly_id=friendly_id).run_id


def left() -> set[int]:
    return set(QuarantinedRow.objects.values_list("pk", flat=True))


def test_a_mark_goes_with_its_run(prod: Workspace, staging: Workspace) -> None:
    prod.send(failed("run_a"), failed("run_b"))
    staging.send(failed("run_a"))
    make_old("run_a")
    TaskRun.objects.filter(environment=staging.environment).update(counted_failed_at=utc_now())
    run_a, run_b = (
        TaskRun.objects.filter(friendly_id=name)[0].run_id for name in ("run_a", "run_b")
    )
    set_aside(prod, run_a, dropped=True)
    kept = {
        set_aside(prod, run_b, dropped=True).pk,
        set_aside(staging, run_a, dropped=True).pk,
    }

    deleted = sweep()

    assert deleted == {Kind.RUNS: 1, Kind.QUARANTINED: 1}
    assert left() == kept


@pytest.mark.parametrize("dropped", [False, True])
def test_a_row_accepted_before_retention_goes_unless_its_run_is_kept(
    prod: Workspace, dropped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_ROWS", 2)
    prod.send(failed("run_a"))
    run_a = stored_id("run_a")
    make_old("run_a")
    TaskRun.objects.update(counted_failed_at=utc_now())
    old = before_retention()
    kept = {set_aside(prod, run_a, accepted=old, dropped=dropped).pk}
    for run_id in ("gone_1", "gone_2", "", "gone_3"):
        set_aside(prod, run_id, accepted=old, dropped=dropped)
    kept.add(set_aside(prod, "gone_4", dropped=dropped).pk)

    deleted = sweep()

    assert deleted == {Kind.QUARANTINED: 4}
    assert left() == kept


def test_a_run_of_the_same_id_elsewhere_keeps_nothing(prod: Workspace, staging: Workspace) -> None:
    staging.send(failed("run_a"))
    run_a = stored_id("run_a")
    make_old("run_a")
    TaskRun.objects.update(counted_failed_at=utc_now())
    set_aside(prod, run_a, accepted=before_retention())

    assert sweep() == {Kind.QUARANTINED: 1}


def test_finished_rebuilds_go_and_one_under_way_stays(clickhouse_tables: None, db: None) -> None:
    old = before_retention()
    ClickHouseRebuild.objects.create(started_at=old, finished_at=old)
    kept = {
        ClickHouseRebuild.objects.create(started_at=old).pk,
        ClickHouseRebuild.objects.create(started_at=old, finished_at=utc_now()).pk,
    }

    assert sweep() == {Kind.REBUILDS: 1}
    assert set(ClickHouseRebuild.objects.values_list("pk", flat=True)) == kept
