"""Failed runs with the errors they reported, as the relational store has them."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models.functions import Coalesce

from runs_app.domain.run_status import FAILED_STATUSES
from runs_app.domain.tenant import Tenant
from runs_app.models import TaskRun

# Rows come with the texts of errors, of which each may have megabytes.
ROWS_AT_ONCE: Final = 200
COLUMNS: Final = (
    "id", "environment_id", "task_identifier", "slice", "queue", "error", "error_fingerprint",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FailedRun:
    """`error`: JSON text as it was sent; `error_fingerprint`: empty where it is in no group."""

    pk: int
    task_identifier: str
    slice: str
    queue: str
    error: str
    error_fingerprint: str


def read_failed(tenant: Tenant, since: datetime | None) -> Iterator[FailedRun]:
    """All failed runs that have an error, or those that failed since then, in the order they came.

    Their ids alone are held, of a million runs eight megabytes: nothing of the store stays open
    or locked meanwhile. A run that is gone or healed by its turn may be left out.
    """
    failed = TaskRun.objects.filter(
        environment_id=tenant.environment_id, status__in=FAILED_STATUSES, error__isnull=False
    )
    if since is not None:
        failed = failed.alias(at=Coalesce("failed_at", "created_at")).filter(at__gte=since)
    ids = array("q", failed.order_by("id").values_list("id", flat=True).iterator())
    for start in range(0, len(ids), ROWS_AT_ONCE):
        yield from read_runs(tenant, ids[start : start + ROWS_AT_ONCE])


def read_runs(tenant: Tenant, pks: Sequence[int]) -> list[FailedRun]:
    """Those of these runs that the tenant has, ordered by id.

    The tenant is compared here: asked for it, SQLite walks all runs of the environment by its
    index, every time.
    """
    rows = TaskRun.objects.filter(id__in=list(pks), error__isnull=False).order_by("id")
    return [
        FailedRun(pk, task, slice, queue, error, fingerprint)
        for pk, environment_id, task, slice, queue, error, fingerprint in rows.values_list(*COLUMNS)
        if str(environment_id) == tenant.environment_id and error is not None
    ]
