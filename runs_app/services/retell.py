"""Telling ClickHouse again what it was told: rows that add nothing, whatever it knows of them."""

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.failures import ClickHouseFault, DataRefused, Remedy, remedy_of
from runs_app.domain.errors import Unavailable
from runs_app.domain.run_rows import COLUMNS, ENVIRONMENT, RUN_ID, RunRow, encode_rows
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry
from runs_app.queries import quarantine
from runs_app.services.replicate import registry
from runs_app.services.write_turns import write_turn

log = logging.getLogger(__name__)

# So many rows fail alone, and none gets through: then it is the server that takes nothing.
MOST_IN_VAIN: Final = 50

Send = Callable[[Sequence[RunRow]], None]
Failure = DataRefused | Unavailable | ClickHouseFault


def insert_rows(rows: Sequence[RunRow]) -> None:
    """Rows with a delta of 0: every table but the minutes is fed again, and none adds up."""
    clickhouse().insert("task_runs_v2", COLUMNS, rows)


def tell_again(rows: Sequence[RunRow], send: Send = insert_rows) -> None:
    """Send rows of `run_rows.row_of_record`; what is beside a row that fails arrives.

    A row that fails alone is left to the replicator. Raises Unavailable or ClickHouseFault where
    ClickHouse is away, or takes nothing.
    """
    for row, failure in _Search(send).find_failing(rows):
        log.error("a row of run %s does not get through: %s", row[RUN_ID], failure)
        # Unless it has been through that already.
        if not quarantine.is_in_quarantine(row):
            _hand_over(OutboxEntry.Kind.RUNS, row[ENVIRONMENT], encode_rows([row]))


def tell_states_again(tenant: Tenant, rows: Sequence[RunRow]) -> None:
    """The same with rows of the states of the tenant's groups."""
    if registry.write_states is None:
        return
    for row, failure in _Search(registry.write_states).find_failing(rows):
        log.error("the state of a group does not get through: %s", failure)
        content = encode_rows([row], registry.state_columns)
        if not quarantine.holds_state(tenant, content):
            _hand_over(OutboxEntry.Kind.GROUP_STATES, tenant.environment_id, content)


@dataclass(slots=True)
class _Search:
    """Sends rows in ever smaller parts, to find those that do not get through alone."""

    send: Send
    got_through: bool = False
    found: list[tuple[RunRow, Failure]] = field(default_factory=list)

    def find_failing(self, rows: Sequence[RunRow]) -> list[tuple[RunRow, Failure]]:
        """Those rows, and why. All others arrived. Raises what tells of the server."""
        try:
            self.send(rows)
        except (DataRefused, Unavailable, ClickHouseFault) as failure:
            if not isinstance(failure, DataRefused) and remedy_of(failure) is Remedy.WAIT:
                raise
            self._look_closer(rows, failure)
        else:
            self.got_through = True
        return self.found

    def _look_closer(self, rows: Sequence[RunRow], failure: Failure) -> None:
        if len(rows) == 1:
            self.found.append((rows[0], failure))
            # What is refused tells of the row, all else may be everybody's lot.
            in_vain = not self.got_through and len(self.found) >= MOST_IN_VAIN
            if in_vain and not isinstance(failure, DataRefused):
                raise failure
            return
        log.warning("looking for the row that fails among %d: %s", len(rows), failure)
        middle = len(rows) // 2
        self.find_failing(rows[:middle])
        self.find_failing(rows[middle:])


def _hand_over(kind: OutboxEntry.Kind, environment_id: str, content: bytes) -> None:
    """Leave a row to the replicator, which repairs what is claimed, or sets it aside."""
    with write_turn():
        OutboxEntry.objects.create(
            kind=kind,
            environment_id=environment_id,
            content=content,
            row_count=1,
            size=len(content),
            created_at=utc_now(),
            batch_id=uuid.uuid4(),
        )
