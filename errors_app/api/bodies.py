"""The bodies of state changes."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request

from errors_app.domain.decisions import (
    HIGHEST_RATE,
    LONGEST_IGNORE,
    LONGEST_REASON,
    LONGEST_VERSION,
    MOST_OCCURRENCES,
    WantedResolution,
)
from errors_app.domain.groups import IgnoreConditions
from runs_app.domain.times import utc_now
from runs_app.web.json_fields import (
    NumberField,
    TextField,
    TrueFalseField,
    WholeNumberField,
    checked_body,
)

TWO_RESOLUTIONS: Final = ("resolvedInVersion", "resolvedInNextVersion")
EITHER_VERSION: Final = ErrorDetail(
    "Give resolvedInVersion or resolvedInNextVersion, not both.", code="conflict"
)
LONGEST_IGNORE_MS: Final = int(LONGEST_IGNORE / timedelta(milliseconds=1))


class RateField(NumberField):
    default_error_messages: ClassVar = {"min_value": "The rate must be above 0."}

    def to_internal_value(self, data: Any) -> float:
        rate = super().to_internal_value(data)
        if not (math.isfinite(rate) and rate > 0):
            self.fail("min_value")
        return rate


class ResolveBody(serializers.Serializer[Any]):
    resolvedInVersion = TextField(  # noqa: N815
        required=False,
        allow_null=True,
        max_length=LONGEST_VERSION,
        help_text="Failures of older versions do not reopen the group.",
    )
    resolvedInNextVersion = TrueFalseField(  # noqa: N815
        required=False,
        allow_null=True,
        help_text=(
            "Only failures of versions after the newest that has run in the environment by now"
            " reopen the group. Instead of resolvedInVersion."
        ),
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("resolvedInNextVersion") and attrs.get("resolvedInVersion") is not None:
            raise serializers.ValidationError(dict.fromkeys(TWO_RESOLUTIONS, EITHER_VERSION))
        return attrs


class IgnoreBody(serializers.Serializer[Any]):
    duration = WholeNumberField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=LONGEST_IGNORE_MS,
        help_text="Until so many milliseconds have passed.",
    )
    occurrenceRate = RateField(  # noqa: N815
        required=False, allow_null=True, max_value=HIGHEST_RATE
    )
    totalOccurrences = WholeNumberField(  # noqa: N815
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MOST_OCCURRENCES,
        help_text="Until it failed so often since now.",
    )
    reason = TextField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=LONGEST_REASON,
        help_text="Why, for whoever looks at the group later.",
    )


class EmptyBody(serializers.Serializer[Any]):
    """Nothing is asked for."""


def read_resolution(request: Request) -> WantedResolution:
    """In which version a group is resolved. Raises a validation error."""
    return resolution_of(checked_body(ResolveBody, request))


def resolution_of(body: Mapping[str, Any]) -> WantedResolution:
    """The same of the checked members of a ResolveBody."""
    return WantedResolution(
        version=body.get("resolvedInVersion"),
        in_next_version=bool(body.get("resolvedInNextVersion")),
    )


def read_conditions(request: Request) -> IgnoreConditions:
    """When an ignore ends. Raises a validation error."""
    return conditions_of(checked_body(IgnoreBody, request))


def conditions_of(body: Mapping[str, Any]) -> IgnoreConditions:
    """The same of the checked members of an IgnoreBody."""
    duration = body.get("duration")
    return IgnoreConditions(
        until=None if duration is None else utc_now() + timedelta(milliseconds=duration),
        occurrence_rate=body.get("occurrenceRate"),
        total_occurrences=body.get("totalOccurrences"),
        reason=body.get("reason") or None,
    )


def read_nothing(request: Request) -> None:
    checked_body(EmptyBody, request)
