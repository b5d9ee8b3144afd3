"""Replication: from the outbox into ClickHouse, so that each batch counts once.

A batch is claimed under a persisted id, inserted once, followed by the steps other apps registered
for it, and deleted. An insert whose outcome is unknown is never sent again as it was: the batch is
repaired. Only one replicator is active per deployment, for as long as it holds the turn; one that
lost its turn in the middle of a batch has that batch repaired.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import msgspec

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.failures import (
    ClickHouseFault,
    ClickHouseUnavailable,
    DataRefused,
    QueryTooHeavy,
    Remedy,
    remedy_of,
)
from runs_app.domain.errors import Unavailable
from runs_app.domain.fault_points import FaultPoint, reached
from runs_app.domain.run_rows import (
    COLUMNS,
    DELTA,
    ENVIRONMENT,
    FAILED_AT,
    FINGERPRINT,
    RUN_ID,
    RunRow,
    UnreadableRows,
    decode_rows,
)
from runs_app.domain.tenant import Tenant
from runs_app.models import OutboxEntry
from runs_app.queries import outbox, rebuilds
from runs_app.queries.outbox import Batch
from runs_app.queries.quarantine import rows_of_marked_runs
from runs_app.services.precedence import Precedence
from runs_app.services.quarantine import halve, set_apart
from runs_app.services.repair import mend_minutes, repair_rows
from runs_app.services.replicator_turn import insist_on_turn, replicator_turn
from runs_app.services.write_turns import write_turn

log = logging.getLogger(__name__)

# How often the same batch fails in one way before something else is done than to wait.
TRIES_IF_TOO_HEAVY: Final = 3
TRIES_IF_UNKNOWN: Final = 5
KINDS: Final = (OutboxEntry.Kind.GROUP_STATES, OutboxEntry.Kind.RUNS)
TEXTS: Final = (ENVIRONMENT, RUN_ID, FINGERPRINT)
# The minutes' DateTime begins anew where 32 bits of seconds end.
LAST_MILLISECOND: Final = (1 << 32) * 1000 - 1

Step = Callable[[Sequence[RunRow]], None]
StateWriter = Callable[[Sequence[RunRow]], None]
StateReader = Callable[[Tenant], Iterator[Sequence[RunRow]]]


class Outcome(Enum):
    """What one call of `replicate_once` met."""

    IDLE = "nothing waited"
    DONE = "a batch arrived"
    AWAY = "ClickHouse is away; the batch waits"


@dataclass(slots=True)
class Registry:
    """What apps built on this one add: steps after a batch of runs, the writer of states, and the
    reader of all states of a tenant, in chunks."""

    after_runs: list[Step] = field(default_factory=list)
    state_columns: Sequence[str] = ()
    write_states: StateWriter | None = None
    read_states: StateReader | None = None


registry: Final = Registry()


class StepFailed(Exception):
    """A step that another app registered has a fault; the rows before it are all right."""


class StepAway(Unavailable):
    """ClickHouse is away in a step; the rows before it are all right."""


class StepTooHeavy(QueryTooHeavy):
    """A statement of a step is too heavy; the rows before it are all right."""


class Replicator:
    """Moves batches. What must be known of them is in the outbox, but for the batch in hand, in
    case another replicator took it over when this one lost its turn, and how often batches failed;
    who begins anew counts anew."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._in_hand: Batch | None = None
        self._precedence = Precedence(clock=clock)
        # Why the last batch waits, where it does.
        self.away: Unavailable | ClickHouseFault | None = None

    def replicate_once(self) -> Outcome:
        """Settle one batch: one left over with an unknown outcome first, else the oldest, and at
        last what failed so often that it lets others go first.

        Raises what is neither an outage nor refused data.
        """
        with replicator_turn():
            self._put_back_what_was_taken_over()
            giving_way = self._precedence.giving_way()
            left_over = outbox.oldest_claimed_batch(besides=giving_way)
            if left_over is not None:
                return self._settle(left_over, fresh=False)
            # While ClickHouse is rebuilt, what a row takes back may not have been told again yet:
            # then every batch is repaired.
            fresh = not rebuilds.is_under_way()
            for kind in KINDS if self._precedence.may_claim() else ():
                reached(FaultPoint.BEFORE_CLAIM)
                with write_turn():
                    batch = outbox.claim_batch(kind)
                if batch is not None:
                    reached(FaultPoint.AFTER_CLAIM)
                    self._precedence.claimed(batch.id)
                    return self._settle(batch, fresh=fresh)
            last_of_all = outbox.oldest_claimed_batch() if giving_way else None
            if last_of_all is not None:
                return self._settle(last_of_all, fresh=False)
            self._precedence.forget_all()
        # What gave way is gone: its environment took it along. Others may wait behind it.
        return Outcome.DONE if giving_way else Outcome.IDLE

    def drain(self) -> bool:
        """Settle all that waits. False: ClickHouse went away before the end."""
        while True:
            outcome = self.replicate_once()
            if outcome is Outcome.AWAY:
                log.warning("a batch waits: %s", self.away)
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
        """See to it that the batch arrived once and its steps ran; `fresh`: by inserting it, since
        nobody sent it before. Any other is repaired.

        A fresh batch that certainly was not sent is set free again. Of any other nobody knows,
        also of one that arrived before a step failed, or of which a part of the repair did: it
        stays claimed, and the next turn repairs it. Nothing is written to the outbox once the turn
        is lost: the batch is another's then.
        """
        # States may be told any number of times: nobody needs to know who told them last.
        self._in_hand = batch if batch.kind == OutboxEntry.Kind.RUNS else None
        try:
            _send(batch, fresh=fresh)
        except DataRefused as error:
            return self._set_apart(batch, error)
        except (Unavailable, ClickHouseFault) as error:
            if fresh and isinstance(error, ClickHouseUnavailable) and not error.sent:
                self.away = error
                insist_on_turn()
                with write_turn():
                    outbox.release_batch(batch)
                self._in_hand = None
                return Outcome.AWAY
            return self._wait(batch, error)
        insist_on_turn()
        with write_turn():
            deleted = outbox.delete_batch(batch)
        reached(FaultPoint.AFTER_DELETE)
        self._precedence.arrived(batch.id)
        if deleted == len(batch.entries):
            self._in_hand = None
        return Outcome.DONE

    def _set_apart(self, batch: Batch, error: Exception) -> Outcome:
        reached(FaultPoint.BEFORE_SPLIT)
        insist_on_turn()
        if set_apart(batch, str(error)):
            self._precedence.forget(batch.id)
            self._in_hand = None
        reached(FaultPoint.AFTER_SPLIT)
        return Outcome.DONE

    def _wait(self, batch: Batch, error: Unavailable | ClickHouseFault) -> Outcome:
        """Leave the batch for another turn, unless enough turns have met the same."""
        remedy = remedy_of(error)
        trouble = self._precedence.failed(batch.id, remedy)
        failures = trouble.failures[remedy]
        if remedy is Remedy.SET_ASIDE and failures >= TRIES_IF_UNKNOWN:
            return self._set_apart(batch, error)
        too_heavy = remedy is Remedy.HALVE and failures >= TRIES_IF_TOO_HEAVY
        if (too_heavy or trouble.is_of_the_batch()) and self._halve(batch, error):
            return Outcome.DONE
        if trouble.is_beyond_hope() and not isinstance(error, StepTooHeavy | StepAway):
            return self._set_apart(batch, error)
        self.away = error
        return Outcome.AWAY

    def _halve(self, batch: Batch, error: Exception) -> bool:
        """Whether there was more than one row."""
        reached(FaultPoint.BEFORE_SPLIT)
        insist_on_turn()
        if not halve(batch):
            return False
        log.warning("batch %s was split, because it does not get through: %s", batch.id, error)
        reached(FaultPoint.AFTER_SPLIT)
        self._precedence.forget(batch.id)
        self._in_hand = None
        return True


