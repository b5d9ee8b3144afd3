"""One decision about many groups: for API and admin alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings

from errors_app.domain.bulk import (
    BulkChange,
    BulkResult,
    PickedGroup,
    SkippedGroup,
    SkipReason,
)
from errors_app.domain.decisions import (
    Decision,
    ignoring,
    reopening,
    resolving,
)
from errors_app.domain.filters import DEFAULT_SORT, EVERY_STATUS, GroupFilters
from errors_app.domain.groups import Action, Actor, GroupKey, GroupState, Status
from errors_app.models import BulkOperation
from errors_app.queries import groups, occurrences, states
from errors_app.queries.groups import Frame
from errors_app.queries.merged import Merged, around, read_mirror
from errors_app.services.browse import retention
from errors_app.services.lifecycle import settle_resolution
from errors_app.services.operations import SKIPPED, told_skipped
from errors_app.services.state_changes import Changed, change_states
from errors_app.services.undo import encode_changes
from runs_app.domain.errors import Conflict
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import iso, utc_now
from runs_app.domain.window import Window, retained_window, window_of

ALREADY: Final = {
    Status.RESOLVED: SkipReason.ALREADY_RESOLVED,
    Status.IGNORED: SkipReason.ALREADY_IGNORED,
    Status.UNRESOLVED: SkipReason.ALREADY_UNRESOLVED,
}


class BulkTooLarge(Conflict):
    """More groups match than are changed at once."""

    code = "bulk_too_large"
    retryable = False


class NumberChanged(Conflict):
    """Another number of groups matches than whoever asks saw."""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The groups a change is about. Those whose status is none of `statuses` any more once they
    are locked are left alone: they do not match by now. `counts`: how often each failed, where that
    came along."""

    keys: tuple[GroupKey, ...]
    skipped: tuple[SkippedGroup, ...]
    statuses: frozenset[Status]
    parameters: dict[str, Any]
    window: Window | None = None
    counts: Mapping[GroupKey, int] | None = None


class _Deciding:
    """Decides about each group, and remembers why one stays as it is. A transaction that is done
    again asks again."""

    def __init__(self, make: Callable[[GroupKey], Decision], statuses: frozenset[Status]) -> None:
        self._make = make
        self._statuses = statuses
        self.stayed: dict[GroupKey, SkipReason] = {}

    def __call__(self, key: GroupKey, before: GroupState) -> Decision | None:
        self.stayed.pop(key, None)
        if before.merged_into is not None:
            # Somebody was faster.
            self.stayed[key] = SkipReason.CHANGED_SINCE
            return None
        decision = self._make(key)
        if before.status in self._statuses and not _is_same(before, decision.state):
            return decision
        self.stayed[key] = ALREADY[before.status]
        return None


def change_groups(tenant: Tenant, change: BulkChange, actor: Actor) -> BulkResult:
    """Resolve, ignore or reopen the chosen groups, all or none of them, in one operation.

    Raises BulkTooLarge, NumberChanged, NoVersionSeen, Contention.
    """
    now = utc_now()
    chosen = _choose(tenant, change.chosen, now)
    _insist_on_expected(len(chosen.keys), change.expected_count)
    make = _maker(tenant, change, chosen, actor, now)
    decide = _Deciding(make, chosen.statuses)
    made: list[BulkOperation] = []

    def skipped() -> tuple[SkippedGroup, ...]:
        stayed = (
            SkippedGroup(PickedGroup(key.error_fingerprint, key.task_identifier), reason)
            for key in chosen.keys
            if (reason := decide.stayed.get(key)) is not None
        )
        return (*chosen.skipped, *stayed)

    def operation(changed: Sequence[Changed]) -> BulkOperation:
        made[:] = [_write_operation(tenant, change, chosen, changed, skipped(), actor, now)]
        return made[0]

    if change.dry_run:
        before = states.read_states(tenant, chosen.keys)
        count = sum(decide(key, state.at(now)) is not None for key, state in before.items())
    else:
        count = len(change_states(tenant, chosen.keys, decide, actor, now, operation=operation))
    return BulkResult(
        operation_id=str(made[0].id) if made else None,
        matched=len(chosen.keys),
        changed=count,
        skipped=skipped(),
        window=chosen.window,
        matching=chosen.keys,
    )


# --- which groups -------------------------------------------------------------------------------


def _choose(
    tenant: Tenant, wanted: tuple[PickedGroup, ...] | GroupFilters, now: datetime
) -> _Chosen:
    if isinstance(wanted, GroupFilters):
        return _matching(tenant, wanted, now)
    return _picked(tenant, wanted, now)


def _matching(tenant: Tenant, filters: GroupFilters, now: datetime) -> _Chosen:
    """The groups that a list would show at this moment, of a window that is settled once."""
    window = window_of(filters.window, now=now, retention=retention())
    mirror = read_mirror(tenant, statuses_matter=filters.statuses != EVERY_STATUS)
    found = groups.rank_groups(
        tenant,
        filters,
        DEFAULT_SORT,
        Frame(window, now, everything=True),
        boundary=None,
        limit=settings.BULK_LIMIT + 1,
        mirror=mirror,
        now=now,
    )
    if len(found) > settings.BULK_LIMIT:
        raise _too_large(groups.count_matches(tenant, filters, window, mirror=mirror, now=now))
    return _Chosen(
        tuple(group.key for group in found),
        (),
        filters.statuses,
        {"filter": told_filter(filters, window)},
        window,
    )


