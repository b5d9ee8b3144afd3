"""The document as tests look at it: its operations, and what their answers must look like."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from config.openapi import openapi_document

CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Operation:
    """`path` is as in the document: `/api/v1/errors/{error_id}`."""

    method: str
    path: str
    content: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.content["operationId"])

    def response(self, status: int) -> Mapping[str, Any]:
        """What it says of that status. A KeyError: it says nothing."""
        return resolved(self.content["responses"][str(status)])


@cache
def operations() -> dict[str, Operation]:
    return {operation.id: operation for operation in _operations()}


def _operations() -> Iterator[Operation]:
    for path, item in openapi_document()["paths"].items():
        for method, content in item.items():
            yield Operation(method.upper(), path, content)


def documented_path(route: str) -> str:
    """A route of the resolver as the document writes it."""
    return "/api/" + CONVERTER.sub(r"{\1}", route)


def resolved(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference refers to, or the part itself."""
    reference = part.get("$ref")
    if reference is None:
        return part
    found: Any = openapi_document()
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return resolved(found)


def breaches(schema: Mapping[str, Any], value: Any) -> list[str]:
    """Where and how `value` is not what `schema` says."""
    components = {"components": openapi_document()["components"]}
    validator = Draft202012Validator({**schema, **components})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def members_of(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    """The members of components that `value` has: `Run.status`."""
    name = schema.get("$ref", "").rpartition("/")[2]
    schema = resolved(schema)
    for either in schema.get("anyOf", ()):
        yield from members_of(either, value)
    if isinstance(value, list):
        for item in value:
            yield from members_of(schema.get("items", {}), item)
    elif isinstance(value, dict):
        properties = schema.get("properties", {})
        for member in value.keys() & properties.keys():
            if name:
                yield f"{name}.{member}"
            yield from members_of(properties[member], value[member])


def members_promised(schema: Mapping[str, Any]) -> set[str]:
    """The members of all components that an answer of `schema` is made of: `Run.status`."""
    found: set[str] = set()
    name = schema.get("$ref", "").rpartition("/")[2]
    schema = resolved(schema)
    for member, inner in schema.get("properties", {}).items():
        if name:
            found.add(f"{name}.{member}")
        found |= members_promised(inner)
    for inner in schema.get("anyOf", ()):
        found |= members_promised(inner)
    return found | (members_promised(schema["items"]) if "items" in schema else set())
