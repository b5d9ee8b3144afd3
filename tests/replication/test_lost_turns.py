"""A replicator that loses its turn in the middle of a batch, while another takes the batch over."""

import fcntl
import os
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from runs_app.domain.run_rows import decode_rows
from runs_app.models import OutboxEntry, QuarantinedRow
from runs_app.queries import outbox
from runs_app.services import replicate
from runs_app.services.quarantine import halve, set_apart, try_again
from runs_app.services.repair import repair_rows
from runs_app.services.replicate import Outcome, Replicator
from runs_app.services.replicator_turn import insist_on_turn, replicator_turn
from tests.conftest import Workspace, failed, make_workspace
from tests.counting.figures import Failure, assert_counts
from tests.replication.conftest import Line

BOOM = Failure("send-mail", "boom")


def boom(run_id: str, **members: Any) -> dict[str, Any]:
    return failed(run_id, error={"type": "E", "message": "boom"}, **members)


def take_over() -> None:
    """What another replicator does with the first batch it finds claimed."""
    batch = outbox.oldest_claimed_batch()
    assert batch is not None
    repair_rows([row for entry in batch.entries for row in decode_rows(entry.content)])
    outbox.delete_batch(batch)


def once(happens: Callable[[], None]) -> Callable[[], None]:
    """To insist on a turn that is lost, so that nobody notices: the first time this happens."""
    waiting = [happens]

    def insist() -> None:
        if waiting:
            waiting.pop()()

    return insist


def test_a_batch_that_another_replicator_settled_meanwhile_counts_once(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod.send(boom("a"), boom("b"))
    # The last moment before the rows are sent: from here on nothing can be noticed.
    monkeypatch.setattr(replicate, "insist_on_turn", once(take_over))
    replicator = Replicator()
    assert replicator.replicate_once() is Outcome.DONE
    monkeypatch.setattr(replicate, "insist_on_turn", insist_on_turn)

    assert replicator.replicate_once() is Outcome.DONE

    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM})
    assert replicator.replicate_once() is Outcome.IDLE
    assert not OutboxEntry.objects.exists()


def split_by_another() -> None:
    """Another replicator met refused data, and settled one of the halves."""
    batch = outbox.oldest_claimed_batch()
    assert batch is not None
    assert set_apart(batch, "refused")
    take_over()


def set_aside_by_another() -> None:
    """Another replicator took over, and set every row aside for a reason that passed."""
    while (batch := outbox.oldest_claimed_batch()) is not None:
        assert set_apart(batch, "refused")


@pytest.mark.parametrize("meanwhile", [split_by_another, set_aside_by_another])
def test_a_batch_that_another_replicator_split_meanwhile_counts_once(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]
) -> None:
    prod.report(boom("a"), boom("moved", task="other"))
    prod.send(boom("b"), boom("c"))
    prod.send(boom("moved"))
    monkeypatch.setattr(replicate, "insist_on_turn", once(meanwhile))
    replicator = Replicator()
    assert replicator.replicate_once() is Outcome.DONE
    monkeypatch.setattr(replicate, "insist_on_turn", insist_on_turn)

    assert replicator.drain()
    try_again(list(QuarantinedRow.objects.values_list("pk", flat=True)))
    assert replicator.drain()

    assert_counts(prod, {f"run_{name}": BOOM for name in ("a", "b", "c", "moved")})
    assert not OutboxEntry.objects.exists()
    assert not QuarantinedRow.objects.exists()


def test_a_refused_batch_that_another_replicator_split_is_not_split_over_its_head(
    prod: Workspace,
) -> None:
    prod.send(boom("a"))
    prod.send(boom("b"))
    batch = outbox.claim_batch(OutboxEntry.Kind.RUNS)
    assert batch is not None
    assert set_apart(batch, "refused")
    halves = sorted(OutboxEntry.objects.values_list("pk", "batch_id"))

    assert not set_apart(batch, "refused")
    assert not halve(batch)

    assert sorted(OutboxEntry.objects.values_list("pk", "batch_id")) == halves


def test_a_row_that_another_replicator_settled_is_not_set_aside(prod: Workspace) -> None:
    prod.send(boom("a"))
    batch = outbox.claim_batch(OutboxEntry.Kind.RUNS)
    assert batch is not None
    with replicator_turn():
        take_over()

    assert not set_apart(batch, "refused")

    assert not QuarantinedRow.objects.exists()
    assert_counts(prod, {"run_a": BOOM})


def lose_the_turn_after(times: int) -> Callable[[], None]:
    left = [times]

    def insist() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OperationalError("The session is gone.")

    return insist


def test_a_batch_that_arrived_after_the_turn_was_lost_is_left_to_the_next(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod.send(boom("a"))
    monkeypatch.setattr(replicate, "insist_on_turn", lose_the_turn_after(1))
    with pytest.raises(OperationalError):
        Replicator().replicate_once()
    monkeypatch.setattr(replicate, "insist_on_turn", insist_on_turn)

    assert OutboxEntry.objects.get().batch_id is not None
    assert Replicator().drain()
    assert_counts(prod, {"run_a": BOOM})


def test_a_batch_is_not_set_free_by_who_lost_the_turn(
    prod: Workspace, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod.send(boom("a"))
    line.down()
    monkeypatch.setattr(replicate, "insist_on_turn", lose_the_turn_after(1))
    with pytest.raises(OperationalError):
        Replicator().replicate_once()
    monkeypatch.setattr(replicate, "insist_on_turn", insist_on_turn)

    assert OutboxEntry.objects.get().batch_id is not None
    line.up()
    assert Replicator().drain()
    assert_counts(prod, {"run_a": BOOM})


@pytest.mark.only_on_postgresql  # A file lock does not go with the session.
@pytest.mark.django_db(transaction=True)
def test_a_session_that_was_opened_anew_does_not_hold_the_turn() -> None:
    with replicator_turn():
        insist_on_turn()
        connection.close()

        with pytest.raises(OperationalError):
            insist_on_turn()
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_batch_whose_environment_was_deleted_meanwhile_holds_nobody_up(
    clickhouse_tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod = make_workspace()
    staging = make_workspace("staging", prod.environment.project)
    prod.send(boom("a"))
    staging.send(boom("b"))

    def delete_environment() -> None:
        staging.environment.delete()

    monkeypatch.setattr(replicate, "insist_on_turn", once(delete_environment))
    replicator = Replicator()
    assert replicator.replicate_once() is Outcome.DONE

    assert replicator.drain()

    assert_counts(prod, {"run_a": BOOM})
    assert not OutboxEntry.objects.exists()


def test_a_batch_that_was_settled_alone_is_not_put_back(prod: Workspace) -> None:
    prod.send(boom("a"))
    replicator = Replicator()

    outcomes = [replicator.replicate_once() for _ in range(3)]

    assert outcomes == [Outcome.DONE, Outcome.IDLE, Outcome.IDLE]


@pytest.mark.django_db(transaction=True)
def test_a_turn_is_held_by_the_session_or_the_file_that_took_it() -> None:
    if connection.vendor == "postgresql":
        with pytest.raises(OperationalError), replicator_turn():  # noqa: PT012
            end_this_session()
            insist_on_turn()
        connection.close()
        return

    with replicator_turn():
        insist_on_turn()

        descriptor = os.open(settings.FAULTLINE_DATA / "replicator.lock", os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)


def end_this_session() -> None:
    """As a failover or an administrator would, from another session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()
