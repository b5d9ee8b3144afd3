"""Runs as the relational store has them, for comparing ClickHouse with it and for telling it again.

Payload, output and metadata are never read: ClickHouse does not have them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet

from runs_app.domain.counting import Count
from runs_app.domain.records import RunRecord
from runs_app.domain.row_merging import move_memory
from runs_app.domain.run_status import RunStatus
from runs_app.domain.tenant import Tenant
from runs_app.models import TaskRun

OUTLINE: Final = (
    "id", "run_id", "friendly_id", "created_at", "row_version",
    "counted_task", "counted_fingerprint", "counted_version", "counted_failed_at",
)  # fmt: skip
NOT_TOLD: Final = frozenset({"pk", "counted", "status", "tags", "payload", "output", "metadata"})
TOLD: Final = tuple(name for name in RunRecord.__struct_fields__ if name not in NOT_TOLD)
KEYS_PER_STATEMENT: Final = 1_000
# Rows come with the texts of errors, of which each may have megabytes.
ROWS_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class StoredRun:
    """What ClickHouse is to know of a run. `counted`: where it is to count; None where nowhere."""

    pk: int
    run_id: str
    friendly_id: str
    created_at: datetime
    row_version: int
    counted: Count | None


@dataclass(frozen=True, slots=True)
class OwnedRecord:
    """A run with the environment it belongs to."""

    environment_id: str
    record: RunRecord


def slice_ends(tenant: Tenant, size: int) -> list[int]:
    """Ids at which slices of `size` runs of the tenant end; the last slice may hold fewer."""
    ids = TaskRun.objects.filter(environment_id=tenant.environment_id).order_by("id")
    ends: list[int] = []
    last = number = 0
    for number, last in enumerate(ids.values_list("id", flat=True).iterator(), start=1):
        if number % size == 0:
            ends.append(last)
    if number % size:
        ends.append(last)
    return ends


def read_slice(tenant: Tenant, after: int, until: int) -> list[StoredRun]:
    """The runs of the tenant with ids beyond `after` and up to `until`."""
    return _outlines(_of(tenant).filter(id__gt=after, id__lte=until))


def find_stored(tenant: Tenant, friendly_ids: Sequence[str]) -> dict[str, StoredRun]:
    """The runs among these that the tenant has, by friendly id."""
    found: dict[str, StoredRun] = {}
    for start in range(0, len(friendly_ids), KEYS_PER_STATEMENT):
        part = friendly_ids[start : start + KEYS_PER_STATEMENT]
        for run in _outlines(_of(tenant).filter(friendly_id__in=part)):
            found[run.friendly_id] = run
    return found


def read_records(tenant: Tenant, pks: Sequence[int]) -> Iterator[RunRecord]:
    """These runs as they are to be told."""
    for start in range(0, len(pks), ROWS_AT_ONCE):
        runs = _of(tenant).filter(id__in=pks[start : start + ROWS_AT_ONCE])
        for owned in _records(runs):
            yield owned.record


def raise_version(tenant: Tenant, run: StoredRun, version: int) -> bool:
    """Give a run a higher version, unless somebody changed it since it was read.

    What it remembers of the row it was loaded from comes along.
    """
    unchanged = _of(tenant).filter(id=run.pk, row_version=run.row_version)
    for extra in unchanged.values_list("extra", flat=True):
        same = Q(extra__isnull=True) if extra is None else Q(extra=extra)
        moved = move_memory(extra, run.row_version, version)
        return bool(unchanged.filter(same).update(row_version=version, extra=moved))
    return False


def newest_id() -> int:
    """The highest id of any run; 0 where there is none."""
    return TaskRun.objects.order_by("-id").values_list("id", flat=True).first() or 0


def count_kept(since: datetime) -> int:
    """How many runs ClickHouse keeps anything of, given that it drops what is older."""
    return TaskRun.objects.filter(_kept(since)).count()


def records_downwards(newest: int, since: datetime, limit: int) -> Iterator[OwnedRecord]:
    """The next kept runs of all tenants, with ids from `newest` downwards."""
    return _records(TaskRun.objects.filter(_kept(since), id__lte=newest).order_by("-id")[:limit])


def _kept(since: datetime) -> Q:
    return Q(created_at__gte=since) | Q(counted_failed_at__gte=since)


def _of(tenant: Tenant) -> QuerySet[TaskRun]:
    return TaskRun.objects.filter(environment_id=tenant.environment_id)


def _outlines(runs: QuerySet[TaskRun]) -> list[StoredRun]:
    return [
        StoredRun(pk, run_id, friendly_id, created_at, version, _count(*counted))
        for pk, run_id, friendly_id, created_at, version, *counted in runs.values_list(*OUTLINE)
    ]


def _count(
    task: str | None, fingerprint: str | None, version: str | None, failed_at: datetime | None
) -> Count | None:
    if fingerprint is None or failed_at is None:
        return None
    return Count(task or "", fingerprint, version or "", failed_at)


def _records(runs: QuerySet[TaskRun]) -> Iterator[OwnedRecord]:
    rows = runs.values("environment_id", "status", "tags", *OUTLINE, *TOLD)
    for row in rows.iterator(chunk_size=ROWS_AT_ONCE):
        yield OwnedRecord(str(row["environment_id"]), _record(row))


def _record(row: Mapping[str, Any]) -> RunRecord:
    return RunRecord(
        pk=row["id"],
        status=RunStatus(row["status"]),
        tags=tuple(row["tags"]),
        counted=_count(
            row["counted_task"],
            row["counted_fingerprint"],
            row["counted_version"],
            row["counted_failed_at"],
        ),
        **{name: row[name] for name in TOLD},
    )
