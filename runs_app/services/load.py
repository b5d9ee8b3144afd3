"""Loading an export: rows of `task_runs_v2` into both stores, by the counting rule of ingest.

A row no newer than what is stored, be that loaded or reported, changes nothing, so that loading
twice changes no count; a later report of a loaded run continues from its version. A run that
ClickHouse alone has is taken over as it counts there.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from runs_app.domain.counting import decide
from runs_app.domain.errors import NotFound
from runs_app.domain.export_rows import (
    ExportRow,
    RowRefused,
    decode_row,
    friendly_id_of,
    is_deleted,
    may_be_deleted,
    record_of_row,
    row_version,
)
from runs_app.domain.records import RunRecord, same_content
from runs_app.domain.reports import ReportRules
from runs_app.domain.row_merging import apply_row, remember_row
from runs_app.domain.run_rows import RunRow, change_of
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry
from runs_app.queries import outbox, task_runs
from runs_app.queries.tenants import tenant_of_environment
from runs_app.services.adoption import KEY_TAKEN, Standing, adopt_runs
from runs_app.services.ingest import report_rules
from runs_app.services.transactions import write_runs

LINES_PER_TRANSACTION: Final = 2_000
BYTES_PER_TRANSACTION: Final = 16_000_000
ROWS_PER_ENTRY: Final = 2_000

DELETED: Final = "deleted in the export"
DELETED_BUT_STORED: Final = "deleted in the export, of runs that are stored here and stay"

Progress = Callable[[int], None]
# The highest version at which an export says that a run is deleted, by environment and friendly id.
Deletions = Mapping[tuple[str, str], int]


@dataclass(slots=True)
class LoadResult:
    """`loaded`: runs written; `unchanged`: rows that had nothing new; `refused`: by reason."""

    loaded: int = 0
    unchanged: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Directory:
    """Where rows of each environment go: all to `target`, if there is one."""

    target: Tenant | None
    tenants: dict[str, Tenant | None] = field(default_factory=dict)

    def tenant_of(self, row: ExportRow) -> Tenant:
        """Raises RowRefused."""
        if self.target is not None:
            return self.target
        if row.environment_id not in self.tenants:
            try:
                self.tenants[row.environment_id] = tenant_of_environment(row.environment_id)
            except NotFound:
                self.tenants[row.environment_id] = None
        tenant = self.tenants[row.environment_id]
        if tenant is None:
            raise RowRefused("of an unknown environment")
        return tenant


@dataclass(slots=True)
class _Loader:
    """One load: its target, what it must not load, and the tally."""

    directory: _Directory
    deletions: Deletions
    result: LoadResult = field(default_factory=LoadResult)

    def is_deleted(self, tenant: Tenant, friendly_id: str, version: int) -> bool:
        """Whether a row of this version is no newer than the run's deletion."""
        deleted_at = self.deletions.get((tenant.environment_id, friendly_id))
        return deleted_at is not None and version <= deleted_at


@dataclass(slots=True)
class _Part:
    """Some rows of one environment: each run's newest, and how many rows of deleted runs."""

    tenant: Tenant
    records: dict[str, RunRecord] = field(default_factory=dict)
    deleted: Counter[str] = field(default_factory=Counter)

    def add(self, record: RunRecord) -> None:
        """Keep a run's row with the highest version; of equal ones the first, as across parts."""
        known = self.records.get(record.friendly_id)
        if known is None or known.row_version < record.row_version:
            self.records[record.friendly_id] = record


def find_deletions(lines: Iterable[bytes], target: Tenant | None, progress: Progress) -> Deletions:
    """Which runs an export says are deleted: to be known before the first row is loaded, for a row
    of such a run may come long before. Takes memory for each deleted run."""
    directory = _Directory(target)
    found: dict[tuple[str, str], int] = {}
    for part in _parts_of(lines):
        for line in filter(may_be_deleted, part):
            try:
                row = decode_row(line)
                if not is_deleted(row):
                    continue
                key = (directory.tenant_of(row).environment_id, friendly_id_of(row))
                found[key] = max(found.get(key, 0), row_version(row))
            except RowRefused:
                # Counted when it is to be loaded.
                continue
        progress(sum(map(len, part)))
    return found


def load_runs(
    lines: Iterable[bytes], target: Tenant | None, deletions: Deletions, progress: Progress
) -> LoadResult:
    """Load rows, in transactions of some thousand; `progress` is told the bytes taken so far.

    With `target` every row goes there, whatever environment it names. Raises Contention where
    reports of the same runs keep coming first, and Unavailable where ClickHouse cannot be asked
    what it has; what was loaded until then is kept.
    """
    loader = _Loader(_Directory(target), deletions)
    for lines_of_part in _parts_of(lines):
        rules = report_rules(utc_now())
        for part in _decoded(loader, lines_of_part, rules):
            _load_part(loader, part)
        progress(sum(map(len, lines_of_part)))
    return loader.result


