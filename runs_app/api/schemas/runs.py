"""Runs as the API shows them, and the operations on them."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import extend_schema

from runs_app.api.filters import RunFilterSet
from runs_app.api.schemas.reports import REPORT_BODIES
from runs_app.domain.grouping import expected
from runs_app.domain.grouping.keywords import CATEGORIES
from runs_app.domain.run_status import ApiRunStatus
from runs_app.domain.tenant import ENVIRONMENT_SLUGS
from runs_app.web.json_schemas import (
    AMOUNT,
    COUNT,
    FLAG,
    MOMENT,
    TEXT,
    Schema,
    described,
    list_of,
    page_of,
    record,
    ref,
    words,
)
from runs_app.web.query_parameters import PAGE_PARAMETERS, query_parameters

ENVIRONMENT: Final = record(
    "The environment of the run.",
    {
        "id": {"type": "string", "format": "uuid"},
        "name": {"type": "string", "enum": list(ENVIRONMENT_SLUGS)},
    },
)
ITEM_MEMBERS: Final[Mapping[str, Schema]] = {
    "id": {"type": "string", "pattern": "^run_"},
    "status": words(ApiRunStatus),
    "taskIdentifier": TEXT,
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
    "isTest": FLAG,
    "tags": list_of(TEXT),
    "costInCents": AMOUNT,
    "baseCostInCents": AMOUNT,
    "durationMs": COUNT,
    "depth": COUNT,
    "taskKind": {"type": "string", "enum": ["STANDARD"]},
    "env": ENVIRONMENT,
    "isQueued": FLAG,
    "isExecuting": FLAG,
    "isWaiting": FLAG,
    "isCompleted": FLAG,
    "isSuccess": FLAG,
    "isFailed": FLAG,
    "isCancelled": FLAG,
}
OPTIONAL_MEMBERS: Final[Mapping[str, Schema]] = {
    "idempotencyKey": TEXT,
    "version": described(TEXT, "The version of the task."),
    "ttl": TEXT,
    "region": TEXT,
    "startedAt": MOMENT,
    "finishedAt": MOMENT,
    "delayedUntil": MOMENT,
    "expiredAt": MOMENT,
    "metadata": {"description": "Any JSON, as it was reported."},
}
ERROR: Final = record(
    "The run's last error.", {"message": TEXT, "name": TEXT}, {"stackTrace": TEXT}
)
GROUPING: Final = record(
    "Why a failed run is in its group, or in none.",
    {
        "rule": described(TEXT, "What decided, such as v1, structured or client."),
        "signals": record(
            "What the error tells of its kind.",
            {},
            {"httpStatus": {"type": "integer"}, "code": TEXT, "errorClass": TEXT},
        ),
        "expected": described(
            FLAG, "Whether it was to be expected. It may be in a group all the same."
        ),
    },
    {
        "fingerprint": described(TEXT, "Of its group; absent where it is in none."),
        "key": described(TEXT, "The text that the fingerprint was made of."),
        "category": {"type": "string", "enum": list(CATEGORIES)},
        "expectedBy": {
            "type": "string",
            "enum": list(expected.NAMES),
            "description": "The client, or the rule set, that expected it.",
        },
    },
)
RUN_COMPONENTS: Final[Mapping[str, Schema]] = {
    "Run": record(
        "A run as lists show it. A member that says nothing is absent, never null.",
        ITEM_MEMBERS,
        OPTIONAL_MEMBERS,
    ),
    "RunDetail": record(
        "A run with its content. A member that says nothing is absent, never null.",
        {
            **ITEM_MEMBERS,
            "attemptCount": COUNT,
            "triggerFunction": {"type": "string", "enum": ["trigger"]},
            "relatedRuns": record("Always empty.", {}),
        },
        {
            **OPTIONAL_MEMBERS,
            "payload": {"description": "Any JSON, as it was reported."},
            "output": {"description": "Any JSON, as it was reported."},
            "error": ERROR,
            "grouping": GROUPING,
        },
    ),
    "RunList": page_of(ref("Run"), "One page of runs, the newest first."),
}
RUN_OPERATIONS: Final[Mapping[str, Any]] = {
    "list": extend_schema(
        operation_id="listRuns",
        tags=["Runs"],
        summary="List runs",
        description=(
            "The runs of the environment, the newest first. Without a window all that is kept is"
            " listed. Values of one filter are alternatives, filters narrow each other."
        ),
        parameters=[*query_parameters(RunFilterSet), *PAGE_PARAMETERS],
        responses={200: ref("RunList")},
    ),
    "create": extend_schema(
        operation_id="reportRuns",
        tags=["Runs"],
        summary="Report runs",
        description=(
            "Tells of runs that are new or have changed. A run that cannot be taken does not sink"
            " the others: it is listed in rejected. Reporting the same twice changes nothing, and"
            " neither does a report whose updatedAt is older than one that was seen. The body may"
            " come with Content-Encoding: gzip."
        ),
        request=REPORT_BODIES,
        responses={200: ref("ReportAnswer"), 409: None},
    ),
    "retrieve": extend_schema(
        operation_id="getRun",
        tags=["Runs"],
        summary="Read a run",
        description="One run with its payload, its output and its last error.",
        responses={200: ref("RunDetail")},
    ),
}
