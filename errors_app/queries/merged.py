"""Which groups are merged into which, by the relational store: the truth, and always at hand."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Q, QuerySet

from errors_app.domain.groups import GroupKey
from errors_app.models import ErrorGroupState
from errors_app.queries.states import PendingState, pending_states
from runs_app.domain.run_filters import FailedGroup
from runs_app.domain.tenant import Tenant

FINGERPRINTS_PER_QUERY: Final = 400

# Of an environment: its id, and the group's key within it.
GroupOf = tuple[str, GroupKey]


@dataclass(frozen=True, slots=True)
class Mirror:
    """How ClickHouse's copy of the states is to be read: `pending` are those it may not know yet;
    `merged` tells whether any group of the environment is merged, so that all must be folded."""

    pending: tuple[PendingState, ...] = ()
    merged: bool = False


@dataclass(frozen=True, slots=True)
class Merged:
    """Some merged groups, each with the one it counts for."""

    survivors: Mapping[GroupKey, GroupKey] = field(default_factory=dict)

    def survivor_of(self, key: GroupKey) -> GroupKey:
        """The group itself where it is not merged."""
        return self.survivors.get(key, key)

    def members_of(self, key: GroupKey) -> tuple[GroupKey, ...]:
        """The group, and those that are merged into it."""
        return (key, *sorted(one for one, into in self.survivors.items() if into == key))

    def spread(self, keys: Iterable[GroupKey]) -> dict[GroupKey, GroupKey]:
        """The groups and all that are merged into them, each with the one it counts for."""
        wanted = dict.fromkeys(keys)
        own = {key: key for key in wanted}
        return own | {one: into for one, into in self.survivors.items() if into in wanted}


NOTHING_MERGED: Final = Merged()


def read_mirror(tenant: Tenant, *, statuses_matter: bool) -> Mirror:
    """What a list has to know before it asks ClickHouse."""
    merged = _merged_rows(tenant).exists()
    if not (merged or statuses_matter):
        return Mirror()
    return Mirror(tuple(pending_states(tenant)), merged)


def merged_into(tenant: Tenant, keys: Collection[GroupKey]) -> Merged:
    """The groups that are merged into these."""
    fingerprints = sorted({key.error_fingerprint for key in keys})
    found: dict[GroupKey, GroupKey] = {}
    for start in range(0, len(fingerprints), FINGERPRINTS_PER_QUERY):
        part = fingerprints[start : start + FINGERPRINTS_PER_QUERY]
        found.update(_pairs(tenant, Q(merged_into__in=part)))
    wanted = set(keys)
    return Merged({one: into for one, into in found.items() if into in wanted})


def all_merged(tenant: Tenant) -> Merged:
    """Every merged group of the environment."""
    return Merged(_pairs(tenant, Q()))


def fingerprints_of(tenant: Tenant, key: GroupKey) -> tuple[str, ...]:
    """The fingerprints whose failures, in its task, are the group's: its own is the first."""
    members = merged_into(tenant, [key]).members_of(key)
    return tuple(one.error_fingerprint for one in members)


def around(tenant: Tenant, fingerprints: Collection[str]) -> Merged:
    """All that is merged into groups of these fingerprints, or into groups that such are merged
    into."""
    own: dict[GroupKey, GroupKey] = {}
    # No group has a NUL in its fingerprint, and PostgreSQL refuses to be asked for one.
    wanted = sorted({one for one in fingerprints if "\0" not in one})
    for start in range(0, len(wanted), FINGERPRINTS_PER_QUERY):
        part = wanted[start : start + FINGERPRINTS_PER_QUERY]
        condition = Q(error_fingerprint__in=part) | Q(merged_into__in=part)
        own.update(_pairs(tenant, condition))
    survivors = {into.error_fingerprint for into in own.values()} - set(wanted)
    if not survivors:
        return Merged(own)
    others = merged_into(tenant, set(own.values()))
    return Merged({**others.survivors, **own})


def groups_around(tenant: Tenant, fingerprints: Collection[str]) -> list[FailedGroup]:
    """The groups whose failures are those of the groups of these fingerprints, too."""
    asked = set(fingerprints)
    merged = around(tenant, asked)
    survivors = {
        into for one, into in merged.survivors.items() if one.error_fingerprint in asked
    } | {into for into in merged.survivors.values() if into.error_fingerprint in asked}
    others = merged.spread(survivors)
    return [FailedGroup(one.error_fingerprint, one.task_identifier) for one in sorted(others)]


def survivors_of(groups: Collection[GroupOf]) -> dict[GroupOf, GroupOf]:
    """Those of the groups, of any environments, that are merged, with the ones they count for."""
    environments = {environment for environment, _ in groups}
    fingerprints = sorted({key.error_fingerprint for _, key in groups})
    found: dict[GroupOf, GroupOf] = {}
    for start in range(0, len(fingerprints), FINGERPRINTS_PER_QUERY):
        rows = ErrorGroupState.objects.filter(
            environment_id__in=environments,
            error_fingerprint__in=fingerprints[start : start + FINGERPRINTS_PER_QUERY],
            merged_into__isnull=False,
        ).values_list("environment_id", "error_fingerprint", "task_identifier", "merged_into")
        for environment, fingerprint, task, into in rows:
            one = str(environment), GroupKey(fingerprint, task)
            if one in groups and into is not None:
                found[one] = str(environment), GroupKey(into, task)
    return found


def _merged_rows(tenant: Tenant) -> QuerySet[ErrorGroupState]:
    return ErrorGroupState.objects.filter(
        environment_id=tenant.environment_id, merged_into__isnull=False
    )


def _pairs(tenant: Tenant, condition: Q) -> dict[GroupKey, GroupKey]:
    rows = _merged_rows(tenant).filter(condition)
    return {
        GroupKey(fingerprint, task): GroupKey(into, task)
        for fingerprint, task, into in rows.values_list(
            "error_fingerprint", "task_identifier", "merged_into"
        )
        if into is not None
    }
