"""The log of every Django process: its form, and what lines tell of the request at hand.

A line names the route and never the path, the query, a header or the body: what callers send is
theirs. It says who called when that is known already, and asks no store for it.
"""

import logging
import logging.config
from collections.abc import Mapping
from contextvars import ContextVar, Token
from typing import Any, Final

from django.http import HttpRequest
from django.urls import Resolver404, resolve

from config.api_paths import is_api_request
from runs_app.domain.callers import Caller, EnvironmentCaller, PersonalCaller
from runs_app.domain.correlation import OUTSIDE_OF_A_REQUEST, current_request_id
from runs_app.domain.log_lines import FORMATTERS, JsonLines, LogForm, log_uncaught

# Where the outermost middleware leaves the accepted id, for lines written after it has ended.
REQUEST_ID_KEY: Final = "faultline.request_id"
# Where the translator leaves the problem that a request was answered with.
PROBLEM_KEY: Final = "faultline.problem"
# A method may be any word that a caller makes up.
METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
)
UNKNOWN: Final = "-"
# Asked every few seconds by whoever watches the service.
PROBES: Final = frozenset({"/healthz", "/readyz"})
# The one refusal whose reason only Django knows.
CSRF: Final = "django.security.csrf"

_at_hand: ContextVar[HttpRequest | None] = ContextVar("request_at_hand", default=None)


def hold_request(request: HttpRequest) -> Token[HttpRequest | None]:
    """Lines tell of `request` until the token is handed to `let_go_of_request`."""
    return _at_hand.set(request)


def let_go_of_request(token: Token[HttpRequest | None]) -> None:
    _at_hand.reset(token)


class RequestFactsFilter(logging.Filter):
    """Gives every record `request_id` (`-` outside of a request) and `facts`, see `log_lines`.

    Facts that the record brings stand before those of its request.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request = _request_of(record)
        request_id = current_request_id()
        if request_id == OUTSIDE_OF_A_REQUEST and request is not None:
            # Django logs some answers after the middleware has returned.
            request_id = request.META.get(REQUEST_ID_KEY, OUTSIDE_OF_A_REQUEST)
        record.request_id = request_id
        known = {} if request_id == OUTSIDE_OF_A_REQUEST else {"requestId": request_id}
        if request is not None:
            known |= request_facts(request)
        record.facts = known | getattr(record, "facts", {})
        return True


class DjangoFilter(logging.Filter):
    """Drops what Django says of a failure that the translator tells, and rewords the rest: it
    quotes paths, headers and parameters."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = _told_by_django(record)
        if request is None or hasattr(record, "reworded"):
            return True
        is_told = (
            is_api_request(request)
            or PROBLEM_KEY in request.META
            # A probe asks every few seconds, and its answer says what is away.
            or route_of(request) in PROBES
        )
        if is_told and record.name != CSRF:
            return False
        record.reworded = True
        area, _, kind = record.name.removeprefix("django.").partition(".")
        reason = kind
        if isinstance(record.args, tuple) and record.args:
            # `Internal Server Error`, or why a form is refused: what is quoted is behind a dash.
            reason = str(record.args[0]).partition(" - ")[0]
        elif area == "security":
            # An expected mistake of a caller, with the words of the exception.
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = None
        record.msg, record.args = "%s: %s", (where(request), reason)
        return True


def request_facts(request: HttpRequest) -> dict[str, Any]:
    """What is known of `request` by now, by the names of log lines."""
    facts: dict[str, Any] = {"method": _method_of(request)}
    route = route_of(request)
    if route:
        facts["route"] = route
    user: Any = request.__dict__.get("user")
    # Django's own user is lazy: a mere isinstance would read it from the database.
    if issubclass(type(user), Caller):
        return facts | _caller_facts(user)
    # There once somebody has asked for the lazy one.
    signed_in = getattr(request.__dict__.get("_cached_user"), "pk", None)
    return facts if signed_in is None else {**facts, "userId": str(signed_in)}


def where(request: HttpRequest) -> str:
    return f"{_method_of(request)} {route_of(request) or UNKNOWN}"


def route_of(request: HttpRequest) -> str | None:
    """The pattern of the address; None where nothing is."""
    match = request.resolver_match
    if match is None:
        try:
            # It failed before Django looked.
            match = resolve(request.path_info, getattr(request, "urlconf", None))
        except Resolver404:
            return None
    return f"/{match.route}"


def configure(settings: Mapping[str, Any]) -> None:
    """Django's LOGGING_CONFIG."""
    logging.config.dictConfig(dict(settings))
    if settings["formatters"]["line"]["()"] is JsonLines:
        log_uncaught()


def logging_settings(form: LogForm, level: str) -> dict[str, Any]:
    """Django's LOGGING: everything goes to stderr, a line a record."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "facts": {"()": "config.logs.RequestFactsFilter"},
            "django": {"()": "config.logs.DjangoFilter"},
        },
        "formatters": {"line": {"()": FORMATTERS[form]}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["django", "facts"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.request": {"level": "ERROR", "filters": ["django"]},
            # Anybody may send any Host; the request has its line.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # The development server's line of a request has the query, too.
            "django.server": {"handlers": [], "level": "CRITICAL"},
            "clickhouse_driver": {"level": "ERROR"},
        },
    }


def _request_of(record: logging.LogRecord) -> HttpRequest | None:
    request = getattr(record, "request", None)
    return request if isinstance(request, HttpRequest) else _at_hand.get()


def _told_by_django(record: logging.LogRecord) -> HttpRequest | None:
    request = getattr(record, "request", None)
    ours = not record.name.startswith(("django.request", "django.security"))
    return None if ours or not isinstance(request, HttpRequest) else request


def _method_of(request: HttpRequest) -> str:
    method = request.method or ""
    return method if method in METHODS else UNKNOWN


def _caller_facts(caller: Caller) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "credential": {"kind": caller.kind.value, "id": caller.credential_id},
    }
    match caller:
        case EnvironmentCaller(tenant=tenant, user_id=user_id):
            facts["tenant"] = {
                "organizationId": tenant.organization_id,
                "projectId": tenant.project_id,
                "environmentId": tenant.environment_id,
            }
            if user_id is not None:
                facts["userId"] = user_id
        case PersonalCaller(user_id=user_id):
            facts["userId"] = user_id
    return facts
