"""Which versions have run in an environment."""

from typing import Final, LiteralString

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.tenant import Tenant
from runs_app.queries.tenant_sql import OF_TENANT, tenant_parameters

# Somebody may give every run a version of its own.
MOST_VERSIONS: Final = 1_000
SEEN: Final[LiteralString] = (
    """
SELECT task_version
FROM task_runs_v2"""
    + OF_TENANT
    + """
    AND task_version != ''
GROUP BY task_version
ORDER BY
    max(created_at) DESC,
    task_version DESC
LIMIT {limit:UInt32}"""
)


def read_versions(tenant: Tenant) -> list[str]:
    """The versions of all runs within retention, failed or not, the one seen last first.

    Of very many, those seen last. A run counts from its creation, and may have been reported in
    another version since.
    """
    rows = clickhouse().query(
        "versions seen", SEEN, {**tenant_parameters(tenant), "limit": MOST_VERSIONS}
    )
    return [version for (version,) in rows]
