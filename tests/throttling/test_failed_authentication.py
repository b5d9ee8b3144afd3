"""Refused credentials are counted by the address they come from; good ones are never stopped."""

from ipaddress import ip_network
from typing import Any

import pytest

from tests.api.expectations import refused, without_ids
from tests.conftest import Answer, Workspace
from tests.throttling.conftest import ApiFrom, Minute, limits_of, tells_limits

ERRORS = "/api/v1/errors"
UNKNOWN = "tr_prod_sk_" + "0" * 24
GUESSER = "203.0.113.7"


@pytest.fixture
def three_a_minute(settings: Any, minute: Minute, db: None) -> Minute:
    settings.FAILED_AUTHENTICATION_LIMIT = 3
    return minute


def guess(address: str = GUESSER, key: str | None = UNKNOWN, **headers: str) -> Answer:
    return ApiFrom(address, key, **headers).get(ERRORS)


def use_up(address: str = GUESSER) -> None:
    for _ in range(3):
        refused(guess(address), 401, "unauthorized")


def test_who_guesses_too_often_is_told_to_wait(three_a_minute: Minute) -> None:
    use_up()

    answer = guess()

    body = refused(answer, 429, "rate_limited")
    assert body["detail"] == "Too many requests; try again in 50 seconds."
    assert answer.headers["Retry-After"] == "50"
    assert "WWW-Authenticate" not in answer.headers
    assert limits_of(answer) == (3, 0, three_a_minute.end)


def test_in_the_next_minute_guesses_are_refused_as_before(three_a_minute: Minute) -> None:
    use_up()
    refused(guess(), 429, "rate_limited")

    three_a_minute.pass_(seconds=50)

    use_up()


def test_a_refusal_does_not_say_how_many_more_there_may_be(three_a_minute: Minute) -> None:
    answers = [guess(), guess(), guess()]

    assert not any(tells_limits(answer) for answer in answers)
    assert [without_ids(answer) for answer in answers] == [without_ids(answers[0])] * 3


def test_a_good_credential_from_that_address_is_never_stopped(
    prod: Workspace, three_a_minute: Minute
) -> None:
    use_up()
    refused(guess(), 429, "rate_limited")

    assert guess(key=prod.key).status == 200


def test_good_credentials_and_none_at_all_are_not_counted(
    prod: Workspace, three_a_minute: Minute
) -> None:
    for _ in range(4):
        assert guess(key=prod.key).status == 200
        refused(guess(key=None), 401, "unauthorized")

    use_up()


def test_without_credentials_nobody_is_stopped(three_a_minute: Minute) -> None:
    use_up()
    refused(guess(), 429, "rate_limited")

    answer = guess(key=None)

    refused(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("sent", ["Basic dXNlcjpwdw==", "Bearer", "Bearer tr_pat_" + "0" * 40])
def test_whatever_is_refused_counts(three_a_minute: Minute, sent: str) -> None:
    for _ in range(3):
        refused(guess(key=None, authorization=sent), 401, "unauthorized")

    refused(guess(), 429, "rate_limited")


def test_guesses_on_any_route_count(three_a_minute: Minute) -> None:
    api = ApiFrom(GUESSER, UNKNOWN)

    statuses = [
        api.post("/api/v1/runs", []).status,
        api.get("/api/v2/whoami").status,
        api.get("/api/v3/runs/run_a").status,
        api.get("/api/v1/runs").status,
    ]

    assert statuses == [401, 401, 401, 429]


def test_each_address_counts_for_itself(three_a_minute: Minute) -> None:
    use_up()

    refused(guess("203.0.113.8"), 401, "unauthorized")
    refused(guess(), 429, "rate_limited")


def test_a_network_of_ipv6_is_one_address(three_a_minute: Minute) -> None:
    for number in range(3):
        refused(guess(f"2001:db8:0:1::{number}"), 401, "unauthorized")

    refused(guess("2001:db8:0:1:ffff::9"), 429, "rate_limited")
    refused(guess("2001:db8:0:2::9"), 401, "unauthorized")


def test_a_header_chooses_no_other_address(three_a_minute: Minute) -> None:
    for number in range(3):
        forged = f"192.0.2.{number}"
        answer = guess(**{"X-Forwarded-For": forged, "X-Real-IP": forged, "Forwarded": forged})
        refused(answer, 401, "unauthorized")

    refused(guess(**{"X-Forwarded-For": "192.0.2.200"}), 429, "rate_limited")


def test_behind_a_trusted_proxy_clients_count_for_themselves(
    three_a_minute: Minute, settings: Any
) -> None:
    settings.TRUSTED_PROXIES = (ip_network("10.0.0.0/8"),)
    for number in range(3):
        answer = guess("10.0.0.1", **{"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.1"})
        refused(answer, 401, "unauthorized")

    refused(guess("10.0.0.2", **{"X-Forwarded-For": "198.51.100.1"}), 429, "rate_limited")
    refused(guess("10.0.0.1", **{"X-Forwarded-For": "198.51.100.2"}), 401, "unauthorized")


def test_a_limit_of_zero_is_none(three_a_minute: Minute, settings: Any) -> None:
    settings.FAILED_AUTHENTICATION_LIMIT = 0

    use_up()
    use_up()
