"""`/api/v1/projects`: the projects of the organizations a person belongs to."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from runs_app.api.schemas.people import PROJECT_OPERATIONS
from runs_app.domain.callers import PERSONAL_KINDS
from runs_app.domain.times import iso
from runs_app.queries.memberships import MemberProject, projects_of, read_project_of
from runs_app.web.caller import person_of
from runs_app.web.permissions import NO_SCOPE, ScopedViewMixin


@extend_schema_view(**PROJECT_OPERATIONS)
class ProjectViewSet(ScopedViewMixin, GenericViewSet):  # type: ignore[type-arg]
    accepts: ClassVar = PERSONAL_KINDS
    required_scopes: ClassVar = {"list": NO_SCOPE, "retrieve": NO_SCOPE}

    def list(self, request: Request) -> Response:
        return Response([project_item(one) for one in projects_of(person_of(request).user_id)])

    def retrieve(self, request: Request, project_ref: str) -> Response:
        return Response(project_item(read_project_of(person_of(request).user_id, project_ref)))


def project_item(project: MemberProject) -> dict[str, Any]:
    organization = project.organization
    return {
        "id": project.id,
        "externalRef": project.external_ref,
        "name": project.name,
        "slug": project.slug,
        "createdAt": iso(project.created_at),
        "organization": {
            "id": organization.id,
            "title": organization.title,
            "slug": organization.slug,
            "createdAt": iso(organization.created_at),
        },
    }
