"""What other settings would make of the groups of an environment, before anybody switches.

It only tells: a stored failure keeps the group that it was counted in.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from errors_app.domain.groups import GroupKey
from errors_app.queries.merged import all_merged
from runs_app.domain.error_text import read_error
from runs_app.domain.grouping.reported import ReportedError, reported_error
from runs_app.domain.grouping.resolve import group_error, slice_of
from runs_app.domain.grouping.settings import GroupingSettings
from runs_app.domain.regrouping import Part, Regrouping, RegroupingTally
from runs_app.domain.tenant import Tenant
from runs_app.queries.failed_runs import FailedRun, read_failed, read_runs

RUNS_PER_STEP: Final = 50_000


@dataclass(frozen=True, slots=True)
class RegroupingPreview:
    """What would change, and the errors of the runs that its parts name, by their ids."""

    regrouping: Regrouping
    errors: Mapping[int, ReportedError]


def preview_regrouping(
    tenant: Tenant,
    settings: GroupingSettings,
    since: datetime | None,
    *,
    on_step: Callable[[int], None],
) -> RegroupingPreview:
    """Group all stored failures anew, as if each were reported now; merged groups stay merged.

    `on_step` is told how many have been read, every RUNS_PER_STEP.
    """
    merged = all_merged(tenant)
    tally = RegroupingTally()
    for number, run in enumerate(read_failed(tenant, since), start=1):
        before, after = (
            merged.survivor_of(GroupKey(fingerprint, run.task_identifier)).error_fingerprint
            for fingerprint in (run.error_fingerprint, _fingerprint(run, settings))
        )
        tally.add(run.task_identifier, before, after, run.pk)
        if number % RUNS_PER_STEP == 0:
            on_step(number)
    regrouping = tally.result()
    examples = sorted({part.example for part in _parts(regrouping)})
    errors = {run.pk: reported_error(read_error(run.error)) for run in read_runs(tenant, examples)}
    return RegroupingPreview(regrouping, errors)


def _fingerprint(run: FailedRun, settings: GroupingSettings) -> str:
    error = read_error(run.error)
    part = slice_of(run.slice, error, run.queue, run.task_identifier)
    return group_error(error, part, settings).fingerprint


def _parts(regrouping: Regrouping) -> Iterator[Part]:
    for changes in (regrouping.merges, regrouping.splits):
        for example in changes.examples:
            yield from example.parts