def deliver_what_waits(replicator: Replicator) -> bool:
    """Settle what is in the outbox by now, not what comes meanwhile.

    False: ClickHouse went away before the end; `replicator.away` tells why.
    """
    last = outbox.newest_id()
    while outbox.is_waiting(until=last):
        outcome = replicator.replicate_once()
        if outcome is not Outcome.DONE:
            return outcome is Outcome.IDLE
    return True


def _send(batch: Batch, *, fresh: bool) -> None:
    rows = _rows(batch)
    insist_on_turn()
    if batch.kind == OutboxEntry.Kind.GROUP_STATES:
        reached(FaultPoint.BEFORE_INSERT)
        _write_states(rows)
        reached(FaultPoint.AFTER_INSERT)
        return
    if fresh:
        reached(FaultPoint.BEFORE_INSERT)
        clickhouse().insert("task_runs_v2", COLUMNS, rows)
        reached(FaultPoint.AFTER_INSERT)
        _mend_after_insert(batch, rows)
    else:
        repair_rows(rows)
        log.info("repaired batch %s of %d rows", batch.id, len(rows))
    _run_steps(rows)
    reached(FaultPoint.AFTER_STEPS)


def _mend_after_insert(batch: Batch, rows: Sequence[RunRow]) -> None:
    """Mend the minutes of runs of which ClickHouse lacks a row: a delta is worked out from what it
    was told, so that taking back what never arrived would leave a minute one too few.

    Rows that are tried again right now are in no quarantine, but claimed: looked for second, they
    are found in one place or the other.
    """
    marked = rows_of_marked_runs(rows)
    if outbox.others_are_claimed(batch):
        marked = list(rows)
    try:
        mend_minutes(marked)
    except ClickHouseUnavailable as error:
        # The rows are there: whether this statement was sent or not, the batch is not fresh.
        raise ClickHouseUnavailable(str(error), sent=True, code=error.clickhouse_code) from error


