"""Changes of many groups, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.extensions import (
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema

from errors_app.api.bulk_bodies import MOST_IDS, BulkBody, GroupFilterMembers
from errors_app.domain.bulk import SkipReason
from errors_app.domain.groups import DECISIONS, LONGEST_NAME
from runs_app.web.json_schemas import (
    COUNT,
    TEXT,
    Schema,
    described,
    list_of,
    nullable,
    record,
    ref,
)
from runs_app.web.query_parameters import member_schemas

NAME: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
UNDONE_ONLY: Final = (SkipReason.CHANGED_SINCE,)


def _skipped(description: str, reasons: tuple[SkipReason, ...]) -> Schema:
    return record(
        description,
        {
            "id": {"type": "string", "pattern": "^error_"},
            "taskIdentifier": nullable(TEXT, "Null where no group was found that has it."),
            "reason": {"type": "string", "enum": list(reasons)},
        },
    )


BULK_COMPONENTS: Final[Mapping[str, Schema]] = {
    "BulkResult": record(
        "What became of the groups.",
        {
            "operationId": nullable(
                {"type": "string", "format": "uuid"},
                "What can be undone; null where nothing was changed.",
            ),
            "matched": described(COUNT, "Groups that exist and are as asked for."),
            "changed": described(COUNT, "Those that were not that way already."),
            "skipped": list_of(ref("SkippedGroup")),
        },
        {"window": described(ref("Window"), "What was used, where a filter chose the groups.")},
    ),
    "SkippedGroup": _skipped("A group that stays as it is, and why.", tuple(SkipReason)),
    "UndoResult": record(
        "What became of the groups of an operation.",
        {
            "operationId": {"type": "string", "format": "uuid"},
            "restored": described(COUNT, "Groups that are as they were before it."),
            "skipped": list_of(ref("KeptGroup")),
        },
    ),
    "KeptGroup": _skipped("A group that was changed since, and stays as it is.", UNDONE_ONLY),
}


class BulkBodySchema(OpenApiSerializerExtension):
    target_class = "errors_app.api.bulk_bodies.BulkBody"

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> Schema:
        schema: Schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


class ActionSchema(OpenApiSerializerFieldExtension):
    target_class = "errors_app.api.bulk_bodies.ActionField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        return {"type": "string", "enum": list(DECISIONS)}


class PickedGroupsSchema(OpenApiSerializerFieldExtension):
    target_class = "errors_app.api.bulk_bodies.PickedGroupsField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        task = record("An id and a task.", {"id": NAME}, {"taskIdentifier": nullable(NAME)})
        return {
            "type": "array",
            "items": {"anyOf": [NAME, task]},
            "minItems": 1,
            "maxItems": MOST_IDS,
        }


class GroupFilterSchema(OpenApiSerializerFieldExtension):
    target_class = "errors_app.api.bulk_bodies.GroupFilterField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        return {
            "type": "object",
            "properties": member_schemas(GroupFilterMembers),
            "additionalProperties": False,
        }


OPERATIONS: Final[Mapping[str, Any]] = {
    "create": extend_schema(
        operation_id="changeErrors",
        tags=["Errors"],
        summary="Change many error groups",
        description=(
            "Resolves, ignores or reopens the groups that are named in ids, or all that match a"
            " filter: all or none, as one operation that can be undone for ten minutes. Groups"
            " that are that way already are skipped, and so are ids that are not known or"
            " ambiguous. What resolving or ignoring one group takes is taken here, too."
        ),
        request=BulkBody,
        responses={200: ref("BulkResult"), 409: None},
    ),
    "undo": extend_schema(
        operation_id="undoChangeOfErrors",
        tags=["Errors"],
        summary="Undo a change of many error groups",
        description=(
            "Restores the groups as they were before, within ten minutes and once. Groups that"
            " were changed since stay as they are."
        ),
        request=None,
        responses={200: ref("UndoResult"), 409: None},
    ),
}
