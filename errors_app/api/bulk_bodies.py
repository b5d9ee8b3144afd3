"""The body of a change of many groups."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.settings import api_settings

from errors_app.api.bodies import (
    EITHER_VERSION,
    TWO_RESOLUTIONS,
    IgnoreBody,
    ResolveBody,
    conditions_of,
    resolution_of,
)
from errors_app.domain.bulk import BulkChange, PickedGroup
from errors_app.domain.filters import GroupFilters
from errors_app.domain.groups import DECISIONS, LONGEST_NAME, Action
from errors_app.web.filters import GroupFilterSet, filters_of
from runs_app.domain.errors import Detail, InvalidInput
from runs_app.domain.ids import fingerprint_of_error_id
from runs_app.web.filters import ChoiceListFilter, MomentFilter, TextListFilter, safe_name
from runs_app.web.json_fields import TextField, TrueFalseField, WholeNumberField, checked_body

# A thousand ids with the longest names of tasks fit in.
LARGEST_BODY: Final = 1_048_576
MOST_IDS: Final = 1_000
# Members that belong to one action alone.
BELONGS: Final[Mapping[str, Action]] = {
    **dict.fromkeys(ResolveBody().fields, Action.RESOLVE),
    **dict.fromkeys(IgnoreBody().fields, Action.IGNORE),
}
IDS_OR_FILTER: Final = "Give either ids or filter."
PICKED_MEMBERS: Final = frozenset({"id", "taskIdentifier"})
LISTS: Final = (TextListFilter, ChoiceListFilter)

Faults = dict[str, list[ErrorDetail]]


class ActionField(TextField):
    default_error_messages: ClassVar = {"unknown_value": f"Takes one of: {', '.join(DECISIONS)}."}

    def to_internal_value(self, data: Any) -> Action:
        word = super().to_internal_value(data)
        if word not in DECISIONS:
            self.fail("unknown_value")
        return Action(word)


class PickedGroupsField(serializers.Field[Any, Any, Any, Any]):
    """A list of ids, each a text, or an object that names the task too."""

    default_error_messages: ClassVar = {
        "not_a_list": "A list of ids is expected.",
        "empty": "The list is empty.",
        "too_many": f"At most {MOST_IDS:,} ids.",
    }
    default_item_messages: ClassVar = {
        "invalid": "An id is a text, or an object with id and taskIdentifier.",
        "too_long": f"At most {LONGEST_NAME} characters.",
    }

    def to_internal_value(self, data: Any) -> tuple[PickedGroup, ...]:
        if not isinstance(data, list):
            self.fail("not_a_list")
        if not data:
            self.fail("empty")
        if len(data) > MOST_IDS:
            self.fail("too_many")
        faults: dict[str, list[ErrorDetail]] = {}
        picked = []
        for number, item in enumerate(data):
            names = _names_of(item)
            code = "invalid" if names is None else _fault_of(names)
            if names is None or code:
                faults[str(number)] = [ErrorDetail(self.default_item_messages[code], code=code)]
            else:
                picked.append(PickedGroup(fingerprint_of_error_id(names[0]), names[1]))
        if faults:
            raise serializers.ValidationError(faults)
        return tuple(picked)


class GroupFilterMembers(GroupFilterSet):
    """The filters of the list as members of an object: values are what the query string takes, or
    lists of texts in place of comma-separated ones. Places are the names of members."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        given = {name: value for name, value in members.items() if value is not None}
        self._wrong = tuple(_wrong_types(given))
        query = QueryDict(mutable=True)
        for name in given.keys() - {detail.path for detail in self._wrong}:
            query.setlist(name, [_plain(given[name])])
        super().__init__(query)

    @classmethod
    def parameter(cls, name: str) -> str:
        return name

    def place(self, name: str) -> str:
        return name

    def values(self) -> dict[str, Any]:
        details = [*self._unknown(), *self._wrong, *self._invalid(), *self._contradictions()]
        if details:
            raise InvalidInput(details)
        cleaned: dict[str, Any] = self.form.cleaned_data
        return cleaned

    def _unknown(self) -> Iterator[Detail]:
        known = sorted(self.filters)
        for name in self._query:
            if name not in self.filters:
                message = f"There is no such filter. Filters here: {', '.join(known)}."
                yield Detail(message, safe_name(name), "unknown_filter")


class GroupFilterField(serializers.Field[Any, Any, Any, Any]):
    default_error_messages: ClassVar = {"not_a_dict": "An object of filters is expected."}

    def to_internal_value(self, data: Any) -> GroupFilters:
        if not isinstance(data, dict):
            self.fail("not_a_dict")
        try:
            return filters_of(GroupFilterMembers(data).values())
        except InvalidInput as error:
            faults: Faults = {}
            for detail in error.details:
                told = ErrorDetail(detail.message, code=detail.code)
                faults.setdefault(detail.path, []).append(told)
            raise serializers.ValidationError(faults) from None


