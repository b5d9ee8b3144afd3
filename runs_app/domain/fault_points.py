"""Places where a process may die, named so that a test can make it die right there.

In production nobody listens, and reaching a place does nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum


class FaultPoint(Enum):
    """In the order in which a replicator comes past them; the last ones are come past by whoever
    changes states of groups, and by the sweep."""

    BEFORE_CLAIM = "before a batch is claimed"
    AFTER_CLAIM = "after a batch was claimed"
    BEFORE_INSERT = "before rows are sent"
    AFTER_INSERT = "after an insert was acknowledged"
    BEFORE_REPAIR = "before a repair"
    AFTER_ROWS_AGAIN = "in a repair, after the rows were sent again"
    AFTER_TOMBSTONES = "in a repair, after the tombstones were sent"
    BEFORE_MINUTES = "in a repair, or after an insert that needs it, before minutes are mended"
    AFTER_MINUTES = "after the minutes of one environment and day were mended"
    BEFORE_STEP = "before a step that another app registered"
    AFTER_STEPS = "after the steps, before the batch is deleted"
    BEFORE_SPLIT = "before a refused batch is split"
    AFTER_SPLIT = "after a refused batch was split or its row set aside"
    AFTER_DELETE = "after a batch was deleted"
    BEFORE_STATES_COMMIT = "before a change of states is committed"
    AFTER_STATES_COMMIT = "after a change of states, before ClickHouse is told of it"
    AFTER_STATES_TOLD = "after ClickHouse was told of states, before the outbox knows"
    BETWEEN_SWEEP_PARTS = "between two parts of a sweep"


Listener = Callable[[FaultPoint], None]

_listeners: list[Listener] = []


def reached(point: FaultPoint) -> None:
    """Tell whoever listens; what a listener raises goes through."""
    for listener in _listeners:
        listener(point)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have `listener` called at every fault point."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
