"""Whose rows were set aside: ClickHouse does not know what it was told to count for these runs."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from runs_app.domain.run_rows import ENVIRONMENT, RUN_ID, VERSION, RunRow, values_of
from runs_app.domain.tenant import Tenant
from runs_app.models import OutboxEntry, QuarantinedRow

RUNS_AT_ONCE: Final = 500


def rows_not_dropped() -> QuerySet[QuarantinedRow]:
    """Rows set aside that nobody dropped."""
    return QuarantinedRow.objects.filter(dropped_at__isnull=True)


def rows_of_marked_runs(rows: Sequence[RunRow]) -> list[RunRow]:
    """Those of the rows whose run has a row set aside, or dropped.

    Where something was set aside that does not tell its run, those are all rows of its environment.
    """
    marks = QuarantinedRow.objects.filter(kind=OutboxEntry.Kind.RUNS)
    if not marks.exists():
        return []
    found: list[RunRow] = []
    for environment_id, group in groupby(sorted(rows, key=_environment_of), key=_environment_of):
        members = list(group)
        try:
            of_environment = marks.filter(environment_id=environment_id)
        except ValidationError:
            # No id of an environment: nobody set aside a row of it.
            continue
        if of_environment.filter(run_id="").exists():
            found.extend(members)
            continue
        marked = _marked(of_environment, {row[RUN_ID] for row in members})
        found.extend(row for row in members if row[RUN_ID] in marked)
    return found


def set_aside_runs(tenant: Tenant, run_ids: Iterable[str]) -> set[str]:
    """Those of these runs of which rows are, or were, in quarantine.

    Not those that an entry may tell of which nobody can read: see `unreadable_entries`.
    """
    return _marked(_marks_of(tenant), set(run_ids))


def unreadable_entries(tenant: Tenant) -> int:
    """How much was set aside, or dropped, that does not tell whose rows it has."""
    return _marks_of(tenant).filter(run_id="").count()


def is_in_quarantine(row: RunRow) -> bool:
    """Whether this version of the row's run waits in quarantine."""
    contents = (
        rows_not_dropped()
        .filter(kind=OutboxEntry.Kind.RUNS, environment_id=row[ENVIRONMENT], run_id=row[RUN_ID])
        .values_list("content", flat=True)
    )
    return any(
        version == row[VERSION]
        for content in contents
        for (version,) in values_of(content, ("_version",))
    )


def holds_state(tenant: Tenant, content: bytes) -> bool:
    """Whether this content, a state of a group, waits in quarantine."""
    return (
        rows_not_dropped()
        .filter(
            kind=OutboxEntry.Kind.GROUP_STATES,
            environment_id=tenant.environment_id,
            content=content,
        )
        .exists()
    )


def _marks_of(tenant: Tenant) -> QuerySet[QuarantinedRow]:
    return QuarantinedRow.objects.filter(
        kind=OutboxEntry.Kind.RUNS, environment_id=tenant.environment_id
    )


def _marked(marks: QuerySet[QuarantinedRow], run_ids: set[str]) -> set[str]:
    wanted = sorted(run_ids)
    found: set[str] = set()
    for start in range(0, len(wanted), RUNS_AT_ONCE):
        part = wanted[start : start + RUNS_AT_ONCE]
        found.update(marks.filter(run_id__in=part).values_list("run_id", flat=True))
    return found


def _environment_of(row: RunRow) -> str:
    environment_id: str = row[ENVIRONMENT]
    return environment_id
