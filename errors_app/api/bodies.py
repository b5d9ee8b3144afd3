"""The bodies of state changes."""

import math
from datetime import timedelta
from typing import Any, Final

from rest_framework import serializers
from rest_framework.request import Request

from errors_app.domain.groups import IgnoreConditions
from runs_app.domain.times import utc_now
from runs_app.web.bodies import read_json

LONGEST_IGNORE_MS: Final = int(timedelta(days=3650) / timedelta(milliseconds=1))


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


class ResolveBody(serializers.Serializer[Any]):
    resolvedInVersion = TextField(  # noqa: N815
        required=False, allow_null=True, max_length=100
    )


class IgnoreBody(serializers.Serializer[Any]):
    duration = WholeNumberField(
        required=False, allow_null=True, min_value=1, max_value=LONGEST_IGNORE_MS
    )
    occurrenceRate = NumberField(  # noqa: N815
        required=False, allow_null=True, max_value=1e9
    )
    totalOccurrences = WholeNumberField(  # noqa: N815
        required=False, allow_null=True, min_value=1, max_value=10**12
    )
    reason = TextField(required=False, allow_null=True, allow_blank=True, max_length=1000)

    def validate_occurrenceRate(self, value: float | None) -> float | None:  # noqa: N802
        if value is not None and not (math.isfinite(value) and value > 0):
            raise serializers.ValidationError("The rate must be above 0.", code="min_value")
        return value


class EmptyBody(serializers.Serializer[Any]):
    """Nothing is asked for."""


def read_version(request: Request) -> str | None:
    """The version a group is resolved in. Raises a validation error."""
    return _checked(ResolveBody, request).get("resolvedInVersion")


def read_conditions(request: Request) -> IgnoreConditions:
    """When an ignore ends. Raises a validation error."""
    body = _checked(IgnoreBody, request)
    duration = body.get("duration")
    return IgnoreConditions(
        until=None if duration is None else utc_now() + timedelta(milliseconds=duration),
        occurrence_rate=body.get("occurrenceRate"),
        total_occurrences=body.get("totalOccurrences"),
        reason=body.get("reason") or None,
    )


def read_nothing(request: Request) -> None:
    _checked(EmptyBody, request)


def _checked(body_class: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    serializer = body_class(data=read_json(request))
    serializer.is_valid(raise_exception=True)
    checked: dict[str, Any] = serializer.validated_data
    return checked
