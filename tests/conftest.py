"""What tests work with: real stores, a tenant of their own, and callers of the API."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.migrate import migrate
from runs_app.domain.tenant import ENVIRONMENT_SLUGS, Tenant
from runs_app.models import Environment, Organization, Project
from runs_app.services.credentials import create_api_key
from runs_app.services.replicate import Replicator


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite as in production: a file, not the in-memory database of Django's test runner.
    On a PostgreSQL server each process of the suite has a database of its own."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"] = {
            **database.get("TEST", {}),
            "NAME": str(settings.FAULTLINE_DATA / "test.sqlite3"),
        }


@pytest.fixture(scope="session")
def clickhouse_tables() -> Iterator[None]:
    """The engine, with its tables. Tests keep apart by having tenants of their own."""
    migrate(clickhouse())
    yield
    clickhouse().close()


@dataclass(frozen=True)
class Answer:
    """An API answer as a test looks at it."""

    status: int
    body: Any
    headers: dict[str, str]


class Api:
    """A caller with one credential."""

    def __init__(self, key: str | None, **extra: str) -> None:
        self.key = key
        self._client = Client(raise_request_exception=False)
        self._extra = extra

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Answer:
        return self._answer(self._client.get(path, query or {}, **self._meta(headers)))

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> Answer:
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        return self._answer(
            self._client.post(path, content, content_type=content_type, **self._meta(headers))
        )

    def delete(self, path: str, **headers: str) -> Answer:
        return self._answer(self._client.delete(path, **self._meta(headers)))

    def _meta(self, headers: dict[str, str]) -> dict[str, Any]:
        sent = {**self._extra, **headers}
        if self.key is not None:
            sent.setdefault("authorization", f"Bearer {self.key}")
        return {"headers": sent}

    def _answer(self, response: Any) -> Answer:
        content = response.getvalue()
        try:
            body = json.loads(content) if content else None
        except ValueError:
            body = content.decode()
        return Answer(response.status_code, body, dict(response.headers))


class Workspace:
    """One environment: its tenant, its key, and what a worker and a replicator do for it."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.tenant: Tenant = environment.tenant()
        self.key = create_api_key(environment, name="test")
        self.api = Api(self.key)

    def report(self, *runs: dict[str, Any]) -> dict[str, Any]:
        """Report runs over HTTP, and let them arrive in ClickHouse."""
        answer = self.send(*runs)
        settle()
        return answer

    def send(self, *runs: dict[str, Any]) -> dict[str, Any]:
        """Report runs over HTTP, and leave them in the outbox."""
        answer = self.api.post("/api/v1/runs", list(runs))
        assert answer.status == 200, answer.body
        body: dict[str, Any] = answer.body
        return body

    def errors(self, **query: Any) -> list[dict[str, Any]]:
        """The list of groups; `status="resolved"` becomes `filter[status]=resolved`."""
        answer = self.api.get("/api/v1/errors", bracketed(query))
        assert answer.status == 200, answer.body
        data: list[dict[str, Any]] = answer.body["data"]
        return data

    def runs(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.api.get("/api/v1/runs", bracketed(query))
        assert answer.status == 200, answer.body
        data: list[dict[str, Any]] = answer.body["data"]
        return data


def bracketed(query: dict[str, Any]) -> dict[str, Any]:
    plain = {"sort", "page[size]", "page[after]", "page[before]"}
    return {name if name in plain else f"filter[{name}]": value for name, value in query.items()}


def settle() -> None:
    """Let everything in the outbox arrive."""
    assert Replicator().drain(), "ClickHouse went away"


def failed(run_id: str, *, task: str = "send-mail", **members: Any) -> dict[str, Any]:
    """A report of a failed run."""
    return {
        "id": run_id,
        "taskIdentifier": task,
        "status": "FAILED",
        "error": {"type": "TypeError", "message": "User 12345 not found"},
        **members,
    }


def now_iso() -> str:
    return datetime.now(UTC).isoformat()


def make_workspace(slug: str = "prod", project: Project | None = None) -> Workspace:
    if project is None:
        organization = Organization.objects.create(
            slug=f"org-{Organization.objects.count()}", title="Acme"
        )
        project = Project.objects.create(organization=organization, name="Shop", slug="shop")
    environment = Environment.objects.create(
        project=project, slug=slug, type=ENVIRONMENT_SLUGS[slug].value
    )
    return Workspace(environment)


@pytest.fixture
def prod(db: None, clickhouse_tables: None) -> Workspace:
    """The production environment of a fresh project."""
    return make_workspace("prod")


@pytest.fixture
def staging(prod: Workspace) -> Workspace:
    """Another environment of the same project."""
    return make_workspace("staging", prod.environment.project)
