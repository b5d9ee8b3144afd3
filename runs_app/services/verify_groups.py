"""Comparing what is derived from failed runs: minutes, the look of groups; and copied states."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from runs_app.domain.run_rows import RunRow
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import iso
from runs_app.domain.window import Window
from runs_app.queries import counts, quarantine, standing_runs, stored_runs, unsettled
from runs_app.queries.counts import Difference, GroupRange
from runs_app.queries.standing_runs import OutdatedGroup
from runs_app.queries.stored_runs import StoredRun
from runs_app.services.findings import Findings, Kind
from runs_app.services.replicate import registry
from runs_app.services.replicator_turn import insist_on_turn, replicator_turn
from runs_app.services.retell import tell_states_again
from runs_app.services.verify_runs import tell_runs

# Failed runs or minutes of one slice, about: a group is never cut.
RANGE_ROWS = 300_000


def verify_groups(tenant: Tenant, window: Window, findings: Findings, *, repair: bool) -> None:
    """Go through the groups: do their minutes and their own rows say what their failed runs say?

    Minutes are mended last: until then runs may have been told again.
    """
    after: str | None = ""
    while after is not None:
        groups = counts.next_range(tenant, after, RANGE_ROWS)
        with replicator_turn():
            _verify_looks(tenant, window.start, groups, findings, repair=repair)
            differences = counts.find_differences(tenant, window, groups)
            if differences and repair:
                insist_on_turn()
                counts.repair_range(tenant, window, groups)
        for difference in differences:
            findings.add(Kind.MINUTE, partial(_line, difference))
        after = groups.until


def _verify_looks(
    tenant: Tenant, since: datetime, groups: GroupRange, findings: Findings, *, repair: bool
) -> None:
    outdated = standing_runs.find_outdated_groups(tenant, since, groups)
    if not outdated:
        return
    names = {name for group in outdated for name in (group.newest_run, group.oldest_run)}
    stored = stored_runs.find_stored(tenant, sorted(names))
    ids = {run.run_id for run in stored.values()}
    waiting = unsettled.waiting_runs(tenant, ids)
    aside = quarantine.set_aside_runs(tenant, ids)
    again: dict[StoredRun, int] = {}
    for group in outdated:
        runs = _runs_of(group, stored)
        if any(run.run_id in waiting for run in runs):
            continue
        if set_aside := {run.run_id for run in runs} & aside:
            findings.set_aside |= set_aside
            continue
        findings.add(Kind.GROUP, partial(_name, group.error_fingerprint, group.task_identifier))
        again.update((run, run.row_version) for run in runs if _counts_in(run, group))
    if repair:
        tell_runs(tenant, again)


def _runs_of(group: OutdatedGroup, stored: dict[str, StoredRun]) -> list[StoredRun]:
    return [stored[name] for name in (group.newest_run, group.oldest_run) if name in stored]


def _counts_in(run: StoredRun, group: OutdatedGroup) -> bool:
    counted = run.counted
    return counted is not None and (counted.error_fingerprint, counted.task_identifier) == (
        group.error_fingerprint,
        group.task_identifier,
    )


def verify_states(tenant: Tenant, findings: Findings, *, repair: bool) -> None:
    """Every state of a group: does ClickHouse's copy have it, as new as it is?

    Without the turn, because whoever changes a state tells ClickHouse at once: what waits is read
    before the copy, so that a state that waits no more is there.
    """
    if registry.read_states is None:
        return
    for rows in registry.read_states(tenant):
        waiting = unsettled.waiting_groups(tenant)
        missing = _missing(tenant, rows, waiting)
        for row in missing:
            fingerprint, task, _ = _state(row)
            findings.add(Kind.STATE, partial(_name, fingerprint, task))
        if missing and repair:
            tell_states_again(tenant, missing)


def _missing(
    tenant: Tenant, rows: Sequence[RunRow], waiting: set[tuple[object, object]]
) -> list[RunRow]:
    fingerprints = [_state(row)[0] for row in rows]
    copied = standing_runs.read_copied_states(tenant, min(fingerprints), max(fingerprints))
    missing = []
    for row in rows:
        fingerprint, task, version = _state(row)
        if (fingerprint, task) not in waiting and copied.get((fingerprint, task), -1) < version:
            missing.append(row)
    return missing


def _state(row: RunRow) -> tuple[str, str, int]:
    values = dict(zip(registry.state_columns, row, strict=True))
    return values["error_fingerprint"], values["task_identifier"], values["version"]


def _name(fingerprint: str, task: str) -> str:
    return f"{fingerprint} of {task}"


def _line(difference: Difference) -> str:
    version = difference.task_version or "no version"
    missing = difference.missing
    wrong = f"{missing} too few" if missing > 0 else f"{-missing} too many"
    return (
        f"{iso(difference.minute)} {difference.error_fingerprint} of"
        f" {difference.task_identifier} ({version}): {wrong}"
    )
