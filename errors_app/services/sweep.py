"""The sweep: finds decisions that have had their time wherever no batch did.

Time ends an ignore without any failure; a store that was rebuilt, and steps that a crash kept from
happening, are caught up with. It works in short steps and keeps nothing in
between, so that it may be left after any of them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from errors_app.domain.groups import Status
from errors_app.domain.transitions import Rule
from errors_app.queries import decided, failures
from errors_app.services.rules import Due, find_due_ignores, find_due_resolutions, give_up
from runs_app.domain.fault_points import FaultPoint, reached
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now

GROUPS_PER_STEP: Final = 2_000
# Each time all groups of a tenant are looked at in ClickHouse.
CANDIDATES_AT_ONCE: Final = 20_000

# Steps of a tenant: what is due, and since when it is known.
Found = Iterator[tuple[Sequence[Due], datetime]]


def sweep(only: Tenant | None = None, *, dry_run: bool = False) -> Iterator[Mapping[Rule, int]]:
    """Write down what is due, a step at a time: how many groups came back in each, by rule.

    `only`: of this environment, else of all. `dry_run`: count, change nothing. ClickHouse is asked
    last. Raises Unavailable while it is away, Contention, and django.db.Error.
    """
    parts: Sequence[tuple[Status, Callable[[Tenant], Found]]] = (
        (Status.IGNORED, _expired),
        (Status.IGNORED, _by_figures),
        (Status.RESOLVED, _failed_again),
    )
    for status, find in parts:
        for tenant in decided.tenants_with(status):
            if only is None or tenant.environment_id == only.environment_id:
                for due, now in find(tenant):
                    yield _counted(due) if dry_run else give_up(tenant, due, now)
                    reached(FaultPoint.BETWEEN_SWEEP_PARTS)


def _expired(tenant: Tenant) -> Found:
    now = utc_now()
    for states in decided.expired_ignores(tenant, now, GROUPS_PER_STEP):
        yield find_due_ignores(tenant, states, now), now


def _by_figures(tenant: Tenant) -> Found:
    for states in decided.ignores_by_figures(tenant, GROUPS_PER_STEP):
        now = utc_now()
        # Those of which time is over were found before, or are by the next sweep.
        lasting = {key: one for key, one in states.items() if not one.ignore_has_expired(now)}
        yield find_due_ignores(tenant, lasting, now), now


def _failed_again(tenant: Tenant) -> Found:
    for keys in failures.failed_since_resolved(tenant, CANDIDATES_AT_ONCE):
        for start in range(0, len(keys), GROUPS_PER_STEP):
            states = decided.read_resolved(tenant, keys[start : start + GROUPS_PER_STEP])
            now = utc_now()
            yield find_due_resolutions(tenant, states, now), now


def _counted(due: Sequence[Due]) -> Counter[Rule]:
    return Counter(one.transition.rule for one in due)
