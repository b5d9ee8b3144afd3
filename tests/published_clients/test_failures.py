"""Failures as the published SDK throws them: their class, status, code and message."""

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.published_clients.conftest import REQUESTS_A_MINUTE
from tests.published_clients.service import Service
from tests.serve.family import within

pytestmark = pytest.mark.timeout(360)


@pytest.fixture(scope="module")
def failures(service: Service) -> dict[str, Any]:
    """What the SDK makes of refusals that say what is wrong with the call."""
    key = service.keys["prod"]
    answers: dict[str, Any] = service.run(
        "provoke_failures.mjs",
        {
            "400": {"call": "list", "argument": {"limit": 1000}, "credential": key},
            "401": {"call": "list", "argument": {}, "credential": key[:-1] + "!"},
            "403": {
                "call": "list",
                "argument": {},
                "credential": service.exchange("prod", "read:errors"),
            },
            "404": {"call": "retrieve", "argument": "run_nobody", "credential": key},
        },
    )
    return answers


@pytest.mark.parametrize(
    ("status", "thrown", "code", "detail"),
    [
        (400, "BadRequestError", "invalid_input", "The request is not valid; see details."),
        (401, "AuthenticationError", "unauthorized", "The credentials were not accepted."),
        (403, "PermissionDeniedError", "insufficient_scope", "read:runs"),
        (404, "NotFoundError", "not_found", "No such run."),
    ],
)
def test_a_refusal_is_thrown_as_what_it_is(
    failures: dict[str, Any], status: int, thrown: str, code: str, detail: str
) -> None:
    failure = failures[str(status)]

    assert failure["classes"] == [thrown]
    assert failure["status"] == status
    # The SDK takes the member `error` for its message, so that it is the code.
    assert (failure["code"], failure["message"]) == (code, code)
    assert failure["type"].endswith(f"/docs/errors/{code}")
    assert detail in failure["detail"]
    assert failure["requestId"]


@contextlib.contextmanager
def without_clickhouse(service: Service) -> Iterator[None]:
    """Nobody starts it again meanwhile."""
    [clickhouse] = service.family.pids("clickhouse.embedded")
    service.family.process.send_signal(signal.SIGSTOP)
    try:
        os.kill(clickhouse, signal.SIGKILL)
        yield
    finally:
        service.family.process.send_signal(signal.SIGCONT)
    within(60, lambda: service.family.get("/readyz").status == 200)


def test_a_lost_store_is_thrown_as_a_failure_of_the_server(service: Service) -> None:
    asked = {"call": "list", "argument": {}, "credential": service.keys["prod"]}

    with without_clickhouse(service):
        failure = service.run("provoke_failures.mjs", {"503": asked})["503"]

    assert failure["classes"] == ["InternalServerError"]
    assert failure["status"] == 503
    assert (failure["code"], failure["message"]) == ("service_unavailable", "service_unavailable")


def use_up_the_minute(service: Service, token: str) -> None:
    # The minute may turn once in between.
    for _ in range(2 * REQUESTS_A_MINUTE + 1):
        if service.get("/api/v3/runs/run_nobody", token).status == 429:
            return
    raise AssertionError("There is no limit.")


def test_one_request_too_many_is_thrown_with_the_time_to_wait(service: Service) -> None:
    # A credential of its own, so that nobody else is out of requests.
    token = service.exchange("prod", "read:runs")
    asked = {"call": "retrieve", "argument": "run_nobody", "credential": token}

    for _ in range(2):
        use_up_the_minute(service, token)
        failure = service.run("provoke_failures.mjs", {"429": asked})["429"]
        if failure["status"] != 404:  # The minute turned before the SDK had started.
            break

    assert failure["status"] == 429
    assert failure["classes"] == ["RateLimitError"]
    assert (failure["code"], failure["message"]) == ("rate_limited", "rate_limited")
    # The SDK adds up to two seconds of its own, so that not all come back at once.
    assert 0 <= failure["millisecondsUntilReset"] <= 62_000
