"""Finding tenants in the relational store."""

from collections.abc import Iterator

from django.core.exceptions import ValidationError

from runs_app.domain.errors import NotFound
from runs_app.domain.tenant import Tenant
from runs_app.models import Environment


def tenant_of_environment(environment_id: str) -> Tenant:
    """Raises NotFound for an unknown id."""
    try:
        return Environment.objects.select_related("project").get(id=environment_id).tenant()
    except (Environment.DoesNotExist, ValidationError):
        raise NotFound("No such environment.") from None


def tenant_by_name(project_ref: str, environment_slug: str) -> Tenant:
    """Raises NotFound for an unknown project or environment."""
    try:
        return (
            Environment.objects.select_related("project")
            .get(project__external_ref=project_ref, slug=environment_slug)
            .tenant()
        )
    except Environment.DoesNotExist:
        raise NotFound("No such environment.") from None


def all_tenants() -> Iterator[Tenant]:
    """Every environment of the installation: for commands that work on all of them."""
    for environment in Environment.objects.select_related("project").order_by("created_at"):
        yield environment.tenant()
