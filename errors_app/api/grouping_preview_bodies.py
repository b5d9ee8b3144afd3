"""The body of the preview of an error's group."""

from typing import Any, Final

from rest_framework import serializers
from rest_framework.request import Request

from runs_app.domain.reporting import Place
from runs_app.web.json_fields import TextField, checked_body

# An error with a long stack fits in.
LARGEST_BODY: Final = 1_048_576
LONGEST_NAME: Final = 255


class AnyValueField(serializers.Field[Any, Any, Any, Any]):
    """Any JSON value but null, which reports take for nothing said."""

    def to_internal_value(self, data: Any) -> Any:
        return data


class PlaceNameField(TextField):
    """A name as reports have it; empty and null are as absent."""

    def __init__(self, help_text: str) -> None:
        super().__init__(
            required=False,
            allow_null=True,
            allow_blank=True,
            trim_whitespace=False,
            max_length=LONGEST_NAME,
            help_text=help_text,
        )


class PreviewBody(serializers.Serializer[Any]):
    error = AnyValueField(help_text="As a failed run would report it.")
    slice = PlaceNameField("The part of a system the run belongs to.")
    queue = PlaceNameField("Stands for the slice where neither the run nor its error has one.")
    taskIdentifier = PlaceNameField(  # noqa: N815
        "Stands for the slice where there is no queue either. Without it, a group in any task is"
        " one that exists."
    )


def read_failure(request: Request) -> tuple[object, Place]:
    """The error, and where it happened. Raises what `read_json` raises, or a validation error."""
    body = checked_body(PreviewBody, request, most=LARGEST_BODY)
    place = Place(
        slice=body.get("slice") or "",
        queue=body.get("queue") or "",
        task_identifier=body.get("taskIdentifier") or "",
    )
    return body["error"], place
