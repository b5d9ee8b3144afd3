"""Commands that load runs while ClickHouse is away."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from runs_app.clickhouse.failures import ClickHouseUnavailable
from runs_app.clickhouse.migrate import MigrationRefused
from runs_app.domain.tenant import Tenant
from runs_app.management.commands import load_runs as command
from runs_app.models import OutboxEntry, TaskRun
from runs_app.queries import told_places
from runs_app.services import load as load_service
from runs_app.services import stores
from tests.conftest import Workspace, settle
from tests.counting.figures import Failure, assert_counts
from tests.load.conftest import Load, row

AWAY = "The run store is not available"
NOTHING = "Nothing was loaded: .*only ClickHouse can tell"
KEPT = "The loaded runs are kept and arrive later"
BOOM = Failure("send-mail", "boom")


def test_nothing_is_loaded_where_nobody_can_say_what_is_counted_already(
    prod: Workspace, load: Load, away: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match=f"{AWAY}.*{NOTHING}.*refused"):
        load([row(prod, "a")])

    assert not TaskRun.objects.exists()
    away.undo()
    load([row(prod, "a")])
    assert_counts(prod, {"run_a": BOOM})


def test_what_was_loaded_before_clickhouse_went_away_stays_and_loading_again_is_harmless(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_service, "LINES_PER_TRANSACTION", 2)
    asked = iter([False])
    look = told_places.has_runs

    def go_away(tenant: Tenant) -> bool:
        for answer in asked:
            return answer
        raise ClickHouseUnavailable("gone", sent=False)

    monkeypatch.setattr(told_places, "has_runs", go_away)
    rows = [row(prod, name) for name in "abcd"]

    with pytest.raises(CommandError, match=f"{AWAY}.*loaded already.*gone"):
        load(rows)

    assert set(TaskRun.objects.values_list("friendly_id", flat=True)) == {"run_a", "run_b"}
    monkeypatch.setattr(told_places, "has_runs", look)
    printed = load(rows)
    assert "Loaded 2 runs; 2 were known already." in printed
    assert_counts(prod, {f"run_{name}": BOOM for name in "abcd"})


def test_runs_that_are_loaded_when_clickhouse_goes_away_arrive_later(
    prod: Workspace, load: Load, away: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "prepare_stores", lambda: None)
    monkeypatch.setattr(told_places, "has_runs", lambda _: False)

    printed = load([row(prod, "a")])

    assert "Loaded 1 runs; 0 were known already." in printed
    assert KEPT in printed
    assert "Connection refused" in printed
    assert OutboxEntry.objects.exists()
    away.undo()
    settle()
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
