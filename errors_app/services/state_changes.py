"""Changing the states of groups, one or thousands: state, trail and outbox in one transaction.

Everybody who changes a state does it here: people and programs through `lifecycle` and `bulk`,
rules through `rules`.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import Error as DatabaseError
from django.db import transaction

from errors_app.domain.decisions import Decision
from errors_app.domain.groups import UNTOUCHED, Actor, GroupKey, GroupState, Status
from errors_app.models import BulkOperation, ErrorGroupActivity, ErrorGroupState
from errors_app.queries import states
from errors_app.queries.many_rows import insert_rows, update_rows
from runs_app.clickhouse.failures import ClickHouseFault, DataRefused
from runs_app.domain.errors import Unavailable
from runs_app.domain.fault_points import FaultPoint, reached
from runs_app.domain.tenant import Tenant
from runs_app.models import OutboxEntry
from runs_app.queries import outbox
from runs_app.services.transactions import write_again
from runs_app.services.write_turns import write_turn

log = logging.getLogger(__name__)

CONTENTION: Final = "The same groups are being changed by others; try again."
# A person waits for the answer; the replicator has all the time.
MIRROR_PATIENCE_SECONDS: Final = 3.0
KEYS_PER_STATEMENT: Final = 500

# The fields of what is written: those of a decision, those that stay, and those of the trail.
STATE: Final = tuple(field.name for field in fields(GroupState))
ONCE: Final = ("environment", "error_fingerprint", "task_identifier", "created_at")
TRAIL: Final = (
    "state", "state_version", "operation", "action", "from_status", "to_status", "actor_kind",
    "user", "client", "api_key_id", "rule", "reason", "run_id", "task_version", "details",
    "created_at",
)  # fmt: skip

state_values: Final = attrgetter(*STATE)

# What is to become of a group that reads like this now; None: it stays.
Decide = Callable[[GroupKey, GroupState], Decision | None]


@dataclass(frozen=True, slots=True)
class Changed:
    """A state that was changed: as it was written before, what its status read as then, as it is
    now, and its new version."""

    state_id: UUID
    key: GroupKey
    before: GroupState
    from_status: Status
    decision: Decision
    version: int

    @property
    def after(self) -> GroupState:
        return self.decision.state


# Called within the transaction with all that changed, before the trail is written; what it makes
# is what the entries of the trail point at.
MakeOperation = Callable[[Sequence[Changed]], BulkOperation]


def change_states(
    tenant: Tenant,
    keys: Iterable[GroupKey],
    decide: Decide,
    actor: Actor,
    now: datetime,
    *,
    operation: MakeOperation | None = None,
    as_written: bool = False,
    versions: Mapping[GroupKey, int] | None = None,
) -> tuple[Changed, ...]:
    """Change the states of groups by `decide`, which is asked with each row locked; those changed.

    All or none, however many: one transaction, one entry of the outbox. ClickHouse is told at once
    where it can be. `as_written`: `decide` is asked about the stored state, and not about what it
    reads as now, so that an ignore whose time has passed can be given up. With `versions` a group
    stays whose state has another version by now, and nobody is asked. Raises Contention.
    """
    wanted = sorted(set(keys))

    def work() -> tuple[tuple[Changed, ...], OutboxEntry | None]:
        changed = _decided(tenant, wanted, decide, None if as_written else now, versions)
        if not changed:
            return (), None
        _write_states(tenant, changed, now)
        made = None if operation is None else operation(changed)
        _write_trail(changed, actor, now, made)
        rows = _mirror_rows(tenant, changed)
        kind = OutboxEntry.Kind.GROUP_STATES
        entry = outbox.enqueue(tenant, kind, rows, now, columns=states.MIRROR_COLUMNS)
        reached(FaultPoint.BEFORE_STATES_COMMIT)
        return changed, entry

    changed, entry = write_again(work, CONTENTION)
    if entry is not None:
        reached(FaultPoint.AFTER_STATES_COMMIT)
        _tell_clickhouse(_mirror_rows(tenant, changed), entry)
    return changed


def _decided(
    tenant: Tenant,
    keys: Sequence[GroupKey],
    decide: Decide,
    now: datetime | None,
    versions: Mapping[GroupKey, int] | None,
) -> tuple[Changed, ...]:
    """The changes of the groups, whose rows are locked in the order of their keys. `decide` is
    asked about what they read as at `now`; None: about what is written."""
    rows = _locked(tenant, keys)
    changed = []
    for key in keys:
        row = rows.get(key)
        version = 0 if row is None else row.version
        if versions is not None and versions[key] != version:
            continue
        before = UNTOUCHED if row is None else states.state_of(row)
        found = before if now is None else before.at(now)
        decision = decide(key, found)
        if decision is not None:
            state_id = uuid4() if row is None else row.id
            changed.append(Changed(state_id, key, before, found.status, decision, version + 1))
    return tuple(changed)


def _locked(tenant: Tenant, keys: Sequence[GroupKey]) -> dict[GroupKey, ErrorGroupState]:
    wanted = set(keys)
    fingerprints = sorted({key.error_fingerprint for key in keys})
    found = {}
    for part in _parts(fingerprints):
        rows = (
            ErrorGroupState.objects.select_for_update()
            .filter(environment_id=tenant.environment_id, error_fingerprint__in=part)
            .order_by("error_fingerprint", "task_identifier")
        )
        for row in rows:
            key = GroupKey(row.error_fingerprint, row.task_identifier)
            if key in wanted:
                found[key] = row
    return found


def _write_states(tenant: Tenant, changed: Sequence[Changed], now: datetime) -> None:
    """New rows are added, which fails where somebody else was first."""
    insert_rows(
        ErrorGroupState,
        (*STATE, "version", "updated_at", *ONCE, "id"),
        (
            (
                *state_values(one.after),
                one.version,
                now,
                tenant.environment_id,
                one.key.error_fingerprint,
                one.key.task_identifier,
                now,
                one.state_id,
            )
            for one in changed
            if one.version == 1
        ),
    )
    update_rows(
        ErrorGroupState,
        (*STATE, "version", "updated_at", "id"),
        (
            (*state_values(one.after), one.version, now, one.state_id)
            for one in changed
            if one.version > 1
        ),
    )


def _write_trail(
    changed: Sequence[Changed], actor: Actor, now: datetime, operation: BulkOperation | None
) -> None:
    operation_id = None if operation is None else operation.pk
    insert_rows(
        ErrorGroupActivity,
        TRAIL,
        (
            (
                one.state_id,
                one.version,
                operation_id,
                one.decision.action,
                one.from_status,
                one.after.status,
                actor.kind,
                actor.user_id,
                actor.client,
                actor.api_key_id,
                actor.rule,
                one.decision.reason,
                "" if one.decision.cause is None else one.decision.cause.run_id,
                "" if one.decision.cause is None else one.decision.cause.version,
                dict(one.decision.details),
                now,
            )
            for one in changed
        ),
    )


def _mirror_rows(tenant: Tenant, changed: Sequence[Changed]) -> list[list[Any]]:
    return [states.mirror_row(tenant, one.key, one.after, one.version) for one in changed]


def _tell_clickhouse(rows: Sequence[Sequence[Any]], entry: OutboxEntry) -> None:
    """Try at once; where that fails, the replicator does it, and lists read the outbox.

    The change is committed: whatever fails here must not tell the caller otherwise.
    """
    try:
        states.write_mirror_rows(rows, patience=MIRROR_PATIENCE_SECONDS)
        reached(FaultPoint.AFTER_STATES_TOLD)
        with write_turn(), transaction.atomic():
            OutboxEntry.objects.filter(pk=entry.pk).delete()
    except (Unavailable, DataRefused, ClickHouseFault, DatabaseError) as error:
        log.warning("the states of %d groups wait in the outbox: %s", len(rows), error)


def _parts(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(items), KEYS_PER_STATEMENT):
        yield items[start : start + KEYS_PER_STATEMENT]
