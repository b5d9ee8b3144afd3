"""Minutes that no other test counts in, and callers at addresses of their own."""

import itertools
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.test import Client

from runs_app.services import rate_limits
from runs_app.services.sqlite_cache import SqliteCache
from tests.conftest import Answer, Api
from tests.optional_parts import missing

REDIS_URL = "redis://127.0.0.1:6379/9"

_minutes = itertools.count()


class Minute:
    """The clock of the limits: it stands still, ten seconds into a minute of its own."""

    def __init__(self) -> None:
        self.now = datetime(2100, 1, 1, 0, 0, 10, tzinfo=UTC) + timedelta(hours=next(_minutes))

    def pass_(self, **by: float) -> None:
        self.now += timedelta(**by)

    @property
    def end(self) -> int:
        """In epoch milliseconds."""
        return int((self.now.replace(second=0) + timedelta(minutes=1)).timestamp()) * 1000


@pytest.fixture
def minute(monkeypatch: pytest.MonkeyPatch) -> Minute:
    minute = Minute()
    monkeypatch.setattr(rate_limits, "utc_now", lambda: minute.now)
    return minute


@pytest.fixture
def cache(tmp_path: Path) -> SqliteCache:
    return SqliteCache(str(tmp_path / "cache"), {})


class ApiFrom(Api):
    """A caller at an address."""

    def __init__(self, address: str, key: str | None, **headers: str) -> None:
        super().__init__(key, **headers)
        self._client = Client(raise_request_exception=False, REMOTE_ADDR=address)


@pytest.fixture
def redis_url() -> str:
    """A Redis that answers."""
    try:
        redis.Redis.from_url(REDIS_URL, socket_connect_timeout=1).ping()
    except redis.RedisError:
        missing(f"This needs Redis at {REDIS_URL}, and none answers there.")
    return REDIS_URL


@pytest.fixture
def use_redis(settings: Any) -> Callable[[str], None]:
    """Counts in the Redis at an address from now on."""

    def use(url: str) -> None:
        default = {
            "BACKEND": "runs_app.services.redis_cache.ImpatientRedisCache",
            "LOCATION": url,
            "KEY_PREFIX": f"faultline-tests-{os.getpid()}",
        }
        settings.CACHES = {"default": default}

    return use


def limits_of(answer: Answer) -> tuple[int, int, int]:
    """Limit, what remains of it, and when it is whole again."""
    limit, remaining, reset = (
        int(answer.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset")
    )
    return limit, remaining, reset


def tells_limits(answer: Answer) -> bool:
    return any(name.lower().startswith("x-ratelimit-") for name in answer.headers)
