"""Taking back one decision about many groups, as long as it is fresh."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from django.db import transaction

from errors_app.domain.bulk import PickedGroup, SkippedGroup, SkipReason, UndoResult
from errors_app.domain.decisions import Decision, restoring
from errors_app.domain.groups import UNTOUCHED, Actor, GroupKey, GroupState
from errors_app.models import BulkOperation
from errors_app.services.state_changes import Changed, change_states
from runs_app.domain.errors import Conflict, NotFound
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.models import User
from runs_app.services.write_turns import write_turn

UNDO_TIME: Final = timedelta(minutes=10)
# Each may hold megabytes.
OPERATIONS_AT_ONCE: Final = 20


class NotUndoable(Conflict):
    """Too late, or done already."""

    retryable = False


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """What it takes to restore one group. `before` is None where nobody had acted on it, which is
    what most were."""

    error_fingerprint: str
    task_identifier: str
    version: int
    before: GroupState | None

    @property
    def key(self) -> GroupKey:
        return GroupKey(self.error_fingerprint, self.task_identifier)


def encode_changes(changed: Sequence[Changed]) -> bytes:
    """What an operation keeps of its changes, for the time in which it can be undone."""
    return msgspec.json.encode(
        [
            _Kept(
                one.key.error_fingerprint,
                one.key.task_identifier,
                one.version,
                None if one.before == UNTOUCHED else one.before,
            )
            for one in changed
        ]
    )


def undo_operation(tenant: Tenant, operation_id: str, actor: Actor) -> UndoResult:
    """Restore the groups that are as the operation left them. Those changed since stay.

    Raises NotFound, NotUndoable, Contention.
    """
    now = utc_now()
    operation = _find(tenant, operation_id)
    if operation.undone_at is not None:
        raise _undone_already()
    if now >= operation.created_at + UNDO_TIME or not operation.changes:
        raise NotUndoable("It is too late: a change can be undone for ten minutes.")
    kept = {one.key: one for one in msgspec.json.decode(operation.changes, type=list[_Kept])}
    befores = _restorable(kept.values())

    def decide(key: GroupKey, _before: GroupState) -> Decision:
        return restoring(befores[key], str(operation.id))

    def mark(_changed: Sequence[Changed]) -> BulkOperation:
        _mark_undone(operation, now)
        return operation

    versions = {key: one.version for key, one in kept.items()}
    changed = change_states(tenant, kept, decide, actor, now, operation=mark, versions=versions)
    if not changed:
        with write_turn(), transaction.atomic():
            _mark_undone(operation, now)
    restored = {one.key for one in changed}
    return UndoResult(
        str(operation.id),
        len(restored),
        tuple(
            SkippedGroup(
                PickedGroup(key.error_fingerprint, key.task_identifier), SkipReason.CHANGED_SINCE
            )
            for key in kept
            if key not in restored
        ),
    )


def forget_changes(now: datetime) -> Iterator[int]:
    """Empty what is kept of operations that cannot be undone any more, a few at a time; how many
    it were."""
    late = BulkOperation.objects.filter(created_at__lte=now - UNDO_TIME).exclude(changes=b"")
    while ids := list(
        late.order_by("created_at").values_list("pk", flat=True)[:OPERATIONS_AT_ONCE]
    ):
        with write_turn():
            BulkOperation.objects.filter(pk__in=ids).update(changes=b"")
        yield len(ids)


def _find(tenant: Tenant, operation_id: str) -> BulkOperation:
    with contextlib.suppress(ValueError, BulkOperation.DoesNotExist):
        return BulkOperation.objects.get(
            environment_id=tenant.environment_id, pk=UUID(operation_id)
        )
    raise NotFound("There is no such change of many groups.")


def _restorable(kept: Iterable[_Kept]) -> dict[GroupKey, GroupState]:
    """The states before, without people who are gone by now."""
    befores = {one.key: one.before or UNTOUCHED for one in kept}
    named = {
        person
        for before in befores.values()
        for person in (before.resolved_by, before.ignored_by)
        if person is not None
    }
    left = {str(pk) for pk in User.objects.filter(pk__in=named).values_list("pk", flat=True)}
    return {
        key: replace(
            before,
            resolved_by=before.resolved_by if before.resolved_by in left else None,
            ignored_by=before.ignored_by if before.ignored_by in left else None,
        )
        for key, before in befores.items()
    }


def _mark_undone(operation: BulkOperation, now: datetime) -> None:
    """Whoever of several comes first has done it."""
    fresh = BulkOperation.objects.filter(pk=operation.pk, undone_at__isnull=True)
    if fresh.update(undone_at=now, changes=b"") == 0:
        raise _undone_already()


def _undone_already() -> NotUndoable:
    return NotUndoable("This change was undone already.")
