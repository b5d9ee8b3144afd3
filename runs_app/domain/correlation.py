"""The id that ties a response, its log lines and its ClickHouse queries together."""

from contextvars import ContextVar, Token
from typing import Final

OUTSIDE_OF_A_REQUEST: Final = "-"

_request_id: ContextVar[str] = ContextVar("request_id", default=OUTSIDE_OF_A_REQUEST)


def current_request_id() -> str:
    """The id of the request at hand, or `-` when there is none."""
    return _request_id.get()


def set_request_id(request_id: str) -> Token[str]:
    """Name the request at hand. Hand the token to `reset_request_id` when it is answered."""
    return _request_id.set(request_id)


def reset_request_id(token: Token[str]) -> None:
    _request_id.reset(token)
