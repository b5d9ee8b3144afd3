"""What people and programs decide about one group."""

from dataclasses import dataclass
from datetime import datetime

from errors_app.domain.decisions import (
    Decision,
    Resolution,
    WantedResolution,
    ignoring,
    reopening,
    resolving,
)
from errors_app.domain.groups import Actor, GroupKey, GroupState, IgnoreConditions
from errors_app.queries.versions import read_versions
from errors_app.services.state_changes import change_states
from runs_app.domain.errors import Conflict, Contention
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.domain.version_order import newest_of


class NoVersionSeen(Conflict):
    """What comes after a version that nobody knows?"""

    retryable = False


@dataclass(frozen=True, slots=True)
class SeenVersions:
    """What a group may be resolved in: the newest version, and those seen last."""

    newest: str | None
    last: tuple[str, ...]


def read_seen_versions(tenant: Tenant, most: int = 50) -> SeenVersions:
    versions = read_versions(tenant)
    return SeenVersions(newest_of(versions), tuple(versions[:most]))


def settle_resolution(tenant: Tenant, wanted: WantedResolution) -> Resolution:
    """With the newest version that has run in the environment by now, where the next one is wanted.

    Raises NoVersionSeen.
    """
    if not wanted.in_next_version:
        return Resolution(version=wanted.version)
    newest = newest_of(read_versions(tenant))
    if newest is None:
        raise NoVersionSeen(
            "No run in this environment has named a version yet, so there is no next one.",
            hint="Name the version in resolvedInVersion, or resolve without one.",
        )
    return Resolution(after=newest)


def resolve_group(
    tenant: Tenant, key: GroupKey, actor: Actor, wanted: WantedResolution
) -> GroupState:
    """Resolved from now on. Raises NoVersionSeen, Contention."""
    resolution = settle_resolution(tenant, wanted)
    now = utc_now()
    return _change(tenant, key, actor, resolving(resolution, actor, now), now)


def ignore_group(
    tenant: Tenant, key: GroupKey, actor: Actor, conditions: IgnoreConditions, count: int
) -> GroupState:
    """Ignored until a condition is met; for ever where there is none.

    `count` is the group's count at this moment: "N more" starts there. Raises Contention.
    """
    now = utc_now()
    return _change(tenant, key, actor, ignoring(conditions, count, actor, now), now)


def unresolve_group(tenant: Tenant, key: GroupKey, actor: Actor) -> GroupState:
    """Open again. Raises Contention."""
    return _change(tenant, key, actor, reopening(), utc_now())


def _change(
    tenant: Tenant, key: GroupKey, actor: Actor, decision: Decision, now: datetime
) -> GroupState:
    def decide(_key: GroupKey, before: GroupState) -> Decision | None:
        return decision if before.merged_into is None else None

    if not change_states(tenant, [key], decide, actor, now):
        raise Contention("The group was merged into another one meanwhile; try again.")
    return decision.state
