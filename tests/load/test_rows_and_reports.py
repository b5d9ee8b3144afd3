"""Rows of an export against reports of the same runs: whichever is newer stands."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError

from runs_app.domain.tenant import Tenant
from runs_app.domain.times import epoch_milliseconds, iso, utc_now
from runs_app.models import OutboxEntry, TaskRun
from runs_app.queries import task_runs
from tests.conftest import Workspace, failed
from tests.counting.figures import Failure, assert_counts
from tests.load.conftest import CREATED, FINGERPRINT, Load, Row, row

BOOM = Failure("send-mail", "boom")
HUGE = 10**15


def at(minutes: int) -> datetime:
    return CREATED + timedelta(minutes=minutes)


def row_at(workspace: Workspace, minutes: int, /, **columns: Any) -> Row:
    return row(workspace, "a", updated_at=str(epoch_milliseconds(at(minutes))), **columns)


def failed_at(minutes: int, **members: Any) -> dict[str, Any]:
    told = {"createdAt": iso(CREATED), "updatedAt": iso(at(minutes))}
    return failed("a", **{"error": {"type": "E", "message": "boom"}, **told, **members})


def completed_at(minutes: int, **members: Any) -> dict[str, Any]:
    told = {"updatedAt": iso(at(minutes)), **members}
    return {"id": "a", "taskIdentifier": "send-mail", "status": "COMPLETED", **told}


def stored() -> dict[str, Any]:
    return TaskRun.objects.values().get()


def test_a_row_from_before_the_last_report_changes_nothing(prod: Workspace, load: Load) -> None:
    prod.report(failed_at(0, slice="blue"))
    prod.report(completed_at(60))
    before = stored()

    printed = load([row_at(prod, 30, _version=HUGE)])

    assert "Loaded 0 runs; 1 were known already." in printed
    assert stored() == before
    assert (before["reported_at"], before["slice"]) == (at(60), "blue")
    assert_counts(prod, {})


def test_a_row_of_the_same_time_as_the_last_report_changes_nothing(
    prod: Workspace, load: Load
) -> None:
    prod.report(completed_at(60, createdAt=iso(CREATED)))

    load([row_at(prod, 60, _version=HUGE)])

    assert_counts(prod, {})


@pytest.mark.parametrize("first", [{"updatedAt": None}, {}])
def test_a_row_from_before_a_report_without_a_time_of_its_own_changes_nothing(
    prod: Workspace, load: Load, first: dict[str, Any]
) -> None:
    prod.report(failed_at(0, **first))
    prod.report(completed_at(0, updatedAt=None))

    load([row_at(prod, 30, _version=HUGE)])

    assert_counts(prod, {})


def test_a_row_from_before_what_a_first_report_tells_of_changes_nothing(
    prod: Workspace, load: Load
) -> None:
    finished = {"updatedAt": None, "createdAt": iso(CREATED), "finishedAt": iso(at(60))}
    prod.report(completed_at(0, **finished))

    load([row_at(prod, 30, _version=HUGE)])

    assert_counts(prod, {})


def test_a_row_from_after_the_last_report_wins_and_keeps_what_it_does_not_say(
    prod: Workspace, load: Load
) -> None:
    known = {
        "slice": "blue",
        "region": "eu",
        "machine": "small-1x",
        "version": "7",
        "tags": ["x"],
        "payload": {"p": 1},
        "output": {"o": 1},
        "metadata": {"m": 1},
        "startedAt": iso(at(1)),
        "attemptNumber": 3,
        "costInCents": 2.5,
    }
    prod.report(completed_at(10, createdAt=iso(CREATED), **known))
    before = stored()

    printed = load([row_at(prod, 30, _version=1, cost_in_cents=0)])

    assert "Loaded 1 runs" in printed
    after = stored()
    kept = (
        "slice", "region", "machine", "task_version", "tags", "payload", "output", "metadata",
        "started_at", "attempt", "cost_in_cents", "run_id", "created_at",
    )  # fmt: skip
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert (after["status"], after["reported_at"]) == ("COMPLETED_WITH_ERRORS", at(30))
    assert_counts(prod, {"run_a": Failure("send-mail", "boom", "7")})
    [shown] = prod.runs()
    assert shown["status"] == "FAILED"


@pytest.mark.parametrize("version", [1, 5, HUGE])
def test_a_row_that_won_over_a_report_changes_nothing_the_second_time(
    prod: Workspace, load: Load, version: int
) -> None:
    for minutes in range(5):
        prod.report(completed_at(minutes, createdAt=iso(CREATED), tags=[str(minutes)]))
    load([row_at(prod, 30, _version=version)])
    before = stored()

    printed = load([row_at(prod, 30, _version=version)])

    assert "Loaded 0 runs; 1 were known already." in printed
    assert stored() == before
    load([row_at(prod, 30, _version=version + 1, task_version="2")])
    assert_counts(prod, {"run_a": Failure("send-mail", "boom", "2")})


def test_a_later_report_continues_and_a_late_one_does_not(prod: Workspace, load: Load) -> None:
    prod.report(failed_at(0))
    load([row_at(prod, 30, _version=HUGE)])

    late = prod.report(completed_at(20))
    assert late["unchanged"] == 1
    assert_counts(prod, {"run_a": BOOM})
    prod.report(completed_at(40))

    assert_counts(prod, {})
    load([row_at(prod, 30, _version=HUGE), row_at(prod, 35, _version=HUGE + 1)])
    assert_counts(prod, {})
    load([row_at(prod, 45, _version=HUGE + 2)])
    assert_counts(prod, {"run_a": BOOM})


def test_a_report_that_only_confirms_a_loaded_run_is_newer_than_rows_from_before_it(
    prod: Workspace, load: Load
) -> None:
    load([row_at(prod, 10)])
    confirmed = prod.report(failed_at(40, error=None))
    assert confirmed["unchanged"] == 1

    load([row_at(prod, 30, _version=9, status="COMPLETED_SUCCESSFULLY", error_fingerprint="")])

    assert_counts(prod, {"run_a": BOOM})
    assert stored()["reported_at"] == at(40)


def test_rows_alone_go_by_version_and_never_set_the_reported_time_back(
    prod: Workspace, load: Load
) -> None:
    load([row_at(prod, 30, _version=5)])

    load([row_at(prod, 10, _version=6, task_version="2")])

    assert_counts(prod, {"run_a": Failure("send-mail", "boom", "2")})
    assert stored()["reported_at"] == at(30)
    late = prod.report(completed_at(20))
    assert late["unchanged"] == 1


def test_a_row_that_only_confirms_moves_the_reported_time(prod: Workspace, load: Load) -> None:
    load([row_at(prod, 10, _version=5)])

    load([row_at(prod, 30, _version=6)])

    late = prod.report(completed_at(20))
    assert late["unchanged"] == 1
    assert_counts(prod, {"run_a": BOOM})


def test_a_failure_without_a_fingerprint_keeps_the_group_it_had(
    prod: Workspace, load: Load
) -> None:
    prod.report(failed_at(0))
    before = stored()

    load([row_at(prod, 30, error={}, error_fingerprint="")])

    grouping = ("error", "error_fingerprint", "grouping_rule", "grouping_key", "expected")
    assert {name: stored()[name] for name in grouping} == {name: before[name] for name in grouping}
    assert_counts(prod, {"run_a": BOOM})


def test_a_failure_in_the_group_it_had_keeps_the_explanation_and_shows_the_newer_error(
    prod: Workspace, load: Load
) -> None:
    prod.report(failed_at(0))
    before = stored()
    newer = {"data": {"type": "E", "message": "newer"}}

    load([row_at(prod, 30, error=newer, error_fingerprint=before["error_fingerprint"])])

    assert stored()["grouping_key"] == before["grouping_key"] != ""
    assert "newer" in stored()["error"]
    assert_counts(prod, {"run_a": Failure("send-mail", "newer")})


def test_a_report_of_its_error_gives_a_loaded_failure_without_a_fingerprint_its_group(
    prod: Workspace, load: Load
) -> None:
    load([row_at(prod, 10, error_fingerprint="")])
    assert_counts(prod, {})

    prod.report(failed_at(20))

    assert_counts(prod, {"run_a": BOOM})


def test_columns_that_only_clickhouse_shows_are_kept(prod: Workspace, load: Load) -> None:
    load([row_at(prod, 10, trace_id="t1", span_id="s1")])

    load([row_at(prod, 20, _version=6, span_id="s2", task_version="2")])

    assert '"trace_id":"t1"' in stored()["extra"]
    assert '"span_id":"s2"' in stored()["extra"]


def test_reports_that_change_a_loaded_run_and_change_it_back_are_newer_than_the_row(
    prod: Workspace, load: Load
) -> None:
    load([row_at(prod, 10, _version=5)])
    now = iso(utc_now())
    prod.report({**completed_at(0), "updatedAt": now}, {**failed_at(0), "updatedAt": now})

    load([row_at(prod, 20, _version=6, task_version="2")])

    assert_counts(prod, {"run_a": BOOM})


class LateLook:
    """`lock_runs`, whose first looks are too early to find what a report has added since."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, early: int) -> None:
        self.looks = 0
        self._early = early
        self._look = task_runs.lock_runs
        monkeypatch.setattr(task_runs, "lock_runs", self)

    def __call__(self, tenant: Tenant, ids: Collection[str]) -> Any:
        self.looks += 1
        return [(frozenset(ids), {})] if self.looks <= self._early else self._look(tenant, ids)


def test_runs_that_a_report_adds_meanwhile_are_found_at_the_next_try(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod.report(failed_at(60))
    look = LateLook(monkeypatch, early=1)
    monkeypatch.setattr(task_runs, "known_ids", lambda *_: set())

    printed = load([row(prod, "b"), row_at(prod, 30)])

    assert look.looks == 2
    assert "Loaded 1 runs; 1 were known already." in printed
    assert stored_fingerprints() == {"run_b": FINGERPRINT, "run_a": group_of_the_report(prod)}


def test_a_load_that_never_comes_first_ends_in_a_sentence(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod.report(failed_at(60))
    LateLook(monkeypatch, early=100)

    with pytest.raises(CommandError, match="loading the file again"):
        load([row(prod, "b"), row_at(prod, 30)])

    assert [run.friendly_id for run in TaskRun.objects.all()] == ["run_a"]
    assert not OutboxEntry.objects.exists()


def stored_fingerprints() -> dict[str, str]:
    return dict(TaskRun.objects.values_list("friendly_id", "error_fingerprint"))


def group_of_the_report(workspace: Workspace) -> str:
    [fingerprint] = {
        group["fingerprint"] for group in workspace.errors() if group["fingerprint"] != FINGERPRINT
    }
    return str(fingerprint)
