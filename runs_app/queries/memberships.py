"""What a person belongs to, in the relational store."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet

from runs_app.domain.errors import NotFound
from runs_app.domain.tenant import ENVIRONMENT_SLUGS, Tenant
from runs_app.models import Environment, Membership, Project, User


@dataclass(frozen=True, slots=True)
class PersonRecord:
    id: str
    email: str


@dataclass(frozen=True, slots=True)
class OrganizationRecord:
    id: str
    title: str
    slug: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MemberProject:
    """A project of an organization that the person belongs to, with the person's role there."""

    id: str
    external_ref: str
    name: str
    slug: str
    created_at: datetime
    organization: OrganizationRecord
    role: str


def read_person(user_id: str) -> PersonRecord:
    """Raises NotFound for somebody who was deleted."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such person.")
    return PersonRecord(id=str(user.id), email=user.email)


def role_in(user_id: str, organization_id: str) -> str | None:
    """None for somebody who is no member."""
    found = Membership.objects.filter(user_id=user_id, organization_id=organization_id)
    return found.values_list("role", flat=True).first()


def projects_of(user_id: str) -> tuple[MemberProject, ...]:
    """All of them, by organization and name in addresses."""
    found = _of_member(user_id).order_by("organization__slug", "slug")
    return tuple(_record(project) for project in found)


def find_project_of(user_id: str, ref: str) -> MemberProject | None:
    """None for a project that is unknown, and for one of strangers."""
    # PostgreSQL does not take such text, and there is no such project.
    if "\0" in ref:
        return None
    project = _of_member(user_id).filter(external_ref=ref).first()
    return None if project is None else _record(project)


def read_project_of(user_id: str, ref: str) -> MemberProject:
    """Raises NotFound, for a project of strangers in the same words as for one nobody has."""
    project = find_project_of(user_id, ref)
    if project is None:
        raise NotFound("There is no such project.")
    return project


def tenant_of_project(project: MemberProject, environment_slug: str) -> Tenant:
    """One of the project's environments. Raises NotFound for one that it has not."""
    environment = None
    if environment_slug in ENVIRONMENT_SLUGS:
        found = Environment.objects.select_related("project").filter(project_id=project.id)
        environment = found.filter(slug=environment_slug).first()
    if environment is None:
        raise NotFound("There is no such environment.")
    return environment.tenant()


def _of_member(user_id: str) -> QuerySet[Project]:
    return (
        Project.objects.select_related("organization")
        .filter(organization__memberships__user_id=user_id)
        .annotate(role=F("organization__memberships__role"))
    )


def _record(project: Project) -> MemberProject:
    organization = project.organization
    return MemberProject(
        id=str(project.id),
        external_ref=project.external_ref,
        name=project.name,
        slug=project.slug,
        created_at=project.created_at,
        organization=OrganizationRecord(
            id=str(organization.id),
            title=organization.title,
            slug=organization.slug,
            created_at=organization.created_at,
        ),
        role=project.role,  # type: ignore[attr-defined]
    )
