"""What a window can be narrowed by: tasks and versions that failed in it."""

from dataclasses import dataclass
from typing import Final, LiteralString

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.tenant import Tenant
from runs_app.domain.window import Window
from runs_app.queries.tenant_sql import OF_TENANT, tenant_parameters

MOST_OF_EACH: Final = 200
FACETS: Final[LiteralString] = (
    """
SELECT
    grouping(task_identifier) = 0 AS is_task,
    task_identifier,
    task_version,
    sum(count) AS n
FROM error_occurrences_v1"""
    + OF_TENANT
    + """
    AND minute >= {start:DateTime('UTC')}
    AND minute < {end:DateTime('UTC')}
GROUP BY GROUPING SETS (
    (task_identifier),
    (task_version)
)
HAVING n > 0
ORDER BY
    is_task,
    n DESC,
    task_identifier,
    task_version
LIMIT {most:UInt32} BY is_task"""
)


@dataclass(frozen=True, slots=True)
class Facets:
    """Tasks and versions, those that failed most first; of very many only those."""

    tasks: tuple[str, ...]
    versions: tuple[str, ...]


def read_facets(tenant: Tenant, window: Window) -> Facets:
    rows = clickhouse().query(
        "tasks and versions that failed",
        FACETS,
        {
            **tenant_parameters(tenant),
            "start": window.start,
            "end": window.end,
            "most": MOST_OF_EACH,
        },
    )
    return Facets(
        tasks=tuple(task for is_task, task, _, _ in rows if is_task),
        versions=tuple(version for is_task, _, version, _ in rows if not is_task and version),
    )
