"""Requests of one credential are limited by the minute, and every answer says what is left."""

from typing import Any

import pytest

from errors_app.models import ErrorGroupActivity
from runs_app.models import TaskRun
from runs_app.services.credentials import create_api_key
from tests.api.expectations import failure, hidden, refused, the_group
from tests.conftest import Api, Workspace
from tests.people import member_of, token_of_key
from tests.throttling.conftest import Minute, limits_of, tells_limits

ERRORS = "/api/v1/errors"


@pytest.fixture
def three_a_minute(settings: Any, minute: Minute) -> Minute:
    settings.RATE_LIMIT = 3
    return minute


def test_an_answer_says_what_is_left(prod: Workspace, three_a_minute: Minute) -> None:
    answers = [prod.api.get(ERRORS) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert [limits_of(answer) for answer in answers] == [
        (3, 2, three_a_minute.end),
        (3, 1, three_a_minute.end),
        (3, 0, three_a_minute.end),
    ]
    assert all("Retry-After" not in answer.headers for answer in answers)


def test_who_asks_too_often_is_told_to_wait_for_the_next_minute(
    prod: Workspace, three_a_minute: Minute
) -> None:
    for _ in range(3):
        prod.api.get(ERRORS)
    three_a_minute.pass_(seconds=0.5)

    answer = prod.api.get(ERRORS)

    body = refused(answer, 429, "rate_limited")
    assert body["detail"] == "Too many requests; try again in 50 seconds."
    assert body["retryable"] is True
    assert answer.headers["Retry-After"] == "50"
    assert limits_of(answer) == (3, 0, three_a_minute.end)


def test_in_the_next_minute_the_limit_is_whole_again(
    prod: Workspace, three_a_minute: Minute
) -> None:
    for _ in range(5):
        prod.api.get(ERRORS)
    three_a_minute.pass_(seconds=49.9)
    assert prod.api.get(ERRORS).status == 429

    three_a_minute.pass_(seconds=0.1)

    answer = prod.api.get(ERRORS)
    assert answer.status == 200
    assert limits_of(answer) == (3, 2, three_a_minute.end)


def test_each_credential_counts_for_itself(prod: Workspace, three_a_minute: Minute) -> None:
    other = Api(create_api_key(prod.environment, name="other"))
    token = Api(token_of_key(prod, "read:errors"))
    person = member_of(prod)
    for _ in range(4):
        prod.api.get(ERRORS)

    assert prod.api.get(ERRORS).status == 429
    assert limits_of(other.get(ERRORS))[1] == 2
    assert limits_of(token.get(ERRORS))[1] == 2
    assert limits_of(person.api.get("/api/v2/whoami"))[1] == 2


def test_whoever_sends_other_headers_or_comes_another_way_is_the_same_credential(
    prod: Workspace, three_a_minute: Minute
) -> None:
    for number in range(3):
        forged = {"X-Forwarded-For": f"192.0.2.{number}", "X-Request-Id": f"{number}"}
        assert prod.api.get(ERRORS, **forged).status == 200

    answer = Api(f"  {prod.key} ").get(ERRORS, **{"X-Forwarded-For": "192.0.2.200"})

    refused(answer, 429, "rate_limited")


def test_refusals_say_what_is_left_and_count(
    prod: Workspace, settings: Any, minute: Minute
) -> None:
    settings.RATE_LIMIT = 6
    narrow = Api(create_api_key(prod.environment, name="narrow", scopes=("read:errors",)))

    answers = [
        narrow.get(ERRORS, {"page[size]": "0"}),
        narrow.get("/api/v1/runs"),
        narrow.get(f"{ERRORS}/error_unknown"),
        narrow.post(ERRORS),
        narrow.post(f"{ERRORS}/error_unknown/resolve"),
        narrow.get(ERRORS),
        narrow.get("/api/v1/runs"),
    ]

    assert [answer.status for answer in answers] == [400, 403, 404, 405, 403, 200, 429]
    assert [limits_of(answer)[1] for answer in answers] == [5, 4, 3, 2, 1, 0, 0]


def test_a_failure_of_ours_says_what_is_left(prod: Workspace, three_a_minute: Minute) -> None:
    with hidden("error_occurrences_v1"):
        answer = prod.api.get(ERRORS)

    assert answer.status >= 500
    assert limits_of(answer) == (3, 2, three_a_minute.end)


def test_a_change_beyond_the_limit_is_not_made(prod: Workspace, three_a_minute: Minute) -> None:
    prod.report(failure("run_a"))
    group = the_group(prod)
    for _ in range(2):
        prod.api.get(ERRORS)

    answer = prod.api.post(f"{ERRORS}/{group['id']}/resolve")

    refused(answer, 429, "rate_limited")
    assert not ErrorGroupActivity.objects.exists()


def test_reports_are_not_limited_and_take_nothing_from_the_limit(
    prod: Workspace, three_a_minute: Minute
) -> None:
    answers = [prod.api.post("/api/v1/runs", [failure(f"run_{n}")]) for n in range(5)]

    assert {answer.status for answer in answers} == {200}
    assert not any(tells_limits(answer) for answer in answers)
    assert limits_of(prod.api.get(ERRORS))[1] == 2


def test_reports_have_a_limit_of_their_own_where_one_is_set(
    prod: Workspace, three_a_minute: Minute, settings: Any
) -> None:
    settings.INGEST_RATE_LIMIT = 2

    answers = [prod.api.post("/api/v1/runs", [failure(f"run_{n}")]) for n in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert limits_of(answers[0]) == (2, 1, three_a_minute.end)
    assert TaskRun.objects.filter(environment=prod.environment).count() == 2
    assert limits_of(prod.api.get("/api/v1/runs"))[:2] == (3, 2)


def test_a_limit_of_zero_is_none(prod: Workspace, settings: Any, minute: Minute) -> None:
    settings.RATE_LIMIT = 0

    answer = prod.api.get(ERRORS)

    assert answer.status == 200
    assert not tells_limits(answer)
