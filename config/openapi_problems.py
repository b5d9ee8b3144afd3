"""The refusals of the API for the OpenAPI document, made from the catalogue of error codes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from django.http import HttpRequest

from config.detail_hygiene import LONGEST_DETAIL
from config.error_catalogue import CATALOGUE, CatalogueEntry
from config.error_examples import FAILURES, INSTANCE, REQUEST_ID
from config.failures import problem_of
from config.problems import CONTENT_TYPE, LONGEST_PATH, MOST_DETAILS, problem_body
from runs_app.web.json_schemas import FLAG, TEXT, Schema, described, list_of, record, ref

SITE: Final = "https://faultline.example"
CODE: Final[Schema] = {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}
ADDRESS: Final[Schema] = {"type": "string", "format": "uri"}
PROBLEM_COMPONENTS: Final[Mapping[str, Schema]] = {
    "Problem": record(
        "Why nothing was done. A member that says nothing is absent, never null.",
        {
            "type": described(ADDRESS, "The page that explains the code."),
            "title": described(TEXT, "What the code means, in short."),
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {
                "type": "string",
                "maxLength": LONGEST_DETAIL,
                "description": "What went wrong, for a person.",
            },
            "instance": {
                "type": "string",
                "pattern": "^urn:uuid:",
                "description": "The id of this very failure; the log has it, too.",
            },
            "error": described(CODE, "Stable for ever: branch on this."),
            "code": described(CODE, "The same as error."),
            "request_id": described(TEXT, "The same as the header x-request-id."),
        },
        {
            "hint": described(TEXT, "What to do next."),
            "docs": described(ADDRESS, "A page more specific than type."),
            "details": {
                **list_of(ref("ProblemDetail")),
                "maxItems": MOST_DETAILS + 1,
                "description": "Every failing field of an input; absent where the request is not"
                " even HTTP.",
            },
            "permissions": described(
                list_of(TEXT), "Scopes, any one of which would do, the widest first."
            ),
            "retryable": described(FLAG, "Whether the same request may succeed later."),
        },
    ),
    "ProblemDetail": record(
        "One failing field.",
        {
            "message": TEXT,
            "path": {
                "type": "string",
                "maxLength": LONGEST_PATH,
                "description": "The place with a JSON pointer: /body/reason, /query/page[size].",
            },
            "code": CODE,
        },
    ),
}
HEADERS: Final[Mapping[str, Schema]] = {
    "x-request-id": {
        "description": "The id of the request.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
    },
    "x-ratelimit-limit": {
        "description": "Requests a minute. Absent where they are not limited.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "x-ratelimit-remaining": {
        "description": "Requests left in this minute.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "x-ratelimit-reset": {
        "description": "When the next minute begins, in epoch milliseconds.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
RETRY_AFTER: Final[Schema] = {
    "description": "Seconds to wait.",
    "schema": {"type": "integer", "minimum": 1},
}
SHOULD_RETRY: Final[Schema] = {
    "description": "Tells the published SDK not to try again by itself.",
    "schema": {"type": "string", "enum": ["false"]},
}
AUTHENTICATE: Final[Schema] = {
    "description": "Bearer, and what was wrong with the credential that came.",
    "schema": {"type": "string", "pattern": "^Bearer"},
}
ALLOW: Final[Schema] = {
    "description": "The methods this address takes.",
    "schema": {"type": "string"},
}
# What the web server refuses before anybody looks for an address.
TOO_LONG: Final[Mapping[int, str]] = {
    414: "The address with its query is too long: 8,190 bytes at most.",
    431: "The headers are too many or too long: 64 of 8,190 bytes each at most.",
}
OWN_HEADERS: Final[Mapping[int, Mapping[str, Schema]]] = {
    401: {"WWW-Authenticate": {**AUTHENTICATE, "required": True}},
    403: {"WWW-Authenticate": AUTHENTICATE},
    405: {"Allow": {**ALLOW, "required": True}},
    409: {"x-should-retry": SHOULD_RETRY},
    429: {"Retry-After": {**RETRY_AFTER, "required": True}},
    503: {"Retry-After": RETRY_AFTER, "x-should-retry": SHOULD_RETRY},
}


def problem_name(status: int) -> str:
    """What the component of that status is called."""
    return f"Problem{status}"


def common_headers() -> dict[str, Schema]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}


def shared_headers() -> dict[str, Schema]:
    return dict(HEADERS)


def problem_responses() -> dict[str, Any]:
    """A response for each status, with the codes it may have."""
    by_status: dict[int, list[CatalogueEntry]] = {}
    for entry in CATALOGUE.values():
        by_status.setdefault(entry.status, []).append(entry)
    responses = {status: _of_codes(status, entries) for status, entries in by_status.items()}
    responses |= {status: _too_long(status, words) for status, words in TOO_LONG.items()}
    return {problem_name(status): responses[status] for status in sorted(responses)}


def _of_codes(status: int, entries: list[CatalogueEntry]) -> dict[str, Any]:
    response = _response(status, [entry.code for entry in entries])
    response["description"] = " ".join(f"{entry.title} (`{entry.code}`)." for entry in entries)
    response["headers"] = {**common_headers(), **OWN_HEADERS.get(status, {})}
    response["content"][CONTENT_TYPE]["examples"] = {
        entry.code: {"summary": entry.title, "value": _example(entry.code)} for entry in entries
    }
    return response


def _too_long(status: int, words: str) -> dict[str, Any]:
    response = _response(status, ["invalid_input"])
    response["description"] = words
    response["headers"] = {"x-request-id": common_headers()["x-request-id"]}
    return response


def _response(status: int, codes: list[str]) -> dict[str, Any]:
    code: Schema = {"type": "string", "enum": codes}
    members = {"status": {"const": status}, "error": code, "code": code}
    schema = {"allOf": [ref("Problem"), {"properties": members}]}
    return {"content": {CONTENT_TYPE: {"schema": schema}}}


def _example(code: str) -> dict[str, Any]:
    """Made by the code that makes the real ones, as of a server of no particular name."""
    problem = problem_of(FAILURES[code], _request())
    return problem_body(replace(problem, site=SITE, request_id=REQUEST_ID, instance=INSTANCE))


def _request() -> HttpRequest:
    request = HttpRequest()
    request.META = {"SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    return request
