"""API keys as the API shows them, and the operations on them."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import extend_schema

from runs_app.api.key_bodies import KeyBody
from runs_app.web.json_schemas import (
    MOMENT,
    TEXT,
    Schema,
    described,
    list_of,
    nullable,
    page_of,
    record,
    ref,
)
from runs_app.web.query_parameters import PAGE_PARAMETERS

MEMBERS: Final[Mapping[str, Schema]] = {
    "id": {"type": "string", "format": "uuid"},
    "name": TEXT,
    "lastFour": described(TEXT, "The end of the key, to know it by."),
    "scopes": described(list_of(TEXT), "None means everything in the environment."),
    "createdAt": MOMENT,
    "createdBy": nullable(TEXT, "The id of the person who made it."),
    "expiresAt": nullable(MOMENT),
    "lastUsedAt": nullable(MOMENT, "To the minute or so."),
    "revokedAt": nullable(MOMENT),
    "revokedBy": nullable(TEXT, "The id of the person who revoked it."),
}
API_KEY_COMPONENTS: Final[Mapping[str, Schema]] = {
    "ApiKey": record("A key of an environment, without the key itself.", MEMBERS),
    "NewApiKey": record(
        "A new key. The key itself is shown here and never again.", {**MEMBERS, "key": TEXT}
    ),
    "ApiKeyList": page_of(ref("ApiKey"), "One page of keys, the newest first, revoked ones too."),
}
API_KEY_OPERATIONS: Final[Mapping[str, Any]] = {
    "list": extend_schema(
        operation_id="listApiKeys",
        tags=["API keys"],
        summary="List API keys",
        description="The keys of an environment, for owners and admins of its organization.",
        parameters=[*PAGE_PARAMETERS],
        responses={200: ref("ApiKeyList"), 403: None},
    ),
    "create": extend_schema(
        operation_id="createApiKey",
        tags=["API keys"],
        summary="Create an API key",
        description=(
            "A new key for an environment. Without scopes it may do everything there. The answer"
            " is the only place the key is ever shown in."
        ),
        request=KeyBody,
        responses={201: ref("NewApiKey"), 403: None},
    ),
    "destroy": extend_schema(
        operation_id="revokeApiKey",
        tags=["API keys"],
        summary="Revoke an API key",
        description="From now on nobody is let in with it. A key that is revoked stays listed.",
        responses={204: None, 403: None},
    ),
}
