"""Any exception as a failure we know, and a failure as a Problem."""

import errno
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
from django.db import IntegrityError
from django.http import Http404, HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions as rest

from config.error_catalogue import CATALOGUE
from config.problems import Problem
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
from runs_app.services.outages import database_is_away
from runs_app.web.bodies import UnsupportedEncoding
from runs_app.web.site import site_of

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
# Failures of the framework that are of no domain category: HTTP is all they are about. Code, detail
# and a hint that says more than that of the code.
REFUSALS: Final[Mapping[type[Exception], tuple[str, str, str | None]]] = {
    rest.MethodNotAllowed: ("method_not_allowed", "This address does not take that method.", None),
    rest.NotAcceptable: (
        "not_acceptable",
        "This address has no answer in a form that Accept allows.",
        None,
    ),
    UnsupportedEncoding: (
        "unsupported_media_type",
        "This address does not read bodies of that encoding.",
        "Send the body as it is, or compressed with Content-Encoding: gzip.",
    ),
    rest.UnsupportedMediaType: (
        "unsupported_media_type",
        "This address does not read bodies of that media type.",
        None,
    ),
}
INTERNAL: Final = "Something broke inside; it has been logged under the id of this error."
NOTHING_HERE: Final = "There is nothing at this address."
OTHER_ADDRESS: Final = (
    "Compare the address with those that /docs/api/ lists; a slash at its end counts."
)
OTHER_HOST: Final = (
    "Use the host name that this installation is known by; whoever runs it allows another with"
    " FAULTLINE_ALLOWED_HOSTS."
)
TOO_BIG: Final = "The body is larger, or has more fields, than this service reads."
WAIT_OF_UNKNOWN_LENGTH: Final = 60.0
GONE_MEANWHILE: Final = "What this belongs to was deleted at the same moment."
FOREIGN_KEY_VIOLATION: Final = "23503"
NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def category_of(error: DomainError) -> type[DomainError] | None:
    return next((category for category in CATEGORIES if isinstance(error, category)), None)


def known_failure(error: BaseException, request: HttpRequest) -> DomainError | None:
    """The domain error that `error` is, or stands for; None: it is of another kind."""
    match error:
        case DomainError():
            return error
        case rest.APIException():
            return _rest_failure(error, request)
        case Exception() if database_is_away(error):
            return _unavailable("The database is not available right now.", error)
        case IntegrityError() if _lost_what_it_belongs_to(error):
            return Conflict(GONE_MEANWHILE, technical_message=type(error.__cause__).__name__)
        case OSError() if error.errno in NO_SPACE:
            return _unavailable("There is no disk space left.", error)
        case _:
            return _django_failure(error, request)


def _lost_what_it_belongs_to(error: IntegrityError) -> bool:
    """Whether a foreign key is the reason: what it points at was deleted at the same moment."""
    cause = error.__cause__
    return (
        getattr(cause, "sqlstate", None) == FOREIGN_KEY_VIOLATION
        or getattr(cause, "sqlite_errorname", None) == "SQLITE_CONSTRAINT_FOREIGNKEY"
    )


def _unavailable(user_message: str, cause: BaseException) -> Unavailable:
    unavailable = Unavailable(user_message)
    unavailable.__cause__ = cause
    return unavailable


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
            return _nothing_here()
        case rest.Throttled():
            return RateLimited(retry_after=getattr(error, "wait", None) or WAIT_OF_UNKNOWN_LENGTH)
        case _:
            return None


def _django_failure(error: BaseException, request: HttpRequest) -> DomainError | None:
    match error:
        case Http404():
            return _nothing_here()
        case PermissionDenied():
            return AccessDenied(technical_message=str(error))
        case RequestDataTooBig() | TooManyFieldsSent() | TooManyFilesSent():
            return TooLarge(TOO_BIG)
        case DisallowedHost():
            message = "This service does not answer to that host name."
            return InvalidInput([Detail(message, "/header/Host", "invalid_host")], hint=OTHER_HOST)
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
    for kind, (code, detail, hint) in REFUSALS.items():
        if isinstance(error, kind):
            return _constant_problem(code, detail, request, hint)
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
        404: _nothing_here(),
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
        hint=error.hint or _when_to_return(error) or entry.hint,
        docs=error.docs,
        details=error.details if isinstance(error, InvalidInput) else None,
        permissions=error.permissions if isinstance(error, InsufficientScope) else None,
        retryable=error.retryable,
        headers=_headers(error),
    )


def _when_to_return(error: DomainError) -> str | None:
    match error:
        case RateLimited() | Unavailable() if error.retryable:
            seconds = whole_seconds(error.retry_after)
            return f"Send the same request again in {seconds} second{'' if seconds == 1 else 's'}."
        case _:
            return None


def _constant_problem(
    code: str, detail: str, request: HttpRequest, hint: str | None = None
) -> Problem:
    entry = CATALOGUE[code]
    return Problem(
        entry=entry,
        code=code,
        status=entry.status,
        site=site_of(request),
        detail=detail,
        hint=hint or entry.hint,
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


def _nothing_here() -> NotFound:
    return NotFound(NOTHING_HERE, hint=OTHER_ADDRESS)


def _bad_request() -> InvalidInput:
    return InvalidInput([Detail("The request could not be understood.", "/", "bad_request")])
