"""The OpenAPI document: what all operations have in common, and what the document says of itself.

What an operation takes and answers stands beside its view (`runs_app.api.schemas`,
`errors_app.api.schemas`); which scope and which credentials it needs is read from the view itself.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry
from drf_spectacular.utils import OpenApiParameter
from rest_framework.serializers import Serializer

import runs_app.api.schemas.fields  # noqa: F401  (being loaded, they are known to the generator)
from config.openapi_problems import (
    PROBLEM_COMPONENTS,
    common_headers,
    problem_name,
    problem_responses,
    shared_headers,
)
from errors_app.api.schemas import COMPONENTS as ERRORS_COMPONENTS
from runs_app.api.schemas import COMPONENTS as RUNS_COMPONENTS
from runs_app.domain.callers import CredentialKind
from runs_app.domain.tenant import ENVIRONMENT_SLUGS
from runs_app.web.permissions import NO_SCOPE

Document = dict[str, Any]

EXAMPLES: Final = Path(__file__).parent / "openapi_examples"
PATH_NAME: Final = re.compile(r"\{(\w+)\}")
ALWAYS_POSSIBLE: Final = (400, 401, 406, 414, 429, 431, 500, 503)
POSSIBLE_WITH_A_BODY: Final = (408, 413, 415)
SCHEMES: Final[Mapping[CredentialKind, tuple[str, str, str]]] = {
    CredentialKind.API_KEY: (
        "ApiKey",
        "tr_<dev|stg|prod|preview>_sk_...",
        "The API key of an environment, such as tr_prod_sk_...",
    ),
    CredentialKind.ENVIRONMENT_TOKEN: (
        "EnvironmentToken",
        "JWT",
        "A token for an environment, with exactly its scopes.",
    ),
    CredentialKind.PERSONAL_ACCESS_TOKEN: (
        "PersonalAccessToken",
        "tr_pat_...",
        "A person's access token: tr_pat_...",
    ),
    CredentialKind.USER_ACTOR_TOKEN: (
        "UserActorToken",
        "tr_uat_...",
        "A token with which a program acts for a person: tr_uat_...",
    ),
}
PATH_PARAMETERS: Final[Mapping[str, tuple[dict[str, Any], str]]] = {
    "error_id": (
        {"type": "string", "minLength": 1},
        "The id of an error group: error_ and its fingerprint, or the fingerprint alone.",
    ),
    "run_id": (
        {"type": "string", "minLength": 1},
        "The id of a run, with run_ before it or without.",
    ),
    "project_ref": (
        {"type": "string", "minLength": 1},
        "The reference of a project: proj_ and 20 letters.",
    ),
    "environment": ({"type": "string", "enum": list(ENVIRONMENT_SLUGS)}, "An environment of it."),
    "operation_id": (
        {"type": "string", "format": "uuid"},
        "The operationId of the answer to a change of many groups.",
    ),
    "key_id": ({"type": "string", "format": "uuid"}, "The id of an API key, as the list has it."),
}
TAGS: Final = (
    {"name": "Errors", "description": "Groups of failures, and what was decided about them."},
    {"name": "Runs", "description": "Reporting and reading runs of background tasks."},
    {"name": "People", "description": "Whom a token speaks for, and their projects."},
    {"name": "API keys", "description": "The keys of an environment, for owners and admins."},
    {"name": "Tokens", "description": "Tokens in return for a credential."},
)
DESCRIPTION: Final = """\
Self-hosted error groups for background-task runs.

**Credentials** go into the header `Authorization: Bearer <key or token>`. Press *Authorize*, paste
one, and every operation below that takes its kind can be tried on this very server.

**Failures** all have one shape, `application/problem+json`: branch on the member `error`. Every
code has [a page](/docs/errors/) with causes and remedies. An address that exists and does not take
the method answers 405 with the header `Allow`.

**Request ids**: every answer has the header `x-request-id`, which is the one of the request where
that is 1 to 128 visible ASCII characters. It is in the log lines of the request, too.

**Limits**: where requests are limited, answers have the headers `x-ratelimit-limit`,
`x-ratelimit-remaining` and `x-ratelimit-reset` (epoch milliseconds); 429 and 503 have
`Retry-After` (seconds).

