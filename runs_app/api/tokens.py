"""`/api/v1/auth` and `/api/v1/projects/{ref}/{env}/jwt`: tokens in return for a credential."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from runs_app.api.schemas.tokens import (
    ACTOR_TOKEN_OPERATIONS,
    EXCHANGE_OPERATIONS,
    PUBLIC_TOKEN_OPERATIONS,
)
from runs_app.api.token_bodies import read_actor_token, read_exchange, read_public_token
from runs_app.domain.callers import PERSONAL_KINDS, CredentialKind
from runs_app.services.exchange import (
    exchange_for_environment,
    mint_actor_token,
    mint_public_token,
)
from runs_app.web.caller import caller_of, person_of
from runs_app.web.permissions import NO_SCOPE, ScopedViewMixin
from runs_app.web.secret_answers import secret_response


@extend_schema_view(**ACTOR_TOKEN_OPERATIONS)
class ActorTokenViewSet(ScopedViewMixin, GenericViewSet):  # type: ignore[type-arg]
    accepts: ClassVar = frozenset({CredentialKind.PERSONAL_ACCESS_TOKEN})
    required_scopes: ClassVar = {"create": NO_SCOPE}

    def create(self, request: Request) -> Response:
        grant = mint_actor_token(person_of(request), read_actor_token(request))
        expires_in = int(grant.lifetime.total_seconds())
        return secret_response({"token": grant.token, "expiresInSeconds": expires_in})


@extend_schema_view(**EXCHANGE_OPERATIONS)
class ExchangeViewSet(ScopedViewMixin, GenericViewSet):  # type: ignore[type-arg]
    accepts: ClassVar = PERSONAL_KINDS
    required_scopes: ClassVar = {"create": NO_SCOPE}

    def create(self, request: Request, project_ref: str, environment: str) -> Response:
        asked = read_exchange(request)
        grant = exchange_for_environment(person_of(request), project_ref, environment, asked)
        return secret_response(
            {
                "token": grant.token,
                "environmentId": grant.environment_id,
                "scopes": list(grant.scopes),
            }
        )


@extend_schema_view(**PUBLIC_TOKEN_OPERATIONS)
class PublicTokenViewSet(ScopedViewMixin, GenericViewSet):  # type: ignore[type-arg]
    """Any key may mint: what it mints can do no more than the key itself."""

    accepts: ClassVar = frozenset({CredentialKind.API_KEY})
    required_scopes: ClassVar = {"create": NO_SCOPE}

    def create(self, request: Request) -> Response:
        grant = mint_public_token(caller_of(request), read_public_token(request))
        return secret_response({"token": grant.token, "scopes": list(grant.scopes)})
