"""A failure as it leaves the API: `application/problem+json`, one shape for all."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from config.detail_hygiene import safe_detail
from config.error_catalogue import CatalogueEntry
from runs_app.domain.correlation import current_request_id
from runs_app.domain.errors import Detail
from runs_app.web.rendering import encode_json

CONTENT_TYPE: Final = "application/problem+json"
MOST_DETAILS: Final = 50
LONGEST_PATH: Final = 256


@dataclass(frozen=True, slots=True)
class Problem:
    """Members of the body, without those that are made of others. None is an absent member."""

    entry: CatalogueEntry
    detail: str
    code: str
    status: int
    site: str
    request_id: str = field(default_factory=current_request_id)
    instance: str = field(default_factory=lambda: uuid.uuid4().urn)
    hint: str | None = None
    docs: str | None = None
    details: Sequence[Detail] | None = None
    permissions: Sequence[str] | None = None
    retryable: bool | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def problem_body(problem: Problem) -> dict[str, Any]:
    body = {
        "type": f"{problem.site}/docs/errors/{problem.entry.code}",
        "title": problem.entry.title,
        "status": problem.status,
        "detail": safe_detail(problem.detail),
        "instance": problem.instance,
        "error": problem.code,
        "code": problem.code,
        "request_id": problem.request_id,
        "hint": problem.hint,
        "docs": _absolute(problem.site, problem.docs),
        "details": None if problem.details is None else _listed(problem.details),
        "permissions": None if problem.permissions is None else list(problem.permissions),
        "retryable": problem.retryable,
    }
    return {name: value for name, value in body.items() if value is not None}


def problem_response(problem: Problem) -> HttpResponse:
    return HttpResponse(
        encode_json(problem_body(problem)),
        status=problem.status,
        content_type=CONTENT_TYPE,
        headers=dict(problem.headers),
    )


def is_problem(response: HttpResponseBase) -> bool:
    return response.headers.get("Content-Type", "").startswith(CONTENT_TYPE)


def _absolute(site: str, page: str | None) -> str | None:
    return f"{site}{page}" if page is not None and page.startswith("/") else page


def _listed(details: Sequence[Detail]) -> list[dict[str, str]]:
    listed = [
        {"message": safe_detail(one.message), "path": one.path[:LONGEST_PATH], "code": one.code}
        for one in details[:MOST_DETAILS]
    ]
    more = len(details) - MOST_DETAILS
    if more > 0:
        message = f"{more} more {'failure is' if more == 1 else 'failures are'} not listed."
        listed.append({"message": message, "path": "/", "code": "more_failures"})
    return listed
