"""Rows that say a run is deleted, wherever in the file they are."""

from typing import Any

import pytest
from django.core.management import CommandError

from runs_app.models import TaskRun
from runs_app.services import load as load_service
from tests.conftest import Workspace
from tests.counting.figures import Failure, assert_counts
from tests.load.conftest import Load, Row, row

BOOM = Failure("send-mail", "boom")
STAYS = "deleted in the export, of runs that are stored here and stay."


@pytest.fixture(params=[1, 2_000])
def lines_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows are in one part, or each is in a part of its own."""
    monkeypatch.setattr(load_service, "LINES_PER_TRANSACTION", request.param)


def deleted(workspace: Workspace, run_id: str, version: int, /, **columns: Any) -> Row:
    return row(workspace, run_id, _version=version, **{"_is_deleted": 1, **columns})


@pytest.mark.usefixtures("lines_at_once")
@pytest.mark.parametrize("packed", [False, True])
def test_a_run_whose_newest_row_is_deleted_is_not_loaded_wherever_that_row_is(
    prod: Workspace, load: Load, packed: bool
) -> None:
    rows = [
        row(prod, "before", _version=5),
        deleted(prod, "before", 6),
        deleted(prod, "after", 6),
        row(prod, "after", _version=5),
        deleted(prod, "same", 5),
        row(prod, "same", _version=5),
        row(prod, "lives"),
    ]

    printed = load(rows, packed=packed)

    assert "Loaded 1 runs; 0 were known already." in printed
    assert "Refused 6 rows deleted in the export." in printed
    assert_counts(prod, {"run_lives": BOOM})


@pytest.mark.usefixtures("lines_at_once")
def test_a_row_that_is_newer_than_the_deletion_is_loaded(prod: Workspace, load: Load) -> None:
    rows = [
        row(prod, "a", _version=4),
        deleted(prod, "a", 3),
        deleted(prod, "a", 5),
        row(prod, "a", _version=6, task_version="2"),
    ]

    printed = load(rows)

    assert "Refused 3 rows deleted in the export." in printed
    assert_counts(prod, {"run_a": Failure("send-mail", "boom", "2")})


@pytest.mark.parametrize("flag", [1, True, "1", "true", 1.0])
def test_deletions_are_read_however_they_are_written(
    prod: Workspace, load: Load, flag: Any
) -> None:
    load([row(prod, "a"), deleted(prod, "a", 9, _is_deleted=flag), row(prod, "b")])

    assert_counts(prod, {"run_b": BOOM})


@pytest.mark.parametrize("flag", [0, False, "0", "false", None, 0.0])
def test_what_is_not_a_deletion_is_loaded(prod: Workspace, load: Load, flag: Any) -> None:
    quoted = '{"_is_deleted":1, "data": {"_is_deleted": 1}}'

    load([row(prod, "a", _is_deleted=flag, error={"data": {"message": quoted, "_is_deleted": 1}})])

    assert TaskRun.objects.filter(friendly_id="run_a").exists()


def test_a_deletion_is_of_one_run_in_one_environment(
    prod: Workspace, staging: Workspace, load: Load
) -> None:
    load([row(prod, "a"), row(staging, "a"), deleted(prod, "a", 9)])

    assert_counts(prod, {})
    assert_counts(staging, {"run_a": BOOM})


def test_with_a_target_the_rows_of_all_environments_are_of_one(
    prod: Workspace, staging: Workspace, load: Load
) -> None:
    name = f"{prod.environment.project.external_ref}/prod"

    load(
        [
            row(prod, "a"),
            deleted(staging, "a", 9, friendly_id="a"),
            row(prod, "b"),
        ],
        environment=name,
    )

    assert_counts(prod, {"run_b": BOOM})


def test_a_stored_run_stays_where_it_is_and_the_rows_are_counted_apart(
    prod: Workspace, load: Load
) -> None:
    load([row(prod, "a", _version=5)])

    with pytest.raises(CommandError, match="Every row was refused"):
        load([row(prod, "a", _version=7, task_version="2"), deleted(prod, "a", 8)])
    printed = load([deleted(prod, "a", 8), deleted(prod, "b", 8), row(prod, "c")])

    assert f"Refused 1 rows {STAYS}" in printed
    assert "Refused 1 rows deleted in the export." in printed
    assert_counts(prod, {"run_a": BOOM, "run_c": BOOM})
