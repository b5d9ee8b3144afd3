"""Loading an export: rows of `task_runs_v2` into both stores, by the counting rule of ingest.

A row no newer than what is stored, be that loaded or reported, changes nothing, so that loading
twice changes no count; a later report of a loaded run continues from its version.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Final

import msgspec
from django.db import IntegrityError, transaction

from runs_app.domain.counting import decide
from runs_app.domain.errors import Contention, NotFound
from runs_app.domain.export_rows import ExportRow, RowRefused, decode_row, is_deleted, record_of_row
from runs_app.domain.records import RunRecord, same_content
from runs_app.domain.reports import ReportRules
from runs_app.domain.row_merging import apply_row, remember_row
from runs_app.domain.run_rows import RunRow, change_of
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry
from runs_app.queries import outbox, task_runs
from runs_app.queries.tenants import tenant_of_environment
from runs_app.services.ingest import TRIES, report_rules
from runs_app.services.write_turns import write_turn

LINES_PER_TRANSACTION: Final = 2_000
ROWS_PER_ENTRY: Final = 2_000


@dataclass(slots=True)
class LoadResult:
    """`loaded`: runs written; `unchanged`: rows that had nothing new; `refused`: by reason."""

    loaded: int = 0
    unchanged: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Loader:
    """One load: where rows of each environment go, and the tally."""

    target: Tenant | None
    tenants: dict[str, Tenant | None] = field(default_factory=dict)
    result: LoadResult = field(default_factory=LoadResult)

    def tenant_of(self, row: ExportRow) -> Tenant:
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


def load_runs(
    lines: Iterable[bytes], target: Tenant | None, progress: Callable[[int], None]
) -> LoadResult:
    """Load rows, in transactions of some thousand; `progress` is told the bytes taken so far.

    With `target` every row goes there, whatever environment it names. Raises Contention where
    reports of the same runs keep coming first; what was loaded until then is kept.
    """
    loader = _Loader(target)
    stream = iter(lines)
    while part := list(islice(stream, LINES_PER_TRANSACTION)):
        _load_part(loader, part)
        progress(sum(len(line) for line in part))
    return loader.result


def _load_part(loader: _Loader, lines: list[bytes]) -> None:
    rules = report_rules(utc_now())
    decoded = list(_decoded(loader, lines, rules))
    decoded.sort(key=lambda pair: pair[0].environment_id)
    for _, pairs in groupby(decoded, key=lambda pair: pair[0].environment_id):
        members = list(pairs)
        _write(loader, members[0][0], _newest([record for _, record in members]), rules)


def _decoded(
    loader: _Loader, lines: list[bytes], rules: ReportRules
) -> Iterator[tuple[Tenant, RunRecord]]:
    for line in lines:
        if not line.strip():
            continue
        try:
            row = decode_row(line)
            if is_deleted(row):
                raise RowRefused("deleted in the export")
            yield loader.tenant_of(row), record_of_row(row, rules)
        except RowRefused as refusal:
            loader.result.refused[str(refusal)] += 1


def _newest(records: list[RunRecord]) -> dict[str, RunRecord]:
    """Each run's row with the highest version; of equal ones the last."""
    newest: dict[str, RunRecord] = {}
    for record in records:
        known = newest.get(record.friendly_id)
        if known is None or known.row_version <= record.row_version:
            newest[record.friendly_id] = record
    return newest


def _write(
    loader: _Loader, tenant: Tenant, records: dict[str, RunRecord], rules: ReportRules
) -> None:
    """Write one transaction, and count what it did once it is committed. A report may add one of
    the runs first: then the whole transaction is done again, and finds that run's row."""
    for _ in range(TRIES):
        try:
            with write_turn(), transaction.atomic():
                loaded = _apply(tenant, records, rules)
        except IntegrityError:
            continue
        loader.result.loaded += loaded
        loader.result.unchanged += len(records) - loaded
        return
    raise Contention("The same runs are being reported by many requests at once; try again.")


def _apply(tenant: Tenant, records: dict[str, RunRecord], rules: ReportRules) -> int:
    """Apply each run's row; how many of them changed something."""
    stored = task_runs.lock_runs(tenant, tuple(records))
    changed: list[RunRecord] = []
    seen: list[RunRecord] = []
    rows: list[RunRow] = []
    for friendly_id, record in records.items():
        before = stored.get(friendly_id)
        after = apply_row(before, record)
        if after is None:
            continue
        if before is not None and same_content(before, after):
            # Only newer: remembered, so that an older row that comes later changes nothing.
            known = msgspec.structs.replace(before, reported_at=after.reported_at)
            seen.append(remember_row(known, record))
            continue
        counted = None if before is None else before.counted
        change = change_of(tenant, after, decide(counted, after.wanted_count()))
        changed.append(remember_row(change.record, record))
        rows.extend(change.rows)
    task_runs.update_runs(seen)
    task_runs.update_runs(record for record in changed if record.pk is not None)
    task_runs.insert_runs(tenant, (record for record in changed if record.pk is None))
    for start in range(0, len(rows), ROWS_PER_ENTRY):
        part = rows[start : start + ROWS_PER_ENTRY]
        outbox.enqueue(tenant, OutboxEntry.Kind.RUNS, part, rules.now)
    return len(changed)
