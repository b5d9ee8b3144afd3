"""Replication: from the outbox into ClickHouse, so that each batch counts once.

A batch is claimed under a persisted id, inserted once, followed by the steps other apps registered
for it, and deleted. An insert whose outcome is unknown is never sent again as it was: the batch is
repaired. Only one replicator is active per deployment, for as long as it holds the turn; one that
lost its turn in the middle of a batch has that batch repaired.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import msgspec

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.failures import ClickHouseUnavailable, DataRefused
from runs_app.domain.errors import Unavailable
from runs_app.domain.run_rows import COLUMNS, DELTA, RunRow, UnreadableRows, decode_rows
from runs_app.models import OutboxEntry
from runs_app.queries import outbox
from runs_app.queries.outbox import Batch
from runs_app.services.quarantine import set_apart
from runs_app.services.repair import repair_rows
from runs_app.services.replicator_turn import insist_on_turn, replicator_turn
from runs_app.services.write_turns import write_turn

log = logging.getLogger(__name__)

Step = Callable[[Sequence[RunRow]], None]
StateWriter = Callable[[Sequence[RunRow]], None]


class Outcome(Enum):
    """What one call of `replicate_once` met."""

    IDLE = "nothing waited"
    DONE = "a batch arrived"
    AWAY = "ClickHouse is away; the batch waits"


@dataclass(slots=True)
class Registry:
    """What apps built on this one add: steps after a batch of runs, and the writer of states."""

    after_runs: list[Step] = field(default_factory=list)
    state_columns: Sequence[str] = ()
    write_states: StateWriter | None = None


registry: Final = Registry()


class Replicator:
    """Moves batches. What must be known of them is in the outbox, but for one thing: the batch
    in hand, in case another replicator took it over when this one lost its turn."""

    def __init__(self) -> None:
        self._in_hand: Batch | None = None

    def replicate_once(self) -> Outcome:
        """Settle one batch: one left over with an unknown outcome first, else the oldest.

        Raises what is neither an outage nor refused data.
        """
        with replicator_turn():
            self._put_back_what_was_taken_over()
            for batch_id in outbox.claimed_batches():
                left_over = outbox.read_batch(batch_id)
                if left_over is not None:
                    return self._settle(left_over, fresh=False)
            for kind in (OutboxEntry.Kind.GROUP_STATES, OutboxEntry.Kind.RUNS):
                with write_turn():
                    batch = outbox.claim_batch(kind)
                if batch is not None:
                    return self._settle(batch, fresh=True)
        return Outcome.IDLE

    def drain(self) -> bool:
        """Settle all that waits. False: ClickHouse went away before the end."""
        while True:
            outcome = self.replicate_once()
            if outcome is not Outcome.DONE:
                return outcome is Outcome.IDLE

    def _put_back_what_was_taken_over(self) -> None:
        """If another replicator settled the batch in hand, ours may have counted it again: claimed
        anew, it is repaired."""
        if self._in_hand is not None:
            with write_turn():
                outbox.put_back_if_gone(self._in_hand)
            self._in_hand = None

    def _settle(self, batch: Batch, *, fresh: bool) -> Outcome:
        """See to it that the batch arrived once and its steps ran; `fresh`: nobody sent it before.

        A fresh batch that certainly was not sent is set free again. Of any other nobody knows,
        also of one that arrived before a step failed: it stays claimed, and the next turn repairs
        it.
        """
        self._in_hand = batch
        try:
            _send(batch, fresh=fresh)
        except Unavailable as error:
            log.warning("batch %s waits: %s", batch.id, error)
            if fresh and isinstance(error, ClickHouseUnavailable) and not error.sent:
                with write_turn():
                    outbox.release_batch(batch)
                self._in_hand = None
            return Outcome.AWAY
        except DataRefused as error:
            set_apart(batch, str(error))
            self._in_hand = None
            return Outcome.DONE
        with write_turn():
            deleted = outbox.delete_batch(batch)
        if deleted == len(batch.entries):
            self._in_hand = None
        return Outcome.DONE


def _send(batch: Batch, *, fresh: bool) -> None:
    rows = _rows(batch)
    insist_on_turn()
    if batch.kind == OutboxEntry.Kind.GROUP_STATES:
        _write_states(rows)
        return
    if fresh:
        clickhouse().insert("task_runs_v2", COLUMNS, rows)
    else:
        log.warning("repairing batch %s of %d rows", batch.id, len(rows))
        repair_rows(rows)
    for step in registry.after_runs:
        try:
            step(rows)
        except ClickHouseUnavailable as error:
            # The rows are there: whatever the step sent or not, the batch is not fresh any more.
            raise Unavailable(technical_message=str(error)) from error


def _rows(batch: Batch) -> list[RunRow]:
    """Raises DataRefused for content that cannot be read as rows of this version."""
    columns = COLUMNS if batch.kind == OutboxEntry.Kind.RUNS else registry.state_columns
    try:
        rows = [row for entry in batch.entries for row in decode_rows(entry.content, columns)]
    except (msgspec.DecodeError, UnreadableRows) as error:
        raise DataRefused(f"outbox content: {error}", clickhouse_code=None) from error
    if batch.kind == OutboxEntry.Kind.RUNS and not all(isinstance(row[DELTA], int) for row in rows):
        raise DataRefused("outbox content: a delta that is no number", clickhouse_code=None)
    return rows


def _write_states(rows: Sequence[RunRow]) -> None:
    if registry.write_states is None:
        raise RuntimeError("No app registered a writer of group states.")
    registry.write_states(rows)
