"""A running server against its own document, by requests that nobody thought of.

Schemathesis makes them from the document: examples, edges of every limit, and random ones. By
default few and always the same ones; `FUZZ_EXAMPLES=1000` asks for many and new ones.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from config.openapi import openapi_document
from tests.serve.conftest import Start
from tests.serve.family import Family, within

WANTED = int(os.environ.get("FUZZ_EXAMPLES", "0"))
EXAMPLES = WANTED or 20
# In the suite, of one operation in one phase: edges of a report's members alone are a thousand.
MOST_CALLS = 10**9 if WANTED else 80
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@dataclass
class Asked:
    """A server, what opens it, and what is there to be named; counts what it is asked."""

    family: Family
    credentials: dict[str, str]
    ids: dict[str, list[str]]
    calls: Counter[tuple[str, str]]
    statuses: set[tuple[str, int]]

    def credential(self, case: Any) -> str:
        """One of the kinds that the operation takes, each in its turn."""
        accepted = [name for scheme in of(case)["security"] for name in scheme]
        return self.credentials[accepted[self.calls.total() % len(accepted)]]

    def name_what_is_there(self, case: Any) -> None:
        """In three of four requests: what random ids name never is there."""
        turn = self.calls.total()
        for name, there in self.ids.items():
            if turn % 4 and name in case.path_parameters:
                case.path_parameters[name] = there[turn % len(there)]


@schemathesis.serializer("application/x-ndjson", "application/ndjson", "application/jsonl")
def lines(context: Any, value: Any) -> bytes:
    """Schemathesis knows no such bodies; those it makes are text, as documented, or are not."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes_of(value)


def bytes_of(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def of(case: Any) -> dict[str, Any]:
    operation: dict[str, Any] = case.operation.definition.raw
    return operation


def checks_of(response: Any) -> list[Any]:
    # An address that is too long is refused before anybody looks at the method.
    return CHECKS if response.status_code == 414 else [*CHECKS, unsupported_method]


@pytest.fixture(scope="module")
def asked(start: Start) -> Iterator[Asked]:
    family = start("--port", "0", "--workers", "2").wait_until_ready()
    told = json.loads(family.manage("bootstrap", "--new-keys", "--json"))
    person = bearer(told["personalAccessToken"])
    ref = told["project"]["ref"]
    key = told["environments"]["prod"]["apiKey"]
    scopes = [f"{action}:{kind}" for action in ("read", "write") for kind in ("runs", "errors")]
    exchange = {"claims": {"scopes": scopes}}
    token = family.post(f"/api/v1/projects/{ref}/prod/jwt", exchange, **person).body["token"]
    actor = family.post("/api/v1/auth/user-actor-token", {}, **person).body["token"]
    groups, runs = reported(family, key)
    change = {"action": "ignore", "filter": {}}
    changed = family.post("/api/v1/errors/bulk", change, **bearer(key)).body["operationId"]
    asked = Asked(
        family,
        {
            "ApiKey": key,
            "EnvironmentToken": token,
            "PersonalAccessToken": told["personalAccessToken"],
            "UserActorToken": actor,
        },
        {
            "error_id": groups,
            "run_id": runs,
            "operation_id": [changed],
            "project_ref": [ref],
            "environment": ["prod", "dev"],
        },
        Counter(),
        set(),
    )
    yield asked
    # Else it was all about refusals. Revoking wants the id of a key, merging and splitting those of
    # groups in their body, which nobody guesses.
    answered = {operation for operation, status in asked.statuses if status < 400}
    assert {operation for operation, _ in asked.calls} - answered <= {
        "mergeErrors",
        "revokeApiKey",
        "splitError",
    }


def reported(family: Family, key: str) -> tuple[list[str], list[str]]:
    """Ids of groups and runs that are there."""
    failures = [
        {
            "id": f"run_{number}",
            "taskIdentifier": "send-invoice",
            "status": "FAILED",
            "error": {"type": f"Type{number}Error", "message": "It broke"},
        }
        for number in range(3)
    ]
    family.post("/api/v1/runs", failures, **bearer(key))

    def listed() -> list[str]:
        answer = family.get("/api/v1/errors", **bearer(key))
        return [group["id"] for group in answer.body["data"]]

    within(30, lambda: len(listed()) == len(failures))
    return listed(), [str(failure["id"]) for failure in failures]


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def documented() -> Any:
    schema = schemathesis.openapi.from_dict(openapi_document())
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    schema.config.generation.update(modes=modes, with_security_parameters=False)
    return schema


@documented().parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=not WANTED,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_documented(case: Any, asked: Asked) -> None:
    operation = of(case)["operationId"]
    phase = (operation, str(case.meta and case.meta.phase.name))
    asked.calls[phase] += 1
    if asked.calls[phase] > MOST_CALLS:
        return
    asked.name_what_is_there(case)

    response = case.call(
        base_url=f"http://{asked.family.address}", headers=bearer(asked.credential(case))
    )

    # Methods that the address does not know are tried, too, and OPTIONS is answered everywhere.
    if case.method.upper() == case.operation.method.upper():
        asked.statuses.add((operation, response.status_code))
    case.validate_response(response, checks=checks_of(response))
