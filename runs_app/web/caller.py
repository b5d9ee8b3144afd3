"""Who is calling, as views see it in `request.user`."""

from typing import cast

from rest_framework.request import Request

from runs_app.domain.callers import EnvironmentCaller, PersonalCaller
from runs_app.domain.tenant import Tenant


def caller_of(request: Request) -> EnvironmentCaller:
    """The caller on a route of an environment."""
    return cast(EnvironmentCaller, request.user)


def person_of(request: Request) -> PersonalCaller:
    """The caller on a route of a person."""
    return cast(PersonalCaller, request.user)


def tenant_of(request: Request) -> Tenant:
    return caller_of(request).tenant
