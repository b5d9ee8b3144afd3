"""Limits of requests a minute: of each credential, and of refused credentials from one address.

A bucket is chosen by what was proved (the credential) or by the connection, never by what a caller
may write into a header.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NoReturn

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from runs_app.domain.callers import Caller
from runs_app.domain.errors import RateLimited, Unauthenticated
from runs_app.services.rate_limits import Allowance, use_one
from runs_app.web.client_address import client_address, client_name

if TYPE_CHECKING:
    # REST framework loads this module while its views are still loading.
    from rest_framework.views import APIView

FAILED_AUTHENTICATION: Final = "failed-authentication"


class Budget(StrEnum):
    """What an action counts towards; each has a limit of its own."""

    REQUESTS = "requests"
    INGEST = "ingest"


class CallerThrottle(BaseThrottle):
    """So many requests a minute as the action's budget allows one credential."""

    def __init__(self) -> None:
        self._wait: float | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        caller: object = request.user
        if not isinstance(caller, Caller):
            # Who that is nobody knows; the permission refuses it.
            return True
        budget = _budget_of(view)
        whose = f"{budget}:{caller.kind}:{caller.credential_id}"
        allowance = use_one(whose, _limit_of(budget))
        if allowance is None:
            return True
        _tell(view, allowance)
        self._wait = allowance.wait
        return not allowance.is_exceeded

    def wait(self) -> float | None:
        return self._wait


def refuse_credentials(
    request: HttpRequest, view: "APIView | None", refused: Unauthenticated
) -> NoReturn:
    """Raises `refused`, or RateLimited where too many credentials from that address were."""
    address = client_address(
        request.META.get("REMOTE_ADDR", ""),
        request.META.get("HTTP_X_FORWARDED_FOR", ""),
        settings.TRUSTED_PROXIES,
    )
    whose = f"{FAILED_AUTHENTICATION}:{client_name(address)}"
    allowance = use_one(whose, settings.FAILED_AUTHENTICATION_LIMIT)
    if allowance is None or not allowance.is_exceeded:
        raise refused
    if view is not None:
        _tell(view, allowance)
    raise RateLimited(retry_after=allowance.wait) from None


def _budget_of(view: "APIView") -> Budget:
    budgets = getattr(view, "budgets", {})
    budget: Budget = budgets.get(getattr(view, "action", None), Budget.REQUESTS)
    return budget


def _limit_of(budget: Budget) -> int:
    limit: int = settings.INGEST_RATE_LIMIT if budget is Budget.INGEST else settings.RATE_LIMIT
    return limit


def _tell(view: "APIView", allowance: Allowance) -> None:
    """REST framework sets these on whatever the view answers, refusals too."""
    view.headers["x-ratelimit-limit"] = str(allowance.limit)
    view.headers["x-ratelimit-remaining"] = str(allowance.remaining)
    view.headers["x-ratelimit-reset"] = str(allowance.resets_at * 1000)
