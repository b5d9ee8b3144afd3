"""Reading and writing runs in the relational store, many at a time.

Writing goes past the ORM's objects, with the ORM's own column names and value conversion: this
is the hot path of ingest.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
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
# Texts that may be megabytes, and how many characters of them a transaction holds at once.
LONG: Final = ("payload", "output", "metadata", "error", "extra", "grouping_key")
LONG_AT_ONCE: Final = 16_000_000


def lock_runs(
    tenant: Tenant, friendly_ids: Collection[str]
) -> Iterator[tuple[frozenset[str], dict[str, RunRecord]]]:
    """Lock the runs of `tenant` among `friendly_ids` until the transaction ends, and read them.

    In parts, so that a request that names many runs with long texts does not hold them all at
    once: each is some of the ids, with the runs among them that exist. Together the parts are all
    the ids, in their order, so that runs are also added in one order.

    Rows are locked in the order of their ids, in one statement and before the first part, so that
    two requests never wait for each other. Most reported runs are new, which this statement tells.
    """
    sizes = _lock_rows(tenant, friendly_ids)
    for part in _parts(sorted(friendly_ids), sizes):
        known = [friendly_id for friendly_id in part if friendly_id in sizes]
        yield frozenset(part), _read_runs(tenant, known) if known else {}


def known_ids(tenant: Tenant, friendly_ids: Collection[str]) -> set[str]:
    """Which of these runs are stored. Locks nothing."""
    if not friendly_ids:
        return set()
    ids = [_environment_value(tenant), *friendly_ids]
    with connection.cursor() as cursor:
        cursor.execute(_of_runs(_column("friendly_id"), len(friendly_ids)), ids)
        return {friendly_id for (friendly_id,) in cursor.fetchall()}


def owners_of_keys(
    tenant: Tenant, records: Collection[RunRecord]
) -> dict[tuple[str, datetime], str]:
    """The friendly ids of the stored runs that have a `run_id` and `created_at` of `records`, by
    these two: the key of a run in ClickHouse."""
    keys = {(record.run_id, record.created_at) for record in records}
    if not keys:
        return {}
    adapt_time = _time_adapter()
    run_ids = {run_id for run_id, _ in keys}
    times = {adapt_time(created_at) for _, created_at in keys}
    with connection.cursor() as cursor:
        cursor.execute(
            _owners_sql(len(times), len(run_ids)), [_environment_value(tenant), *times, *run_ids]
        )
        found = [
            # SQLite's times are UTC and do not say so.
            ((run_id, created_at.replace(tzinfo=created_at.tzinfo or UTC)), friendly_id)
            for run_id, created_at, friendly_id in cursor.fetchall()
        ]
    return {key: friendly_id for key, friendly_id in found if key in keys}


def _owners_sql(times: int, run_ids: int) -> str:
    # By the index of created_at. SQLite, which has no statistics, would else choose the one that
    # begins with the environment, and read all its runs each time; the plus forbids that.
    plus = "+" if connection.vendor == "sqlite" else ""
    return (
        f"SELECT {_column('run_id')}, {_column('created_at')}, {_column('friendly_id')}"  # noqa: S608
        f" FROM {_table()} WHERE {plus}{_column('environment')} = %s"
        f" AND {_column('created_at')} IN ({_marks(times)})"
        f" AND {_column('run_id')} IN ({_marks(run_ids)})"
    )


def _lock_rows(tenant: Tenant, friendly_ids: Collection[str]) -> dict[str, int]:
    """The length of each run's texts. By hand: putting a statement together through the ORM takes
    longer than running it."""
    if not friendly_ids:
        return {}
    length = _length_function()
    lengths = " + ".join(f"COALESCE({length}({_column(name)}), 0)" for name in LONG)
    statement = _of_runs(f"{_column('friendly_id')}, {lengths}", len(friendly_ids))
    statement += f" ORDER BY {_column('friendly_id')}"
    if connection.features.has_select_for_update:
        statement += " FOR UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(statement, [_environment_value(tenant), *friendly_ids])
        return dict(cursor.fetchall())


def _parts(friendly_ids: Sequence[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """The ids, cut where the texts behind them would become too many."""
    part: list[str] = []
    size = 0
    for friendly_id in friendly_ids:
        size += sizes.get(friendly_id, 0)
        if part and size > LONG_AT_ONCE:
            yield part
            part, size = [], sizes.get(friendly_id, 0)
        part.append(friendly_id)
    if part:
        yield part


def _read_runs(tenant: Tenant, friendly_ids: Sequence[str]) -> dict[str, RunRecord]:
    runs = TaskRun.objects.filter(
        environment_id=tenant.environment_id, friendly_id__in=friendly_ids
    )
    return {run.friendly_id: record_of(run) for run in runs}


def _of_runs(selected: str, count: int) -> str:
    return (
        f"SELECT {selected} FROM {_table()} WHERE {_column('environment')} = %s"  # noqa: S608
        f" AND {_column('friendly_id')} IN ({_marks(count)})"
    )


def _marks(count: int) -> str:
    return ", ".join(["%s"] * count)


@cache
def _length_function() -> str:
    """One that looks at the length alone, where there is one; else the text is read for it, one
    run at a time."""
    old = connection.vendor == "sqlite" and sqlite3.sqlite_version_info < (3, 43)
    return "length" if old else "octet_length"


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
    return f"INSERT INTO {_table()} ({', '.join(columns)}) VALUES ({_marks(len(columns))})"  # noqa: S608


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
    adapt_time = _time_adapter()
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


def _time_adapter() -> Callable[[datetime], Any]:
    """A function from a time in UTC to what the database is given for it."""
    return _text_of_time if connection.vendor == "sqlite" else _unchanged


def _text_of_time(value: datetime) -> str:
    """As Django writes a time in UTC to SQLite, without its checks, which cost the most here."""
    return str(value)[: -len("+00:00")]


def _unchanged(value: datetime) -> datetime:
    return value