class BulkBody(ResolveBody, IgnoreBody):
    """What is checked member by member, and what the members say together, is told at once. A
    member nobody knows is refused: a misspelt dryRun must not change a thousand groups."""

    action = ActionField(help_text="What to do with each of the groups.")
    ids = PickedGroupsField(
        required=False,
        allow_null=True,
        help_text="These groups. Where an id stands for groups in several tasks, name the task.",
    )
    filter = GroupFilterField(
        required=False,
        allow_null=True,
        help_text="All groups that the list shows with these filters, by default of the last day.",
    )
    expectedCount = WholeNumberField(  # noqa: N815
        required=False,
        allow_null=True,
        min_value=0,
        max_value=10**9,
        help_text="Change nothing where another number of groups matches by now.",
    )
    dryRun = TrueFalseField(  # noqa: N815
        required=False, allow_null=True, help_text="Change nothing, and tell what would be changed."
    )

    def to_internal_value(self, data: Any) -> Any:
        faults: Any = {}
        values: Any = {}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            faults = error.detail
        if isinstance(data, Mapping):
            for name, told in self._faults_of_all(data):
                found = faults.setdefault(name, [])
                if isinstance(found, dict):
                    # It has faults inside of it, too.
                    found = found.setdefault(api_settings.NON_FIELD_ERRORS_KEY, [])
                found.append(told)
        if faults:
            raise serializers.ValidationError(faults)
        return values

    def _faults_of_all(self, data: Mapping[str, Any]) -> Iterator[tuple[str, ErrorDetail]]:
        """What is wrong with members beside one another. Null and false are as absent."""
        given = {name for name, value in data.items() if value is not None and value is not False}
        for name in data.keys() - self.fields.keys():
            yield safe_name(name), ErrorDetail("There is no such member.", code="unknown_member")
        if not given & {"ids", "filter"}:
            yield (
                api_settings.NON_FIELD_ERRORS_KEY,
                ErrorDetail(IDS_OR_FILTER, code="required"),
            )
        if given >= {"ids", "filter"}:
            for name in ("ids", "filter"):
                yield name, ErrorDetail(IDS_OR_FILTER, code="conflict")
        if given >= {*TWO_RESOLUTIONS}:
            for name in TWO_RESOLUTIONS:
                yield name, EITHER_VERSION
        action = data.get("action")
        for name in sorted(given & BELONGS.keys()):
            if action in DECISIONS and action != BELONGS[name]:
                message = f"This belongs to {BELONGS[name]} alone."
                yield name, ErrorDetail(message, code="other_action")


def read_bulk_change(request: Request) -> BulkChange:
    """What is asked for. Raises what `read_json` raises, or a validation error."""
    body = checked_body(BulkBody, request, most=LARGEST_BODY)
    chosen = body.get("ids")
    return BulkChange(
        action=body["action"],
        chosen=body["filter"] if chosen is None else chosen,
        resolution=resolution_of(body),
        conditions=conditions_of(body),
        expected_count=body.get("expectedCount"),
        dry_run=bool(body.get("dryRun")),
    )


def _names_of(item: Any) -> tuple[str, str | None] | None:
    """The id and the task of an item; None where it has no such form."""
    if isinstance(item, str):
        return item, None
    if not isinstance(item, dict) or not item.keys() <= PICKED_MEMBERS:
        return None
    id_, task = item.get("id"), item.get("taskIdentifier")
    if not isinstance(id_, str) or not isinstance(task, str | None):
        return None
    return id_, task


def _fault_of(names: tuple[str, str | None]) -> str:
    texts = [text for text in names if text is not None]
    if any(not text or "\0" in text for text in texts):
        return "invalid"
    return "too_long" if any(len(text) > LONGEST_NAME for text in texts) else ""


def _wrong_types(members: Mapping[str, Any]) -> Iterator[Detail]:
    for name, declared in GroupFilterMembers.base_filters.items():
        value = members.get(name)
        if isinstance(value, str) and not value.strip():
            # In a query it is as absent; here a variable that nobody set would choose all groups.
            yield Detail("The text is empty; leave the filter out for all.", name, "empty")
        if value is None or isinstance(value, str):
            continue
        if isinstance(declared, MomentFilter):
            if not isinstance(value, int) or isinstance(value, bool):
                yield Detail("Takes a text, or epoch milliseconds.", name, "invalid")
        elif not isinstance(declared, LISTS):
            yield Detail("Takes a text.", name, "invalid")
        elif not (isinstance(value, list) and all(isinstance(text, str) for text in value)):
            yield Detail("Takes a list of texts, or one text with commas.", name, "invalid")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, int) else value
