"""The tenant: one environment of one project of one organization.

It is the first argument of every query; nothing is read or written outside of it.
"""

from dataclasses import dataclass
from enum import StrEnum

from runs_app.domain.grouping.resolve import DEFAULT_SETTINGS
from runs_app.domain.grouping.settings import GroupingSettings


class EnvironmentType(StrEnum):
    DEVELOPMENT = "DEVELOPMENT"
    STAGING = "STAGING"
    PRODUCTION = "PRODUCTION"
    PREVIEW = "PREVIEW"


ENVIRONMENT_SLUGS: dict[str, EnvironmentType] = {
    "dev": EnvironmentType.DEVELOPMENT,
    "staging": EnvironmentType.STAGING,
    "prod": EnvironmentType.PRODUCTION,
    "preview": EnvironmentType.PREVIEW,
}


@dataclass(frozen=True, slots=True)
class Tenant:
    """Ids are text, as ClickHouse holds them. `grouping` is what its project has decided."""

    organization_id: str
    project_id: str
    environment_id: str
    environment_slug: str
    environment_type: EnvironmentType
    grouping: GroupingSettings = DEFAULT_SETTINGS
