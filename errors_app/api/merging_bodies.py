"""The bodies of merging and splitting."""

from typing import Any, ClassVar, Final

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request

from errors_app.domain.groups import LONGEST_NAME
from errors_app.domain.merging import MOST_MERGED_AT_ONCE, WantedMerge
from runs_app.domain.ids import fingerprint_of_error_id
from runs_app.web.json_fields import TextField, checked_body

# The member's name, which is a word of Python's own.
FROM: Final = "from"
NOT_AN_ID: Final = ErrorDetail(
    f"An id is a text of at most {LONGEST_NAME} characters.", code="invalid"
)


class IdsField(serializers.Field[Any, Any, Any, Any]):
    """A list of ids of groups, as their fingerprints."""

    default_error_messages: ClassVar = {
        "not_a_list": "A list of ids is expected.",
        "empty": "The list is empty.",
        "too_many": f"At most {MOST_MERGED_AT_ONCE:,} ids.",
    }

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        if not isinstance(data, list):
            self.fail("not_a_list")
        if not data:
            self.fail("empty")
        if len(data) > MOST_MERGED_AT_ONCE:
            self.fail("too_many")
        faults = {str(number): [NOT_AN_ID] for number, item in enumerate(data) if not _is_id(item)}
        if faults:
            raise serializers.ValidationError(faults)
        return tuple(fingerprint_of_error_id(item) for item in data)


class MergeBody(serializers.Serializer[Any]):
    into = TextField(
        max_length=LONGEST_NAME,
        help_text="The id of the group that survives: its state holds, its id answers for all.",
    )
    locals()[FROM] = IdsField(help_text="The ids of the groups whose failures count there.")
    taskIdentifier = TextField(  # noqa: N815
        required=False,
        allow_null=True,
        max_length=LONGEST_NAME,
        help_text="Which task is meant, where the ids stand for groups in several.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        own = fingerprint_of_error_id(attrs["into"])
        itself = ErrorDetail("A group cannot be merged into itself.", code="same_group")
        faults = {
            str(number): [itself]
            for number, fingerprint in enumerate(attrs[FROM])
            if fingerprint == own
        }
        if faults:
            raise serializers.ValidationError({FROM: faults})
        return attrs


class SplitBody(serializers.Serializer[Any]):
    fingerprint = TextField(
        max_length=LONGEST_NAME,
        help_text="One of the group's mergedFingerprints; an id will do, too.",
    )


def read_merge(request: Request) -> WantedMerge:
    """What is asked for. Raises what `read_json` raises, or a validation error."""
    body = checked_body(MergeBody, request)
    return WantedMerge(
        into=fingerprint_of_error_id(body["into"]),
        merged=body[FROM],
        task_identifier=body.get("taskIdentifier"),
    )


def read_split(request: Request) -> str:
    """The fingerprint that is to be split off. Raises what `read_json` raises, or a validation
    error."""
    return fingerprint_of_error_id(checked_body(SplitBody, request)["fingerprint"])


def _is_id(item: Any) -> bool:
    return isinstance(item, str) and 0 < len(item) <= LONGEST_NAME and "\0" not in item
