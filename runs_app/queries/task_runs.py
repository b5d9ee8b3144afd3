"""Reading and writing runs in the relational store, many at a time.

Writing goes past the ORM's objects, with the ORM's own column names and value conversion: this
is the hot path of ingest.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec
from django.db import connection, models

from runs_app.domain.counting import Count
from runs_app.domain.records import RunRecord
from runs_app.domain.run_status import RunStatus
from runs_app.domain.tenant import Tenant
from runs_app.models import TaskRun

COUNTED: Final = ("counted_task", "counted_fingerprint", "counted_version", "counted_failed_at")
PLAIN: Final = tuple(
    name for name in RunRecord.__struct_fields__ if name not in {"pk", "counted", "status", "tags"}
)
WRITTEN: Final = (*PLAIN, "status", "tags", *COUNTED)
NOTHING_COUNTED: Final = (None, None, None, None)


def lock_runs(tenant: Tenant, friendly_ids: Sequence[str]) -> dict[str, RunRecord]:
    """The runs of `tenant` among `friendly_ids`, their rows locked until the transaction ends.

    Rows are locked in the order of their ids, in one statement, so that two requests never wait
    for each other. Most reported runs are new, which a look at the index alone tells.
    """
    if not _any_exists(tenant, friendly_ids):
        return {}
    runs = (
        TaskRun.objects.filter(
            environment_id=tenant.environment_id, friendly_id__in=list(friendly_ids)
        )
        .order_by("friendly_id")
        .select_for_update()
    )
    return {run.friendly_id: record_of(run) for run in runs}


def _any_exists(tenant: Tenant, friendly_ids: Sequence[str]) -> bool:
    """A statement by hand: putting one together through the ORM takes longer than running it."""
    marks = ", ".join(["%s"] * len(friendly_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT 1 FROM {_table()} WHERE {_column('environment')} = %s"  # noqa: S608
            f" AND {_column('friendly_id')} IN ({marks}) LIMIT 1",
            [_environment_value(tenant), *friendly_ids],
        )
        return cursor.fetchone() is not None


def record_of(run: TaskRun) -> RunRecord:
    counted = None
    if run.counted_fingerprint is not None and run.counted_failed_at is not None:
        counted = Count(
            task_identifier=run.counted_task or "",
            error_fingerprint=run.counted_fingerprint,
            task_version=run.counted_version or "",
            failed_at=run.counted_failed_at,
        )
    return RunRecord(
        pk=run.pk,
        status=RunStatus(run.status),
        tags=tuple(run.tags),
        counted=counted,
        **{name: getattr(run, name) for name in PLAIN},
    )


def insert_runs(tenant: Tenant, records: Iterable[RunRecord]) -> None:
    """Add runs. Raises django.db.IntegrityError where another transaction was first."""
    writer = _writer()
    environment = _environment_value(tenant)
    rows = [
        (environment, *writer(record))
        for record in sorted(records, key=lambda record: record.friendly_id)
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_insert_sql(), rows)


def update_runs(records: Iterable[RunRecord]) -> None:
    """Write changed runs whose rows are locked."""
    writer = _writer()
    rows = [(*writer(record), record.pk) for record in records]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_update_sql(), rows)


def _environment_value(tenant: Tenant) -> Any:
    field = TaskRun._meta.get_field("environment")
    return field.get_db_prep_save(tenant.environment_id, connection=connection)


@cache
def _table() -> str:
    return connection.ops.quote_name(TaskRun._meta.db_table)


@cache
def _column(name: str) -> str:
    field = TaskRun._meta.get_field(name)
    return connection.ops.quote_name(str(getattr(field, "column", name)))


@cache
def _insert_sql() -> str:
    columns = [_column(name) for name in ("environment", *WRITTEN)]
    marks = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {_table()} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608


@cache
def _update_sql() -> str:
    changes = ", ".join(f"{_column(name)} = %s" for name in WRITTEN)
    return f"UPDATE {_table()} SET {changes} WHERE {_column('id')} = %s"  # noqa: S608


@cache
def _time_positions() -> tuple[int, ...]:
    return tuple(
        position
        for position, name in enumerate(WRITTEN)
        if isinstance(TaskRun._meta.get_field(name), models.DateTimeField)
    )


def _writer() -> Callable[[RunRecord], list[Any]]:
    """A function from a record to its values in the order of WRITTEN."""
    adapt_time = _text_of_time if connection.vendor == "sqlite" else _unchanged
    times = _time_positions()
    encode = msgspec.json.encode

    def values(record: RunRecord) -> list[Any]:
        counted = record.counted
        row: list[Any] = [getattr(record, name) for name in PLAIN]
        row.append(record.status.value)
        row.append(encode(record.tags).decode())
        row.extend(
            NOTHING_COUNTED
            if counted is None
            else (
                counted.task_identifier,
                counted.error_fingerprint,
                counted.task_version,
                counted.failed_at,
            )
        )
        for position in times:
            if row[position] is not None:
                row[position] = adapt_time(row[position])
        return row

    return values


def _text_of_time(value: datetime) -> str:
    """As Django writes a time in UTC to SQLite, without its checks, which cost the most here."""
    return str(value)[: -len("+00:00")]


def _unchanged(value: datetime) -> datetime:
    return value
