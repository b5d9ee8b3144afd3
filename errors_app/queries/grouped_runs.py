"""Failed runs with what decided about their group, by the relational store."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from errors_app.domain.groups import GroupKey
from runs_app.domain.tenant import Tenant
from runs_app.models import TaskRun

FIELDS: Final = (
    "friendly_id", "counted_fingerprint", "counted_task", "counted_failed_at", "task_version",
    "slice", "queue", "error", "grouping_rule", "grouping_key", "error_category", "error_signals",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GroupedRun:
    """`error` is the JSON text as it was sent; `signals` and `key` are as stored, empty where there
    are none."""

    friendly_id: str
    key: GroupKey
    failed_at: datetime
    version: str
    slice: str
    queue: str
    error: str | None
    rule: str
    plain_key: str
    category: str
    signals: str


def read_grouped_runs(tenant: Tenant, friendly_ids: Collection[str]) -> dict[str, GroupedRun]:
    """Those of the runs that count in a group, by their ids."""
    # No stored id has a NUL in it, and PostgreSQL refuses to be asked for one.
    wanted = [friendly_id for friendly_id in friendly_ids if "\0" not in friendly_id]
    rows = TaskRun.objects.filter(
        environment_id=tenant.environment_id,
        friendly_id__in=wanted,
        counted_fingerprint__isnull=False,
    )
    return {
        friendly_id: GroupedRun(friendly_id, GroupKey(fingerprint, task), *rest)
        for friendly_id, fingerprint, task, *rest in rows.values_list(*FIELDS)
    }