def _parts_of(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The lines, some thousand at a time, and fewer where they are long."""
    part: list[bytes] = []
    size = 0
    for line in lines:
        part.append(line)
        size += len(line)
        if len(part) == LINES_PER_TRANSACTION or size >= BYTES_PER_TRANSACTION:
            yield part
            part, size = [], 0
    if part:
        yield part


def _decoded(loader: _Loader, lines: list[bytes], rules: ReportRules) -> Iterable[_Part]:
    """The rows by environment, without what cannot be loaded, which is counted."""
    parts: dict[str, _Part] = {}
    for line in lines:
        if not line.strip():
            continue
        try:
            row = decode_row(line)
            tenant = loader.directory.tenant_of(row)
            part = parts.setdefault(tenant.environment_id, _Part(tenant))
            friendly_id = friendly_id_of(row)
            if is_deleted(row) or loader.is_deleted(tenant, friendly_id, row_version(row)):
                part.deleted[friendly_id] += 1
            else:
                part.add(record_of_row(row, rules))
        except RowRefused as refusal:
            loader.result.refused[str(refusal)] += 1
    return parts.values()


def _load_part(loader: _Loader, part: _Part) -> None:
    """Load rows of one environment. ClickHouse is asked before the transaction begins."""
    stored = task_runs.known_ids(part.tenant, {*part.records, *part.deleted})
    for friendly_id, count in part.deleted.items():
        loader.result.refused[DELETED_BUT_STORED if friendly_id in stored else DELETED] += count
    new = {name: record for name, record in part.records.items() if name not in stored}
    refused = _of_taken_keys(part.tenant, new)
    for friendly_id in refused:
        del new[friendly_id]
    adoption = adopt_runs(part.tenant, new)
    refused.update(adoption.refused)
    loader.result.refused.update(refused.values())
    for friendly_id in refused:
        del part.records[friendly_id]
    if part.records:
        _write(loader, part, adoption.standings)


def _of_taken_keys(tenant: Tenant, new: Mapping[str, RunRecord]) -> dict[str, str]:
    """The new runs to refuse because another one has their key in ClickHouse: two rows of a run,
    of which one lacks the friendly id, or names another."""
    owners = task_runs.owners_of_keys(tenant, new.values())
    for friendly_id, record in new.items():
        owners.setdefault((record.run_id, record.created_at), friendly_id)
    return {
        friendly_id: KEY_TAKEN
        for friendly_id, record in new.items()
        if owners[record.run_id, record.created_at] != friendly_id
    }


def _write(loader: _Loader, part: _Part, standings: Mapping[str, Standing]) -> None:
    """Write one transaction, and count what it did once it is committed."""
    loaded = write_runs(lambda: _apply(part, standings))
    loader.result.loaded += loaded
    loader.result.unchanged += len(part.records) - loaded


def _apply(part: _Part, standings: Mapping[str, Standing]) -> int:
    """Apply each run's row; how many of them changed something."""
    # When the turn has come: what a list takes as arrived by then is.
    now = utc_now()
    rows: list[RunRow] = []
    loaded = 0
    for ids, stored in task_runs.lock_runs(part.tenant, part.records.keys()):
        changed: list[RunRecord] = []
        seen: list[RunRecord] = []
        for friendly_id in ids:
            record, before = part.records[friendly_id], stored.get(friendly_id)
            after = apply_row(before, record)
            if after is None:
                continue
            if before is not None and same_content(before, after):
                # Only newer: remembered, so that an older row that comes later changes nothing.
                known = msgspec.structs.replace(before, reported_at=after.reported_at)
                seen.append(remember_row(known, record))
                continue
            if before is None and friendly_id in standings:
                after = standings[friendly_id].continued_by(after)
            change = change_of(part.tenant, after, decide(after.counted, after.wanted_count()))
            changed.append(remember_row(change.record, record))
            rows.extend(change.rows)
        task_runs.update_runs(seen)
        task_runs.update_runs(record for record in changed if record.pk is not None)
        task_runs.insert_runs(part.tenant, (record for record in changed if record.pk is None))
        loaded += len(changed)
    for start in range(0, len(rows), ROWS_PER_ENTRY):
        some = rows[start : start + ROWS_PER_ENTRY]
        outbox.enqueue(part.tenant, OutboxEntry.Kind.RUNS, some, now)
    return loaded
