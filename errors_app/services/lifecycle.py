"""Changing the state of a group: state, activity and outbox in one transaction."""

import logging
from datetime import datetime
from typing import Any

from django.db import Error as DatabaseError
from django.db import IntegrityError, transaction

from errors_app.domain.groups import (
    Action,
    Actor,
    GroupKey,
    GroupState,
    IgnoreConditions,
    Status,
)
from errors_app.models import ErrorGroupActivity, ErrorGroupState
from errors_app.queries import states
from runs_app.clickhouse.failures import ClickHouseFault, DataRefused
from runs_app.domain.errors import Contention, Unavailable
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import iso, utc_now
from runs_app.models import OutboxEntry
from runs_app.queries import outbox
from runs_app.services.write_turns import write_turn

log = logging.getLogger(__name__)

CLEARED: dict[str, Any] = {
    "resolved_at": None,
    "resolved_in_version": None,
    "resolved_by_id": None,
    "ignored_at": None,
    "ignored_until": None,
    "ignored_until_occurrence_rate": None,
    "ignored_until_total_occurrences": None,
    "ignored_at_occurrence_count": None,
    "ignored_reason": None,
    "ignored_by_id": None,
}
TRIES = 3
# A person waits for the answer; the replicator has all the time.
MIRROR_PATIENCE_SECONDS = 3.0


def resolve_group(tenant: Tenant, key: GroupKey, actor: Actor, version: str | None) -> GroupState:
    """Resolved from now on, in `version` where one is named."""
    now = utc_now()
    return _change(
        tenant,
        key,
        actor,
        Action.RESOLVE,
        now,
        {
            "status": Status.RESOLVED,
            "resolved_at": now,
            "resolved_in_version": version,
            "resolved_by_id": actor.user_id,
        },
        {} if version is None else {"version": version},
    )


def ignore_group(
    tenant: Tenant, key: GroupKey, actor: Actor, conditions: IgnoreConditions, count: int
) -> GroupState:
    """Ignored until a condition is met; for ever where there is none.

    `count` is the group's count at this moment: "N more" starts there.
    """
    now = utc_now()
    details = {
        "until": None if conditions.until is None else iso(conditions.until),
        "occurrenceRate": conditions.occurrence_rate,
        "totalOccurrences": conditions.total_occurrences,
    }
    base = None if conditions.total_occurrences is None else count
    return _change(
        tenant,
        key,
        actor,
        Action.IGNORE,
        now,
        {
            "status": Status.IGNORED,
            "ignored_at": now,
            "ignored_until": conditions.until,
            "ignored_until_occurrence_rate": conditions.occurrence_rate,
            "ignored_until_total_occurrences": conditions.total_occurrences,
            "ignored_at_occurrence_count": base,
            "ignored_reason": conditions.reason,
            "ignored_by_id": actor.user_id,
        },
        {name: value for name, value in details.items() if value is not None},
        reason=conditions.reason or "",
    )


def unresolve_group(tenant: Tenant, key: GroupKey, actor: Actor) -> GroupState:
    """Open again."""
    return _change(
        tenant, key, actor, Action.UNRESOLVE, utc_now(), {"status": Status.UNRESOLVED}, {}
    )


def _change(
    tenant: Tenant,
    key: GroupKey,
    actor: Actor,
    action: Action,
    now: datetime,
    values: dict[str, Any],
    details: dict[str, Any],
    *,
    reason: str = "",
) -> GroupState:
    for _ in range(TRIES):
        try:
            with write_turn(), transaction.atomic():
                state, before = _locked(tenant, key, now)
                for name, value in {**CLEARED, **values}.items():
                    setattr(state, name, value)
                state.version += 1
                state.updated_at = now
                state.save()
                _record(state, actor, action, before, now, details, reason)
                entry = outbox.enqueue(
                    tenant,
                    OutboxEntry.Kind.GROUP_STATES,
                    [states.mirror_row(tenant, state)],
                    now,
                    columns=states.MIRROR_COLUMNS,
                )
        except IntegrityError:
            # Somebody else made the group's first state at the same moment.
            continue
        _tell_clickhouse(tenant, state, entry)
        return states.state_of(state)
    raise Contention("This group is being changed by somebody else; try again.")


def _locked(tenant: Tenant, key: GroupKey, now: datetime) -> tuple[ErrorGroupState, Status]:
    """The group's state row, locked or new, and how it reads now."""
    row = (
        ErrorGroupState.objects.select_for_update()
        .filter(
            environment_id=tenant.environment_id,
            error_fingerprint=key.error_fingerprint,
            task_identifier=key.task_identifier,
        )
        .first()
    )
    if row is None:
        row = ErrorGroupState(
            environment_id=tenant.environment_id,
            error_fingerprint=key.error_fingerprint,
            task_identifier=key.task_identifier,
            created_at=now,
            updated_at=now,
        )
    return row, states.state_of(row).at(now).status


def _record(
    state: ErrorGroupState,
    actor: Actor,
    action: Action,
    before: Status,
    now: datetime,
    details: dict[str, Any],
    reason: str,
) -> None:
    ErrorGroupActivity.objects.create(
        state=state,
        action=action,
        from_status=before,
        to_status=state.status,
        actor_kind=actor.kind,
        user_id=actor.user_id,
        client=actor.client,
        api_key_id=actor.api_key_id,
        rule=actor.rule,
        reason=reason,
        details=details,
        created_at=now,
    )


def _tell_clickhouse(tenant: Tenant, state: ErrorGroupState, entry: OutboxEntry) -> None:
    """Try at once; where that fails, the replicator does it, and lists read the outbox.

    The change is committed: whatever fails here must not tell the caller otherwise.
    """
    try:
        states.write_mirror_rows(
            [states.mirror_row(tenant, state)], patience=MIRROR_PATIENCE_SECONDS
        )
        with write_turn(), transaction.atomic():
            OutboxEntry.objects.filter(pk=entry.pk).delete()
    except (Unavailable, DataRefused, ClickHouseFault, DatabaseError) as error:
        log.warning("the state of a group waits in the outbox: %s", error)
