"""Merging and splitting groups, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema

from errors_app.api.merging_bodies import MergeBody, SplitBody
from errors_app.domain.groups import LONGEST_NAME
from errors_app.domain.merging import MOST_MERGED, MOST_MERGED_AT_ONCE
from errors_app.web.filters import PickedTaskFilterSet
from runs_app.web.json_schemas import Schema, ref
from runs_app.web.query_parameters import query_parameters


class IdsSchema(OpenApiSerializerFieldExtension):
    target_class = "errors_app.api.merging_bodies.IdsField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        return {
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
            "minItems": 1,
            "maxItems": MOST_MERGED_AT_ONCE,
        }


OPERATIONS: Final[Mapping[str, Any]] = {
    "create": extend_schema(
        operation_id="mergeErrors",
        tags=["Errors"],
        summary="Merge error groups into one",
        description=(
            "For groups of one task that are the same bug: all their failures, of before and to"
            " come, count for the survivor, whose state holds. Their ids answer with it from now"
            f" on. All or none, up to {MOST_MERGED:,} into one; what is one group already is left"
            " as it is, so that sending it again does no harm. Answers with the survivor."
        ),
        request=MergeBody,
        responses={200: ref("ErrorGroupDetail"), 404: None, 409: None},
    ),
    "split": extend_schema(
        operation_id="splitError",
        tags=["Errors"],
        summary="Split a merged error group off",
        description=(
            "A group of its own again, with its failures, and in the state in which it was merged."
            " Rules look at all it failed meanwhile, so that one that was resolved may reopen at"
            " once. Answers with the group it was split from. Where the id stands for a group in"
            " several tasks, taskIdentifier must say which is meant."
        ),
        parameters=query_parameters(PickedTaskFilterSet),
        request=SplitBody,
        responses={200: ref("ErrorGroupDetail"), 409: None},
    ),
}
