"""People and their projects as the API shows them, and the operations on them."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter, extend_schema

from runs_app.web.json_schemas import MOMENT, TEXT, Schema, described, list_of, record, ref

ADDRESS: Final[Schema] = {"type": "string", "format": "uri"}
PROJECT_REF: Final = OpenApiParameter(
    "projectRef", type=str, description="A project to tell of, such as proj_ and 20 letters."
)
PEOPLE_COMPONENTS: Final[Mapping[str, Schema]] = {
    "Person": record(
        "Whom a token speaks for.",
        {
            "userId": TEXT,
            "email": {
                "type": "string",
                "format": "email",
                "description": "One that leads nowhere for a person without an address.",
            },
            "dashboardUrl": described(ADDRESS, "The admin pages."),
        },
        {
            "project": record(
                "The project asked for, where the person is a member of its organization.",
                {"name": TEXT, "url": ADDRESS, "orgTitle": TEXT},
            )
        },
    ),
    "Organization": record(
        "Whom a project belongs to.",
        {"id": TEXT, "title": TEXT, "slug": TEXT, "createdAt": MOMENT},
    ),
    "Project": record(
        "A project of an organization the person belongs to.",
        {
            "id": TEXT,
            "externalRef": {"type": "string", "pattern": "^proj_"},
            "name": TEXT,
            "slug": TEXT,
            "createdAt": MOMENT,
            "organization": ref("Organization"),
        },
    ),
}
PERSON_OPERATIONS: Final[Mapping[str, Any]] = {
    "retrieve": extend_schema(
        operation_id="whoAmI",
        tags=["People"],
        summary="Tell whom a token speaks for",
        description="The person behind the token.",
        parameters=[PROJECT_REF],
        responses={200: ref("Person")},
    ),
}
PROJECT_OPERATIONS: Final[Mapping[str, Any]] = {
    "list": extend_schema(
        operation_id="listProjects",
        tags=["People"],
        summary="List projects",
        description="The projects of the organizations the person belongs to, all of them.",
        responses={200: list_of(ref("Project"))},
    ),
    "retrieve": extend_schema(
        operation_id="getProject",
        tags=["People"],
        summary="Read a project",
        description="One project of an organization the person belongs to.",
        responses={200: ref("Project")},
    ),
}
