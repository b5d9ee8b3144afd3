"""A replicator that loses its turn in the middle of a batch, while another takes the batch over."""

import fcntl
import os
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from runs_app.domain.run_rows import decode_rows
from runs_app.models import OutboxEntry
from runs_app.queries import outbox
from runs_app.services import replicate
from runs_app.services.repair import repair_rows
from runs_app.services.replicate import Outcome, Replicator
from runs_app.services.replicator_turn import insist_on_turn, replicator_turn
from tests.conftest import Workspace, failed
from tests.counting.figures import Failure, assert_counts

BOOM = Failure("send-mail", "boom")


def boom(run_id: str) -> dict[str, Any]:
    return failed(run_id, error={"type": "E", "message": "boom"})


def take_over() -> None:
    """What another replicator does with a batch it finds claimed."""
    [batch_id] = outbox.claimed_batches()
    batch = outbox.read_batch(batch_id)
    assert batch is not None
    repair_rows([row for entry in batch.entries for row in decode_rows(entry.content)])
    outbox.delete_batch(batch)


def test_a_batch_that_another_replicator_settled_meanwhile_counts_once(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod.send(boom("a"), boom("b"))
    # The last moment before the rows are sent: from here on nothing can be noticed.
    monkeypatch.setattr(replicate, "insist_on_turn", take_over)
    replicator = Replicator()
    assert replicator.replicate_once() is Outcome.DONE
    monkeypatch.setattr(replicate, "insist_on_turn", insist_on_turn)

    assert replicator.replicate_once() is Outcome.DONE

    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM})
    assert replicator.replicate_once() is Outcome.IDLE
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
