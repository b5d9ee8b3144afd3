"""Errors that were to be expected: their run has failed, but need not be anybody's bug.

A client says so itself, or one of two named rule sets recognises the error. Which of them speaks
is always known; a project decides whether it believes the rule sets.
"""

from typing import Final

from runs_app.domain.grouping.settings import GroupingSettings
from runs_app.domain.grouping.signals import (
    PROSE_LENGTH,
    RATE_LIMIT_CODES,
    codes_of,
    message_of,
    raw_response,
    status_of,
)

CLIENT: Final = "client"
API: Final = "api"
ENVIRONMENT: Final = "environment"
NAMES: Final = (CLIENT, API, ENVIRONMENT)

EXPECTED_STATUSES: Final = frozenset({401, 429})
# What a machine, its network or its user does to a program that is right. Case matters.
ENVIRONMENT_MESSAGES: Final = (
    "EPERM: operation not permitted, scandir",
    "EPERM: operation not permitted, rename",
    "EPERM: operation not permitted, symlink",
    "EACCES: permission denied",
    "This version of npm supports the following node versions",
    "EBUSY: resource busy or locked",
    "ENOTEMPTY: directory not empty",
    "getaddrinfo ENOTFOUND",
    "Client network socket disconnected before secure TLS connection was established",
    "spawn EPERM",
    "socket hang up",
    "The user aborted a request.",
    "write EPIPE",
    "Unsupported platform",
)


def expected_by(error: object) -> tuple[str, ...]:
    """Who takes the error for an expected one: the client alone, or any of the rule sets.

    An error of the kind "bug", or one that says `"expected": false`, is nothing for rule sets.
    """
    if not isinstance(error, dict):
        return ()
    if error.get("expected") is True or error.get("kind") == "abort":
        return (CLIENT,)
    if error.get("expected") is False or error.get("kind") == "bug":
        return ()
    if not _is_expected_of_api(error):
        return (ENVIRONMENT,) if _is_of_environment(error) else ()
    return (API, ENVIRONMENT) if _is_of_environment(error) else (API,)


def believed(found: tuple[str, ...], settings: GroupingSettings) -> str:
    """The first of these whom the project believes; empty where there is none."""
    trusted = {
        CLIENT: True,
        API: settings.expected_api_errors,
        ENVIRONMENT: settings.expected_environment_errors,
    }
    return next((name for name in found if trusted[name]), "")


def reported_as_unexpected(error: object) -> bool:
    """Whether the reference would report the error: it believes both rule sets."""
    return not expected_by(error)


def _is_expected_of_api(error: object) -> bool:
    """Credentials that have run out, or too many requests."""
    response = raw_response(error)
    if response is None:
        return False
    if status_of(response.get("status")) in EXPECTED_STATUSES:
        return True
    return any(code in RATE_LIMIT_CODES for code in codes_of(response.get("errors")))


def _is_of_environment(error: object) -> bool:
    message = message_of(error)[:PROSE_LENGTH]
    return any(text in message for text in ENVIRONMENT_MESSAGES)
