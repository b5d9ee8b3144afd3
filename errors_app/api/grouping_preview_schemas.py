"""The preview of a failure's group, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema

from errors_app.api.grouping_preview_bodies import PreviewBody
from runs_app.domain.grouping import client_fingerprint, expected, keywords, structured
from runs_app.domain.grouping.rules import RULES
from runs_app.web.json_schemas import (
    FLAG,
    TEXT,
    Schema,
    described,
    list_of,
    nullable,
    record,
    ref,
)

RULE: Final[Schema] = {"type": "string", "enum": list(RULES)}
ID: Final[Schema] = {"type": "string", "pattern": "^error_"}
DECIDERS: Final = (client_fingerprint.RULE, structured.RULE, keywords.RULE, *RULES)

PREVIEW_COMPONENTS: Final[Mapping[str, Schema]] = {
    "GroupingPreview": record(
        "The group of a failure, were it reported now.",
        {
            "id": nullable(ID, "The group it would count in; null where in none."),
            "exists": described(FLAG, "Whether there is that group by now."),
            "rule": described(RULE, "The rule the project has now."),
            "slice": described(TEXT, "The part of a system it belongs to; empty where none."),
            "category": nullable(
                {"type": "string", "enum": list(keywords.CATEGORIES)},
                "What it is about; null where nothing tells.",
            ),
            "signals": record(
                "What the error tells of itself.",
                {},
                {"httpStatus": {"type": "integer"}, "code": TEXT, "errorClass": TEXT},
            ),
            "expected": described(
                FLAG, "Whether it was to be expected. It may be in a group all the same."
            ),
            "expectedBy": nullable(
                {"type": "string", "enum": list(expected.NAMES)},
                "The client, or the rule set, that expected it.",
            ),
            "groupings": described(
                list_of(ref("GroupingByRule")),
                "One for each rule there is, all else being as the project has it.",
            ),
        },
    ),
    "GroupingByRule": record(
        "What a failure would be given, had the project this rule.",
        {
            "rule": RULE,
            "id": nullable(ID, "Null, like the next three, where it would be in no group."),
            "fingerprint": nullable(TEXT),
            "key": nullable(TEXT, "The plain text behind the fingerprint."),
            "decidedBy": nullable(
                {"type": "string", "enum": list(DECIDERS)},
                "What made the key: the rule, or what goes before it.",
            ),
        },
    ),
}


class AnyValueSchema(OpenApiSerializerFieldExtension):
    target_class = "errors_app.api.grouping_preview_bodies.AnyValueField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        kinds = ("object", "string", "array", "number", "boolean")
        return {
            "anyOf": [{"type": kind} for kind in kinds],
            "description": "As a failed run would report it: an object, or its message alone.",
        }


OPERATIONS: Final[Mapping[str, Any]] = {
    "create": extend_schema(
        operation_id="previewGrouping",
        tags=["Errors"],
        summary="Preview an error's group",
        description=(
            "The fingerprint, and the plain key behind it, that an error would be given under each"
            " rule there is, and the group that it would count in now. Nothing is stored."
        ),
        request=PreviewBody,
        responses={200: ref("GroupingPreview")},
    )
}
