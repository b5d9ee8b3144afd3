"""Which group a failure would count in, were it reported now. Nothing is stored."""

from collections.abc import Mapping
from dataclasses import dataclass

from errors_app.queries import occurrences
from errors_app.services.browse import retention
from runs_app.domain.grouping.resolve import Grouping, preview_grouping, slice_of
from runs_app.domain.reporting import Place
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.domain.window import retained_window


@dataclass(frozen=True, slots=True)
class GroupingPreview:
    """`by_rule`: what each rule would make of it; `rule`: the one the project has now. `slice`: the
    part of a system it belongs to. `exists`: whether there is the group it would count in."""

    slice: str
    rule: str
    by_rule: Mapping[str, Grouping]
    exists: bool

    @property
    def grouping(self) -> Grouping:
        """What would be stored with the run."""
        return self.by_rule[self.rule]


def preview_failure(tenant: Tenant, error: object, place: Place) -> GroupingPreview:
    """What a failed run in `place` would be given. Without a task, a group of the fingerprint in
    any task is one that exists."""
    part = slice_of(place.slice, error, place.queue, place.task_identifier)
    by_rule = preview_grouping(error, part, tenant.grouping)
    rule = tenant.grouping.rule
    exists = _exists(tenant, by_rule[rule].fingerprint, place.task_identifier)
    return GroupingPreview(part, rule, by_rule, exists)


def _exists(tenant: Tenant, fingerprint: str, task_identifier: str) -> bool:
    if not fingerprint:
        return False
    found = occurrences.read_groups(tenant, fingerprint, retained_window(utc_now(), retention()))
    return any(task_identifier in {"", facts.key.task_identifier} for facts in found)
