"""Commands that load runs while ClickHouse is away."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from runs_app.clickhouse.migrate import MigrationRefused
from runs_app.management.commands import load_runs as command
from runs_app.models import OutboxEntry, TaskRun
from runs_app.queries import task_runs
from runs_app.services import stores
from tests.conftest import Workspace, settle
from tests.counting.figures import Failure, assert_counts
from tests.load.conftest import Load, row

KEPT = "ClickHouse is away: the runs are kept and arrive when it is back."
BOOM = Failure("send-mail", "boom")


def test_a_load_goes_on_and_its_runs_arrive_later(
    prod: Workspace, load: Load, away: pytest.MonkeyPatch
) -> None:
    printed = load([row(prod, "a")])

    assert "Loaded 1 runs; 0 were known already." in printed
    assert KEPT in printed
    assert OutboxEntry.objects.exists()
    away.undo()
    settle()
    assert_counts(prod, {"run_a": BOOM})


def test_runs_arrive_at_once_when_clickhouse_comes_back_during_the_load(
    prod: Workspace, load: Load, away: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = task_runs.lock_runs

    def come_back(*arguments: Any) -> Any:
        away.undo()
        return look(*arguments)

    monkeypatch.setattr(task_runs, "lock_runs", come_back)
    prepared = 0

    def prepare() -> None:
        nonlocal prepared
        stores.prepare_stores()
        prepared += 1

    monkeypatch.setattr(command, "prepare_stores", prepare)

    printed = load([row(prod, "a")])

    assert KEPT not in printed
    assert prepared == 1, "its tables may be missing: they come before the rows"
    assert_counts(prod, {"run_a": BOOM})


def test_the_demo_is_not_loaded_and_a_sentence_says_why(
    prod: Workspace, away: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match="ClickHouse is away"):
        call_command("seed_demo")

    assert not TaskRun.objects.exists()


@pytest.mark.parametrize("name", ["load_runs", "seed_demo"])
def test_stores_that_cannot_be_migrated_end_in_their_own_sentence(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refuse(_: Any) -> None:
        raise MigrationRefused("The store is newer.")

    monkeypatch.setattr(stores, "migrate", refuse)

    with pytest.raises(CommandError, match="The store is newer"):
        load([row(prod, "a")]) if name == "load_runs" else call_command(name)

    assert not TaskRun.objects.exists()
