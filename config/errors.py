"""The one translator: whatever fails becomes the API's answer, or an admin page, and a log line.

REST framework reaches it through `api_exception_handler`, Django through the error views named
in `config.urls` and settings, all the rest through `config.middleware.ApiErrorMiddleware`.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Any, Final

from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.csrf import csrf_failure as html_csrf_failure

from config.api_paths import is_api_request
from config.failures import category_of, known_failure, problem_of, problem_of_status
from config.logs import PROBLEM_KEY, where
from config.problems import Problem, problem_response
from runs_app.domain.correlation import current_request_id
from runs_app.domain.errors import (
    AccessDenied,
    Conflict,
    DomainError,
    InsufficientScope,
    InvalidInput,
    NotFound,
    Refusing,
    Unauthenticated,
    Unavailable,
)

# What people see instead of the envelope.
PAGES: Final[Mapping[type[DomainError], str]] = {
    Unavailable: "unavailable.html",
    NotFound: "404.html",
    InvalidInput: "refused.html",
    Conflict: "refused.html",
}

error_log: Final = logging.getLogger("faultline.errors")
security_log: Final = logging.getLogger("faultline.security")


def answer(request: HttpRequest, error: BaseException) -> HttpResponse:
    """The API's answer to `error`, which is logged here, once."""
    failure = known_failure(error, request) or error
    problem = problem_of(failure, request)
    request.META[PROBLEM_KEY] = problem
    _log(request, failure, problem)
    return problem_response(problem)


def answer_raised(request: HttpRequest, error: BaseException) -> HttpResponse:
    """As `answer`, where Django does not itself tell error reporting of a bug."""
    response = answer(request, error)
    if response.status_code == 500:
        got_request_exception.send(sender=None, request=request)
    return response


def answer_status(request: HttpRequest, status: int, retry_after: str = "") -> HttpResponse:
    """The API's answer in place of one of `status` that somebody made by hand."""
    wait = {"retry_after": float(retry_after)} if retry_after.isdecimal() else {}
    problem = problem_of_status(status, request, **wait)
    request.META[PROBLEM_KEY] = problem
    if status >= 500:
        error_log.error(
            "%s was answered %d without an exception (%s)",
            where(request),
            status,
            problem.instance,
            extra=_extra(problem),
        )
    return problem_response(problem)


def failure_page(request: HttpRequest, error: BaseException) -> HttpResponse | None:
    """The page that tells people of a failure we have words for; None when `error` is something
    else."""
    failure = known_failure(error, request)
    if not (isinstance(error, DomainError) or isinstance(failure, Unavailable)):
        # Django's own are answered, and logged, by Django.
        return None
    template = next((page for kind, page in PAGES.items() if isinstance(failure, kind)), None)
    if failure is None or template is None:
        return None
    problem = problem_of(failure, request)
    request.META[PROBLEM_KEY] = problem
    _log(request, failure, problem)
    return _page(
        template,
        problem.status,
        {
            "detail": failure.user_message,
            "hint": failure.hint,
            "details": failure.details if isinstance(failure, InvalidInput) else (),
            "instance": problem.instance,
        },
        headers=problem.headers,
    )


# --- entry points ---------------------------------------------------------------------------


def api_exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """REST framework's EXCEPTION_HANDLER: answers everything, in JSON whatever was accepted."""
    return answer_raised(context["request"]._request, error)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if is_api_request(request):
        # Django logs the reason to django.security.csrf.
        return answer_status(request, 403)
    return html_csrf_failure(request, reason)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, exception) if is_api_request(request) else _page("400.html", 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, exception) if is_api_request(request) else _page("403.html", 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, exception) if is_api_request(request) else _page("404.html", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls this while it handles the exception, and has told error reporting."""
    error = sys.exc_info()[1] or RuntimeError("the view of status 500 was called without a cause")
    if is_api_request(request):
        return answer(request, error)
    return failure_page(request, error) or _page("500.html", 500)


# --- pages and log lines --------------------------------------------------------------------


def _page(
    template: str,
    status: int,
    context: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """A page drawn without context processors: those may need the very store that is away."""
    text = render_to_string(template, {"request_id": current_request_id(), **(context or {})})
    # What is not there now may be there in a minute.
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return HttpResponse(text, status=status, headers=kept)


def _log(request: HttpRequest, failure: BaseException, problem: Problem) -> None:
    place, extra = where(request), _extra(problem)
    match failure:
        case Unauthenticated(signed_but_malformed=True):
            message = "%s: a signed token is malformed: %s (%s)"
            security_log.warning(message, place, _line(failure), problem.instance, extra=extra)
        case InsufficientScope():
            # The widest: others name the thing by the words of the address.
            message = "%s: the scope %s is missing (%s)"
            scope = _line(failure.permissions[0])
            security_log.warning(message, place, scope, problem.instance, extra=extra)
        case AccessDenied():
            message = "%s: denied: %s; actor %s, owner %s, object %s (%s)"
            ids = (failure.actor_id, failure.owner_id, failure.object_id)
            words = (_line(failure), *(_line(one or "-") for one in ids))
            security_log.warning(message, place, *words, problem.instance, extra=extra)
        case Refusing():
            return
        case Unavailable():
            message = "%s: %s: %s (%s)"
            cause = failure.__cause__ or failure.__context__ or failure
            words = (problem.code, _line(failure))
            error_log.error(message, place, *words, problem.instance, exc_info=cause, extra=extra)
        case DomainError() if category_of(failure) is None:
            message = "%s: a mapping is missing: %s is of no category (%s)"
            kind = type(failure).__qualname__
            error_log.error(message, place, kind, problem.instance, exc_info=failure, extra=extra)
        case _ if problem.status >= 500:
            message = "%s: %s (%s)"
            words = (place, problem.code, problem.instance)
            error_log.error(message, *words, exc_info=failure, extra=extra)


def _extra(problem: Problem) -> dict[str, dict[str, str]]:
    return {"facts": {"instance": problem.instance, "code": problem.code}}


def _line(words: object) -> str:
    """On one line, so that nobody writes log lines of their own."""
    return str(words).encode("unicode_escape").decode("ascii")
