"""`Authorization: Bearer <key or token>`."""

from typing import TYPE_CHECKING

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from runs_app.domain.callers import Caller, CredentialKind
from runs_app.domain.errors import Unauthenticated
from runs_app.services.authentication import authenticate
from runs_app.services.tokens import LONGEST_TOKEN
from runs_app.web.hints import bearer_credential, credentials_hint
from runs_app.web.throttling import refuse_credentials

if TYPE_CHECKING:
    # REST framework loads this module while its views are still loading.
    from rest_framework.views import APIView


class BearerAuthentication(BaseAuthentication):
    """Keys and tokens of the kinds the view accepts; whatever else is sent is refused alike."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        view: APIView | None = (request.parser_context or {}).get("view")
        accepted: frozenset[CredentialKind] = getattr(view, "accepts", frozenset())
        try:
            return authenticate(_credential(header), accepted), None
        except Unauthenticated as refused:
            refused.hint = credentials_hint(header, accepted)
            refuse_credentials(request._request, view, refused)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _credential(header: str) -> str:
    credential = bearer_credential(header)
    if not credential or len(credential) > LONGEST_TOKEN:
        raise Unauthenticated(supplied=True)
    return credential
