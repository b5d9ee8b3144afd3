"""How a statement is bound to its tenant."""

from typing import Final, LiteralString

from runs_app.clickhouse.client import Parameter
from runs_app.domain.tenant import Tenant

OF_TENANT: Final[LiteralString] = """
        WHERE organization_id = {organization:String}
            AND project_id = {project:String}
            AND environment_id = {environment:String}"""


def tenant_parameters(tenant: Tenant) -> dict[str, Parameter]:
    """The parameters of OF_TENANT."""
    return {
        "organization": tenant.organization_id,
        "project": tenant.project_id,
        "environment": tenant.environment_id,
    }
