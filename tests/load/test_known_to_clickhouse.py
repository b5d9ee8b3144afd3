"""Loading runs that ClickHouse has and the relational store lacks: they go on as they count."""

import json
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import OperationalError

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.times import epoch_milliseconds, iso
from runs_app.models import TaskRun
from runs_app.queries import task_runs
from runs_app.services import adoption, repair
from runs_app.services import load as load_service
from tests.conftest import Workspace, failed
from tests.counting.figures import Failure, assert_counts
from tests.load.conftest import CREATED, FINGERPRINT, Load, row

BOOM = Failure("send-mail", "boom")
HIGHEST = """
SELECT max(_version) FROM task_runs_v2 WHERE environment_id = {environment:String}
"""
BY_HAND = (
    "organization_id", "project_id", "environment_id", "run_id", "friendly_id", "status",
    "task_identifier", "task_version", "created_at", "updated_at", "failed_at",
    "error_fingerprint", "error", "_version",
)  # fmt: skip


def lose_the_relational_store() -> None:
    """It is restored from a backup that knows no run."""
    TaskRun.objects.all().delete()


def row_by_hand(workspace: Workspace, run_id: str, /, **columns: Any) -> list[Any]:
    """A row as somebody inserts it into ClickHouse: it counts as soon as it is there."""
    tenant = workspace.tenant
    values: dict[str, Any] = {
        "organization_id": tenant.organization_id,
        "project_id": tenant.project_id,
        "environment_id": tenant.environment_id,
        "run_id": f"internal-{run_id}",
        "friendly_id": f"run_{run_id}",
        "status": "COMPLETED_WITH_ERRORS",
        "task_identifier": "send-mail",
        "task_version": "",
        "created_at": CREATED,
        "updated_at": CREATED,
        "failed_at": CREATED,
        "error_fingerprint": FINGERPRINT,
        "error": '{"data": {"type": "E", "message": "boom"}}',
        "_version": 1,
        **columns,
    }
    for name in ("created_at", "updated_at", "failed_at"):
        values[name] = epoch_milliseconds(values[name])
    return [values[name] for name in BY_HAND]


def insert_by_hand(workspace: Workspace, run_id: str, /, **columns: Any) -> None:
    clickhouse().insert("task_runs_v2", BY_HAND, [row_by_hand(workspace, run_id, **columns)])


def after(minutes: int) -> datetime:
    return CREATED + timedelta(minutes=minutes)


def highest_version(workspace: Workspace) -> int:
    parameters = {"environment": workspace.tenant.environment_id}
    [(version,)] = clickhouse().query("highest version", HIGHEST, parameters)
    return int(version)


def test_what_a_lost_store_had_loaded_counts_once_when_it_is_loaded_again(
    prod: Workspace, load: Load
) -> None:
    rows = [row(prod, "a"), row(prod, "b", task_version="2"), row(prod, "c", status="EXECUTING")]
    load(rows)
    before = highest_version(prod)
    lose_the_relational_store()

    printed = load(rows)

    assert "Loaded 3 runs; 0 were known already." in printed
    assert_counts(prod, {"run_a": BOOM, "run_b": Failure("send-mail", "boom", "2")})
    assert min(TaskRun.objects.values_list("row_version", flat=True)) > before
    assert len(prod.runs()) == 3


def test_what_a_lost_store_had_been_told_moves_to_where_the_row_has_it(
    prod: Workspace, load: Load
) -> None:
    told = {"createdAt": iso(CREATED)}
    prod.report(failed("a", **told), failed("b", **told), failed("c", **told))
    prod.report({"id": "c", "taskIdentifier": "send-mail", "status": "COMPLETED"})
    lose_the_relational_store()

    load([row(prod, "a"), row(prod, "b", status="COMPLETED_SUCCESSFULLY"), row(prod, "c")])

    assert_counts(prod, {"run_a": BOOM, "run_c": BOOM})
    assert sorted(run["id"] for run in prod.runs()) == ["run_a", "run_b", "run_c"]


@pytest.mark.parametrize("created", [CREATED - timedelta(days=3), CREATED + timedelta(minutes=1)])
def test_the_time_of_creation_that_clickhouse_knows_is_kept(
    prod: Workspace, load: Load, created: datetime
) -> None:
    insert_by_hand(prod, "a", created_at=created)

    load([row(prod, "a")])

    assert TaskRun.objects.get().created_at == created
    assert [run["id"] for run in prod.runs()] == ["run_a"]
    assert_counts(prod, {"run_a": BOOM})


