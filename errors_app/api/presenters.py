"""Error groups as the API shows them."""

from datetime import datetime
from typing import Any, Final

from errors_app.domain.activity import ActivityEntry, NamedActor
from errors_app.domain.groups import GroupKey, GroupState
from errors_app.services.browse import GroupDetail, ListedGroup
from runs_app.domain.ids import error_id, friendly_run_id
from runs_app.domain.times import iso
from runs_app.domain.versions import newest
from runs_app.domain.window import Window

SHOWN_VERSIONS: Final = 5


def group_item(group: ListedGroup) -> dict[str, Any]:
    """One row of the list."""
    return {
        **_identity(group.key),
        "errorType": group.outline.error_type,
        "errorMessage": group.outline.error_message,
        "category": group.outline.category or None,
        "status": group.state.status.value,
        "count": group.count,
        "firstSeen": iso(group.outline.first_seen),
        "lastSeen": iso(group.outline.last_seen),
        "resolvedAt": _time(group.state.resolved_at),
        "resolvedInVersion": group.state.resolved_in_version,
        "resolvedAfterVersion": group.state.resolved_after_version,
        "ignoredUntil": _time(group.state.ignored_until),
    }


def group_detail(detail: GroupDetail) -> dict[str, Any]:
    """One group; every member is always there, null when unset."""
    facts = detail.facts
    versions = newest((version for version in facts.counts if version), SHOWN_VERSIONS)
    return {
        **_identity(facts.key),
        "errorType": facts.error_type,
        "errorMessage": facts.error_message,
        "category": facts.category or None,
        "count": facts.count,
        "firstSeen": iso(facts.first_seen),
        "lastSeen": iso(facts.last_seen),
        "affectedVersions": list(versions),
        "mergedFingerprints": list(facts.merged),
        **_state(detail.state),
    }


def activity_item(entry: ActivityEntry) -> dict[str, Any]:
    """One change of a group; every member is always there, null when unset."""
    return {
        "id": str(entry.id),
        "action": entry.action.value,
        "fromStatus": entry.from_status.value,
        "toStatus": entry.to_status.value,
        "actor": _actor(entry.actor),
        "reason": entry.reason or None,
        "details": entry.details or None,
        "runId": friendly_run_id(entry.run_id) if entry.run_id else None,
        "version": entry.task_version or None,
        "createdAt": iso(entry.created_at),
    }


def window_item(window: Window) -> dict[str, str]:
    return {"from": iso(window.start), "to": iso(window.end)}


def _identity(key: GroupKey) -> dict[str, str]:
    return {
        "id": error_id(key.error_fingerprint),
        "fingerprint": key.error_fingerprint,
        "taskIdentifier": key.task_identifier,
    }


def _state(state: GroupState) -> dict[str, Any]:
    return {
        "status": state.status.value,
        "resolvedAt": _time(state.resolved_at),
        "resolvedInVersion": state.resolved_in_version,
        "resolvedInNextVersion": state.resolved_after_version is not None,
        "resolvedAfterVersion": state.resolved_after_version,
        "resolvedBy": state.resolved_by,
        "ignoredAt": _time(state.ignored_at),
        "ignoredUntil": _time(state.ignored_until),
        "ignoredReason": state.ignored_reason,
        "ignoredByUserId": state.ignored_by,
        "ignoredUntilOccurrenceRate": state.ignored_until_occurrence_rate,
        "ignoredUntilTotalOccurrences": state.ignored_until_total_occurrences,
    }


def _actor(actor: NamedActor) -> dict[str, str | None]:
    return {
        "type": actor.kind.value,
        "id": actor.id,
        "name": actor.name,
        "client": actor.client,
    }


def _time(value: datetime | None) -> str | None:
    return None if value is None else iso(value)
