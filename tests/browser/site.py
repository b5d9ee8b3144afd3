"""A running service, and environments of it that belong to one test each."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from tests.serve.family import ROOT, Family, within

ENVIRONMENTS = 16
# Every environment in a project of its own, with a name that tells them apart.
MAKE_ENVIRONMENTS = """
import json
from runs_app.models import Environment, Organization, Project
from runs_app.services.credentials import create_api_key
organization = Organization.objects.get()
for number in range({count}):
    project = Project.objects.create(
        organization=organization, name=f"Shop {{number}}", slug=f"shop-{{number}}"
    )
    environment = Environment.objects.create(project=project, slug="prod", type="PRODUCTION")
    print(json.dumps([project.external_ref, create_api_key(environment, name="test")]))
"""
NOBODY = "clickhouse://127.0.0.1:1/default"


@dataclass
class Desk:
    """One environment: what its workers report, and where its pages are."""

    family: Family
    ref: str
    key: str

    @property
    def place(self) -> str:
        return f"/admin/errors_app/errorgroup/{self.ref}/prod/"

    def groups_page(self, **query: str) -> str:
        return f"{self.place}?{urlencode(query)}" if query else self.place

    @property
    def home(self) -> str:
        return f"/admin/?environment={self.ref}/prod"

    def group(self, error_type: str) -> str:
        [found] = [one for one in self.groups() if one["errorType"] == error_type]
        query = urlencode({"taskIdentifier": found["taskIdentifier"]})
        return f"{self.place}{found['id']}/?{query}"

    def groups(self, **filters: str) -> list[dict[str, Any]]:
        query = urlencode({"page[size]": "100", **{f"filter[{n}]": v for n, v in filters.items()}})
        answer = self.family.get(f"/api/v1/errors?{query}", **self._headers)
        assert answer.status == 200, answer.body
        data: list[dict[str, Any]] = answer.body["data"]
        return data

    def statuses(self) -> dict[str, str]:
        return {one["errorType"]: one["status"] for one in self.groups()}

    def report(self, *runs: dict[str, Any]) -> None:
        """Report runs, and wait until they are counted."""
        wanted = self._count() + sum(run["status"] == "FAILED" for run in runs)
        answer = self.family.post("/api/v1/runs", list(runs), **self._headers)
        assert (answer.status, answer.body["rejected"]) == (200, []), answer.body
        within(20, lambda: self._count() == wanted)

    def _count(self) -> int:
        return sum(group["count"] for group in self.groups())

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass
class Site:
    """One run of `serve` for all tests of a process."""

    family: Family
    username: str
    password: str
    desks: Iterator[Desk] = field(repr=False)

    @property
    def origin(self) -> str:
        return f"http://{self.family.address}"


def open_site(family: Family) -> Site:
    credentials = json.loads(family.manage("bootstrap", "--json"))
    family.wait_until_ready()
    script = MAKE_ENVIRONMENTS.format(count=ENVIRONMENTS)
    told = family.manage("shell", "--no-imports", "--command", script)
    desks = [Desk(family, *json.loads(line)) for line in told.splitlines()]
    superuser = credentials["superuser"]
    return Site(family, superuser["username"], superuser["password"], iter(desks))


@contextmanager
def without_clickhouse(site: Site) -> Iterator[str]:
    """The same installation where nobody listens in ClickHouse's place: its origin."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.listen()
        command = ["-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--threads", "4"]
        process = subprocess.Popen(
            [sys.executable, *command, "config.wsgi:application"],
            cwd=ROOT,
            env={**site.family.environment, "CLICKHOUSE_URL": NOBODY},
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def fails(
    number: int, error_type: str, message: str = "went wrong", **members: Any
) -> dict[str, Any]:
    """A report of a run that failed, `minutes` ago."""
    minutes = members.pop("minutes", 5)
    at = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()
    members = {"createdAt": at, "failedAt": at, "taskIdentifier": "send-mail", **members}
    error = {"type": error_type, "message": message, "stack": members.pop("stack", STACK)}
    return {"id": f"run_{number}", "status": "FAILED", "version": "1.0", "error": error, **members}


STACK = """Traceback (most recent call last):
  File "/srv/app/shop/mail.py", line 12, in deliver
    send(message)
  File "/srv/venv/lib/python3.11/site-packages/smtp/client.py", line 80, in send
    raise Refused(message)
"""
