"""Why the failures of a group are one group, told by runs of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import Final

from errors_app.domain.groups import GroupKey
from errors_app.queries import samples
from errors_app.queries.grouped_runs import GroupedRun, read_grouped_runs
from errors_app.queries.occurrences import GroupFacts
from errors_app.services.browse import find_groups, retention
from runs_app.domain.error_text import read_error
from runs_app.domain.errors import Detail, InvalidInput
from runs_app.domain.grouping import client_fingerprint
from runs_app.domain.grouping.explain import Counted, explain_error
from runs_app.domain.grouping.fingerprint import fingerprint_of_key
from runs_app.domain.grouping.reported import reported_error
from runs_app.domain.grouping.resolve import Grouping, group_error, preview_grouping, slice_of
from runs_app.domain.grouping.rules import RULES
from runs_app.domain.grouping.settings import GroupingSettings
from runs_app.domain.grouping.signals import ErrorSignals
from runs_app.domain.grouping.stored import read_stored_signals
from runs_app.domain.ids import friendly_run_id
from runs_app.domain.records import EXPORT_RULE
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.domain.window import retained_window

# Among the newest failures two are looked for that differ.
LOOKED_AT: Final = 20
COMPARED: Final = 2


class Differs(StrEnum):
    """Why a failure reported today would be in another group than one that is known."""

    IMPORTED = "imported"
    SETTINGS = "settings"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ExplainedRun:
    """One failure and what decided about it. `key_is_whole`: the stored key is all of what the
    fingerprint was made of. `expected_by`: who takes the error for an expected one, empty for
    nobody; the project does not believe it. `counted`: None for what is no error. `by_rule`: what
    the project would make of the same error today, under each rule there is; `differs`: why it
    would be in another group, None where it would not."""

    run: GroupedRun
    signals: ErrorSignals
    key_is_whole: bool
    expected_by: str
    counted: Counted | None
    by_rule: Mapping[str, Grouping]
    differs: Differs | None


@dataclass(frozen=True, slots=True)
class RecentRun:
    """One of the newest failures, and the message it reported."""

    run: GroupedRun
    message: str


@dataclass(frozen=True, slots=True)
class GroupingPage:
    """`decided`: the newest failure of the group's own fingerprint, as far as was looked, else of
    one that is merged into it; None where no run is left to look at. `compared`: two runs, as far
    as there are; `recent`: the newest ones, of which others can be picked. `missed`: the runs that
    were asked for and are not in the group."""

    facts: GroupFacts
    settings: GroupingSettings
    decided: ExplainedRun | None
    compared: tuple[ExplainedRun, ...]
    recent: tuple[RecentRun, ...]
    missed: tuple[str, ...]
    now: datetime


def read_grouping(
    tenant: Tenant, error_id: str, task_identifier: str | None, run_ids: Sequence[str]
) -> GroupingPage:
    """Explain the group by the runs that are picked, and by others where fewer than two are.

    Raises NotFound, Unavailable, and InvalidInput for a run that is not in the group.
    """
    page = look_at_grouping(tenant, error_id, task_identifier, run_ids)
    details = []
    if len(run_ids) > COMPARED:
        message = f"Name at most {COMPARED} runs, which are compared."
        details.append(Detail(message, "/query/runs", "too_many"))
    elif page.missed:
        message = "Not every run that is named has failed in this group: take ids of its runs."
        details.append(Detail(message, "/query/runs", "not_in_group"))
    if details:
        raise InvalidInput(details)
    return page


def look_at_grouping(
    tenant: Tenant, error_id: str, task_identifier: str | None, run_ids: Sequence[str]
) -> GroupingPage:
    """The same, whatever runs are named: the page says which of them it does without."""
    now = utc_now()
    # Of several tasks it is the group seen last, as everywhere that nothing is changed.
    facts = find_groups(tenant, error_id, task_identifier)[0]
    window = retained_window(now, retention())
    failed = samples.read_failures(tenant, facts.key, window, (), boundary=None, limit=LOOKED_AT)
    asked = list(dict.fromkeys(friendly_run_id(run_id) for run_id in run_ids))[:COMPARED]
    found = {
        friendly_id: RecentRun(run, reported_error(_error_of(run)).message)
        for friendly_id, run in read_grouped_runs(
            tenant, [*(run.friendly_id for run in failed), *asked]
        ).items()
        if _is_in_group(run, facts)
    }
    recent = [found[run.friendly_id] for run in failed if run.friendly_id in found]
    picked = [found[friendly_id] for friendly_id in asked if friendly_id in found]
    own = [one for one in recent if one.run.key == facts.key] or recent
    return GroupingPage(
        facts=facts,
        settings=tenant.grouping,
        decided=explain_run(own[0].run, tenant.grouping) if own else None,
        compared=tuple(explain_run(one.run, tenant.grouping) for one in _compared(picked, recent)),
        recent=tuple(recent),
        missed=tuple(friendly_id for friendly_id in asked if friendly_id not in found),
        now=now,
    )


def explain_run(run: GroupedRun, settings: GroupingSettings) -> ExplainedRun:
    error = _error_of(run)
    part = slice_of(run.slice, error, run.queue, run.key.task_identifier)
    by_rule = preview_grouping(error, part, settings)
    now = by_rule[settings.rule]
    fingerprint = run.key.error_fingerprint
    return ExplainedRun(
        run=run,
        signals=read_stored_signals(run.signals),
        key_is_whole=fingerprint_of_key(run.plain_key, rule=run.rule).value == fingerprint,
        expected_by=now.expected_by,
        counted=explain_error(error, _rule_that_counted(run, error, part, settings)),
        by_rule=by_rule,
        differs=_differs(run, error, part, now),
    )


def _is_in_group(run: GroupedRun, facts: GroupFacts) -> bool:
    own = (facts.key.error_fingerprint, *facts.merged)
    return run.key in {GroupKey(one, facts.key.task_identifier) for one in own}


def _error_of(run: GroupedRun) -> object:
    return None if run.error is None else read_error(run.error)


def _compared(picked: Sequence[RecentRun], recent: Sequence[RecentRun]) -> list[RecentRun]:
    """What was picked; beside it a run of another message, if there is one: best of the same
    fingerprint, for what is merged is one by somebody's word and not by a rule."""
    chosen = list(picked) or list(recent[:1])
    if not chosen or len(chosen) == COMPARED:
        return chosen
    [first] = chosen
    others = [one for one in recent if one.run.friendly_id != first.run.friendly_id]
    others.sort(key=lambda one: (one.message == first.message, one.run.key != first.run.key))
    return [first, *others[:1]]


def _rule_that_counted(
    run: GroupedRun, error: object, part: str, settings: GroupingSettings
) -> str:
    """The rule behind the stored key: also where a client's own parts have its key among them."""
    if run.rule != client_fingerprint.RULE or not isinstance(error, dict):
        return run.rule
    parts = client_fingerprint.client_parts(error)
    if client_fingerprint.DEFAULT_PARTS.isdisjoint(parts):
        return run.rule
    bare = {name: value for name, value in error.items() if name != "fingerprint"}
    for rule in (settings.rule, *RULES):
        asked = replace(settings, rule=rule)
        if group_error(error, part, asked).fingerprint == run.key.error_fingerprint:
            return group_error(bare, part, asked).rule
    return run.rule


def _differs(run: GroupedRun, error: object, part: str, now: Grouping) -> Differs | None:
    fingerprint = run.key.error_fingerprint
    if now.fingerprint == fingerprint:
        return None
    if run.rule == EXPORT_RULE:
        return Differs.IMPORTED
    for rule, keywords in product(RULES, (False, True)):
        once = GroupingSettings(rule, keywords)
        if group_error(error, part, once).fingerprint == fingerprint:
            return Differs.SETTINGS
    return Differs.OTHER
