"""Changes of groups that do no harm when they arrive twice: people press buttons twice."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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

    @property
    def is_in_force(self) -> bool:
        """Whether something was changed, and nobody has taken it back."""
        return self.operation is not None and self.operation.undone_at is None


def change_groups_once(tenant: Tenant, change: BulkChange, actor: Actor) -> Outcome:
    """As `change_groups`; where an operation of that id is there already, what became of that one.
    If it was undone, whoever sends it again means it anew.

    Raises what `change_groups` raises.
    """
    done = _done(tenant, change.operation_id)
    if done is not None and done.is_in_force:
        return done
    if done is not None:
        change = replace(change, operation_id=None)
    try:
        result = change_groups(tenant, change, actor)
    except Contention:
        # Two of them at once: the other one's operation took the id.
        done = _done(tenant, change.operation_id)
        if done is None:
            raise
        return done
    return _done(tenant, result.operation_id) or Outcome(None, count_reasons(result.skipped))


def _done(tenant: Tenant, operation_id: str | None) -> Outcome | None:
    summary = None if operation_id is None else find_operation(tenant, operation_id)
    return None if summary is None else Outcome(summary, summary.skipped)