@pytest.mark.parametrize("name", ["run_a", "run_internal-a"])
def test_a_run_that_somebody_inserted_several_times_in_several_places_counts_once(
    prod: Workspace, load: Load, name: str
) -> None:
    for version, fingerprint in [(1, "one"), (2, "two"), (2, "two"), (9, "three")]:
        insert_by_hand(
            prod, "a", _version=version, error_fingerprint=fingerprint, friendly_id=name,
            failed_at=after(version),
        )  # fmt: skip
    insert_by_hand(prod, "b", error_fingerprint="two")

    load([row(prod, "a", _version=3), row(prod, "c")])

    message = {"run_a": BOOM, "run_c": BOOM, "run_b": BOOM}
    assert {(g["fingerprint"], g["count"]) for g in prod.errors()} == {(FINGERPRINT, 2), ("two", 1)}
    prod.report({"id": "c", "taskIdentifier": "send-mail", "status": "COMPLETED"})
    load([row(prod, "b", error_fingerprint=FINGERPRINT)])
    del message["run_c"]
    assert_counts(prod, message)


def test_a_run_that_counts_under_two_keys_is_taken_out_of_the_older_one(
    prod: Workspace, load: Load
) -> None:
    insert_by_hand(prod, "a", run_id="a", _version=4, failed_at=after(1))
    insert_by_hand(prod, "a", _version=6, failed_at=after(2), created_at=after(1))

    load([row(prod, "a")])

    assert_counts(prod, {"run_a": BOOM._replace(at=after(2))})
    assert [run["id"] for run in prod.runs()] == ["run_a"]
    assert TaskRun.objects.get().run_id == "internal-a"


def test_reports_go_on_from_runs_that_were_taken_over(prod: Workspace, load: Load) -> None:
    names = ("same", "moves", "heals", "again")
    for name in names:
        insert_by_hand(prod, name, _version=10**12, task_version="1")
    load([row(prod, name, task_version="1") for name in names])
    here = Failure("send-mail", "boom", "1")
    assert_counts(prod, {f"run_{name}": here for name in names})

    error = {"type": "E", "message": "boom", "stack": "at x"}
    prod.report(
        failed("same", error=error),
        failed("moves", version="2", error=error),
        {"id": "heals", "taskIdentifier": "send-mail", "status": "COMPLETED"},
        {"id": "again", "taskIdentifier": "send-mail", "status": "COMPLETED"},
    )
    prod.report(failed("again", error={"type": "Other", "message": "bang"}))

    assert_counts(
        prod,
        {
            "run_same": here,
            "run_moves": here._replace(version="2"),
            "run_again": Failure("send-mail", "bang", "1"),
        },
    )


