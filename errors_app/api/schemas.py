"""Error groups as the API shows them, and the operations on them, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema

from errors_app.api.activity_schemas import ACTIVITY_COMPONENTS
from errors_app.api.bodies import IgnoreBody, ResolveBody
from errors_app.api.bulk_schemas import BULK_COMPONENTS
from errors_app.api.grouping_preview_schemas import PREVIEW_COMPONENTS
from errors_app.api.grouping_schemas import GROUPING_COMPONENTS
from errors_app.domain.groups import Status
from errors_app.web.filters import ErrorGroupFilterSet, PickedTaskFilterSet
from runs_app.domain.grouping.keywords import CATEGORIES
from runs_app.web.json_schemas import (
    COUNT,
    FLAG,
    MOMENT,
    TEXT,
    Schema,
    described,
    list_of,
    nullable,
    page_of,
    record,
    ref,
    words,
)
from runs_app.web.query_parameters import PAGE_PARAMETERS, query_parameters

PERSON: Final = nullable(TEXT, "The id of the person; null where a key did it.")
IN_VERSION: Final = nullable(TEXT, "Failures of older versions do not reopen it.")
AFTER_VERSION: Final = nullable(
    TEXT,
    "Of a group resolved in the next version: the newest version there was then. Only failures of"
    " later ones reopen it.",
)
IDENTITY: Final[Mapping[str, Schema]] = {
    "id": {"type": "string", "pattern": "^error_"},
    "fingerprint": TEXT,
    "taskIdentifier": TEXT,
    "errorType": TEXT,
    "errorMessage": TEXT,
    "category": nullable(
        {"type": "string", "enum": list(CATEGORIES)},
        "What its newest failure is about; null where nothing tells.",
    ),
}
COMPONENTS: Final[Mapping[str, Schema]] = {
    "ErrorGroup": record(
        "A group of failures as lists show it.",
        {
            **IDENTITY,
            "status": words(Status),
            "count": described(COUNT, "Failures in the window, of the versions asked for."),
            "firstSeen": described(MOMENT, "Of all time."),
            "lastSeen": described(MOMENT, "Of all time."),
            "resolvedAt": nullable(MOMENT),
            "resolvedInVersion": IN_VERSION,
            "resolvedAfterVersion": AFTER_VERSION,
            "ignoredUntil": nullable(MOMENT),
        },
    ),
    "ErrorGroupDetail": record(
        "A group of failures with its state.",
        {
            **IDENTITY,
            "count": described(COUNT, "Failures of all time."),
            "firstSeen": MOMENT,
            "lastSeen": MOMENT,
            "affectedVersions": {
                **list_of(TEXT),
                "maxItems": 5,
                "description": "The newest versions it was seen in.",
            },
            "mergedFingerprints": described(
                list_of(TEXT), "Of the groups that are merged into it: their failures count here."
            ),
            "status": words(Status),
            "resolvedAt": nullable(MOMENT),
            "resolvedInVersion": IN_VERSION,
            "resolvedInNextVersion": FLAG,
            "resolvedAfterVersion": AFTER_VERSION,
            "resolvedBy": PERSON,
            "ignoredAt": nullable(MOMENT),
            "ignoredUntil": nullable(MOMENT),
            "ignoredReason": nullable(TEXT),
            "ignoredByUserId": PERSON,
            "ignoredUntilOccurrenceRate": nullable({"type": "number"}, "Failures a minute."),
            "ignoredUntilTotalOccurrences": nullable(COUNT, "Failures since it was ignored."),
        },
    ),
    "Window": record(
        "From its start until just before its end, at full minutes.",
        {"from": MOMENT, "to": MOMENT},
    ),
    "ErrorGroupList": page_of(
        ref("ErrorGroup"),
        "One page of groups, and the window that was used.",
        {"window": ref("Window")},
    ),
    **ACTIVITY_COMPONENTS,
    **BULK_COMPONENTS,
    **GROUPING_COMPONENTS,
    **PREVIEW_COMPONENTS,
}


class RateSchema(OpenApiSerializerFieldExtension):
    target_class = "errors_app.api.bodies.RateField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        return {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": self.target.max_value,
            "description": "Until it fails so often a minute.",
        }


PICKED_TASK: Final = query_parameters(PickedTaskFilterSet)
AMBIGUOUS: Final = (
    " Where the id stands for a group in several tasks, taskIdentifier must say which is meant."
)
OPERATIONS: Final[Mapping[str, Any]] = {
    "list": extend_schema(
        operation_id="listErrors",
        tags=["Errors"],
        summary="List error groups",
        description=(
            "The groups that failed in a window of time, by default the last day. Values of one"
            " filter are alternatives, filters narrow each other. Turning pages neither repeats"
            " nor skips a group while new failures arrive."
        ),
        parameters=[*query_parameters(ErrorGroupFilterSet), *PAGE_PARAMETERS],
        responses={200: ref("ErrorGroupList")},
    ),
    "retrieve": extend_schema(
        operation_id="getError",
        tags=["Errors"],
        summary="Read an error group",
        description=(
            "One group. Of several tasks with the same error, the one seen last. The id of a merged"
            " group answers with the group that it is merged into, here and wherever an id is"
            " taken."
        ),
        parameters=PICKED_TASK,
        responses={200: ref("ErrorGroupDetail")},
    ),
    "activity": extend_schema(
        operation_id="listErrorActivity",
        tags=["Errors"],
        summary="List who changed an error group",
        description="Who or what changed the group's state, when and why, the newest first.",
        parameters=[*PICKED_TASK, *PAGE_PARAMETERS],
        responses={200: ref("ActivityList")},
    ),
    "resolve": extend_schema(
        operation_id="resolveError",
        tags=["Errors"],
        summary="Resolve an error group",
        description=(
            "Until it fails again. With resolvedInVersion, in that version or a newer one; with"
            " resolvedInNextVersion, in a newer one than the newest that has run in the environment"
            " by now, of which there must be one. Where it cannot be told which of two versions is"
            " newer, it reopens." + AMBIGUOUS
        ),
        parameters=PICKED_TASK,
        request=ResolveBody,
        responses={200: ref("ErrorGroupDetail"), 409: None},
    ),
    "ignore": extend_schema(
        operation_id="ignoreError",
        tags=["Errors"],
        summary="Ignore an error group",
        description=(
            "For so many milliseconds, until it fails so often a minute, or until it failed so"
            " often; for ever where nothing is said." + AMBIGUOUS
        ),
        parameters=PICKED_TASK,
        request=IgnoreBody,
        responses={200: ref("ErrorGroupDetail"), 409: None},
    ),
    "unresolve": extend_schema(
        operation_id="unresolveError",
        tags=["Errors"],
        summary="Reopen an error group",
        description="Takes back that it was resolved or ignored." + AMBIGUOUS,
        parameters=PICKED_TASK,
        request=None,
        responses={200: ref("ErrorGroupDetail"), 409: None},
    ),
}
