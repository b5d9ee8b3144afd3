"""`manage.py verify_counts` finds and mends what was broken in ClickHouse on purpose."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.run_rows import COLUMNS, decode_rows, encode_rows
from runs_app.domain.times import epoch_milliseconds, utc_now
from runs_app.models import ClickHouseRebuild, OutboxEntry, QuarantinedRow, TaskRun
from runs_app.queries.standing_runs import read_failed_runs
from runs_app.services.verify import verify_environment
from tests.conftest import Workspace, settle
from tests.counting.figures import Failure, assert_counts
from tests.replication.conftest import Line, engine, line
from tests.verify.damage import DAMAGES, TABLES, count_rows, delete_all
from tests.verify.history import START, assert_as_told, at, boom, expected, healed, tell

__all__ = ["engine", "line"]

WORDS = {
    "task_runs_v2": "runs that ClickHouse lacks",
    "error_runs_v1": "failed runs that are missing where they count",
    "error_occurrences_v1": "minutes whose counts are wrong",
    "errors_v1": "groups that know less than their failed runs tell",
    "error_group_states_v1": "states of groups that are missing",
}
WHOLE_PLACE = (
    "organization_id", "project_id", "environment_id", "error_fingerprint", "task_identifier",
    "failed_at", "run_id", "friendly_id", "status", "task_version", "created_at", "is_test",
    "_version", "_is_deleted",
)  # fmt: skip


def name(workspace: Workspace) -> str:
    return f"{workspace.environment.project.external_ref}/{workspace.environment.slug}"


def complaint(workspace: Workspace) -> str:
    """What the command prints about the workspace, in which something is wrong."""
    out = StringIO()
    with pytest.raises(CommandError, match="wrong"):
        call_command("verify_counts", "--environment", name(workspace), stdout=out)
    return out.getvalue()


def repair(workspace: Workspace) -> str:
    out = StringIO()
    call_command("verify_counts", "--repair", "--environment", name(workspace), stdout=out)
    return out.getvalue()


@pytest.fixture
def told(prod: Workspace) -> Workspace:
    tell(prod)
    return prod


@pytest.mark.parametrize("table", TABLES)
def test_a_lost_part_of_a_table_is_found_and_mended(told: Workspace, table: str) -> None:
    for damage in DAMAGES.values():
        before = count_rows(told, table)
        damage(told, table)
        assert count_rows(told, table) < before

        found = complaint(told)
        repaired = repair(told)

        assert WORDS[table] in found
        assert "after the repair: 0 wrong" in repaired
        assert_as_told(told)


def test_everything_lost_is_mended(told: Workspace) -> None:
    for table in TABLES:
        delete_all(told, table)

    assert "after the repair: 0 wrong" in repair(told)

    assert_as_told(told)


def test_a_right_history_has_nothing_to_find(told: Workspace) -> None:
    assert_as_told(told)
    assert verify_environment(told.tenant, repair=False).before.total == 0


def place(workspace: Workspace, friendly: str, **values: Any) -> dict[str, Any]:
    """The columns of a run's row among the failed runs, some of them changed."""
    run = TaskRun.objects.get(environment=workspace.environment, friendly_id=friendly)
    tenant = workspace.tenant
    assert run.failed_at is not None
    return {
        "organization_id": tenant.organization_id,
        "project_id": tenant.project_id,
        "environment_id": tenant.environment_id,
        "error_fingerprint": run.error_fingerprint,
        "task_identifier": run.task_identifier,
        "failed_at": epoch_milliseconds(run.failed_at),
        "run_id": run.run_id,
        "friendly_id": run.friendly_id,
        "status": run.status,
        "task_version": run.task_version,
        "created_at": epoch_milliseconds(run.created_at),
        "is_test": run.is_test,
        "_version": run.row_version,
        "_is_deleted": 0,
        **values,
    }


def put(row: dict[str, Any]) -> None:
    clickhouse().insert("error_runs_v1", WHOLE_PLACE, [[row[column] for column in WHOLE_PLACE]])


@pytest.mark.parametrize("newer", [-1, 0, 6])
def test_runs_that_stand_elsewhere_are_put_back_and_can_change_later(
    told: Workspace, newer: int
) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "alpha0": {"error_fingerprint": "f" * 16},
        "beta0": {"failed_at": epoch_milliseconds(at(40))},
        "gamma0": {"task_identifier": "nobody"},
        "delta0": {"task_version": "9"},
        "delta1": {"_is_deleted": 1},
    }
    for run, values in wrong.items():
        row = place(told, f"run_{run}", **values)
        put({**row, "_version": row["_version"] + newer})

    found = complaint(told)
    repair(told)

    assert "run_alpha0" in found
    assert "run_beta0" in found
    # An older row in the right place changes nothing.
    assert all((f"run_{run}" in found) == (newer >= 0) for run in ("gamma0", "delta0", "delta1"))
    assert_as_told(told)
    told.report(*(healed(run) for run in wrong))
    told.report(*(boom(run, run[:-1], int(run[-1])) for run in wrong))
    assert_as_told(told)


def test_the_same_wrong_place_can_become_the_right_one(told: Workspace) -> None:
    before = TaskRun.objects.get(environment=told.environment, friendly_id="run_alpha0")
    put(place(told, "run_moved", error_fingerprint=before.error_fingerprint))
    repair(told)

    told.report(boom("moved", "alpha", 20))
    settle()

    shown = told.runs(error=f"error_{before.error_fingerprint}")
    assert "run_moved" in {run["id"] for run in shown}
    assert verify_environment(told.tenant, repair=False).found == []


