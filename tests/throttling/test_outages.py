"""While nobody can count, nobody is stopped; that is logged when it begins and when it is over."""

import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache

from runs_app.services import rate_limits
from runs_app.services.rate_limits import PAUSE_SECONDS, Counter
from tests.api.expectations import refused
from tests.conftest import Workspace
from tests.throttling.conftest import ApiFrom, Minute, limits_of, tells_limits

ERRORS = "/api/v1/errors"
NOBODY_THERE = "redis://127.0.0.1:1/0"


class Pauses:
    """The clock of the pauses."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    pauses = Pauses()
    monkeypatch.setattr(rate_limits, "counter", Counter(pauses))
    return pauses


@pytest.fixture
def one_a_minute(settings: Any, minute: Minute, pauses: Pauses) -> Minute:
    settings.RATE_LIMIT = 1
    settings.FAILED_AUTHENTICATION_LIMIT = 1
    return minute


@pytest.fixture
def hanging_redis() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == rate_limits.log.name]


def test_without_redis_requests_go_on_without_limits(
    prod: Workspace, one_a_minute: Minute, use_redis: Callable[[str], None]
) -> None:
    use_redis(NOBODY_THERE)

    answers = [prod.api.get(ERRORS) for _ in range(3)]
    guesses = [ApiFrom("203.0.113.7", "tr_prod_sk_no").get(ERRORS) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert not any(tells_limits(answer) for answer in answers)
    for answer in guesses:
        refused(answer, 401, "unauthorized")


def test_a_redis_that_swallows_packets_stops_nobody(
    prod: Workspace, one_a_minute: Minute, use_redis: Callable[[str], None], hanging_redis: str
) -> None:
    use_redis(hanging_redis)

    answers = [prod.api.get(ERRORS) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 200]


def test_it_is_logged_when_it_begins_and_when_it_is_over(
    prod: Workspace,
    one_a_minute: Minute,
    pauses: Pauses,
    settings: Any,
    use_redis: Callable[[str], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    good = settings.CACHES

    use_redis(NOBODY_THERE)
    for _ in range(4):
        prod.api.get(ERRORS)
        pauses.now += PAUSE_SECONDS
    begun = said(caplog)
    settings.CACHES = good
    answers = [prod.api.get(ERRORS) for _ in range(2)]

    assert len(begun) == 1
    assert begun[0].startswith("the cache fails, requests go on without limits: ConnectionError: ")
    assert said(caplog)[1:] == ["the cache works again, requests are limited"]
    assert limits_of(answers[0])[:2] == (1, 0)
    refused(answers[1], 429, "rate_limited")


def test_a_cache_that_failed_is_left_alone_for_a_while(
    one_a_minute: Minute, pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def fail(key: str) -> int:
        nonlocal asked
        asked += 1
        raise OSError("away")

    monkeypatch.setattr(rate_limits, "_increment", fail)

    for _ in range(3):
        assert rate_limits.use_one("somebody", 1) is None
    assert asked == 1
    pauses.now += PAUSE_SECONDS
    for _ in range(3):
        assert rate_limits.use_one("somebody", 1) is None
    assert asked == 2


def test_limits_hold_in_redis(
    prod: Workspace, one_a_minute: Minute, use_redis: Callable[[str], None], redis_url: str
) -> None:
    use_redis(redis_url)

    answers = [prod.api.get(ERRORS) for _ in range(2)]

    assert limits_of(answers[0]) == (1, 0, one_a_minute.end)
    refused(answers[1], 429, "rate_limited")


def test_what_is_counted_in_redis_expires(
    minute: Minute, pauses: Pauses, use_redis: Callable[[str], None], redis_url: str
) -> None:
    use_redis(redis_url)

    rate_limits.use_one("somebody", 1)

    key = f"requests:somebody:{int(minute.now.timestamp() // 60)}"
    [name] = [cache.make_key(key)]
    client = cache._cache.get_client()
    assert 0 < client.ttl(name) <= rate_limits.KEPT_SECONDS
    cache.delete(key)
