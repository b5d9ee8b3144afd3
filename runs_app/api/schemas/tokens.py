"""The operations that give a token for a credential."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import extend_schema

from runs_app.api.token_bodies import ActorTokenBody, ExchangeBody, PublicTokenBody
from runs_app.web.json_schemas import TEXT, Schema, described, list_of, record, ref

SCOPES: Final[Schema] = described(list_of(TEXT), "Those that were granted of the ones asked for.")
TOKEN_COMPONENTS: Final[Mapping[str, Schema]] = {
    "ActorToken": record(
        "A token that speaks for the person.",
        {
            "token": {"type": "string", "pattern": "^tr_uat_"},
            "expiresInSeconds": {"type": "integer", "minimum": 1},
        },
    ),
    "EnvironmentToken": record(
        "A token for one environment.",
        {
            "token": TEXT,
            "environmentId": {"type": "string", "format": "uuid"},
            "scopes": SCOPES,
        },
    ),
    "PublicToken": record("A token for the key's environment.", {"token": TEXT, "scopes": SCOPES}),
}
ACTOR_TOKEN_OPERATIONS: Final[Mapping[str, Any]] = {
    "create": extend_schema(
        operation_id="createUserActorToken",
        tags=["Tokens"],
        summary="Hand a program a token of one's own",
        description=(
            "A token with which a program acts for the person. What it can be exchanged for is"
            " bounded by cap, or else by read:all. It ends with the personal access token."
        ),
        request=ActorTokenBody,
        responses={200: ref("ActorToken")},
    ),
}
EXCHANGE_OPERATIONS: Final[Mapping[str, Any]] = {
    "create": extend_schema(
        operation_id="createEnvironmentToken",
        tags=["Tokens"],
        summary="Exchange a token for one of an environment",
        description=(
            "A token for an environment of a project, with which the person acts there. No scopes"
            " asked for are none granted; those that the person's role or the token does not cover"
            " are left out."
        ),
        request=ExchangeBody,
        responses={200: ref("EnvironmentToken")},
    ),
}
PUBLIC_TOKEN_OPERATIONS: Final[Mapping[str, Any]] = {
    "create": extend_schema(
        operation_id="createPublicToken",
        tags=["Tokens"],
        summary="Make a public token of an API key",
        description=(
            "A token that may be handed to a browser. It does no more than the key, does not"
            " outlive it, and ends when the key is revoked."
        ),
        request=PublicTokenBody,
        responses={200: ref("PublicToken")},
    ),
}