def test_failed_runs_nobody_reported_are_found_and_deleted(told: Workspace) -> None:
    """As after a restore of an older backup of the relational store."""
    told.report(boom("lost", "alpha", 30), boom("lost2", "nova", 31))
    TaskRun.objects.filter(
        environment=told.environment, friendly_id__startswith="run_lost"
    ).delete()

    found = complaint(told)
    repair(told)

    assert "failed runs that nobody reported: 2" in found
    counts = {run["id"] for run in told.runs(**{"page[size]": "100"})}
    assert not {"run_lost", "run_lost2"} & counts
    assert verify_environment(told.tenant, repair=False).found == []


def test_a_run_known_in_a_newer_version_than_the_stored_one_is_overtaken(told: Workspace) -> None:
    """As after a restore of an older backup: its later changes must win again."""
    stored = TaskRun.objects.filter(environment=told.environment, friendly_id="run_moved")
    [old] = stored.values()
    told.report(boom("moved", "omega", 50))
    told.report(boom("moved", "sigma", 51))
    stored.update(**{key: value for key, value in old.items() if key != "id"})

    assert "run_moved" in complaint(told)
    repair(told)

    assert_as_told(told)
    told.report(healed("moved"), boom("moved", "beta", 20))
    assert_as_told(told)


def test_doubled_minutes_are_found_and_mended(told: Workspace) -> None:
    clickhouse().command(
        "double minutes",
        "INSERT INTO error_occurrences_v1 SELECT * FROM error_occurrences_v1"
        " WHERE environment_id = {environment:String}",
        {"environment": told.tenant.environment_id},
    )

    assert WORDS["error_occurrences_v1"] in complaint(told)
    repair(told)

    assert_as_told(told)


def test_what_waits_in_the_outbox_is_no_difference_and_counts_once(told: Workspace) -> None:
    told.send(boom("late", "alpha", 2), boom("moved", "alpha", 20), healed("alpha1"))

    verdict = verify_environment(told.tenant, repair=True)

    assert verdict.before.total == 0
    told.send(boom("moved", "beta", 20), boom("alpha1", "alpha", 1))
    settle()
    late = Failure("send-mail", "alpha", "", at(2))
    assert_counts(told, {**expected(), "run_late": late})


def test_a_lost_run_whose_change_waits_is_left_to_its_batch(told: Workspace) -> None:
    delete_all(told, "task_runs_v2")
    delete_all(told, "error_runs_v1")
    told.send(boom("moved", "alpha", 20))

    verify_environment(told.tenant, repair=True)
    told.send(boom("moved", "beta", 20))
    settle()

    assert verify_environment(told.tenant, repair=True).remaining == []
    assert_counts(told, expected())


def test_the_command_delivers_what_waits_first(told: Workspace) -> None:
    told.send(boom("late", "alpha", 2))

    call_command("verify_counts", "--environment", name(told), stdout=StringIO())

    assert not OutboxEntry.objects.exists()
    assert_as_told(told, run_late=Failure("send-mail", "alpha", "", at(2)))


def test_runs_set_aside_are_told_apart(prod: Workspace) -> None:
    prod.report(boom("a", "alpha", 0))
    prod.send(boom("a", "beta", 0), boom("b", "beta", 1))
    entry = OutboxEntry.objects.get()
    rows = decode_rows(bytes(entry.content))
    rows[-1][COLUMNS.index("error")] = "{"
    entry.content = encode_rows(rows)
    entry.save()
    settle()
    assert QuarantinedRow.objects.filter(environment=prod.environment).count() == 1
    out = StringIO()

    call_command("verify_counts", "--environment", name(prod), stdout=out)

    assert "all counts are right" in out.getvalue()
    assert "1 run set aside" in out.getvalue()
    assert_counts(prod, {"run_a": Failure("send-mail", "beta", "", at(0))})


def test_nothing_is_verified_in_the_middle_of_a_rebuild(told: Workspace) -> None:
    ClickHouseRebuild.objects.create(started_at=utc_now())

    with pytest.raises(CommandError, match="being rebuilt"):
        call_command("verify_counts", stdout=StringIO())


def test_slices_are_put_together_without_gaps(
    told: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs_app.services.verify_runs.SLICE", 4)
    monkeypatch.setattr("runs_app.services.verify_groups.RANGE_ROWS", 3)
    monkeypatch.setattr("errors_app.queries.states.STATES_PER_CHUNK", 1)
    assert verify_environment(told.tenant, repair=False).found == []
    for table in TABLES:
        delete_all(told, table)

    verdict = verify_environment(told.tenant, repair=True)

    assert verdict.before.total > 0
    assert verdict.remaining == []
    assert_as_told(told)


def test_what_is_beyond_retention_on_either_side_is_no_difference(told: Workspace) -> None:
    long_ago = START - timedelta(days=91)
    run = TaskRun.objects.get(environment=told.environment, friendly_id="run_alpha0")
    runs = TaskRun.objects.filter(pk=run.pk)
    run.pk = None
    run.friendly_id, run.run_id = "run_expired", "expired"
    run.created_at = run.failed_at = run.counted_failed_at = long_ago
    run.save()
    put(
        place(
            told,
            "run_alpha0",
            run_id="expired2",
            friendly_id="run_expired2",
            failed_at=epoch_milliseconds(long_ago),
        )
    )

    assert runs.exists()
    assert verify_environment(told.tenant, repair=False).found == []
    assert read_failed_runs(told.tenant, None, long_ago, 100)[0].friendly_id


def test_clickhouse_that_is_away_is_told_in_a_sentence(told: Workspace, line: Line) -> None:
    line.down()

    with pytest.raises(CommandError, match="not available right now"):
        call_command("verify_counts", "--repair", stdout=StringIO())

    told.send(boom("late", "alpha", 2))
    with pytest.raises(CommandError, match=r"does not get into ClickHouse: .*refused"):
        call_command("verify_counts", "--repair", stdout=StringIO())
