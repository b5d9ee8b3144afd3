"""Why a group is a group, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import extend_schema

from errors_app.services.grouping_page import Differs
from errors_app.web.grouping_filters import ExplainedRunsFilterSet
from runs_app.domain.grouping import client_fingerprint, expected, keywords, structured
from runs_app.domain.grouping.explain import MOST_PLACES, Why
from runs_app.domain.grouping.rules import RULES
from runs_app.domain.records import EXPORT_RULE
from runs_app.web.json_schemas import (
    COUNT,
    FLAG,
    MOMENT,
    TEXT,
    Schema,
    described,
    list_of,
    nullable,
    record,
    ref,
    words,
)
from runs_app.web.query_parameters import query_parameters

RULE: Final[Schema] = {"type": "string", "enum": list(RULES)}
DECIDERS: Final = (client_fingerprint.RULE, structured.RULE, keywords.RULE, *RULES, EXPORT_RULE)
DECIDED_BY: Final[Schema] = {
    "type": "string",
    "enum": list(DECIDERS),
    "description": "What made the key: the error's own fingerprint (client), its status and codes"
    " (structured), words of its message (keywords), or a rule. An export brought its fingerprint.",
}
DIFFERS: Final = nullable(
    words(Differs),
    "Why the same error would be in another group now: it was imported with its fingerprint, the"
    " project's settings have changed, or what it was grouped by has; null where it would not.",
)
DECIDED: Final[Mapping[str, Schema]] = {
    "decidedBy": DECIDED_BY,
    "key": nullable(TEXT, "The text whose hash the fingerprint is; null where none was kept."),
    "keyIsWhole": described(FLAG, "False for a key that was too long to be kept whole."),
    "category": nullable({"type": "string", "enum": list(keywords.CATEGORIES)}),
    "signals": ref("ErrorSignals"),
    "expectedBy": nullable(
        {"type": "string", "enum": list(expected.NAMES)},
        "Who takes the error for an expected one; null for nobody.",
    ),
}
GROUPING_COMPONENTS: Final[Mapping[str, Schema]] = {
    "ErrorSignals": record(
        "What an error tells of its kind.",
        {},
        {"httpStatus": {"type": "integer"}, "code": TEXT, "errorClass": TEXT},
    ),
    "GroupingDecision": record("What put a failure into its group, as it was kept.", DECIDED),
    "GroupingSettings": record(
        "How the project groups what is reported now.",
        {"rule": RULE, "keywords": FLAG, "expectedApiErrors": FLAG}
        | {"expectedEnvironmentErrors": FLAG},
    ),
    "ReplacedText": record(
        "A piece of a message that varies from failure to failure, in characters from its start.",
        {
            "start": COUNT,
            "end": COUNT,
            "text": TEXT,
            "kind": described(TEXT, "Such as number, id, date, url, path or value."),
            "by": described(TEXT, "What counts in its place."),
        },
    ),
    "CountedException": record(
        "An exception, as it was reported and as it counts.",
        {
            "errorType": TEXT,
            "message": described(TEXT, "As far as it was read."),
            "countsAs": nullable(TEXT, "Without what varies; null where no message counts."),
            "replaced": list_of(ref("ReplacedText")),
        },
    ),
    "WeighedFrame": record(
        "A frame of the stack; under rule v1, a line of it.",
        {
            "function": TEXT,
            "place": nullable(TEXT, "The file or module."),
            "line": nullable({"type": "integer"}, "Never counts."),
            "library": nullable(TEXT),
            "counts": FLAG,
            "why": words(Why),
        },
    ),
    "CountedError": record(
        "What was counted of an error, and what was left out.",
        {
            "rule": nullable(RULE, "Null where neither message nor stack counts."),
            "error": ref("CountedException"),
            "cause": nullable(ref("CountedException"), "The root cause, where it counts."),
            "frames": {
                **list_of(ref("WeighedFrame")),
                "maxItems": MOST_PLACES,
                "description": "From where it was raised outward; under v1 as printed.",
            },
            "moreFrames": described(COUNT, "How many more there are."),
        },
    ),
    "ExplainedRun": record(
        "One failure of the group, and why it is in it.",
        {
            "id": TEXT,
            "failedAt": MOMENT,
            "version": nullable(TEXT, "Of the task."),
            "fingerprint": described(TEXT, "Its own: of a merged group not that of the group."),
            **DECIDED,
            "differs": DIFFERS,
            "counted": nullable(ref("CountedError"), "Null where what was reported is no error."),
        },
    ),
    "ErrorGrouping": record(
        "Why the failures of a group are one group.",
        {
            "id": {"type": "string", "pattern": "^error_"},
            "fingerprint": TEXT,
            "taskIdentifier": TEXT,
            "mergedFingerprints": described(
                list_of(TEXT), "Of the groups that somebody has merged into it."
            ),
            "decided": nullable(
                ref("GroupingDecision"), "Of its newest failure; null where no run is kept."
            ),
            "differs": DIFFERS,
            "groupings": described(
                list_of(ref("GroupingByRule")),
                "What the same error would be given today, under each rule there is.",
            ),
            "settings": ref("GroupingSettings"),
            "runs": {**list_of(ref("ExplainedRun")), "maxItems": 2},
        },
    ),
}
GROUPING_OPERATIONS: Final[Mapping[str, Any]] = {
    "retrieve": extend_schema(
        operation_id="getErrorGrouping",
        tags=["Errors"],
        summary="Explain why a group is a group",
        description=(
            "The rule and the plain key that made the group, and for two of its runs what was"
            " counted and what was left out: of the message what varies, of the stack all but the"
            " innermost own frames. Of several tasks with the same error, the group seen last."
        ),
        parameters=query_parameters(ExplainedRunsFilterSet),
        responses={200: ref("ErrorGrouping")},
    ),
}
