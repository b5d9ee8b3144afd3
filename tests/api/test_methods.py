"""Methods, slashes and media types: the same on every route under /api/."""

from typing import Any

import pytest
from django.test import Client

from tests.api.expectations import failure, refused, the_group
from tests.api.routes import api_routes
from tests.conftest import Answer, Workspace

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"}
# Routes whose credentials are not an environment's key, or whose bodies may not be empty: their own
# tests say what they answer.
ELSEWHERE: frozenset[str] = frozenset(
    {
        "schema/",
        "v1/auth/public-tokens",
        "v1/auth/user-actor-token",
        "v1/errors/bulk",
        "v1/errors/bulk/<str:operation_id>/undo",
        "v1/errors/<str:error_id>/split",
        "v1/errors/merge",
        "v1/grouping/preview",
        "v1/projects",
        "v1/projects/<str:project_ref>",
        "v1/projects/<str:project_ref>/<str:environment>/api-keys",
        "v1/projects/<str:project_ref>/<str:environment>/api-keys/<str:key_id>",
        "v1/projects/<str:project_ref>/<str:environment>/jwt",
        "v2/whoami",
    }
)


class Caller:
    """Any method on any route of one workspace."""

    def __init__(self, workspace: Workspace, group: dict[str, Any]) -> None:
        self.workspace = workspace
        self.group = group

    def __call__(
        self, method: str, route: str, *, after: str = "", key: bool = True, **headers: str
    ) -> Answer:
        path = "/api/" + route.replace("<str:error_id>", self.group["id"]).replace(
            "<str:run_id>", "run_a"
        )
        if key:
            headers["authorization"] = f"Bearer {self.workspace.key}"
        client = Client(raise_request_exception=False)
        response = client.generic(method, path + after, headers=headers)
        return self.workspace.api._answer(response)


@pytest.fixture
def call(shared_prod: Workspace, group_once: dict[str, Any], db: None) -> Caller:
    return Caller(shared_prod, group_once)


@pytest.fixture(params=sorted(set(api_routes()) - ELSEWHERE))
def route(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def allowed(route: str) -> set[str]:
    methods = set(api_routes()[route]) | {"OPTIONS"}
    return methods | {"HEAD"} if "GET" in methods else methods


def test_a_wrong_method_is_refused_and_told_the_right_ones(call: Caller, route: str) -> None:
    for method in METHODS - api_routes()[route]:
        answer = call(method, route)

        refused(answer, 405, "method_not_allowed")
        assert set(answer.headers["Allow"].split(", ")) == allowed(route)


def test_a_method_nobody_knows_is_refused(call: Caller, route: str) -> None:
    refused(call("BREW", route), 405, "method_not_allowed")


def test_without_a_key_not_even_the_methods_are_told(call: Caller, route: str) -> None:
    for method in (*METHODS, "OPTIONS"):
        refused(call(method, route, key=False), 401, "unauthorized")


def test_a_head_is_a_get_without_its_body(call: Caller, route: str) -> None:
    answer = call("HEAD", route)

    if "GET" not in api_routes()[route]:
        assert answer.status == 405
        return
    assert answer.status == 200
    assert answer.body is None
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["x-request-id"]


def test_options_name_the_methods_and_nothing_of_our_code(call: Caller, route: str) -> None:
    answer = call("OPTIONS", route)

    assert answer.status == 200
    assert answer.body is None
    assert set(answer.headers["Allow"].split(", ")) == allowed(route)


def test_a_slash_at_the_end_is_another_address(call: Caller, route: str) -> None:
    for method in ("GET", "POST"):
        answer = call(method, route, after="/")

        body = refused(answer, 404, "not_found")
        assert body["detail"] == "There is nothing at this address."


@pytest.mark.parametrize("query", ["?format=json", "?format=api", "?format=xml", "?format="])
def test_a_format_in_the_query_is_harmless(call: Caller, route: str, query: str) -> None:
    method = "GET" if "GET" in api_routes()[route] else "POST"

    answer = call(method, route, after=query)

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("suffix", [".json", ".api", ".html"])
def test_a_suffix_is_no_format(call: Caller, suffix: str) -> None:
    refused(call("GET", "v1/errors", after=suffix), 404, "not_found")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "text/html;q=0.9"])
def test_who_does_not_take_json_is_told_so_in_json(call: Caller, route: str, accept: str) -> None:
    method = "GET" if "GET" in api_routes()[route] else "POST"

    refused(call(method, route, Accept=accept), 406, "not_acceptable")


@pytest.mark.parametrize(
    "accept",
    [
        "application/json", "*/*", "application/*", "text/html,application/json;q=0.5",
        "text/html,*/*;q=0.1",
    ],
)  # fmt: skip
def test_who_takes_json_too_gets_it(call: Caller, accept: str) -> None:
    answer = call("GET", "v1/errors", Accept=accept)

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("accept", ["text/html", "nonsense", "*/*"])
def test_a_refusal_is_the_envelope_whatever_is_accepted(call: Caller, accept: str) -> None:
    refused(call("GET", "v1/nowhere", Accept=accept), 404, "not_found")
    refused(call("DELETE", "v1/nowhere", key=False, Accept=accept), 404, "not_found")


def test_a_head_of_something_unknown_has_a_status_and_no_body(prod: Workspace) -> None:
    prod.report(failure("run_a"))
    group = {**the_group(prod), "id": "error_unknown"}

    answer = Caller(prod, group)("HEAD", "v1/errors/<str:error_id>")

    assert answer.status == 404
    assert answer.body is None
