"""Categories of failure. They know no HTTP: `config.errors` maps each category to a status.

A new failure gets its status by extending a category. Every error carries a user message,
which is safe to show to any caller, and may carry a technical message for the log only.
The cause, where there is one, is the ordinary `__cause__` (`raise Unavailable(...) from error`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


def whole_seconds(seconds: float) -> int:
    """A wait as callers are told it: rounded up, at least one."""
    return max(1, math.ceil(seconds))


@dataclass(frozen=True, slots=True)
class Detail:
    """One failing field of an input.

    `path` is a place and a JSON pointer: `/body/items/1/q`, `/query/filter[status]`.
    `code` is a stable snake_case word. `message` never repeats a submitted value.
    """

    message: str
    path: str
    code: str


class DomainError(Exception):
    """A known failure. Raise a category below, or a class that extends one.

    Class attributes, which a subclass sets for itself: `code`, the stable word a client branches
    on (new ones also go into the catalogue of the docs pages); `hint`, what to do next;
    `docs`, a page more specific than that of the code: an address or a path of this site;
    `retryable`, whether the same request may succeed later, where that is known.
    """

    code: str = "invalid_input"
    hint: str | None = None
    docs: str | None = None
    retryable: bool | None = None

    def __init__(
        self,
        user_message: str,
        *,
        technical_message: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(technical_message or user_message)
        self.user_message = user_message
        self.technical_message = technical_message
        if hint is not None:
            self.hint = hint


class InvalidInput(DomainError):
    """The caller's input breaks a rule; `details` names every failing field."""

    code = "invalid_input"

    def __init__(
        self,
        details: Sequence[Detail],
        *,
        user_message: str = "The request is not valid; see details.",
        technical_message: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(user_message, technical_message=technical_message, hint=hint)
        self.details = tuple(details)


class Unauthenticated(DomainError):
    """No credentials, or credentials that are not accepted (`supplied` tells which).

    Why they are not accepted is nobody's business but the log's. `signed_but_malformed` marks
    a token with our good signature and contents we would not write: that is worth a warning.
    """

    code = "unauthorized"

    def __init__(
        self,
        *,
        supplied: bool,
        signed_but_malformed: bool = False,
        technical_message: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(
            "The credentials were not accepted." if supplied else "No credentials were supplied.",
            technical_message=technical_message,
            hint=hint,
        )
        self.supplied = supplied
        self.signed_but_malformed = signed_but_malformed


class InsufficientScope(DomainError):
    """The credential lacks a scope; any one of `permissions` would do, the widest first."""

    code = "insufficient_scope"

    def __init__(self, permissions: Sequence[str], *, hint: str | None = None) -> None:
        super().__init__(f"This needs one of the scopes: {', '.join(permissions)}.", hint=hint)
        self.permissions = tuple(permissions)


class AccessDenied(DomainError):
    """The caller may not do this to an object it may see.

    The ids (who tried, whose it is, what it is) and the technical message go to the log only.
    """

    code = "forbidden"

    def __init__(
        self,
        *,
        actor_id: str | None = None,
        owner_id: str | None = None,
        object_id: str | None = None,
        technical_message: str | None = None,
    ) -> None:
        super().__init__("Forbidden", technical_message=technical_message)
        self.actor_id = actor_id
        self.owner_id = owner_id
        self.object_id = object_id


class NotFound(DomainError):
    """No such thing, or not the caller's: a constant sentence per kind of thing, no id."""

    code = "not_found"


class Conflict(DomainError):
    """The state of things is in the way; the message says what."""

    code = "conflict"


class Contention(Conflict):
    """Many change the same thing at once, and this one lost too often: it may be tried again."""

    retryable = True


class TooLarge(DomainError):
    """The request is over a limit; the message names the limit."""

    code = "payload_too_large"


class Interrupted(DomainError):
    """The input stopped arriving before its end; the same one may arrive whole another time."""

    code = "request_timeout"
    retryable = True

    def __init__(
        self,
        user_message: str = "The body stopped arriving before its end.",
        *,
        technical_message: str | None = None,
    ) -> None:
        super().__init__(user_message, technical_message=technical_message)


class RateLimited(DomainError):
    """Too many requests; the same one may succeed after `retry_after` seconds."""

    code = "rate_limited"
    retryable = True

    def __init__(self, *, retry_after: float, technical_message: str | None = None) -> None:
        seconds = whole_seconds(retry_after)
        super().__init__(
            f"Too many requests; try again in {seconds} second{'' if seconds == 1 else 's'}.",
            technical_message=technical_message,
        )
        self.retry_after = retry_after


class Unavailable(DomainError):
    """A store this needs is away or overloaded; the same request may succeed later."""

    code = "service_unavailable"
    retryable = True

    def __init__(
        self,
        user_message: str = "A store this request needs is not available right now.",
        *,
        retry_after: float = 5,
        technical_message: str | None = None,
    ) -> None:
        super().__init__(user_message, technical_message=technical_message)
        self.retry_after = retry_after


class Refusing(Unavailable):
    """For a while nothing of this kind is taken. Whoever decides that logs it, once: not every
    request that is refused."""
