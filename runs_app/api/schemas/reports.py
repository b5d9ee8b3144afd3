"""Reports of runs: read from the very declaration that decodes them."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.conf import settings

from runs_app.api.filters import STATUSES
from runs_app.domain.reports import CONTENTS, FIELDS, ID_PATTERN, REQUIRED, TIMES
from runs_app.domain.run_status import stored_from_input
from runs_app.web.json_schemas import COUNT, TEXT, Schema, described, list_of, record, ref

WORDS: Final[Mapping[str, str]] = {
    "id": "The client's own id of the run, unique in its environment; run_ is put before one"
    " without it.",
    "status": "As shown or as stored.",
    "version": "The version of the task.",
    "createdAt": "Counts in the first report of a run. Not older than what is kept, and no more"
    " than an hour ahead.",
    "updatedAt": "Orders the reports of a run: one older than what was seen changes nothing.",
    "failedAt": "When the run failed; else finishedAt, else updatedAt.",
    "slice": "What the run was about, such as a customer.",
    "error": "An object with type (or name), message and stack (or stackTrace), or any JSON.",
    "payload": "Any JSON.",
    "output": "Any JSON.",
    "metadata": "Any JSON.",
}


def _run_report() -> Schema:
    return {
        "type": "object",
        "description": "A run as a client tells of it. A member that is absent or null keeps what"
        " was reported before; members that nobody knows are left alone.",
        "properties": {name: _member(name) for name in FIELDS},
        "required": list(REQUIRED),
        "additionalProperties": True,
    }


def _member(name: str) -> Schema:
    field = FIELDS[name]
    schema: Schema = {} if field.name in CONTENTS else msgspec.json.schema(field.type)
    if name == "id":
        schema["pattern"] = f"^{ID_PATTERN.pattern}$"
    elif field.name in TIMES:
        schema["anyOf"] = [{"type": "string", "format": "date-time"}, {"type": "null"}]
    elif name == "status":
        schema = {"type": "string", "enum": [word for word in STATUSES if stored_from_input(word)]}
    return described(schema, WORDS[name]) if name in WORDS else schema


_MANY: Final[Schema] = {
    "type": "array",
    "items": ref("RunReport"),
    "maxItems": settings.INGEST_MAX_RUNS,
}
REPORT_COMPONENTS: Final[Mapping[str, Schema]] = {
    "RunReport": _run_report(),
    "RunReports": {
        "description": "One run, a list of runs, or a list as the member runs. At most"
        f" {settings.INGEST_MAX_RUNS:,} runs and {settings.INGEST_MAX_BYTES:,} bytes after"
        " decompression.",
        "anyOf": [
            ref("RunReport"),
            _MANY,
            {
                "type": "object",
                "properties": {"runs": _MANY},
                "required": ["runs"],
                "additionalProperties": True,
            },
        ],
    },
    "RejectedRun": record(
        "A run that was not taken, and all that is wrong with it.",
        {
            "index": described(COUNT, "Its place in the request, from 0."),
            "error": {"type": "string", "enum": ["invalid_input"]},
            "detail": described(TEXT, "The first thing that is wrong."),
            "details": list_of(ref("ProblemDetail")),
        },
        {"id": described(TEXT, "Its id, where that could be read.")},
    ),
    "ReportAnswer": record(
        "What became of the runs.",
        {
            "accepted": described(COUNT, "Runs that are new or have changed."),
            "unchanged": described(COUNT, "Runs of which nothing new was told."),
            "rejected": list_of(ref("RejectedRun")),
        },
    ),
}
_LINES: Final[Schema] = {
    "type": "string",
    "description": "One run a line, each in JSON as application/json takes it.",
}
REPORT_BODIES: Final[Mapping[str, Any]] = {
    "application/json": ref("RunReports"),
    **dict.fromkeys(("application/x-ndjson", "application/ndjson", "application/jsonl"), _LINES),
}
