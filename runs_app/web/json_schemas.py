"""Pieces of JSON Schema, in which the OpenAPI document tells what answers hold."""

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
AMOUNT: Final[Schema] = {"type": "number", "minimum": 0}
MOMENT: Final[Schema] = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}


def ref(name: str) -> Schema:
    """The component of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(
    description: str,
    required: Mapping[str, Schema],
    optional: Mapping[str, Schema] | None = None,
) -> Schema:
    """An object with these members and no others; `required` are always there, if only as null."""
    return {
        "type": "object",
        "description": description,
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def nullable(schema: Schema, description: str = "") -> Schema:
    either: Schema = {"anyOf": [schema, {"type": "null"}]}
    return described(either, description) if description else either


def words(values: type[Any]) -> Schema:
    """One of an enumeration's values."""
    return {"type": "string", "enum": [member.value for member in values]}


def list_of(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def page_of(items: Schema, description: str, more: Mapping[str, Schema] | None = None) -> Schema:
    """One page of a list, with what the list says beside its rows."""
    members = {"data": list_of(items), "pagination": ref("Pagination"), **(more or {})}
    return record(description, members)


PAGINATION: Final[Mapping[str, Schema]] = {
    "Pagination": record(
        "Cursors to the pages around this one. One that is absent has no page behind it.",
        {},
        {
            "next": described(TEXT, "Send it as page[after]."),
            "previous": described(TEXT, "Send it as page[before]."),
        },
    )
}
