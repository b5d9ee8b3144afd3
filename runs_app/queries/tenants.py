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


def tenant_by_name(name: str) -> Tenant:
    """The environment called `proj_.../prod`. Raises NotFound with a sentence for people."""
    project_ref, separator, environment_slug = name.partition("/")
    if not separator:
        raise NotFound("An environment is named REF/SLUG, such as proj_abcdefghij/prod.")
    try:
        return (
            Environment.objects.select_related("project")
            .get(project__external_ref=project_ref, slug=environment_slug)
            .tenant()
        )
    except Environment.DoesNotExist:
        raise NotFound(f"There is no environment {name}.") from None


def tenants_of_project(project_ref: str) -> list[Tenant]:
    """The environments of a project. Raises NotFound with a sentence for people."""
    environments = Environment.objects.select_related("project").order_by("created_at")
    found = [one.tenant() for one in environments.filter(project__external_ref=project_ref)]
    if not found:
        raise NotFound(f"There is no project {project_ref} with environments.")
    return found


def all_tenants() -> Iterator[Tenant]:
    """Every environment of the installation: for commands that work on all of them."""
    for environment in Environment.objects.select_related("project").order_by("created_at"):
        yield environment.tenant()
