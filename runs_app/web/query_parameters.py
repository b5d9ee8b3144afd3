"""The query parameters of a list as the OpenAPI document tells them: read from what checks them."""

from typing import Any, Final

from django import forms
from drf_spectacular.utils import OpenApiParameter

from runs_app.domain.paging import DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE, LONGEST_CURSOR
from runs_app.domain.window import EPOCH_MILLISECONDS, PERIOD
from runs_app.web.filters import (
    LONGEST_LIST,
    BracketFilterSet,
    ChoiceListField,
    MomentField,
    OneWordField,
    PeriodField,
    TextListField,
    TrueFalseField,
)
from runs_app.web.json_schemas import Schema
from runs_app.web.pagination import AFTER, BEFORE, SIZE

# Nothing at all is the same as no parameter, here and in lists.
CURSOR: Final[Schema] = {"type": "string", "maxLength": LONGEST_CURSOR}
PAGE_PARAMETERS: Final = (
    OpenApiParameter(
        SIZE,
        type={
            "type": "integer",
            "minimum": 1,
            "maximum": LARGEST_PAGE_SIZE,
            "default": DEFAULT_PAGE_SIZE,
        },
        description="How many rows a page holds.",
    ),
    OpenApiParameter(
        AFTER, type=CURSOR, description="The page behind this cursor: pagination.next of an answer."
    ),
    OpenApiParameter(
        BEFORE,
        type=CURSOR,
        description="The page before this cursor: pagination.previous of an answer.",
    ),
)


def query_parameters(filters: type[BracketFilterSet]) -> list[OpenApiParameter]:
    """The declared filters, under the names they have in the query string."""
    return [
        _parameter(filters.parameter(name), declared.field_class(**declared.extra))
        for name, declared in filters.base_filters.items()
    ]


def member_schemas(filters: type[BracketFilterSet]) -> dict[str, Schema]:
    """The declared filters as members of an object, whose lists may be texts with commas, too."""
    found = {}
    for name, declared in filters.base_filters.items():
        field = declared.field_class(**declared.extra)
        forms_taken = [_schema(field)]
        if isinstance(field, TextListField):
            forms_taken.append({"type": "string"})
        elif isinstance(field, MomentField):
            forms_taken.append({"type": "integer", "minimum": 0})
        forms_taken.append({"type": "null"})
        found[name] = {"anyOf": forms_taken, "description": str(field.help_text)}
    return found


def _parameter(name: str, field: forms.Field) -> OpenApiParameter:
    is_list = isinstance(field, TextListField)
    return OpenApiParameter(
        name,
        type=_schema(field),
        description=str(field.help_text),
        # a,b and not name=a&name=b.
        style="form" if is_list else None,
        explode=False if is_list else None,
    )


def _schema(field: forms.Field) -> Schema:
    match field:
        case ChoiceListField():
            return _list_of({"type": "string", "enum": list(field.allowed)})
        case TextListField():
            return _list_of({"type": "string"})
        case OneWordField():
            return {"type": "string", "enum": list(field.allowed)}
        case PeriodField():
            # Not nothing at all, which the pattern leaves to its reader.
            return {"type": "string", "pattern": "^(?!0+[mhdw])" + PERIOD.pattern + "$"}
        case MomentField():
            epoch = {"type": "string", "pattern": _whole(EPOCH_MILLISECONDS.pattern)}
            return {"anyOf": [{"type": "string", "format": "date-time"}, epoch]}
        case TrueFalseField():
            return {"type": "boolean"}
        case forms.CharField():
            return {"type": "string", **_longest(field.max_length)}
        case _:
            raise TypeError(f"{type(field).__name__} has no form in the document")


def _list_of(items: Schema) -> Schema:
    return {"type": "array", "items": items, "maxItems": LONGEST_LIST}


def _longest(length: int | None) -> dict[str, Any]:
    return {} if length is None else {"maxLength": length}


def _whole(pattern: str) -> str:
    return f"^{pattern}$"
