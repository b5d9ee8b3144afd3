"""An example of every code's answer, made by the very code that makes the real ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import HttpRequest
from rest_framework import exceptions as rest

from config.failures import problem_of
from config.problems import CONTENT_TYPE, problem_body
from errors_app.services.browse import AmbiguousErrorId
from errors_app.services.bulk import BulkTooLarge
from runs_app.domain.errors import (
    AccessDenied,
    Conflict,
    Detail,
    InsufficientScope,
    Interrupted,
    InvalidInput,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

REQUEST_ID: Final = "3c9f5f0e-2f63-4d0a-9d5e-1b8f5a7f2c11"
INSTANCE: Final = "urn:uuid:7d6a1f0b-58f2-4c0b-8f57-6c1e1f9a4d23"

FAILURES: Final[Mapping[str, Exception]] = {
    "invalid_input": InvalidInput(
        [
            Detail("A page holds 1 to 100 items.", "/query/page[size]", "out_of_range"),
            Detail(
                "Unknown: open. Allowed: unresolved, resolved, ignored.",
                "/query/filter[status]",
                "unknown_value",
            ),
        ]
    ),
    "unauthorized": Unauthenticated(supplied=True),
    "insufficient_scope": InsufficientScope(
        ["write:errors", "write:errors:error_0f3a9c51d2b7e864"]
    ),
    "forbidden": AccessDenied(),
    "not_found": NotFound("No such error group."),
    "method_not_allowed": rest.MethodNotAllowed("PUT"),
    "not_acceptable": rest.NotAcceptable(),
    "request_timeout": Interrupted(),
    "conflict": Conflict("The state of things does not allow this."),
    "ambiguous_error_id": AmbiguousErrorId(
        "This id stands for a group in each of these tasks: send-invoice, send-reminder."
    ),
    "bulk_too_large": BulkTooLarge("7,312 groups match; 5,000 at most are changed at once."),
    "payload_too_large": TooLarge("One request may report 1,000 runs at most."),
    "unsupported_media_type": rest.UnsupportedMediaType("text/plain"),
    "rate_limited": RateLimited(retry_after=17),
    "internal_error": RuntimeError(),
    "service_unavailable": Unavailable("ClickHouse is not available right now."),
}


@dataclass(frozen=True, slots=True)
class ExampleAnswer:
    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]


def example_of(code: str, request: HttpRequest) -> ExampleAnswer:
    """As this installation, reached as `request` was, would answer; with constant ids."""
    problem = replace(problem_of(FAILURES[code], request), request_id=REQUEST_ID, instance=INSTANCE)
    headers = {
        "Content-Type": CONTENT_TYPE,
        "x-request-id": REQUEST_ID,
        **problem.headers,
    }
    return ExampleAnswer(problem.status, headers, problem_body(problem))
