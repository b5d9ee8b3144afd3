"""What the home page asks that no list does."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F

from errors_app.domain.groups import GroupKey, Status
from errors_app.domain.transitions import Rule
from errors_app.models import ErrorGroupActivity
from errors_app.queries.home_sql import OUTCOMES
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.run_status import FAILED_STATUSES, RunStatus
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import HOUR
from runs_app.domain.window import Window
from runs_app.queries.tenant_sql import tenant_parameters

# A run that was canceled, or that expired before it began, tells nothing about its task.
FINISHED: Final = (RunStatus.COMPLETED_SUCCESSFULLY, *sorted(FAILED_STATUSES))


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Runs that came to an end, and how many of those failed."""

    finished: int
    failed: int

    @property
    def failure_rate(self) -> float:
        """From 0 to 1."""
        return self.failed / self.finished if self.finished else 0.0


@dataclass(frozen=True, slots=True)
class TaskOutcomes:
    """A task's runs over a window, and hour by hour: of each hour, those created in it."""

    task_identifier: str
    total: Outcomes
    hours: tuple[Outcomes, ...]


@dataclass(frozen=True, slots=True)
class Regression:
    """A group that failed again although it was resolved, and that nobody has looked at since.

    `run_id` and `task_version` are those of the failure, empty where they are not known;
    `resolved_in` is the version it was resolved in, `resolved_after` the one after which it was to
    be free of it; at most one of them is said.
    """

    key: GroupKey
    reopened_at: datetime
    run_id: str
    task_version: str
    resolved_in: str
    resolved_after: str


def read_outcomes(tenant: Tenant, window: Window) -> list[TaskOutcomes]:
    """By task: those of which most runs failed first."""
    rows = clickhouse().query(
        "failure rates by task",
        OUTCOMES,
        {
            **tenant_parameters(tenant),
            "start": window.start,
            "end": window.end,
            "finished": FINISHED,
            "failed": sorted(FAILED_STATUSES),
        },
    )
    hours: defaultdict[str, dict[int, Outcomes]] = defaultdict(dict)
    for task, hour, finished, failed in rows:
        hours[task][hour] = Outcomes(finished, failed)
    count = -(-(window.end - window.start) // HOUR)
    found = [_task_outcomes(task, by_hour, count) for task, by_hour in hours.items()]
    return sorted(found, key=lambda one: (-one.total.failed, one.task_identifier))


def read_regressions(tenant: Tenant, since: datetime, limit: int) -> list[Regression]:
    """Groups that came back since then and are as the rule left them, the last one first."""
    rows = ErrorGroupActivity.objects.filter(
        state__environment_id=tenant.environment_id,
        state__status=Status.UNRESOLVED,
        state__merged_into__isnull=True,
        state__updated_at__gte=since,
        state_version=F("state__version"),
        rule=Rule.REGRESSION,
    )
    return [_regression(row) for row in rows.select_related("state").order_by("-id")[:limit]]


def _task_outcomes(task: str, by_hour: dict[int, Outcomes], count: int) -> TaskOutcomes:
    hours = tuple(by_hour.get(number, Outcomes(0, 0)) for number in range(count))
    return TaskOutcomes(task, _sum(hours), hours)


def _sum(outcomes: Sequence[Outcomes]) -> Outcomes:
    return Outcomes(sum(one.finished for one in outcomes), sum(one.failed for one in outcomes))


def _regression(row: ErrorGroupActivity) -> Regression:
    return Regression(
        key=GroupKey(row.state.error_fingerprint, row.state.task_identifier),
        reopened_at=row.created_at,
        run_id=row.run_id,
        task_version=row.task_version,
        resolved_in=row.details.get("resolvedInVersion", ""),
        resolved_after=row.details.get("resolvedAfterVersion", ""),
    )
