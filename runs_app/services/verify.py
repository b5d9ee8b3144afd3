"""Comparing what ClickHouse counts with the failed runs it holds, and mending the minutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings

from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.domain.window import Window, retained_window
from runs_app.queries.counts import Difference, find_differences, repair_all_minutes
from runs_app.services.replicator_turn import replicator_turn

# Rows about to expire leave the two tables at different moments of their last minute.
EXPIRING: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Minutes found wrong in one environment, and those that are still wrong after a repair."""

    found: Sequence[Difference]
    remaining: Sequence[Difference]


def verify_environment(tenant: Tenant, *, repair: bool) -> Verdict:
    """Look at every minute that is kept.

    In the replicator's turn: a batch on its way would show as differences of the moment, and
    repairing them would count it twice.
    """
    with replicator_turn():
        window = _window()
        found = find_differences(tenant, window)
        if not (found and repair):
            return Verdict(found=found, remaining=found)
        repair_all_minutes(tenant, window)
        return Verdict(found=found, remaining=find_differences(tenant, window))


def _window() -> Window:
    kept = retained_window(utc_now(), timedelta(days=settings.RETENTION_DAYS))
    return Window(kept.start + EXPIRING, kept.end)
