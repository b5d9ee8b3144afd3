"""What was done to groups, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Final

from errors_app.domain.groups import Action, ActorKind, Status
from errors_app.domain.transitions import Rule
from runs_app.domain.version_order import Scheme
from runs_app.web.json_schemas import (
    COUNT,
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

RULES: Final = ", ".join(Rule)
COMPARISONS: Final = ", ".join(Scheme)
DETAILS: Final[Mapping[str, Schema]] = {
    "version": described(TEXT, "Of a resolve: the version it is resolved in."),
    "nextAfter": described(
        TEXT, "Of a resolve in the next version: the newest version there was then."
    ),
    "until": described(MOMENT, "Of an ignore, and of its end: when its time is over."),
    "occurrenceRate": {
        "type": "number",
        "description": "Of an ignore, and of its end: how many failures a minute end it.",
    },
    "totalOccurrences": described(
        COUNT, "Of an ignore, and of its end: how many failures since then end it."
    ),
    "counted": described(COUNT, "Of the end of an ignore: how many failures there were."),
    "minutes": {
        "type": "number",
        "description": "Of the end of an ignore by its rate: within how many minutes.",
    },
    "resolvedInVersion": described(
        TEXT, "Of a regression: the version it was resolved in. It was compared with that."
    ),
    "resolvedAfterVersion": described(
        TEXT, "Of a regression: the version after which it was resolved. It was compared with that."
    ),
    "comparison": described(
        TEXT,
        f"Of a regression: how the versions were compared ({COMPARISONS}), or why they were not:"
        " then it reopens.",
    ),
    "operationId": described(TEXT, "Of an undo: the change of many groups that was undone."),
    "mergedInto": described(TEXT, "Of a merge, in the trail of what was merged: into which group."),
    "merged": described(list_of(TEXT), "Of a merge, in the survivor's trail: which groups."),
    "splitFrom": described(
        TEXT, "Of a split, in the trail of what was split off: from which group."
    ),
    "split": described(list_of(TEXT), "Of a split, in the survivor's trail: which groups."),
}
ACTIVITY_COMPONENTS: Final[Mapping[str, Schema]] = {
    "Actor": record(
        "Who changed a group.",
        {
            "type": words(ActorKind),
            "id": nullable(TEXT, "Of the person or the key; null for a rule."),
            "name": nullable(TEXT, f"Of a rule it is one of {RULES}."),
            "client": nullable(TEXT, "Through what a person acted."),
        },
    ),
    "ActivityDetails": record("The figures or conditions of a change.", {}, DETAILS),
    "Activity": record(
        "One change of a group.",
        {
            "id": TEXT,
            "action": words(Action),
            "fromStatus": words(Status),
            "toStatus": words(Status),
            "actor": ref("Actor"),
            "reason": nullable(TEXT),
            "details": nullable(ref("ActivityDetails")),
            "runId": nullable(TEXT, "The run whose failure caused it."),
            "version": nullable(TEXT, "The version of the task in which it failed."),
            "createdAt": MOMENT,
        },
    ),
    "ActivityList": page_of(ref("Activity"), "One page of changes, the newest first."),
}
