"""`/api/v2/whoami`: whom a token speaks for."""

import re
from typing import Any, ClassVar, Final

from django.urls import reverse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from runs_app.api.schemas.people import PERSON_OPERATIONS
from runs_app.domain.callers import PERSONAL_KINDS
from runs_app.queries.memberships import MemberProject, PersonRecord, find_project_of, read_person
from runs_app.web.caller import person_of
from runs_app.web.permissions import NO_SCOPE, ScopedViewMixin
from runs_app.web.site import site_of

# The published CLI takes no answer at all with an address of another form.
ADDRESS: Final = re.compile(
    r"(?:[a-z0-9_'+-]+\.)*[a-z0-9_'+-]*[a-z0-9_+-]@(?:[a-z0-9][a-z0-9-]*\.)+[a-z]{2,}",
    re.ASCII | re.IGNORECASE,
)


@extend_schema_view(**PERSON_OPERATIONS)
class PersonViewSet(ScopedViewMixin, GenericViewSet):  # type: ignore[type-arg]
    accepts: ClassVar = PERSONAL_KINDS
    required_scopes: ClassVar = {"retrieve": NO_SCOPE}

    def retrieve(self, request: Request) -> Response:
        person = read_person(person_of(request).user_id)
        site = site_of(request)
        content: dict[str, Any] = {
            "userId": person.id,
            "email": shown_address(person),
            "dashboardUrl": site + reverse("admin:index"),
        }
        ref = request.query_params.get("projectRef")
        project = find_project_of(person.id, ref) if ref else None
        if project is not None:
            content["project"] = _project_item(project, site)
        return Response(content)


def shown_address(person: PersonRecord) -> str:
    """The person's address; one that leads nowhere for a person without, or with one that the
    published CLI would stumble over."""
    return person.email if ADDRESS.fullmatch(person.email) else f"{person.id}@no-email.invalid"


def _project_item(project: MemberProject, site: str) -> dict[str, Any]:
    page = reverse("admin:runs_app_project_change", args=[project.id])
    return {
        "name": project.name,
        "url": site + page,
        "orgTitle": project.organization.title,
    }