def _picked(tenant: Tenant, picked: tuple[PickedGroup, ...], now: datetime) -> _Chosen:
    """The groups that are named, each once; of those that are merged, the ones they count for."""
    fingerprints = {one.error_fingerprint for one in picked}
    merged = around(tenant, fingerprints)
    existing = _count(tenant, fingerprints, now, merged)
    groups_of: dict[str, list[GroupKey]] = {}
    for own, key in merged.spread(existing).items():
        groups_of.setdefault(own.error_fingerprint, []).append(key)
    keys: dict[GroupKey, None] = {}
    skipped = []
    for one in dict.fromkeys(picked):
        named = groups_of.get(one.error_fingerprint, [])
        if one.task_identifier is not None:
            named = [key for key in named if key.task_identifier == one.task_identifier]
        if len(named) == 1:
            keys[named[0]] = None
        else:
            reason = SkipReason.AMBIGUOUS_ID if named else SkipReason.NOT_FOUND
            skipped.append(SkippedGroup(one, reason))
    if len(keys) > settings.BULK_LIMIT:
        raise _too_large(len(keys))
    return _Chosen(tuple(keys), tuple(skipped), EVERY_STATUS, {"ids": len(picked)}, counts=existing)


def _count(
    tenant: Tenant, fingerprints: set[str], now: datetime, merged: Merged | None = None
) -> dict[GroupKey, int]:
    window = retained_window(now, retention())
    return occurrences.count_groups(tenant, fingerprints, window, merged)


def _too_large(count: int) -> BulkTooLarge:
    return BulkTooLarge(
        f"{count:,} groups match; {settings.BULK_LIMIT:,} at most are changed at once."
    )


def _insist_on_expected(count: int, expected: int | None) -> None:
    if expected is not None and expected != count:
        groups_match = "1 group matches" if count == 1 else f"{count:,} groups match"
        raise NumberChanged(
            f"{groups_match} by now, which is not the number that was expected.",
            hint="Look at the groups again, then send the request with their number of now.",
        )


# --- what becomes of them -----------------------------------------------------------------------


def _maker(
    tenant: Tenant, change: BulkChange, chosen: _Chosen, actor: Actor, now: datetime
) -> Callable[[GroupKey], Decision]:
    """What to make of a group; whatever that needs is looked up here, for all of them at once."""
    conditions = change.conditions
    if change.action is Action.IGNORE and conditions.total_occurrences is not None:
        counts = chosen.counts
        if counts is None:
            counts = _count(tenant, {key.error_fingerprint for key in chosen.keys}, now)
        return lambda key: ignoring(conditions, counts.get(key, 0), actor, now)
    if change.action is Action.IGNORE:
        decision = ignoring(conditions, 0, actor, now)
    elif change.action is Action.RESOLVE:
        resolution = settle_resolution(tenant, change.resolution)
        decision = resolving(resolution, actor, now)
    else:
        decision = reopening()
    return lambda _key: decision


def _is_same(before: GroupState, after: GroupState) -> bool:
    """Whether only who decided it, and when, would be another. A reason stays until there is a new
    one."""
    return before.status is after.status and before == replace(
        after,
        resolved_at=before.resolved_at,
        resolved_by=before.resolved_by,
        ignored_at=before.ignored_at,
        ignored_by=before.ignored_by,
        ignored_reason=after.ignored_reason or before.ignored_reason,
    )


# --- what is kept of it -------------------------------------------------------------------------


def _write_operation(
    tenant: Tenant,
    change: BulkChange,
    chosen: _Chosen,
    changed: Sequence[Changed],
    skipped: Sequence[SkippedGroup],
    actor: Actor,
    now: datetime,
) -> BulkOperation:
    return BulkOperation.objects.create(
        id=uuid4() if change.operation_id is None else UUID(change.operation_id),
        environment_id=tenant.environment_id,
        action=change.action,
        parameters={
            **_asked(change, changed[0]),
            **chosen.parameters,
            **({SKIPPED: told_skipped(skipped)} if skipped else {}),
        },
        actor_kind=actor.kind,
        user_id=actor.user_id,
        client=actor.client,
        api_key_id=actor.api_key_id,
        matched=len(chosen.keys),
        changed=len(changed),
        changes=encode_changes(changed),
        created_at=now,
    )


def _asked(change: BulkChange, one: Changed) -> dict[str, Any]:
    """The figures and conditions, which are the same for every group."""
    reason = change.conditions.reason
    return {**one.decision.details, **({"reason": reason} if reason else {})}


def told_filter(filters: GroupFilters, window: Window) -> dict[str, Any]:
    """The filter in the words of the API; `from` and `to` are the settled window."""
    narrowing = {
        "taskIdentifier": list(filters.task_identifiers),
        "version": list(filters.versions),
        "status": [] if filters.statuses == EVERY_STATUS else sorted(filters.statuses),
        "search": filters.search,
        "category": list(filters.categories),
    }
    named = {name: value for name, value in narrowing.items() if value}
    return {**named, "from": iso(window.start), "to": iso(window.end)}
