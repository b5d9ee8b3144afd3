"""What became of one decision about groups, as the pages tell it, for as long as it is kept."""

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from errors_app.domain.bulk import PickedGroup, SkippedGroup, SkipReason
from errors_app.domain.groups import Action, GroupKey
from errors_app.models import BulkOperation, ErrorGroupActivity
from errors_app.queries.groups import Outline, read_outlines
from errors_app.services.undo import UNDO_TIME
from runs_app.domain.errors import NotFound, Unavailable
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now

# The member of an operation's parameters that tells of the groups that stayed.
SKIPPED: Final = "skipped"
# How many groups are named of each kind; the rest is a number.
NAMED: Final = 100


@dataclass(frozen=True, slots=True)
class NamedGroup:
    """A group with what people know it by; no outline where it is gone, or its store is away."""

    key: GroupKey
    outline: Outline | None
    reason: SkipReason | None = None


@dataclass(frozen=True, slots=True)
class OperationSummary:
    """`skipped` are numbers by reason. `undoable_until` is None where it cannot be undone any
    more."""

    id: str
    action: Action
    parameters: Mapping[str, Any]
    matched: int
    changed: int
    skipped: Mapping[SkipReason, int]
    created_at: datetime
    undone_at: datetime | None
    undoable_until: datetime | None


@dataclass(frozen=True, slots=True)
class OperationReport:
    """With the first groups of each kind by name. After an undo `restored` of them are as before,
    and `left` are not, because they were changed since."""

    summary: OperationSummary
    changed: tuple[NamedGroup, ...]
    skipped: tuple[NamedGroup, ...]
    restored: int
    left: tuple[NamedGroup, ...]


def told_skipped(skipped: Sequence[SkippedGroup]) -> dict[str, Any]:
    """What an operation keeps of the groups that stayed: all numbers, and the first that exist. An
    id that no group has may be any text."""
    existing = (one for one in skipped if one.reason is not SkipReason.NOT_FOUND)
    return {
        "counts": dict(count_reasons(skipped)),
        "first": [
            (one.picked.error_fingerprint, one.picked.task_identifier, one.reason)
            for one in itertools.islice(existing, NAMED)
        ],
    }


def count_reasons(skipped: Iterable[SkippedGroup]) -> Counter[SkipReason]:
    return Counter(one.reason for one in skipped)


def find_operation(tenant: Tenant, operation_id: str) -> OperationSummary | None:
    row = _find(tenant, operation_id)
    return None if row is None else _summary(row)


def read_operation(tenant: Tenant, operation_id: str) -> OperationReport:
    """Raises NotFound."""
    row = _find(tenant, operation_id)
    if row is None:
        raise NotFound("There is no such change of groups.")
    trail = ErrorGroupActivity.objects.filter(operation=row)
    undone = trail.filter(action=Action.UNDO)
    changed = _keys(trail.exclude(action=Action.UNDO))
    left: list[GroupKey] = []
    if row.undone_at is not None:
        left = _keys(trail.exclude(state__in=undone.values("state")))
    skipped = [
        (GroupKey(fingerprint, task or ""), SkipReason(reason))
        for fingerprint, task, reason in row.parameters.get(SKIPPED, {}).get("first", ())
    ]
    outlines = _outlines(tenant, [*changed, *left, *(key for key, _reason in skipped)])
    return OperationReport(
        _summary(row),
        tuple(NamedGroup(key, outlines.get(key)) for key in changed),
        tuple(NamedGroup(key, outlines.get(key), reason) for key, reason in skipped),
        undone.count() if row.undone_at is not None else 0,
        tuple(NamedGroup(key, outlines.get(key), SkipReason.CHANGED_SINCE) for key in left),
    )


def name_groups(
    tenant: Tenant, keys: Sequence[GroupKey], skipped: Sequence[SkippedGroup] = ()
) -> tuple[NamedGroup, ...]:
    """First these, then those that are skipped."""
    stayed = [(_key_of(one.picked), one.reason) for one in skipped]
    outlines = _outlines(tenant, [*keys, *(key for key, _reason in stayed)])
    return (
        *(NamedGroup(key, outlines.get(key)) for key in keys),
        *(NamedGroup(key, outlines.get(key), reason) for key, reason in stayed),
    )


def _key_of(picked: PickedGroup) -> GroupKey:
    return GroupKey(picked.error_fingerprint, picked.task_identifier or "")


def _find(tenant: Tenant, operation_id: str) -> BulkOperation | None:
    """Without what it takes to undo it, which may be megabytes."""
    with contextlib.suppress(ValueError):
        return (
            BulkOperation.objects.defer("changes")
            .filter(environment_id=tenant.environment_id, pk=UUID(operation_id))
            .first()
        )
    return None


def _summary(row: BulkOperation) -> OperationSummary:
    until = row.created_at + UNDO_TIME
    is_fresh = row.undone_at is None and utc_now() < until
    counts = row.parameters.get(SKIPPED, {}).get("counts", {})
    return OperationSummary(
        id=str(row.pk),
        action=Action(row.action),
        parameters=row.parameters,
        matched=row.matched,
        changed=row.changed,
        skipped={SkipReason(reason): count for reason, count in counts.items()},
        created_at=row.created_at,
        undone_at=row.undone_at,
        undoable_until=until if is_fresh else None,
    )


def _keys(trail: Any) -> list[GroupKey]:
    rows = trail.order_by("state__error_fingerprint", "state__task_identifier").values_list(
        "state__error_fingerprint", "state__task_identifier"
    )
    return [GroupKey(fingerprint, task) for fingerprint, task in rows[:NAMED]]


def _outlines(tenant: Tenant, keys: Sequence[GroupKey]) -> Mapping[GroupKey, Outline]:
    with contextlib.suppress(Unavailable):
        return read_outlines(tenant, keys)
    return {}
