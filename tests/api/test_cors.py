"""Scripts of any site may call the API with a key of their own; the rest of the site is closed."""

from typing import Any

import pytest
from django.test import Client

from runs_app.services.credentials import create_api_key
from tests.api.expectations import hidden, refused
from tests.conftest import Answer, Api, Workspace

ORIGIN = "https://dashboard.example"
ERRORS = "/api/v1/errors"
EXPOSED = {
    "x-request-id", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset",
    "retry-after", "x-should-retry", "www-authenticate",
}  # fmt: skip
# What the published SDK sends from a browser.
SENT_BY_THE_SDK = (
    "authorization", "content-type", "trigger-version", "x-trigger-api-version", "x-trigger-branch",
    "x-trigger-client", "x-trigger-realtime-streams-version", "x-trigger-source",
    "x-trigger-request-idempotency-key", "traceparent", "tracestate",
)  # fmt: skip


def words(answer: Any, header: str) -> set[str]:
    return {word.strip().lower() for word in answer.headers.get(header, "").split(",")} - {""}


def opened(answer: Any) -> bool:
    """Whether a script of another site may read this answer, and all of it that it should."""
    assert "access-control-allow-credentials" not in {name.lower() for name in answer.headers}
    assert "origin" in words(answer, "Vary")
    return (
        answer.headers.get("access-control-allow-origin") == "*"
        and words(answer, "access-control-expose-headers") == EXPOSED
    )


def preflight(path: str, method: str = "POST", **headers: str) -> Any:
    sent = {"origin": ORIGIN, "access-control-request-method": method, **headers}
    return Client(raise_request_exception=False).options(path, headers=sent)


def from_a_script(workspace: Workspace | None) -> Api:
    return Api(workspace.key if workspace else None, origin=ORIGIN)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_a_preflight_is_answered_without_a_key(method: str) -> None:
    asked = {"access-control-request-headers": ", ".join(SENT_BY_THE_SDK)}

    response = preflight(ERRORS, method, **asked)

    assert response.status_code == 200
    assert response.getvalue() == b""
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers
    assert words(response, "access-control-allow-methods") == {
        "delete", "get", "head", "options", "post",
    }  # fmt: skip
    assert set(SENT_BY_THE_SDK) <= words(response, "access-control-allow-headers")
    assert response.headers["access-control-max-age"] == "7200"
    assert response.headers["x-request-id"]
    assert words(response, "Vary") == {"origin"}


def test_a_preflight_of_an_unknown_address_lets_the_script_see_the_404() -> None:
    assert preflight("/api/v1/nowhere").status_code == 200
    answer = from_a_script(None).get("/api/v1/nowhere")

    refused(answer, 404, "not_found")
    assert opened(answer)


def test_an_answer_may_be_read(prod: Workspace) -> None:
    answer = from_a_script(prod).get(ERRORS)

    assert answer.status == 200
    assert opened(answer)


def test_without_an_origin_the_answer_is_the_same_but_for_the_permission(prod: Workspace) -> None:
    answer = prod.api.get(ERRORS)

    assert "access-control-allow-origin" not in answer.headers
    assert "origin" in words(answer, "Vary")


def test_refusals_may_be_read(prod: Workspace) -> None:
    narrow = create_api_key(prod.environment, name="narrow", scopes=("read:errors",))
    answers = {
        400: from_a_script(prod).get(ERRORS, {"page[size]": "0"}),
        401: from_a_script(None).get(ERRORS),
        403: Api(narrow, origin=ORIGIN).get("/api/v1/runs"),
        404: from_a_script(prod).get(f"{ERRORS}/error_unknown"),
        405: from_a_script(prod).post(ERRORS),
        406: from_a_script(prod).get(ERRORS, Accept="text/html"),
        415: from_a_script(prod).post("/api/v1/runs", raw=b"x", content_type="text/csv"),
    }

    assert {status: answer.status for status, answer in answers.items()} == {
        status: status for status in answers
    }
    assert all(opened(answer) for answer in answers.values())


def test_too_many_requests_may_be_read(prod: Workspace, settings: Any) -> None:
    settings.RATE_LIMIT = 1
    answers: list[Answer] = [from_a_script(prod).get(ERRORS) for _ in range(3)]

    # Between the first and the last a minute may begin; not between each and the next.
    [beyond, *_] = [answer for answer in answers if answer.status == 429]
    assert opened(beyond)
    assert words(beyond, "access-control-expose-headers") >= {"retry-after", "x-ratelimit-reset"}


def test_a_failure_of_ours_may_be_read(prod: Workspace) -> None:
    with hidden("error_occurrences_v1"):
        answer = from_a_script(prod).get(ERRORS)

    assert answer.status >= 500
    assert opened(answer)


def test_the_refusal_of_a_host_may_be_read() -> None:
    answer = Api(None, origin=ORIGIN, host="elsewhere.example").get(ERRORS)

    refused(answer, 400, "invalid_input")
    assert opened(answer)


@pytest.mark.parametrize("path", ["/admin/login/", "/healthz", "/", "/apiary/", "/nowhere"])
def test_the_rest_of_the_site_is_closed_to_scripts(path: str, db: None) -> None:
    client = Client(raise_request_exception=False)

    answers = [client.get(path, headers={"origin": ORIGIN}), preflight(path)]

    for answer in answers:
        assert not any(name.lower().startswith("access-control-") for name in answer.headers)