**Members** may be added to answers: leave alone the ones you do not know.
"""


class ApiOperation(AutoSchema):
    """An operation with its scope, credentials, refusals, headers and example."""

    def get_operation(
        self,
        path: str,
        path_regex: str,
        path_prefix: str,
        method: str,
        registry: ComponentRegistry,
    ) -> Document | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        operation["description"] = f"{operation['description']}\n\n{self._scope_sentence()}"
        if "requestBody" in operation and isinstance(self.get_request_serializer(), dict):
            # Nothing tells of a plain schema whether it may be left out, as of a body's members.
            operation["requestBody"]["required"] = True
        responses: Document = operation["responses"]
        for response in responses.values():
            response["headers"] = {**response.get("headers", {}), **common_headers()}
            response["description"] = "Done."
        named = {int(status) for status in responses if int(status) >= 400}
        for status in sorted(named | self._refusals()):
            name = problem_name(status)
            responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
        operation["responses"] = dict(sorted(responses.items()))
        _add_example(operation)
        return operation

    def get_auth(self) -> list[dict[str, list[str]]]:
        accepts = self._declaring_view().accepts
        return [{name: []} for kind, (name, *_) in SCHEMES.items() if kind in accepts]

    def get_extensions(self) -> dict[str, Any]:
        scope = self._scope()
        return {} if scope == NO_SCOPE else {"x-required-scope": scope}

    def get_override_parameters(
        self,
    ) -> list[OpenApiParameter | Serializer[Any] | type[Serializer[Any]]]:
        return [
            OpenApiParameter(
                name,
                type=PATH_PARAMETERS[name][0],
                location=OpenApiParameter.PATH,
                required=True,
                description=PATH_PARAMETERS[name][1],
            )
            for name in PATH_NAME.findall(self.path)
        ]

    def _is_list_view(self, serializer: Any = None) -> bool:
        """Whether an answer is a list is said where the answer is described."""
        return False

    def _declaring_view(self) -> Any:
        """The view, of which `config.urls` made sure that it has a ScopedViewMixin."""
        return self.view

    def _scope(self) -> str:
        view = self._declaring_view()
        scope: str = view.required_scopes[view.action]
        return scope

    def _scope_sentence(self) -> str:
        scope = self._scope()
        if scope == NO_SCOPE:
            return "Needs no scope."
        if self._declaring_view().scope_id_kwarg in PATH_NAME.findall(self.path):
            return f"Needs the scope `{scope}`, or `{scope}:<id>` for this one alone."
        return f"Needs the scope `{scope}`."

    def _refusals(self) -> set[int]:
        """What the layers around the view may answer; what it refuses itself, it declares."""
        found = {*ALWAYS_POSSIBLE}
        if self._scope() != NO_SCOPE:
            found.add(403)
        if PATH_NAME.findall(self.path):
            found.add(404)
        if self.method == "POST":
            found.update(POSSIBLE_WITH_A_BODY)
        return found


def finish_document(
    result: Document, generator: SchemaGenerator, request: object, public: bool
) -> Document:
    """The last step of generating: all components, and bodies that say what else they take."""
    result["info"]["description"] = DESCRIPTION
    result["tags"] = list(TAGS)
    components: Document = result["components"]
    schemas: Document = components.setdefault("schemas", {})
    for body in schemas.values():
        if body.get("type") == "object":
            # Newer clients may send more than is read here.
            body.setdefault("additionalProperties", True)
    schemas.update({**RUNS_COMPONENTS, **ERRORS_COMPONENTS, **PROBLEM_COMPONENTS})
    components["schemas"] = dict(sorted(schemas.items()))
    components["headers"] = shared_headers()
    components["responses"] = problem_responses()
    components["securitySchemes"] = {
        name: {"type": "http", "scheme": "bearer", "bearerFormat": form, "description": words}
        # The page that tries them puts the cursor into the last: an API key is what most have.
        for name, form, words in reversed(list(SCHEMES.values()))
    }
    return result


@cache
def openapi_document() -> Document:
    """The same for everybody, so it is made once."""
    document: Document = SchemaGenerator().get_schema(request=None, public=True)
    return document


def _add_example(operation: Document) -> None:
    """What was really sent and answered once, see `tests.openapi.story`."""
    place = EXAMPLES / f"{operation['operationId']}.json"
    if not place.exists():
        return
    kept = json.loads(place.read_text())
    if "request" in kept:
        _set_example(operation["requestBody"], kept["request"])
    if "response" in kept:
        _set_example(operation["responses"][str(kept["status"])], kept["response"])


def _set_example(described: Document, example: Any) -> None:
    described["content"]["application/json"]["example"] = example
