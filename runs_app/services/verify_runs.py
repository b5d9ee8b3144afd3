"""Comparing runs: what the relational store has against what ClickHouse was told, and back.

A slice is compared inside the replicator's turn, so that deliveries stand still. Runs of which a
change waits in the outbox are on their way and left out: telling them here would count them again
when their batch arrives. Reports go on meanwhile; they only add to the outbox, which is read last.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.run_rows import row_of_record
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import epoch_milliseconds, from_epoch_milliseconds, iso
from runs_app.queries import quarantine, standing_runs, stored_runs, unsettled
from runs_app.queries.standing_runs import FailedRun, KnownRun, Place, Standing
from runs_app.queries.stored_runs import StoredRun
from runs_app.services.findings import Findings, Kind
from runs_app.services.repair import TOMBSTONE_COLUMNS
from runs_app.services.replicator_turn import insist_on_turn, replicator_turn
from runs_app.services.retell import tell_again
from runs_app.services.write_turns import write_turn

SLICE: Final = 5_000
ROWS_PER_INSERT: Final = 1_000
# Versions are 64 bits, signed on the one side and not on the other: one that somebody put in by
# hand far beyond all others is not followed.
HIGHEST_VERSION: Final = 2**62
DELETED_RUN: Final = (
    "organization_id", "project_id", "environment_id", "created_at", "run_id", "friendly_id",
    "status", "error_delta", "_version", "_is_deleted",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wrong:
    """A run about which ClickHouse is wrong, and the version at which telling it again wins."""

    run: StoredRun
    kind: Kind
    version: int


def verify_stored(tenant: Tenant, since: datetime, findings: Findings, *, repair: bool) -> None:
    """Every kept run of the relational store: does ClickHouse have it, counted in its place?"""
    after = 0
    for until in stored_runs.slice_ends(tenant, SLICE):
        with replicator_turn():
            _verify_slice(tenant, after, until, since, findings, repair=repair)
        after = until


def _verify_slice(
    tenant: Tenant, after: int, until: int, since: datetime, findings: Findings, *, repair: bool
) -> None:
    runs = stored_runs.read_slice(tenant, after, until)
    told = _told(tenant, [run for run in runs if run.created_at >= since])
    places = _places(tenant, [run for run in runs if _counts_since(run, since)])
    wrong = [
        found
        for run in runs
        if (
            found := _judge(
                run,
                told.get((run.run_id, epoch_milliseconds(run.created_at))),
                places.get(_place(run)),
                is_kept=run.created_at >= since,
                counts=_counts_since(run, since),
            )
        )
    ]
    settled = _settled(tenant, (found.run.run_id for found in wrong), findings)
    wrong = [found for found in wrong if found.run.run_id in settled]
    for found in wrong:
        findings.add(found.kind, partial(_stored_line, found.run))
    if repair:
        tell_runs(tenant, {found.run: found.version for found in wrong})


def _judge(
    run: StoredRun,
    told: KnownRun | None,
    standing: Standing | None,
    *,
    is_kept: bool,
    counts: bool,
) -> Wrong | None:
    version = run.row_version
    in_place = not counts or (
        standing is not None
        and run.counted is not None
        and not (standing.deleted or standing.torn)
        and (standing.version, standing.task_identifier, standing.task_version)
        == (version, run.counted.task_identifier, run.counted.task_version)
    )
    known = not is_kept or (told is not None and told == KnownRun(version, deleted=False))
    if in_place and known:
        return None
    # Of two rows of one version nobody knows which one wins: what stands in the way is overtaken.
    in_the_way = [
        *([standing.version] if standing is not None and not in_place else []),
        *([told.version] if told is not None and not known else []),
    ]
    highest = max((one for one in in_the_way if one >= version), default=None)
    if highest is not None and highest < HIGHEST_VERSION:
        version = highest + 1
    return Wrong(run, Kind.RUN if in_place else Kind.FAILURE, version)


def _told(tenant: Tenant, runs: Sequence[StoredRun]) -> dict[tuple[str, int], KnownRun]:
    if not runs:
        return {}
    times = [run.created_at for run in runs]
    return standing_runs.read_known(tenant, min(times), max(times), [run.run_id for run in runs])


def _places(tenant: Tenant, runs: Sequence[StoredRun]) -> dict[Place, Standing]:
    counts = [run.counted for run in runs if run.counted is not None]
    if not counts:
        return {}
    times = [count.failed_at for count in counts]
    return standing_runs.read_places(
        tenant,
        min(times),
        max(times),
        sorted({count.error_fingerprint for count in counts}),
        [run.run_id for run in runs],
    )


def verify_failed(tenant: Tenant, since: datetime, findings: Findings, *, repair: bool) -> None:
    """Every failed run of ClickHouse: does the relational store count it, and in that place?"""
    after: Place | None = None
    while True:
        with replicator_turn():
            runs = standing_runs.read_failed_runs(tenant, after, since, SLICE)
            _verify_failed_slice(
                tenant, [run for run in runs if not run.standing.deleted], findings, repair=repair
            )
        if len(runs) < SLICE:
            return
        after = runs[-1].place


def _verify_failed_slice(
    tenant: Tenant, alive: Sequence[FailedRun], findings: Findings, *, repair: bool
) -> None:
    stored = stored_runs.find_stored(tenant, sorted({run.friendly_id for run in alive}))
    owners = {run.run_id: run for run in stored.values()}
    # A run in its place that stands there in another form was found from the other side.
    wrong = [
        run
        for run in alive
        if run.place.run_id not in owners or run.place != _place(owners[run.place.run_id])
    ]
    settled = _settled(tenant, (run.place.run_id for run in wrong), findings)
    wrong = [run for run in wrong if run.place.run_id in settled]
    strangers = [run for run in wrong if run.place.run_id not in owners]
    for run in wrong:
        kind = Kind.MISPLACED if run.place.run_id in owners else Kind.STRANGER
        findings.add(kind, partial(_standing_line, run))
    if repair and wrong:
        insist_on_turn()
        _bury(tenant, wrong)
        _delete(tenant, strangers)
        overtaken = {run.place.run_id: run.standing.version for run in wrong}
        tell_runs(
            tenant,
            {
                owners[run_id]: version + 1
                for run_id, version in overtaken.items()
                if run_id in owners and owners[run_id].row_version < version < HIGHEST_VERSION
            },
        )


def _bury(tenant: Tenant, runs: Sequence[FailedRun]) -> None:
    """A tombstone on each place: one version above what stands there, and so below every row that
    may come to that place later, because a change of a run adds two."""
    clickhouse().insert(
        "error_runs_v1",
        (*TOMBSTONE_COLUMNS, "_is_deleted"),
        [
            (
                *_ids(tenant),
                run.place.error_fingerprint,
                run.standing.task_identifier,
                run.place.failed_at,
                run.place.run_id,
                run.friendly_id,
                run.status,
                run.standing.task_version,
                run.created_at,
                run.is_test,
                run.standing.version + 1,
                1,
            )
            for run in runs
        ],
    )


def _delete(tenant: Tenant, runs: Sequence[FailedRun]) -> None:
    """Delete runs that nobody reported. The views take no notice of such rows."""
    if not runs:
        return
    told = standing_runs.read_known(
        tenant,
        from_epoch_milliseconds(min(run.created_at for run in runs)),
        from_epoch_milliseconds(max(run.created_at for run in runs)),
        [run.place.run_id for run in runs],
    )
    clickhouse().insert(
        "task_runs_v2",
        DELETED_RUN,
        [
            (
                *_ids(tenant),
                run.created_at,
                run.place.run_id,
                run.friendly_id,
                run.status,
                0,
                known.version + 1,
                1,
            )
            for run in runs
            if (known := told.get((run.place.run_id, run.created_at))) and not known.deleted
        ],
    )


def tell_runs(tenant: Tenant, versions: Mapping[StoredRun, int]) -> None:
    """Tell runs again, each at that version; the caller holds the turn, and none of them waits.

    A version above the stored one becomes the stored one first. A run that was changed since it
    was read is left out: its change is on its way.
    """
    if not versions:
        return
    insist_on_turn()
    expected: dict[int, int] = {}
    for run, version in versions.items():
        if version > run.row_version:
            with write_turn():
                raised = stored_runs.raise_version(tenant, run, version)
            if not raised:
                continue
        expected[run.pk] = version
    pks = sorted(expected)
    for start in range(0, len(pks), ROWS_PER_INSERT):
        records = stored_runs.read_records(tenant, pks[start : start + ROWS_PER_INSERT])
        rows = [
            row_of_record(tenant, record)
            for record in records
            if record.pk is not None and record.row_version == expected[record.pk]
        ]
        if rows:
            tell_again(rows)


def _settled(tenant: Tenant, run_ids: Iterable[str], findings: Findings) -> set[str]:
    """Those of these runs about which ClickHouse should be right. Of the others a change waits, or
    was set aside, which is noted."""
    asked = set(run_ids)
    if not asked:
        return asked
    asked -= unsettled.waiting_runs(tenant, asked)
    aside = quarantine.set_aside_runs(tenant, asked)
    findings.set_aside |= aside
    return asked - aside


def _counts_since(run: StoredRun, since: datetime) -> bool:
    return run.counted is not None and run.counted.failed_at >= since


def _place(run: StoredRun) -> Place:
    """Where a run is to stand; a place that no row has where it does not count."""
    if run.counted is None:
        return Place(run.run_id, "", 0)
    failed_at = epoch_milliseconds(run.counted.failed_at)
    return Place(run.run_id, run.counted.error_fingerprint, failed_at)


def _stored_line(run: StoredRun) -> str:
    if run.counted is None:
        return f"{run.friendly_id} created at {iso(run.created_at)}"
    counted = run.counted
    return _failed_line(
        run.friendly_id, counted.task_identifier, counted.error_fingerprint, counted.failed_at
    )


def _standing_line(run: FailedRun) -> str:
    failed_at = from_epoch_milliseconds(run.place.failed_at)
    return _failed_line(
        run.friendly_id, run.standing.task_identifier, run.place.error_fingerprint, failed_at
    )


def _failed_line(name: str, task: str, fingerprint: str, failed_at: datetime) -> str:
    return f"{name} failed at {iso(failed_at)} in {fingerprint} of {task}"


def _ids(tenant: Tenant) -> tuple[str, str, str]:
    return tenant.organization_id, tenant.project_id, tenant.environment_id
