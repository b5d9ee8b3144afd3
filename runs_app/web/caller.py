"""Who is calling, as views see it in `request.user`."""

from dataclasses import dataclass
from typing import cast

from rest_framework.request import Request

from runs_app.domain.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller. `scopes` empty: everything in its environment.

    `user_id` is set where a person stands behind the credential, `api_key_id` where a key does.
    """

    tenant: Tenant
    scopes: tuple[str, ...] = ()
    user_id: str | None = None
    client: str = ""
    api_key_id: str | None = None

    @property
    def is_authenticated(self) -> bool:
        return True


def caller_of(request: Request) -> Caller:
    """The caller of an authenticated request."""
    return cast(Caller, request.user)


def tenant_of(request: Request) -> Tenant:
    return caller_of(request).tenant
