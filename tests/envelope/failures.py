"""Every way to fail that the tests provoke, by name."""

import sqlite3
from collections.abc import Callable
from typing import NoReturn

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions as rest

from errors_app.services.browse import AmbiguousErrorId
from errors_app.services.bulk import BulkTooLarge
from runs_app.domain.errors import (
    AccessDenied,
    Conflict,
    Detail,
    DomainError,
    InsufficientScope,
    Interrupted,
    InvalidInput,
    NotFound,
    RateLimited,
    Refusing,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

SECRET = "s3cr3t-of-the-inside"


class OfNoCategoryError(DomainError):
    """Somebody forgot to extend a category."""


class RetryableConflict(Conflict):
    retryable = True


class QueryTooBig(Unavailable):
    retryable = False
    hint = "Ask for a shorter window."


class DocumentedConflict(Conflict):
    code = "a_code_of_tomorrow"
    docs = "/docs/tomorrow"


def _unavailable() -> NoReturn:
    try:
        raise ConnectionRefusedError(f"no route to {SECRET}")
    except ConnectionRefusedError as error:
        raise Unavailable("ClickHouse is not available right now.") from error


def _bug() -> NoReturn:
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        raise RuntimeError(f"cannot go on with {SECRET}") from error


def _database(error: type[Exception], cause: Exception) -> Callable[[], NoReturn]:
    def fail() -> NoReturn:
        raise error(str(cause)) from cause

    return fail


def _sqlite(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(f"{name} in {SECRET}")
    error.sqlite_errorname = name
    return error


def _raising(make: Callable[[], Exception]) -> Callable[[], NoReturn]:
    def fail() -> NoReturn:
        raise make()

    return fail


def _teapot() -> rest.APIException:
    error = rest.APIException(SECRET)
    error.status_code = 418
    return error


FAILURES: dict[str, Callable[[], NoReturn]] = {
    "invalid_input": _raising(
        lambda: InvalidInput(
            [
                Detail("A list is expected.", "/body/items/1/q", "not_a_list"),
                Detail("This is required.", "/query/filter[status]", "required"),
            ]
        )
    ),
    "invalid_input_fifty": _raising(
        lambda: InvalidInput([Detail("Wrong.", f"/body/{n}", "wrong") for n in range(50)])
    ),
    "invalid_input_many": _raising(
        lambda: InvalidInput([Detail("Wrong.", f"/body/{n}", "wrong") for n in range(73)])
    ),
    "endless_path": _raising(
        lambda: InvalidInput([Detail("Wrong.", "/body/" + "x" * 1000, "wrong")])
    ),
    "no_credentials": _raising(lambda: Unauthenticated(supplied=False)),
    "bad_credentials": _raising(lambda: Unauthenticated(supplied=True, technical_message=SECRET)),
    "signed_but_malformed": _raising(
        lambda: Unauthenticated(
            supplied=True, signed_but_malformed=True, technical_message="no\nsub claim"
        )
    ),
    "insufficient_scope": _raising(lambda: InsufficientScope(["write:errors", "admin"])),
    "access_denied": _raising(
        lambda: AccessDenied(
            actor_id="actor-1",
            owner_id="owner-2",
            object_id="object-3",
            technical_message=f"the role in {SECRET} is viewer",
        )
    ),
    "not_found": _raising(lambda: NotFound("There is no such error group.")),
    "interrupted": _raising(lambda: Interrupted(technical_message=SECRET)),
    "conflict": _raising(lambda: Conflict("The group is resolved already.")),
    "retryable_conflict": _raising(lambda: RetryableConflict("Another change is under way.")),
    "ambiguous_error_id": _raising(lambda: AmbiguousErrorId("The tasks a and b share it.")),
    "bulk_too_large": _raising(lambda: BulkTooLarge("7 groups match; 5 at most.")),
    "documented_conflict": _raising(lambda: DocumentedConflict("Tomorrow is in the way.")),
    "too_large": _raising(lambda: TooLarge("At most 1,000 runs at once.")),
    "rate_limited": _raising(lambda: RateLimited(retry_after=2.1)),
    "unavailable": _unavailable,
    "query_too_big": _raising(lambda: QueryTooBig("The query took too long.")),
    "refusing": _raising(lambda: Refusing("Too many reports wait.", retry_after=30)),
    "of_no_category": _raising(lambda: OfNoCategoryError("The moon is full.")),
    "bug": _bug,
    "leaky_detail": _raising(
        lambda: Conflict(f"In the way\npassword={SECRET}\nread /home/app/{SECRET}.txt")
    ),
    "long_detail": _raising(lambda: Conflict("x" * 5000)),
    "surrogate_detail": _raising(lambda: Conflict("broken \ud800 text")),
    "http404": _raising(lambda: Http404(f"No Environment matches {SECRET}.")),
    "permission_denied": _raising(lambda: PermissionDenied(SECRET)),
    "bad_request": _raising(lambda: BadRequest(SECRET)),
    "suspicious": _raising(lambda: SuspiciousOperation(SECRET)),
    "body_too_big": _raising(lambda: RequestDataTooBig(SECRET)),
    "too_many_fields": _raising(lambda: TooManyFieldsSent(SECRET)),
    "client_went_away": _raising(lambda: UnreadablePostError(SECRET)),
    "rest_not_found": _raising(lambda: rest.NotFound(SECRET)),
    "rest_not_authenticated": _raising(lambda: rest.NotAuthenticated(SECRET)),
    "rest_authentication_failed": _raising(lambda: rest.AuthenticationFailed(SECRET)),
    "rest_permission_denied": _raising(lambda: rest.PermissionDenied(SECRET)),
    "rest_throttled": _raising(lambda: rest.Throttled(wait=2.1, detail=SECRET)),
    "rest_throttled_for_ever": _raising(rest.Throttled),
    "rest_own_status": _raising(_teapot),
    "rest_bug": _raising(lambda: rest.APIException(SECRET)),
    "database_locked": _database(OperationalError, _sqlite("SQLITE_BUSY")),
    "database_gone": _database(OperationalError, ConnectionError(SECRET)),
    "connection_closed": _database(InterfaceError, ConnectionError(SECRET)),
    "no_such_table": _database(OperationalError, _sqlite("SQLITE_ERROR")),
}
