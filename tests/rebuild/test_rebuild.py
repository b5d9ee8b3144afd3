"""`manage.py rebuild_clickhouse`: everything in ClickHouse anew, from the relational store."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from runs_app.clickhouse.client import ClickHouse, clickhouse
from runs_app.domain.errors import Unavailable
from runs_app.domain.fault_points import FaultPoint, listening
from runs_app.models import ClickHouseRebuild, OutboxEntry, QuarantinedRow, TaskRun
from runs_app.queries import outbox, rebuilds
from runs_app.services import rebuild as service
from runs_app.services.findings import Kind
from runs_app.services.quarantine import try_again
from runs_app.services.rebuild import Stopped, rebuild
from runs_app.services.replicate import registry
from runs_app.services.verify import verify_environment
from tests.conftest import Workspace, make_workspace, settle
from tests.counting.figures import Failure, assert_counts
from tests.replication.conftest import Line, engine, line
from tests.replication.spoiling import (
    Spoiler,
    assert_minutes_say_what_the_failed_runs_say,
    set_aside_keys,
)
from tests.verify.damage import TABLES, delete_all
from tests.verify.history import START, assert_as_told, at, boom, expected, healed, tell

__all__ = ["engine", "line"]


class Death(BaseException):
    """What nobody on the way catches."""


def never(_seconds: float) -> bool:
    return False


def run_command(*arguments: str) -> str:
    out = StringIO()
    call_command("rebuild_clickhouse", "--yes", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def told(prod: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The history, of which a slice is a small part."""
    monkeypatch.setattr(service, "SLICE_ROWS", 7)
    tell(prod)
    return prod


def test_tables_emptied_by_hand_are_filled_again(told: Workspace) -> None:
    other = make_workspace("staging", told.environment.project)
    other.report(boom("elsewhere", "alpha", 3))
    for table in TABLES:
        delete_all(told, table)

    said = run_command()

    assert f"{TaskRun.objects.count()} runs were told again" in said
    assert_as_told(told)
    assert_counts(other, {"run_elsewhere": Failure("send-mail", "alpha", "", at(3))})
    assert not rebuilds.is_under_way()
    assert rebuilds.progress() is None
    assert not QuarantinedRow.objects.exists()


def test_what_only_clickhouse_knew_is_gone(told: Workspace) -> None:
    told.report(boom("ghost", "alpha", 30))
    TaskRun.objects.filter(friendly_id="run_ghost").delete()

    run_command()

    assert_as_told(told)


@contextmanager
def dying(at: FaultPoint, time: int) -> Iterator[None]:
    passed = 0

    def listen(point: FaultPoint) -> None:
        nonlocal passed
        passed += point is at
        if passed == time:
            raise Death

    with listening(listen):
        yield


