"""The document tells of every route, and tells what the views themselves declare."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from jsonschema import Draft202012Validator

from config.error_catalogue import CATALOGUE
from config.openapi import SCHEMES, openapi_document
from errors_app.web.filters import ErrorGroupFilterSet
from runs_app.api.filters import RunFilterSet
from runs_app.api.runs import LINE_TYPES
from runs_app.domain.callers import CredentialKind
from runs_app.domain.reports import FIELDS
from runs_app.web.bodies import JSON_TYPES
from runs_app.web.filters import BracketFilterSet
from runs_app.web.permissions import NO_SCOPE
from tests.api.routes import api_routes
from tests.openapi.reading import (
    Operation,
    breaches,
    documented_path,
    operations,
    resolved,
)

# Clients are generated from these names: they never change.
OPERATION_IDS = {
    "changeErrors", "createApiKey", "createEnvironmentToken", "createPublicToken",
    "createUserActorToken", "getError", "getErrorGrouping", "getProject", "getRun", "ignoreError",
    "listApiKeys", "listErrorActivity", "listErrors", "listProjects", "listRuns", "mergeErrors",
    "previewGrouping", "reportRuns", "resolveError", "revokeApiKey", "splitError",
    "undoChangeOfErrors", "unresolveError", "whoAmI",
}  # fmt: skip
# What tells of the API is no part of it.
UNDOCUMENTED = {"schema/"}


def test_every_route_is_documented_and_nothing_else_is() -> None:
    routes = {
        (method, documented_path(route))
        for route, methods in api_routes().items()
        if route not in UNDOCUMENTED
        for method in methods
    }

    assert {(each.method, each.path) for each in operations().values()} == routes


def test_operations_keep_their_names() -> None:
    assert operations().keys() == OPERATION_IDS


def test_every_operation_says_what_it_is() -> None:
    tags = {tag["name"] for tag in openapi_document()["tags"]}
    for operation in operations().values():
        content = operation.content
        assert set(content["tags"]) <= tags
        assert content["summary"]
        assert content["description"]
        for parameter in content.get("parameters", ()):
            assert parameter["description"], (operation.id, parameter["name"])


def test_scopes_and_credentials_are_those_of_the_views() -> None:
    for operation, view, action in declared():
        scope = view.required_scopes[action]
        named = operation.content.get("x-required-scope", NO_SCOPE)
        accepted = [{name: []} for kind, (name, *_) in SCHEMES.items() if kind in view.accepts]

        assert named == scope, operation.id
        assert operation.content["security"] == accepted, operation.id
        assert ("403" in operation.content["responses"]) >= (scope != NO_SCOPE)


def test_every_kind_of_credential_is_a_scheme() -> None:
    assert set(SCHEMES) == set(CredentialKind)


@pytest.mark.parametrize(
    ("operation_id", "filters"), [("listErrors", ErrorGroupFilterSet), ("listRuns", RunFilterSet)]
)
def test_every_filter_and_the_page_are_parameters(
    operation_id: str, filters: type[BracketFilterSet]
) -> None:
    parameters = operations()[operation_id].content["parameters"]

    assert {parameter["name"] for parameter in parameters} == {
        *(filters.parameter(name) for name in filters.base_filters),
        "page[size]",
        "page[after]",
        "page[before]",
    }


def test_a_report_has_all_members_that_are_read() -> None:
    report = openapi_document()["components"]["schemas"]["RunReport"]

    assert report["properties"].keys() == FIELDS.keys()


def test_a_report_is_documented_in_every_form_that_is_read() -> None:
    body = operations()["reportRuns"].content["requestBody"]
    forms = resolved(body["content"]["application/json"]["schema"])["anyOf"]

    assert set(body["content"]) == (JSON_TYPES | LINE_TYPES) - {""}
    assert body["required"]
    assert [form.get("type", "RunReport") for form in forms] == ["RunReport", "array", "object"]


def test_every_object_says_whether_it_has_other_members() -> None:
    for name, schema in openapi_document()["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert "additionalProperties" in schema, name
        Draft202012Validator.check_schema(schema)


def test_every_refusal_is_the_envelope() -> None:
    for operation in operations().values():
        for status in operation.content["responses"]:
            if int(status) >= 400:
                response = operation.response(int(status))
                assert list(response["content"]) == ["application/problem+json"]
                assert "x-request-id" in response["headers"]


def test_what_is_refused_around_every_view_is_documented_of_every_operation() -> None:
    for operation in operations().values():
        documented = {int(status) for status in operation.content["responses"]}
        has_body = operation.method == "POST"

        assert documented >= {400, 401, 406, 414, 429, 431, 500, 503}, operation.id
        assert (documented >= {408, 413, 415}) == has_body, operation.id
        assert ("{" in operation.path) <= (404 in documented), operation.id


def test_every_code_of_the_catalogue_has_an_example_that_is_as_documented() -> None:
    responses = openapi_document()["components"]["responses"]
    for code, entry in CATALOGUE.items():
        content = responses[f"Problem{entry.status}"]["content"]["application/problem+json"]
        example = content["examples"][code]["value"]

        assert example["error"] == code
        assert breaches(content["schema"], example) == []


def test_no_reference_leads_nowhere() -> None:
    found = list(references(openapi_document()))

    assert found
    for reference in found:
        assert resolved({"$ref": reference})


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def declared() -> Iterator[tuple[Operation, Any, str]]:
    """Each operation with its view and the view's name for it."""
    by_place = {(each.method, each.path): each for each in operations().values()}
    for path, callback in callbacks(get_resolver().url_patterns, ""):
        for method, action in (getattr(callback, "actions", None) or {}).items():
            operation = by_place.get((method.upper(), path))
            if operation is not None:
                yield operation, callback.cls, action


def callbacks(patterns: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from callbacks(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("api/"):
            yield documented_path(route.removeprefix("api/")), pattern.callback
