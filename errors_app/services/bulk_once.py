"""Changes of groups that do no harm when they arrive twice: people press buttons twice."""

from collections.abc import Mapping
from dataclasses import dataclass

from errors_app.domain.bulk import BulkChange, SkipReason
from errors_app.domain.groups import Actor
from errors_app.services.bulk import change_groups
from errors_app.services.operations import OperationSummary, count_reasons, find_operation
from runs_app.domain.errors import Contention
from runs_app.domain.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Outcome:
    """`operation` is None where nothing was changed; `skipped` are numbers by reason."""

    operation: OperationSummary | None
    skipped: Mapping[SkipReason, int]


def change_groups_once(tenant: Tenant, change: BulkChange, actor: Actor) -> Outcome:
    """As `change_groups`; where an operation of that id is there already, what became of that one.

    Raises what `change_groups` raises.
    """
    done = _done(tenant, change)
    if done is not None:
        return done
    try:
        result = change_groups(tenant, change, actor)
    except Contention:
        # Two of them at once: the other one's operation took the id.
        done = _done(tenant, change)
        if done is None:
            raise
        return done
    return _done(tenant, change) or Outcome(None, count_reasons(result.skipped))


def _done(tenant: Tenant, change: BulkChange) -> Outcome | None:
    summary = None
    if change.operation_id is not None:
        summary = find_operation(tenant, change.operation_id)
    return None if summary is None else Outcome(summary, summary.skipped)
