"""Decisions about groups end by themselves: when, and what is written then.

The replicator's step looks at the groups that a batch touched, the sweep at all the others. Both
may look at the same group at once, and as often as they like: what was decided is given up by
whoever is first to find it as it was looked at.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.conf import settings

from errors_app.domain.decisions import Decision, coming_back
from errors_app.domain.groups import Actor, ActorKind, GroupKey, GroupState, Status
from errors_app.domain.transitions import (
    NOTHING_KNOWN,
    Facts,
    Failure,
    Rate,
    Rule,
    Transition,
    due_transition,
)
from errors_app.queries import failures
from errors_app.queries.decided import find_decided
from errors_app.queries.failures import FailedVersion, Figures
from errors_app.queries.groups import read_outlines
from errors_app.queries.merged import GroupOf, survivors_of
from errors_app.services.state_changes import change_states
from runs_app.domain.errors import Contention
from runs_app.domain.run_rows import (
    DELTA,
    ENVIRONMENT,
    FAILED_AT,
    FRIENDLY_ID,
    TASK,
    TASK_VERSION,
    RunRow,
)
from runs_app.domain.run_rows import FINGERPRINT as ROW_FINGERPRINT
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import MILLISECOND, from_epoch_milliseconds, utc_now
from runs_app.domain.window import MINUTE, Window, retained_window
from runs_app.services.replicate import StepAway

log = logging.getLogger(__name__)

GROUPS_PER_QUERY: Final = 1_000
# Writers wait for a transaction to end.
CHANGES_AT_ONCE: Final = 500

States = Mapping[GroupKey, GroupState]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Due:
    """A group whose decision has had its time, with the state that was looked at."""

    key: GroupKey
    state: GroupState
    transition: Transition


def after_batch(rows: Sequence[RunRow]) -> None:
    """The replicator's step: give up decisions that failures of the batch put an end to.

    Raises what ends a step: StepAway, what ClickHouse raises, django.db.Error.
    """
    failed = _by_survivor(_failures_of(rows))
    if not failed:
        return
    now = utc_now()
    by_tenant: defaultdict[Tenant, dict[GroupKey, GroupState]] = defaultdict(dict)
    for group in find_decided(failed.keys()):
        by_tenant[group.tenant][group.key] = group.state
    for tenant, states in by_tenant.items():
        due: list[Due] = []
        for key, state in states.items():
            facts = Facts(failures=tuple(failed[tenant.environment_id, key]))
            if state.status is Status.RESOLVED:
                due += _due(key, state, facts, now)
        ignored = {key: one for key, one in states.items() if one.status is Status.IGNORED}
        due += find_due_ignores(tenant, ignored, now)
        try:
            give_up(tenant, due, now)
        except Contention as error:
            raise StepAway(technical_message=str(error)) from error


def _failures_of(rows: Sequence[RunRow]) -> dict[GroupOf, list[Failure]]:
    """What each group has got more of. Rows that take back or repeat do not count."""
    found: defaultdict[GroupOf, list[Failure]] = defaultdict(list)
    for row in rows:
        if row[DELTA] == 1:
            failed_at = from_epoch_milliseconds(row[FAILED_AT])
            key = GroupKey(row[ROW_FINGERPRINT], row[TASK])
            failure = Failure(row[FRIENDLY_ID], row[TASK_VERSION], failed_at)
            found[row[ENVIRONMENT], key].append(failure)
    return found


def _by_survivor(failed: Mapping[GroupOf, list[Failure]]) -> dict[GroupOf, list[Failure]]:
    """Failures of a merged group count for the one it is merged into."""
    survivors = survivors_of(failed.keys())
    found: defaultdict[GroupOf, list[Failure]] = defaultdict(list)
    for group, failures_of_it in failed.items():
        found[survivors.get(group, group)] += failures_of_it
    return found


def find_due_ignores(tenant: Tenant, states: States, now: datetime) -> list[Due]:
    """Those of these ignored groups that come back at `now`. ClickHouse is asked about those only
    that come back at a rate or after a number."""
    due = [found for key, state in states.items() for found in _due(key, state, NOTHING_KNOWN, now)]
    over = {one.key for one in due}
    waiting = [
        (key, state)
        for key, state in states.items()
        if key not in over and _waits_for_figures(state)
    ]
    for part in _parts(waiting, GROUPS_PER_QUERY):
        due += _due_by_figures(tenant, dict(part), now)
    return due


def _waits_for_figures(state: GroupState) -> bool:
    wanted = state.ignored_until_occurrence_rate, state.ignored_until_total_occurrences
    return wanted != (None, None)


def _due_by_figures(tenant: Tenant, states: States, now: datetime) -> Iterator[Due]:
    """First by the minutes, which count too much rather than too little within a span; then, for
    what seems to be due, with the failed runs around its newest failure."""
    span = rate_span()
    window = retained_window(now, timedelta(days=settings.RETENTION_DAYS))
    since = {key: state.ignored_at or window.start for key, state in states.items()}
    found = failures.read_figures(tenant, since, window, span)
    found |= _with_expired(tenant, states, found, window)
    likely = {key: one for key, one in found.items() if _seems_due(states[key], one, span, now)}
    asked = {
        key: (since[key], figures.newest_minute)
        for key, figures in likely.items()
        if figures.newest_minute is not None
    }
    bursts = failures.newest_bursts(tenant, asked, span)
    for key, figures in likely.items():
        facts = Facts(count=figures.count)
        if key in bursts:
            rate = Rate(bursts[key].count, span / MINUTE)
            facts = Facts((bursts[key].newest,), figures.count, rate)
        yield from _due(key, states[key], facts, now)


def _seems_due(state: GroupState, figures: Figures, span: timedelta, now: datetime) -> bool:
    rough = Facts(count=figures.count, rate=Rate(figures.near, span / MINUTE))
    return due_transition(state, rough, now) is not None


def _with_expired(
    tenant: Tenant, states: States, found: Mapping[GroupKey, Figures], window: Window
) -> dict[GroupKey, Figures]:
    """Of groups that would come back if nothing had expired since they were ignored: with what has.

    Else a group that fails as often as its failures expire would never have failed "N more times".
    """
    bases = {key: states[key].ignored_at_occurrence_count or 0 for key in found}
    wanted = {key: states[key].ignored_until_total_occurrences for key in found}
    short = [
        key
        for key, figures in found.items()
        if figures.count - bases[key] < (wanted[key] or 0) <= figures.later
    ]
    outlines = read_outlines(tenant, short)
    return {
        key: replace(found[key], count=bases[key] + found[key].later)
        for key in short
        if key in outlines and outlines[key].first_seen < window.start
    }


def rate_span() -> timedelta:
    """Over how long a rate is measured: between two sweeps, but at least over a minute."""
    return max(MINUTE, timedelta(seconds=settings.SWEEP_SECONDS))


def find_due_resolutions(tenant: Tenant, states: States, now: datetime) -> list[Due]:
    """Those of these resolved groups that failed since, in a version that was to be free of it."""
    due: list[Due] = []
    for part in _parts(list(states.items()), GROUPS_PER_QUERY):
        since = {key: state.resolved_at for key, state in part if state.resolved_at is not None}
        versions = failures.versions_since(tenant, since)
        for key, failed_versions in versions.items():
            failure = _first_that_reopens(tenant, key, states[key], failed_versions, now)
            if failure is not None:
                due += _due(key, states[key], Facts(failures=(failure,)), now)
    return due


def _first_that_reopens(
    tenant: Tenant,
    key: GroupKey,
    state: GroupState,
    failed_versions: Iterable[FailedVersion],
    now: datetime,
) -> Failure | None:
    """A minute may have begun before the group was resolved, so the failed runs are asked, of the
    versions that would reopen it."""
    resolved_at = state.resolved_at
    if resolved_at is None:
        return None
    reopening = []
    for failed in failed_versions:
        later = Failure("", failed.version, resolved_at + MILLISECOND)
        if due_transition(state, Facts(failures=(later,)), now) is not None:
            reopening.append(failed)
    if not reopening:
        return None
    last = max(one.newest_minute for one in reopening)
    versions = [one.version for one in reopening]
    return failures.first_failure(tenant, key, resolved_at, last, versions)


def give_up(tenant: Tenant, due: Sequence[Due], now: datetime) -> Counter[Rule]:
    """Write down what is due; of how many groups, by rule. One whose state is another by now is
    left out: what is due was found for that one. Raises Contention."""
    by_rule: defaultdict[Rule, list[Due]] = defaultdict(list)
    for one in due:
        by_rule[one.transition.rule].append(one)
    count: Counter[Rule] = Counter()
    for rule, ended in by_rule.items():
        for part in _parts(ended, CHANGES_AT_ONCE):
            count[rule] += _write(tenant, rule, part, now)
    return +count


def _write(tenant: Tenant, rule: Rule, due: Sequence[Due], now: datetime) -> int:
    by_key = {one.key: one for one in due}

    def decide(key: GroupKey, written: GroupState) -> Decision | None:
        looked_at = by_key[key]
        return coming_back(looked_at.transition) if written == looked_at.state else None

    actor = Actor(ActorKind.RULE, rule=rule.value)
    changed = change_states(tenant, by_key, decide, actor, now, as_written=True)
    if changed:
        log.info("%d groups came back: %s", len(changed), rule.value)
    return len(changed)


def _due(key: GroupKey, state: GroupState, facts: Facts, now: datetime) -> Iterator[Due]:
    transition = due_transition(state, facts, now)
    if transition is not None:
        yield Due(key, state, transition)


def _parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
