"""`auth.createPublicToken` of the published SDK, and what its tokens open."""

from typing import Any

import jwt
import pytest

from tests.published_clients.service import Service

pytestmark = pytest.mark.timeout(360)

RUNS = [
    {"id": f"run_{name}", "taskIdentifier": "send-mail", "status": "COMPLETED", "tags": [name]}
    for name in ("one", "two")
]
IDS = {run["id"] for run in RUNS}
EVERYTHING = ["runs", "run_one", "run_two"]

ASKED: dict[str, dict[str, Any]] = {
    "all runs": {"options": {"scopes": {"read": {"runs": True}}}, "asks": EVERYTHING},
    "one run": {"options": {"scopes": {"read": {"runs": ["run_one"]}}}, "asks": EVERYTHING},
    "errors": {"options": {"scopes": {"read": {"errors": True}}}, "asks": EVERYTHING},
    "a tag": {"options": {"scopes": {"read": {"tags": ["one"]}}}, "asks": ["runs"]},
    "a lifetime": {
        "options": {"scopes": {"read": {"runs": True}}, "expirationTime": "2h"},
        "asks": ["run_one"],
    },
    "too long a life": {
        "options": {"scopes": {"read": {"runs": True}}, "expirationTime": "5 years"},
        "asks": [],
    },
    "columns": {
        "options": {"scopes": {"read": {"runs": True}}, "realtime": {"skipColumns": ["payload"]}},
        "asks": ["run_one"],
    },
}


@pytest.fixture(scope="module")
def tried(service: Service) -> dict[str, Any]:
    """What became of each token."""
    service.report("staging", *RUNS)
    answers: dict[str, Any] = service.run("public_tokens.mjs", ASKED, slug="staging")
    return answers


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_a_token_for_all_runs_lists_and_retrieves_them(tried: dict[str, Any]) -> None:
    answers = tried["all runs"]["answers"]

    assert set(answers["runs"]) == IDS
    assert (answers["run_one"], answers["run_two"]) == ("run_one", "run_two")


def test_a_token_for_one_run_reads_that_run_and_nothing_else(tried: dict[str, Any]) -> None:
    answers = tried["one run"]["answers"]

    assert answers["run_one"] == "run_one"
    for refused in (answers["run_two"], answers["runs"]):
        assert refused["classes"] == ["PermissionDeniedError"]
        assert refused["code"] == "insufficient_scope"


@pytest.mark.parametrize("name", ["errors", "a tag"])
def test_a_token_for_something_else_reads_no_run(tried: dict[str, Any], name: str) -> None:
    for refused in tried[name]["answers"].values():
        assert refused["classes"] == ["PermissionDeniedError"]


def test_a_token_says_what_it_was_asked_for(tried: dict[str, Any]) -> None:
    assert claims_of(tried["all runs"]["token"])["scopes"] == ["read:runs"]
    assert claims_of(tried["one run"]["token"])["scopes"] == ["read:runs:run_one"]
    assert claims_of(tried["a tag"]["token"])["scopes"] == ["read:tags:one"]
    assert claims_of(tried["columns"]["token"])["realtime"] == {"skipColumns": ["payload"]}


def test_a_token_lives_as_long_as_it_was_asked_to(tried: dict[str, Any]) -> None:
    plain, lasting = (claims_of(tried[name]["token"]) for name in ("all runs", "a lifetime"))

    assert plain["exp"] - plain["iat"] == 3600
    assert lasting["exp"] - lasting["iat"] == 7200
    assert tried["a lifetime"]["answers"] == {"run_one": "run_one"}


def test_a_token_that_would_live_too_long_is_refused(tried: dict[str, Any]) -> None:
    refused = tried["too long a life"]

    assert refused["classes"] == ["BadRequestError"]
    assert refused["code"] == "invalid_input"
