"""`/api/v1/projects/{ref}/{env}/api-keys`: a person's way to the keys of an environment."""

from datetime import datetime
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from runs_app.api.key_bodies import KeyBody
from runs_app.api.schemas.api_keys import API_KEY_OPERATIONS
from runs_app.domain.callers import CredentialKind
from runs_app.domain.paging import Page, PageRequest
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import iso
from runs_app.services import api_keys
from runs_app.services.api_keys import KeyRecord
from runs_app.web.caller import person_of
from runs_app.web.json_fields import checked_body
from runs_app.web.pagination import KeysetPagination, KeysetSource, keyset_response
from runs_app.web.permissions import NO_SCOPE, ScopedViewMixin
from runs_app.web.secret_answers import secret_response


@extend_schema_view(**API_KEY_OPERATIONS)
class ApiKeyViewSet(ScopedViewMixin, GenericViewSet):  # type: ignore[type-arg]
    """Only what a person holds in person: a token handed to a program makes no keys."""

    accepts: ClassVar = frozenset({CredentialKind.PERSONAL_ACCESS_TOKEN})
    pagination_class = KeysetPagination
    required_scopes: ClassVar = {"list": NO_SCOPE, "create": NO_SCOPE, "destroy": NO_SCOPE}

    def list(self, request: Request, project_ref: str, environment: str) -> Response:
        tenant = _tenant(request, project_ref, environment)

        def fetch(page_request: PageRequest) -> Page[KeyRecord]:
            return api_keys.list_keys(tenant, page_request)

        source = KeysetSource(api_keys.about_keys(tenant), api_keys.CURSOR_KEYS, fetch)
        return keyset_response(request, source, key_item)

    def create(self, request: Request, project_ref: str, environment: str) -> Response:
        tenant = _tenant(request, project_ref, environment)
        body = checked_body(KeyBody, request)
        new = api_keys.create_key(
            tenant,
            name=body["name"],
            scopes=tuple(body.get("scopes", ())),
            expires_at=body.get("expiresAt"),
            created_by=person_of(request).user_id,
        )
        content = {**key_item(new.record), "key": new.secret}
        return secret_response(content, status.HTTP_201_CREATED)

    def destroy(
        self, request: Request, project_ref: str, environment: str, key_id: str
    ) -> Response:
        tenant = _tenant(request, project_ref, environment)
        api_keys.revoke_key(tenant, key_id, by=person_of(request).user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def key_item(key: KeyRecord) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "lastFour": key.last_four,
        "scopes": list(key.scopes),
        "createdAt": iso(key.created_at),
        "createdBy": key.created_by,
        "expiresAt": _iso(key.expires_at),
        "lastUsedAt": _iso(key.last_used_at),
        "revokedAt": _iso(key.revoked_at),
        "revokedBy": key.revoked_by,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def _tenant(request: Request, project_ref: str, environment: str) -> Tenant:
    return api_keys.tenant_for_keys(person_of(request).user_id, project_ref, environment)
