"""What the fields of bodies take, where the generator cannot read it from them."""

from typing import Final

from django.conf import settings
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema

from runs_app.api.token_bodies import MOST_SCOPES
from runs_app.domain.scopes import ADMIN, LONGEST_SCOPE, PLAIN
from runs_app.web.json_schemas import Schema

SCOPE: Final = f"^({ADMIN}|{PLAIN.pattern}:{PLAIN.pattern}(:.+)?)$"


class ScopesSchema(OpenApiSerializerFieldExtension):
    target_class = "runs_app.api.token_bodies.ScopesField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        return {
            "type": "array",
            "items": {"type": "string", "maxLength": LONGEST_SCOPE, "pattern": SCOPE},
            "minItems": 0 if self.target.allow_empty else 1,
            "maxItems": MOST_SCOPES,
            "description": "Each as action:type or action:type:id, such as read:errors.",
        }


class ExpirySchema(OpenApiSerializerFieldExtension):
    target_class = "runs_app.api.token_bodies.ExpiryField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        return {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "minLength": 1},
            ],
            "description": (
                "Seconds from now, seconds since 1970 where above a billion, or a text such as 1h,"
                f" 30m or 2 days; {settings.MAX_TOKEN_DAYS} days ahead at most. Default: an hour."
            ),
        }


class UnlimitedUseSchema(OpenApiSerializerFieldExtension):
    target_class = "runs_app.api.token_bodies.UnlimitedUseField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        return {"type": "boolean", "enum": [False, None], "description": "True is not supported."}


class FutureSchema(OpenApiSerializerFieldExtension):
    target_class = "runs_app.api.key_bodies.FutureField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        return {
            "type": "string",
            "format": "date-time",
            "description": "A time ahead, before the year 2100.",
        }
