"""Redis as the cache, where one that hangs does not hold up requests."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NotConnected
from redis.retry import Retry

# Of a command, and of a connection: one that swallows packets costs whoever asks no more than this.
PATIENCE_SECONDS: Final = 0.25
OPTIONS: Final[Mapping[str, Any]] = {
    "socket_connect_timeout": PATIENCE_SECONDS,
    "socket_timeout": PATIENCE_SECONDS,
    # Once, and not after a timeout: for connections that were closed while nobody used them.
    "retry": Retry(NoBackoff(), 1, (NotConnected,)),
}


class ImpatientRedisCache(RedisCache):
    """Django's, with short timeouts."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, {**params, "OPTIONS": {**OPTIONS, **params.get("OPTIONS", {})}})
