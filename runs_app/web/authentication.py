"""`Authorization: Bearer <key>`."""

from typing import Final

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from runs_app.domain.errors import Unauthenticated
from runs_app.models import ApiKey
from runs_app.services.credentials import find_api_key
from runs_app.web.caller import Caller

SCHEME: Final = "bearer"
LONGEST_CREDENTIAL: Final = 4_096


class BearerAuthentication(BaseAuthentication):
    """An environment API key. Wrong, unknown, revoked and expired keys are refused alike."""

    def authenticate(self, request: Request) -> tuple[Caller, ApiKey] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _, secret = header.strip().partition(" ")
        secret = secret.strip()
        if scheme.lower() != SCHEME or not secret or len(secret) > LONGEST_CREDENTIAL:
            raise Unauthenticated(supplied=True)
        key = find_api_key(secret)
        if key is None:
            raise Unauthenticated(supplied=True)
        return _caller(key), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _caller(key: ApiKey) -> Caller:
    return Caller(
        tenant=key.environment.tenant(),
        scopes=tuple(str(scope) for scope in key.scopes),
        api_key_id=str(key.id),
    )
