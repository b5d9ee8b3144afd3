"""Making groups one, and splitting them again: for API and admin alike.

Nothing that ClickHouse counts is rewritten. A merged group's state says which group its failures
count for; whoever reads looks there. So both are one change of states, all or none.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from errors_app.domain.decisions import Decision
from errors_app.domain.groups import Action, Actor, GroupKey, GroupState
from errors_app.domain.merging import (
    MOST_MERGED,
    WantedMerge,
    let_go,
    merged_away,
    split_off,
    taken_in,
)
from errors_app.models import ErrorGroupActivity
from errors_app.queries import failures, occurrences, states
from errors_app.queries.merged import Merged, around, merged_into
from errors_app.services.browse import (
    AmbiguousErrorId,
    GroupDetail,
    find_for_change,
    read_group,
    retention,
)
from errors_app.services.state_changes import CONTENTION, change_states
from runs_app.domain.errors import Conflict, Contention, NotFound
from runs_app.domain.ids import error_id
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.domain.window import retained_window

TRIES: Final = 5
# How many ids a refusal names.
NAMED: Final = 5
# For the figures that have one; none of those is looked at here.
ANY_SPAN: Final = timedelta(minutes=1)


class DifferentTasks(Conflict):
    """Groups of different tasks are different bugs, whatever their errors look like."""

    retryable = False


class TooManyMerged(Conflict):
    """The survivor would stand for too many."""

    retryable = False


class NotMerged(Conflict):
    """There is nothing to split off."""

    retryable = False


class _Outdated(Exception):
    """Something was merged, split or ignored since it was looked at."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """`sources` are merged with all that was merged into them before; `merged` is what that is.
    `count`: how often they failed."""

    into: GroupKey
    sources: tuple[GroupKey, ...]
    merged: Merged
    count: int

    @property
    def moved(self) -> tuple[GroupKey, ...]:
        return tuple(sorted(one for key in self.sources for one in self.merged.members_of(key)))


def merge_groups(tenant: Tenant, wanted: WantedMerge, actor: Actor) -> GroupDetail:
    """Have groups of one task count as one; the survivor, with all that is merged into it.

    A group that is merged stands for the one it is merged into, on either side; what is one group
    already stays as it is. Raises NotFound, AmbiguousErrorId, DifferentTasks, TooManyMerged,
    Contention, Unavailable.
    """

    def attempt() -> GroupKey:
        plan = _plan(tenant, wanted)
        if plan.sources:
            change_states(
                tenant,
                (plan.into, *plan.moved),
                _Merging(tenant, plan),
                actor,
                utc_now(),
                as_written=True,
            )
        return plan.into

    return _detail(tenant, _until_it_is_current(attempt))


def split_group(
    tenant: Tenant, given: str, task_identifier: str | None, fingerprint: str, actor: Actor
) -> GroupDetail:
    """Take a merged group out of the one that an id stands for; that one, without it.

    It is as it was when it was merged, and rules look at all that it failed since. Raises
    NotFound, AmbiguousErrorId, NotMerged, Contention, Unavailable.
    """

    def attempt() -> GroupKey:
        facts = find_for_change(tenant, given, task_identifier)
        if fingerprint not in facts.merged:
            raise _not_merged(facts.key, fingerprint)
        decide = _splitting(tenant, facts.key, GroupKey(fingerprint, facts.key.task_identifier))
        keys = (facts.key, GroupKey(fingerprint, facts.key.task_identifier))
        change_states(tenant, keys, decide, actor, utc_now(), as_written=True)
        return facts.key

    return _detail(tenant, _until_it_is_current(attempt))


def _until_it_is_current(attempt: Callable[[], GroupKey]) -> GroupKey:
    for _ in range(TRIES):
        try:
            return attempt()
        except _Outdated:
            continue
    raise Contention(CONTENTION)


def _detail(tenant: Tenant, key: GroupKey) -> GroupDetail:
    return read_group(tenant, error_id(key.error_fingerprint), key.task_identifier)


# --- merging ------------------------------------------------------------------------------------


def _plan(tenant: Tenant, wanted: WantedMerge) -> _Plan:
    """What is to be merged into what, as it is now."""
    fingerprints = {wanted.into, *wanted.merged}
    merged = around(tenant, fingerprints)
    window = retained_window(utc_now(), retention())
    counts = occurrences.count_groups(tenant, fingerprints, window, merged)
    existing = merged.spread(counts)
    into = _survivor(existing, wanted)
    named = _named(existing, wanted.merged, into.task_identifier)
    sources = tuple(sorted(named - {into}))
    plan = _Plan(into, sources, merged, sum(counts[key] for key in sources))
    if len(merged.members_of(into)) - 1 + len(plan.moved) > MOST_MERGED:
        raise TooManyMerged(f"At most {MOST_MERGED:,} groups can be merged into one.")
    return plan


def _survivor(existing: Mapping[GroupKey, GroupKey], wanted: WantedMerge) -> GroupKey:
    found = {
        survivor
        for one, survivor in existing.items()
        if one.error_fingerprint == wanted.into
        and wanted.task_identifier in (None, one.task_identifier)
    }
    if not found:
        raise NotFound("There is no such error group to merge into.")
    if len(found) > 1:
        tasks = ", ".join(sorted(key.task_identifier for key in found))
        raise AmbiguousErrorId(
            f"The id of the survivor stands for a group in each of these tasks: {tasks}.",
            hint="Pick one with the member taskIdentifier.",
        )
    return found.pop()


def _named(
    existing: Mapping[GroupKey, GroupKey], fingerprints: Iterable[str], task: str
) -> set[GroupKey]:
    """The groups of the task that the fingerprints stand for."""
    wanted = dict.fromkeys(fingerprints)
    known = {key.error_fingerprint for key in existing}
    unknown = [one for one in wanted if one not in known]
    if unknown:
        raise NotFound(f"There is no error group of {_ids(unknown)}. Nothing was merged.")
    elsewhere = [one for one in wanted if GroupKey(one, task) not in existing]
    if elsewhere:
        raise DifferentTasks(
            f"{_ids(elsewhere)} failed in other tasks than {task}. Nothing was merged.",
            hint="Merge groups of one task; name it in taskIdentifier where ids are of several.",
        )
    return {existing[GroupKey(one, task)] for one in wanted}


def _ids(fingerprints: Sequence[str]) -> str:
    named = ", ".join(error_id(one) for one in fingerprints[:NAMED])
    more = len(fingerprints) - NAMED
    return f"{named} and {more:,} more" if more > 0 else named


class _Merging:
    """Decides about each group with all of their rows locked.

    Whoever merges something into a group, or takes it out, writes the rows of both. So what is
    merged into these cannot change once their rows are locked, or are added, which fails where
    somebody else was first.
    """

    def __init__(self, tenant: Tenant, plan: _Plan) -> None:
        self._tenant = tenant
        self._plan = plan

    def __call__(self, key: GroupKey, before: GroupState) -> Decision:
        plan = self._plan
        survivor = plan.merged.survivors.get(key)
        if before.merged_into != (None if survivor is None else survivor.error_fingerprint):
            raise _Outdated
        if key != plan.into:
            return merged_away(before, plan.into.error_fingerprint)
        self._insist_on_members()
        moved = [one.error_fingerprint for one in plan.moved]
        return taken_in(before, moved, plan.count)

    def _insist_on_members(self) -> None:
        targets = (self._plan.into, *self._plan.sources)
        now = merged_into(self._tenant, targets).survivors
        then = self._plan.merged.survivors
        if now != {one: into for one, into in then.items() if into in targets}:
            raise _Outdated


# --- splitting ----------------------------------------------------------------------------------


def _not_merged(key: GroupKey, fingerprint: str) -> NotMerged:
    if fingerprint == key.error_fingerprint:
        return NotMerged(
            "This is the fingerprint of the group itself.",
            hint="Split off what is merged into it: mergedFingerprints.",
        )
    return NotMerged(
        f"Nothing of this fingerprint is merged into {error_id(key.error_fingerprint)}.",
        hint="The group's mergedFingerprints can be split off.",
    )


def _splitting(
    tenant: Tenant, into: GroupKey, leaving: GroupKey
) -> Callable[[GroupKey, GroupState], Decision]:
    looked_at = states.read_states(tenant, [into])[into]
    count = _not_waited_for(tenant, looked_at, leaving)

    def decide(key: GroupKey, before: GroupState) -> Decision:
        if key == leaving:
            if before.merged_into != into.error_fingerprint:
                raise _Outdated
            return split_off(before, into.error_fingerprint)
        if before != looked_at:
            raise _Outdated
        return let_go(before, leaving.error_fingerprint, count)

    return decide


def _not_waited_for(tenant: Tenant, survivor: GroupState, leaving: GroupKey) -> int:
    """How often a group failed before the survivor's "N more" began to count its failures: when
    that was decided, or when it was merged, whichever was later. By the minute."""
    if survivor.ignored_until_total_occurrences is None:
        return 0
    now = utc_now()
    window = retained_window(now, retention())
    since = max(survivor.ignored_at or window.start, _merged_at(tenant, leaving) or window.start)
    figures = failures.read_figures(tenant, {leaving: since}, window, ANY_SPAN).get(leaving)
    return 0 if figures is None else figures.count - figures.later


def _merged_at(tenant: Tenant, key: GroupKey) -> datetime | None:
    entries = ErrorGroupActivity.objects.filter(
        state__environment_id=tenant.environment_id,
        state__error_fingerprint=key.error_fingerprint,
        state__task_identifier=key.task_identifier,
        action=Action.MERGE,
        details__has_key="mergedInto",
    )
    moments = entries.order_by("-state_version").values_list("created_at", flat=True)
    return moments.first()