@contextmanager
def dying_while_emptying(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    command, emptied = ClickHouse.command, 0

    def die(self: ClickHouse, name: str, *rest: Any) -> Any:
        nonlocal emptied
        emptied += name == "empty a table"
        if emptied == 3:
            raise Death
        return command(self, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(ClickHouse, "command", die)
        yield


@contextmanager
def dying_after_the_states(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    write = registry.write_states
    assert write is not None

    def die(rows: Any) -> None:
        write(rows)
        raise Death

    with monkeypatch.context() as patch:
        patch.setattr(registry, "write_states", die)
        yield


@contextmanager
def dying_at_the_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    claim = outbox.claim_between

    def die(kind: OutboxEntry.Kind, after: int, until: int) -> None:
        claim(kind, after, until)
        raise Death

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "claim_between", die)
        yield


def test_a_rebuild_that_dies_anywhere_goes_on_where_it_was(
    told: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths: list[Callable[[], Any]] = [
        lambda: dying_while_emptying(monkeypatch),
        lambda: dying(FaultPoint.BEFORE_REPAIR, 1),
        lambda: dying(FaultPoint.AFTER_ROWS_AGAIN, 1),
        lambda: dying(FaultPoint.AFTER_MINUTES, 1),
        # The slice that was begun comes first, and has its minutes looked at twice.
        lambda: dying(FaultPoint.AFTER_ROWS_AGAIN, 2),
        lambda: dying(FaultPoint.AFTER_MINUTES, 2),
        lambda: dying(FaultPoint.AFTER_ROWS_AGAIN, 2),
        lambda: dying_after_the_states(monkeypatch),
        lambda: dying_at_the_end(monkeypatch),
    ]
    positions: list[int | None] = []
    for death in deaths:
        with death(), pytest.raises(Death):
            rebuild(never, lambda _: None)
        positions.append(ClickHouseRebuild.objects.get().next_run)
        assert rebuilds.is_under_way()

    said = run_command()

    assert positions[0] is None
    assert positions[1] == positions[3]
    numbers = [position for position in positions if position is not None]
    assert sorted(numbers, reverse=True) == numbers
    assert len(set(numbers)) > 3
    assert f"{TaskRun.objects.count()} runs were told again" in said
    assert ClickHouseRebuild.objects.count() == 1
    settle()
    assert_as_told(told)


def test_a_place_that_was_half_told_and_left_since_keeps_its_minutes(told: Workspace) -> None:
    told.report(boom("newest", "omega", 5))
    with dying(FaultPoint.AFTER_ROWS_AGAIN, 1), pytest.raises(Death):
        rebuild(never, lambda _: None)
    told.send(healed("newest"))
    assert Spoiler().spoil(lambda row: row["error_delta"] < 0) == 1
    settle()

    rebuild(never, lambda _: None)

    assert set_aside_keys()
    assert_minutes_say_what_the_failed_runs_say(told)


def test_changes_that_wait_while_their_runs_are_told_count_once(told: Workspace) -> None:
    told.send(boom("late", "alpha", 2), boom("moved", "alpha", 20), healed("alpha1"))

    run_command()
    settle()

    after = {
        **expected(),
        "run_late": Failure("send-mail", "alpha", "", at(2)),
        "run_moved": Failure("send-mail", "alpha", "", at(20)),
    }
    del after["run_alpha1"]
    assert_counts(told, after)


def test_batches_between_slices_count_once(told: Workspace) -> None:
    """Before their runs are told, after it, and those that take back what is told later."""
    reports = iter(
        [
            [boom("moved", "alpha", 20), boom("new", "nova", 1)],
            [healed("alpha0"), boom("version", "gamma", 21, version="3")],
            [boom("delta0", "nova", 0), healed("new")],
            [boom("moved", "beta", 20), boom("alpha0", "alpha", 0), boom("delta0", "delta", 0)],
            [boom("version", "gamma", 21, version="2")],
        ]
    )
    shown: list[int] = []

    def report(progress: rebuilds.RebuildProgress) -> None:
        shown.append(progress.runs_told)
        runs = next(reports, None)
        if runs is not None:
            told.report(*runs)
            found = verify_environment(told.tenant, repair=False).before
            assert found.numbers[Kind.MINUTE] == 0

    rebuild(never, report)
    settle()

    assert next(reports, None) is None
    assert shown[:3] == [0, 7, 14]
    assert_counts(told, expected())


def test_lists_fill_from_the_newest(told: Workspace) -> None:
    told.report(boom("newest", "nova", 50))

    def has_begun(_seconds: float) -> bool:
        progress = rebuilds.progress()
        return progress is not None and progress.runs_told > 0

    with pytest.raises(Stopped):
        rebuild(has_begun, lambda _: None)

    newest = TaskRun.objects.order_by("-id").values_list("friendly_id", flat=True)[:7]
    assert {run["id"] for run in told.runs()} == set(newest)
    assert "nova" in {group["errorMessage"] for group in told.errors(period="90d")}
    assert rebuilds.progress() == rebuilds.RebuildProgress(
        7, TaskRun.objects.count(), ClickHouseRebuild.objects.get().started_at
    )


def test_a_refused_run_goes_to_quarantine_and_the_others_arrive(told: Workspace) -> None:
    bad = TaskRun.objects.filter(friendly_id="run_gamma2")
    bad.update(tags=[17])

    run_command()
    settle()

    row = QuarantinedRow.objects.get()
    assert row.run_id == bad.get().run_id
    others = expected()
    del others["run_gamma2"]
    assert_counts(told, others)
    run_command()
    settle()
    assert QuarantinedRow.objects.count() == 1


@pytest.mark.parametrize("sent_back", ["before", "after"])
def test_a_row_that_is_tried_again_after_its_run_went_on_counts_nothing(
    prod: Workspace, sent_back: str
) -> None:
    spoiler = Spoiler()
    prod.send(boom("moved", "alpha", 1), boom("healed", "alpha", 2), boom("same", "alpha", 3))
    spoiler.spoil(lambda row: True)
    settle()
    prod.report(boom("moved", "beta", 1), healed("healed"), boom("same", "alpha", 3, tags=["x"]))
    if sent_back == "before":
        try_again(spoiler.mend())

    run_command()
    try_again(spoiler.mend())
    settle()

    assert not QuarantinedRow.objects.exists()
    assert_counts(
        prod,
        {
            "run_moved": Failure("send-mail", "beta", "", at(1)),
            "run_same": Failure("send-mail", "alpha", "", at(3)),
        },
    )


def test_rows_that_nobody_can_read_do_not_stop_a_rebuild(told: Workspace) -> None:
    spoiler = Spoiler()
    told.send(boom("alpha0", "beta", 1), boom("alpha1", "beta", 1))
    spoiler.spoil(lambda row: True, failed_at="yesterday")
    settle()
    told.send(boom("alpha2", "beta", 1))
    OutboxEntry.objects.update(content=b"nonsense")
    settle()
    aside = QuarantinedRow.objects.count()

    run_command()

    assert QuarantinedRow.objects.count() == aside
    assert verify_environment(told.tenant, repair=False).found == []


def test_runs_beyond_retention_are_not_told(told: Workspace) -> None:
    long_ago = START - timedelta(days=91)
    TaskRun.objects.filter(friendly_id="run_gone").update(created_at=long_ago)
    TaskRun.objects.filter(friendly_id="run_moved").update(created_at=long_ago)

    said = run_command()

    assert f"{TaskRun.objects.count() - 1} runs were told again" in said
    # A run counts for as long as its failure is kept, however long ago it was created.
    shown = {
        (g["taskIdentifier"], g["errorMessage"]): g["count"] for g in told.errors(period="90d")
    }
    assert shown == Counter((failure.task, failure.message) for failure in expected().values())


def test_nothing_is_emptied_unasked(told: Workspace) -> None:
    with pytest.raises(CommandError, match="--yes"):
        call_command("rebuild_clickhouse", stdout=StringIO())

    assert not ClickHouseRebuild.objects.exists()
    assert_as_told(told)


def test_ctrl_c_stops_between_slices_and_says_how_to_go_on(told: Workspace) -> None:
    def interrupt(point: FaultPoint) -> None:
        if point is FaultPoint.AFTER_ROWS_AGAIN:
            os.kill(os.getpid(), signal.SIGINT)

    with listening(interrupt), pytest.raises(CommandError, match="again to go on") as stopped:
        run_command()

    assert f"after 7 of {TaskRun.objects.count()} runs" in str(stopped.value)
    assert rebuilds.is_under_way()
    # Going on empties nothing, and so asks nothing.
    call_command("rebuild_clickhouse", stdout=StringIO())
    assert_as_told(told)


def test_an_unfinished_rebuild_can_begin_anew(told: Workspace) -> None:
    with dying(FaultPoint.BEFORE_REPAIR, 3), pytest.raises(Death):
        rebuild(never, lambda _: None)
    for table in TABLES:
        clickhouse().command("empty by hand", f"TRUNCATE TABLE {table}")

    run_command("--anew")

    assert ClickHouseRebuild.objects.count() == 1
    assert_as_told(told)


def test_a_rebuild_waits_for_clickhouse(told: Workspace, line: Line) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        if not seconds:
            return False
        waits.append(seconds)
        if len(waits) == 3:
            line.up()
        return False

    def lose_it_once(progress: rebuilds.RebuildProgress) -> None:
        if progress.runs_told == 14 and not waits:
            line.down()

    rebuild(wait, lose_it_once)

    assert waits == [0.5, 1.0, 2.0]
    assert_as_told(told)


def test_clickhouse_that_stays_away_is_told_in_a_sentence(
    told: Workspace, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PATIENCE_SECONDS", 0.0)
    line.down()

    with pytest.raises(CommandError, match=r"not available.*again to go on"):
        run_command()

    with pytest.raises(Unavailable):
        rebuild(never, lambda _: None)
    line.up()
    run_command()
    assert_as_told(told)