def _run_steps(rows: Sequence[RunRow]) -> None:
    for step in registry.after_runs:
        reached(FaultPoint.BEFORE_STEP)
        try:
            step(rows)
        except ClickHouseUnavailable as error:
            # The rows are there: whatever the step sent or not, the batch is not fresh any more.
            raise StepAway(technical_message=str(error)) from error
        except QueryTooHeavy as error:
            raise StepTooHeavy(str(error)) from error
        except (ClickHouseFault, DataRefused) as error:
            raise StepFailed(str(error)) from error


def _rows(batch: Batch) -> list[RunRow]:
    """Raises DataRefused for content that cannot be read as rows of this version."""
    columns = COLUMNS if batch.kind == OutboxEntry.Kind.RUNS else registry.state_columns
    try:
        rows = [row for entry in batch.entries for row in decode_rows(entry.content, columns)]
    except (msgspec.DecodeError, UnreadableRows) as error:
        raise DataRefused(f"outbox content: {error}", clickhouse_code=None) from error
    if batch.kind == OutboxEntry.Kind.RUNS:
        for row in rows:
            _check_what_repairs_rely_on(row)
    return rows


def _check_what_repairs_rely_on(row: RunRow) -> None:
    if row[DELTA] not in {-1, 0, 1} or isinstance(row[DELTA], float):
        raise DataRefused("outbox content: a delta that is none", clickhouse_code=None)
    if not all(isinstance(row[position], str) for position in TEXTS):
        raise DataRefused("outbox content: an id that is no text", clickhouse_code=None)
    if not isinstance(row[FAILED_AT], int) or not 0 <= row[FAILED_AT] <= LAST_MILLISECOND:
        raise DataRefused("outbox content: a failure time that is none", clickhouse_code=None)


def _write_states(rows: Sequence[RunRow]) -> None:
    if registry.write_states is None:
        raise RuntimeError("No app registered a writer of group states.")
    registry.write_states(rows)
