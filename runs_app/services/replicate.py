"""Replication: from the outbox into ClickHouse, each batch once.

A batch is claimed under a persisted id, inserted once, followed by the steps other apps registered
for it, and deleted. An insert whose outcome is unknown is never sent again as it was: the batch is
repaired. Only one replicator is active per deployment, for as long as it holds the turn.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain
from typing import Final

import msgspec

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.failures import ClickHouseUnavailable, DataRefused
from runs_app.domain.errors import Unavailable
from runs_app.domain.run_rows import COLUMNS, DELTA, RunRow, decode_rows
from runs_app.models import OutboxEntry
from runs_app.queries import outbox
from runs_app.queries.outbox import Batch
from runs_app.services.quarantine import set_apart
from runs_app.services.repair import repair_rows
from runs_app.services.replicator_turn import replicator_turn
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
    write_states: StateWriter | None = None


registry: Final = Registry()


class Replicator:
    """Moves batches. Keeps nothing between two of them: what must be known is in the outbox."""

    def replicate_once(self) -> Outcome:
        """Settle one batch: one left over with an unknown outcome first, else the oldest.

        Raises what is neither an outage nor refused data.
        """
        with replicator_turn():
            for batch_id in outbox.claimed_batches():
                left_over = outbox.read_batch(batch_id)
                if left_over is not None:
                    return _settle(left_over, fresh=False)
            for kind in (OutboxEntry.Kind.GROUP_STATES, OutboxEntry.Kind.RUNS):
                with write_turn():
                    batch = outbox.claim_batch(kind)
                if batch is not None:
                    return _settle(batch, fresh=True)
        return Outcome.IDLE

    def drain(self) -> bool:
        """Settle all that waits. False: ClickHouse went away before the end."""
        while True:
            outcome = self.replicate_once()
            if outcome is not Outcome.DONE:
                return outcome is Outcome.IDLE


def _settle(batch: Batch, *, fresh: bool) -> Outcome:
    """See to it that the batch arrived once and its steps ran; `fresh`: nobody sent it before.

    A fresh batch that certainly was not sent is set free again. Of any other nobody knows, also
    of one that arrived before a step failed: it stays claimed, and the next turn repairs it.
    """
    try:
        rows = _rows(batch)
        if batch.kind == OutboxEntry.Kind.GROUP_STATES:
            _write_states(rows)
        elif fresh:
            _insert(batch, rows)
        else:
            log.warning("repairing batch %s of %d rows", batch.id, len(rows))
            repair_rows(rows)
        if batch.kind == OutboxEntry.Kind.RUNS:
            for step in registry.after_runs:
                step(rows)
    except Unavailable as error:
        log.warning("batch %s waits: %s", batch.id, error)
        return Outcome.AWAY
    except DataRefused as error:
        set_apart(batch, str(error))
        return Outcome.DONE
    with write_turn():
        outbox.delete_batch(batch)
    return Outcome.DONE


def _rows(batch: Batch) -> list[RunRow]:
    """Raises DataRefused for content that is not what this version writes."""
    try:
        rows = list(chain.from_iterable(_entry_rows(batch)))
    except msgspec.DecodeError as error:
        raise DataRefused(f"outbox content: {error}", clickhouse_code=None) from error
    if batch.kind == OutboxEntry.Kind.RUNS and not all(map(_is_run_row, rows)):
        raise DataRefused("outbox content: a row of other columns", clickhouse_code=None)
    return rows


def _is_run_row(row: RunRow) -> bool:
    return len(row) == len(COLUMNS) and isinstance(row[DELTA], int)


def _entry_rows(batch: Batch) -> Iterator[list[RunRow]]:
    for entry in batch.entries:
        yield decode_rows(bytes(entry.content))


def _insert(batch: Batch, rows: Sequence[RunRow]) -> None:
    try:
        clickhouse().insert("task_runs_v2", COLUMNS, rows)
    except ClickHouseUnavailable as error:
        if not error.sent:
            with write_turn():
                outbox.release_batch(batch)
        raise


def _write_states(rows: Sequence[RunRow]) -> None:
    if registry.write_states is None:
        raise RuntimeError("No app registered a writer of group states.")
    registry.write_states(rows)
