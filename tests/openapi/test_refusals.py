"""Refusals over real requests, held to what the document says of that operation and status."""

from collections.abc import Callable
from typing import Any

import pytest

from runs_app.services.credentials import create_api_key
from tests.api.expectations import failure, the_group
from tests.conftest import Answer, Api, Workspace
from tests.openapi.reading import breaches, operations, resolved
from tests.people import member_of

Ask = Callable[[Workspace], Answer]


def narrow(prod: Workspace) -> Api:
    return Api(create_api_key(prod.environment, name="narrow", scopes=("read:nothing",)))


def ambiguous(prod: Workspace) -> Answer:
    prod.report(failure("run_a", task="one"), failure("run_b", task="two"))
    return prod.api.post(f"/api/v1/errors/{the_group(prod, taskIdentifier='one')['id']}/resolve")


def keys_of(prod: Workspace) -> str:
    return f"/api/v1/projects/{prod.environment.project.external_ref}/prod/api-keys"


REFUSALS: dict[tuple[str, int], Ask] = {
    ("listErrors", 400): lambda prod: prod.api.get(
        "/api/v1/errors", {"page[size]": 0, "filter[status]": "open", "sort": "worst"}
    ),
    ("listErrors", 401): lambda prod: Api(None).get("/api/v1/errors"),
    ("listRuns", 401): lambda prod: Api("tr_prod_sk_wrong").get("/api/v1/runs"),
    ("getError", 403): lambda prod: narrow(prod).get("/api/v1/errors/error_x"),
    ("getError", 404): lambda prod: prod.api.get("/api/v1/errors/error_x"),
    ("getRun", 404): lambda prod: prod.api.get("/api/v3/runs/run_x"),
    ("listProjects", 406): lambda prod: member_of(prod).api.get(
        "/api/v1/projects", Accept="text/html"
    ),
    ("resolveError", 409): ambiguous,
    ("changeErrors", 400): lambda prod: prod.api.post(
        "/api/v1/errors/bulk", {"action": "close", "filter": {"status": "open"}, "duration": -1}
    ),
    ("changeErrors", 409): lambda prod: prod.api.post(
        "/api/v1/errors/bulk", {"action": "resolve", "filter": {}, "expectedCount": 5}
    ),
    ("mergeErrors", 400): lambda prod: prod.api.post(
        "/api/v1/errors/merge", {"into": "error_a", "from": ["error_a", 7]}
    ),
    ("mergeErrors", 404): lambda prod: prod.api.post(
        "/api/v1/errors/merge", {"into": "error_a", "from": ["error_b"]}
    ),
    ("splitError", 404): lambda prod: prod.api.post(
        "/api/v1/errors/error_a/split", {"fingerprint": "b"}
    ),
    ("previewGrouping", 400): lambda prod: prod.api.post(
        "/api/v1/grouping/preview", {"error": None, "queue": 7}
    ),
    ("undoChangeOfErrors", 404): lambda prod: prod.api.post("/api/v1/errors/bulk/x/undo"),
    ("reportRuns", 400): lambda prod: prod.api.post("/api/v1/runs", raw=b"{"),
    ("reportRuns", 413): lambda prod: prod.api.post("/api/v1/runs", [{}] * 1_001),
    ("reportRuns", 415): lambda prod: prod.api.post(
        "/api/v1/runs", raw=b"a", content_type="text/csv"
    ),
    ("createApiKey", 403): lambda prod: member_of(prod).api.post(keys_of(prod), {"name": "x"}),
    ("revokeApiKey", 404): lambda prod: member_of(prod, "owner").api.delete(f"{keys_of(prod)}/x"),
    ("createPublicToken", 400): lambda prod: prod.api.post(
        "/api/v1/auth/public-tokens", {"scopes": ["nonsense"], "expirationTime": "soon"}
    ),
}


@pytest.mark.parametrize(("operation_id", "status"), REFUSALS)
def test_a_refusal_is_as_documented(prod: Workspace, operation_id: str, status: int) -> None:
    answer = REFUSALS[operation_id, status](prod)

    assert answer.status == status
    as_documented(answer, operation_id)


def test_a_caller_without_patience_is_told_as_documented(prod: Workspace, settings: Any) -> None:
    settings.RATE_LIMIT = 1
    prod.api.get("/api/v1/errors")

    answer = prod.api.get("/api/v1/errors")

    assert answer.status == 429
    as_documented(answer, "listErrors")


def as_documented(answer: Answer, operation_id: str) -> None:
    response = operations()[operation_id].response(answer.status)
    content = response["content"][answer.headers["Content-Type"]]
    headers = {name.lower() for name in answer.headers}
    required = {
        name.lower()
        for name, header in response["headers"].items()
        if resolved(header).get("required")
    }

    assert breaches(content["schema"], answer.body) == []
    assert required <= headers
