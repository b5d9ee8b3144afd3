"""One line for every request, when it is answered: who called what, and how it went."""

import logging
import time
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from config.logs import PROBES, PROBLEM_KEY, route_of, where
from config.problems import Problem

log: Final = logging.getLogger("faultline.requests")


def log_request(
    request: HttpRequest, response: HttpResponseBase, began: float, sent: int | None
) -> None:
    """`began` by `time.perf_counter`; `sent` is how many bytes of a body, where that is known."""
    level = _level_of(request)
    if not log.isEnabledFor(level):
        return
    facts: dict[str, object] = {
        "status": response.status_code,
        "durationMs": round((time.perf_counter() - began) * 1000, 1),
    }
    if sent is not None:
        facts["bytes"] = sent
    problem: Problem | None = request.META.get(PROBLEM_KEY)
    if problem is not None:
        facts |= {"code": problem.code, "instance": problem.instance}
    log.log(
        level,
        "%s %d",
        where(request),
        response.status_code,
        extra={"request": request, "facts": facts},
    )


def bytes_of(response: HttpResponseBase) -> int | None:
    """How long a body is; None where that is not known before it was sent."""
    if isinstance(response, HttpResponse):
        return len(response.content)
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _level_of(request: HttpRequest) -> int:
    if request.path_info.startswith(settings.STATIC_URL) or route_of(request) in PROBES:
        return logging.DEBUG
    return logging.INFO
