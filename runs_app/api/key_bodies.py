"""The body with which an API key is asked for."""

from datetime import datetime
from typing import Any, ClassVar

from rest_framework import serializers

from runs_app.api.token_bodies import ON_ONE_LINE, ScopesField
from runs_app.domain.times import utc_now
from runs_app.domain.window import parse_moment
from runs_app.models import ApiKey
from runs_app.web.json_fields import TextField


class FutureField(TextField):
    """A moment that lies ahead."""

    default_error_messages: ClassVar = {
        "invalid_time": "A time is ISO 8601, such as 2030-01-02T03:04:05Z, before the year 2100.",
        "not_ahead": "The time must lie ahead.",
    }

    def to_internal_value(self, data: Any) -> datetime:  # type: ignore[override]
        text = super().to_internal_value(data)
        try:
            moment = parse_moment(text)
        except ValueError:
            self.fail("invalid_time")
        if moment <= utc_now():
            self.fail("not_ahead")
        return moment


class KeyBody(serializers.Serializer[Any]):
    """Members that nobody knows are left alone: newer clients may send more."""

    name = TextField(max_length=ApiKey._meta.get_field("name").max_length, validators=[ON_ONE_LINE])
    # Neither null nor an empty list: whoever means everything leaves them out. A program that
    # narrowed a list until nothing was left must not get everything.
    scopes = ScopesField(required=False, allow_empty=False)
    expiresAt = FutureField(required=False, allow_null=True)  # noqa: N815
