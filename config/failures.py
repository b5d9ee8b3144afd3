"""Any exception as a failure we know, and a failure as a Problem."""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions as rest

from config.error_catalogue import CATALOGUE
from config.problems import Problem, site_of
from config.validation_details import validation_details
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
    TooLarge,
    Unauthenticated,
    Unavailable,
    whole_seconds,
)

CATEGORIES: Final[tuple[type[DomainError], ...]] = (
    InvalidInput,
    Unauthenticated,
    InsufficientScope,
    AccessDenied,
    NotFound,
    Interrupted,
    Conflict,
    TooLarge,
    RateLimited,
    Unavailable,
)
# Failures of the framework that are of no domain category: HTTP is all they are about.
REFUSALS: Final[Mapping[type[Exception], tuple[str, str]]] = {
    rest.MethodNotAllowed: ("method_not_allowed", "This address does not take that method."),
    rest.NotAcceptable: ("not_acceptable", "This address answers in application/json only."),
    rest.UnsupportedMediaType: (
        "unsupported_media_type",
        "This address does not read bodies of that media type or encoding.",
    ),
}
INTERNAL: Final = "Something broke inside; it has been logged under the id of this error."
NOTHING_HERE: Final = "There is nothing at this address."
TOO_BIG: Final = "The body is larger, or has more fields, than this service reads."
WAIT_OF_UNKNOWN_LENGTH: Final = 60.0


def category_of(error: DomainError) -> type[DomainError] | None:
    return next((category for category in CATEGORIES if isinstance(error, category)), None)


def known_failure(error: BaseException, request: HttpRequest) -> DomainError | None:
    """The domain error that `error` is, or stands for; None: it is of another kind."""
    match error:
        case DomainError():
            return error
        case rest.APIException():
            return _rest_failure(error, request)
        case OperationalError() | InterfaceError() if _database_is_away(error):
            unavailable = Unavailable("The database is not available right now.")
            unavailable.__cause__ = error
            return unavailable
        case _:
            return _django_failure(error, request)


def _rest_failure(error: rest.APIException, request: HttpRequest) -> DomainError | None:
    match error:
        case rest.ValidationError():
            place = "/query" if request.method in {"GET", "HEAD"} else "/body"
            return InvalidInput(validation_details(place, error.detail))
        case rest.ParseError():
            return _unreadable_body(request)
        case rest.NotAuthenticated():
            return Unauthenticated(supplied=False)
        case rest.AuthenticationFailed():
            return Unauthenticated(supplied=True)
        case rest.PermissionDenied():
            return AccessDenied(technical_message=str(error))
        case rest.NotFound():
            return NotFound(NOTHING_HERE)
        case rest.Throttled():
            return RateLimited(retry_after=getattr(error, "wait", None) or WAIT_OF_UNKNOWN_LENGTH)
        case _:
            return None


def _django_failure(error: BaseException, request: HttpRequest) -> DomainError | None:
    match error:
        case Http404():
            return NotFound(NOTHING_HERE)
        case PermissionDenied():
            return AccessDenied(technical_message=str(error))
        case RequestDataTooBig() | TooManyFieldsSent() | TooManyFilesSent():
            return TooLarge(TOO_BIG)
        case DisallowedHost():
            message = "This service does not answer to that host name."
            return InvalidInput([Detail(message, "/header/Host", "invalid_host")])
        case UnreadablePostError():
            return Interrupted()
        case MultiPartParserError():
            return _unreadable_body(request)
        case BadRequest() | SuspiciousOperation():
            return _bad_request()
        case _:
            return None


def problem_of(error: BaseException, request: HttpRequest) -> Problem:
    """`error` is a domain error, a refusal of the framework, or else a bug."""
    if isinstance(error, DomainError):
        return _problem_of_domain_error(error, request)
    for kind, (code, detail) in REFUSALS.items():
        if isinstance(error, kind):
            return _constant_problem(code, detail, request)
    if isinstance(error, rest.APIException) and 400 <= error.status_code < 500:
        return problem_of_status(error.status_code, request)
    return _constant_problem("internal_error", INTERNAL, request)


def problem_of_status(
    status: int, request: HttpRequest, retry_after: float = WAIT_OF_UNKNOWN_LENGTH
) -> Problem:
    """For an answer that was made without raising anything."""
    ordinary: Mapping[int, Exception] = {
        400: _bad_request(),
        401: Unauthenticated(supplied="HTTP_AUTHORIZATION" in request.META),
        403: AccessDenied(),
        404: NotFound(NOTHING_HERE),
        405: rest.MethodNotAllowed(""),
        406: rest.NotAcceptable(),
        408: Interrupted(),
        409: Conflict("The state of things does not allow this."),
        413: TooLarge(TOO_BIG),
        415: rest.UnsupportedMediaType(""),
        429: RateLimited(retry_after=retry_after),
        503: Unavailable(retry_after=retry_after),
    }
    if status in ordinary:
        return problem_of(ordinary[status], request)
    nearest = _bad_request() if status < 500 else RuntimeError()
    return replace(problem_of(nearest, request), status=status)


def _problem_of_domain_error(error: DomainError, request: HttpRequest) -> Problem:
    category = CATALOGUE[(category_of(error) or InvalidInput).code]
    entry = CATALOGUE.get(error.code, category)
    return Problem(
        entry=entry,
        code=error.code,
        status=category.status,
        site=site_of(request),
        detail=error.user_message,
        hint=error.hint or entry.hint,
        docs=error.docs,
        details=error.details if isinstance(error, InvalidInput) else None,
        permissions=error.permissions if isinstance(error, InsufficientScope) else None,
        retryable=error.retryable,
        headers=_headers(error),
    )


def _constant_problem(code: str, detail: str, request: HttpRequest) -> Problem:
    entry = CATALOGUE[code]
    return Problem(
        entry=entry,
        code=code,
        status=entry.status,
        site=site_of(request),
        detail=detail,
        hint=entry.hint,
    )


def _headers(error: DomainError) -> dict[str, str]:
    headers = {}
    match error:
        case Unauthenticated(supplied=False):
            headers["WWW-Authenticate"] = "Bearer"
        case Unauthenticated():
            headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        case InsufficientScope():
            scopes = " ".join(error.permissions)
            headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{scopes}"'
        case RateLimited() | Unavailable() if error.retryable:
            headers["Retry-After"] = str(whole_seconds(error.retry_after))
    if error.retryable is False or (isinstance(error, Conflict) and not error.retryable):
        headers["x-should-retry"] = "false"
    return headers


def _unreadable_body(request: HttpRequest) -> InvalidInput:
    if "json" in (request.content_type or ""):
        return InvalidInput([Detail("The body is not valid JSON.", "/body", "malformed_json")])
    return InvalidInput([Detail("The body could not be read.", "/body", "malformed_body")])


def _bad_request() -> InvalidInput:
    return InvalidInput([Detail("The request could not be understood.", "/", "bad_request")])


def _database_is_away(error: BaseException) -> bool:
    """SQLite reports a wrong statement as it does a locked or missing file: that is a bug."""
    cause = error.__cause__
    return not (
        isinstance(cause, sqlite3.Error)
        and getattr(cause, "sqlite_errorname", None) == "SQLITE_ERROR"
    )
