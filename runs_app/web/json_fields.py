"""Members of JSON bodies, as strict as JSON is: a number is no text, and a text no number."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from runs_app.web.bodies import SMALL_BODY, read_json


class TextField(serializers.CharField):
    """A JSON string. A number is not taken for one: 20240101.10 would lose its last digit."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """A JSON number without a fraction; JSON has one kind of number, so 5.0 is 5."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool | str) or (isinstance(data, float) and not data.is_integer()):
            self.fail("invalid")
        return super().to_internal_value(int(data) if isinstance(data, float) else data)


class NumberField(serializers.FloatField):
    """A JSON number."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool | str):
            self.fail("invalid")
        return super().to_internal_value(data)


class TrueFalseField(serializers.BooleanField):
    """JSON's true or false, and none of the words and numbers that may stand for them elsewhere."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


def checked_body(
    body_class: type[serializers.Serializer[Any]], request: Request, *, most: int = SMALL_BODY
) -> dict[str, Any]:
    """The members of the request's body. Raises what `read_json` raises, or a validation error."""
    serializer = body_class(data=read_json(request, most=most))
    serializer.is_valid(raise_exception=True)
    checked: dict[str, Any] = serializer.validated_data
    return checked