def test_a_load_that_finds_its_runs_reported_meanwhile_leaves_them_as_reported(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt = adoption.adopt_runs

    def report_meanwhile(*arguments: Any) -> Any:
        found = adopt(*arguments)
        prod.report({**failed("a"), "createdAt": iso(CREATED), "updatedAt": iso(after(60))})
        return found

    monkeypatch.setattr(load_service, "adopt_runs", report_meanwhile)

    printed = load([row(prod, "a"), row(prod, "b")])

    assert "Loaded 1 runs; 1 were known already." in printed
    assert_counts(prod, {"run_a": Failure("send-mail", "User 12345 not found"), "run_b": BOOM})


def test_a_run_that_is_stored_after_the_first_look_is_not_taken_over(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod.report({**failed("a"), "createdAt": iso(CREATED), "updatedAt": iso(after(60))})
    monkeypatch.setattr(task_runs, "known_ids", lambda *_: set())

    load([row(prod, "a"), row(prod, "b")])

    assert_counts(prod, {"run_a": Failure("send-mail", "User 12345 not found"), "run_b": BOOM})


def test_the_rows_of_other_tenants_are_not_looked_at(
    prod: Workspace, staging: Workspace, load: Load
) -> None:
    insert_by_hand(staging, "a", _version=99)

    load([row(prod, "a")])

    assert_counts(prod, {"run_a": BOOM})
    assert TaskRun.objects.get().row_version < 99
    assert [group["count"] for group in staging.errors()] == [1]


@pytest.mark.parametrize("at_once", [1, 2_000])
def test_two_runs_never_share_a_key(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(load_service, "LINES_PER_TRANSACTION", at_once)
    prod.report(
        {
            **failed("internal-b", error={"type": "E", "message": "boom"}),
            "createdAt": iso(CREATED - timedelta(minutes=1)),
        }
    )

    printed = load(
        [row(prod, "a"), row(prod, "a", friendly_id=None), row(prod, "b"), row(prod, "c")]
    )

    assert "Refused 2 rows with the run_id of another run." in printed
    assert TaskRun.objects.count() == 3
    assert sum(group["count"] for group in prod.errors()) == 3


def test_a_run_whose_versions_are_used_up_is_refused(prod: Workspace, load: Load) -> None:
    insert_by_hand(prod, "a", _version=2**64 - 1)

    printed = load([row(prod, "a"), row(prod, "b")])

    assert "Refused 1 rows whose version in ClickHouse leaves no room" in printed
    assert [run.friendly_id for run in TaskRun.objects.all()] == ["run_b"]
    assert [group["count"] for group in prod.errors()] == [2]


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_was_inserted_by_hand_each_run_counts_once_where_it_was_loaded(
    prod: Workspace, load: Load, seed: int
) -> None:
    chance = random.Random(seed)
    names = [f"r{number}" for number in range(8)]

    def place(group: str) -> dict[str, Any]:
        return {
            "error_fingerprint": group,
            "task_version": chance.choice(["", "1", "2"]),
            "error": {"data": {"type": "E", "message": group}},
            "_version": chance.randrange(1, 20),
        }

    def by_hand(name: str) -> list[Any]:
        where = place(chance.choice(["one", "two", "three"]))
        return row_by_hand(
            prod,
            name,
            **{**where, "error": json.dumps(where["error"])},
            run_id=chance.choice([name, f"internal-{name}"]),
            status=chance.choice(["COMPLETED_WITH_ERRORS", "CRASHED", "EXECUTING"]),
            failed_at=after(chance.randrange(4)),
        )

    for _ in range(4):
        rows = [by_hand(chance.choice(names)) for _ in range(15)]
        clickhouse().insert("task_runs_v2", BY_HAND, rows)
    places = {name: place(chance.choice(["one", "two"])) for name in names}

    load(row(prod, name, **where) for name, where in places.items())

    expected = {
        f"run_{name}": Failure("send-mail", where["error_fingerprint"], where["task_version"])
        for name, where in places.items()
    }
    assert_counts(prod, expected)
    assert len(prod.runs()) == len(names)
    prod.report({"id": "r0", "taskIdentifier": "send-mail", "status": "COMPLETED"})
    del expected["run_r0"]
    assert_counts(prod, expected)


def lost() -> None:
    raise OperationalError("The turn at replicating was lost with its session.")


def test_who_lost_its_turn_takes_nothing_out(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_by_hand(prod, "a", error_fingerprint="one")
    insert_by_hand(prod, "a", error_fingerprint="two", _version=2)
    monkeypatch.setattr(adoption, "insist_on_turn", lost)

    with pytest.raises(CommandError, match=r"loaded already.*turn at replicating was lost"):
        load([row(prod, "a")])

    assert {(g["fingerprint"], g["count"]) for g in prod.errors()} == {("one", 1), ("two", 1)}
    assert not TaskRun.objects.exists()


def test_who_loses_its_turn_between_two_days_mends_no_other_day(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, failed_at in (("old", CREATED - timedelta(days=3)), ("new", CREATED)):
        for version in (1, 2):
            insert_by_hand(
                prod, name, error_fingerprint=name, failed_at=failed_at, _version=version
            )
    insist = repair.insist_on_turn
    asked: list[None] = []

    def lost_after_the_first() -> None:
        asked.append(insist())
        if len(asked) > 1:
            lost()

    monkeypatch.setattr(repair, "insist_on_turn", lost_after_the_first)

    with pytest.raises(CommandError, match="turn at replicating was lost"):
        load([row(prod, "old"), row(prod, "new")])

    counted = {group["fingerprint"]: group["count"] for group in prod.errors(period="7d")}
    assert counted == {"old": 1, "new": 2}
