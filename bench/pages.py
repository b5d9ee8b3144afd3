"""How long the admin's pages take over HTTP for somebody who is logged in, beside the bare SQL."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.test import Client
from django.urls import reverse

from bench.decided import tenant_of_key
from bench.reads import Read, bare_statements, measure_read, path_of
from bench.service import HttpClient, Service
from runs_app.models import Environment

LIST_MS: Final = 150
GROUP_MS: Final = 200
LISTS: Final[Mapping[str, dict[str, str]]] = {
    "list as it opens": {},
    "list 24h -lastSeen": {"filter[period]": "24h", "sort": "-lastSeen"},
    "list 7d -count": {"filter[period]": "7d", "sort": "-count"},
    "list 30d -count": {"filter[period]": "30d", "sort": "-count"},
    "list 30d -lastSeen": {"filter[period]": "30d", "sort": "-lastSeen"},
    "list 30d resolved": {"filter[period]": "30d", "filter[status]": "resolved"},
    "list 30d search": {"filter[period]": "30d", "filter[search]": "the order"},
    "list 30d task and version": {
        "filter[period]": "30d",
        "filter[taskIdentifier]": "send-invoice",
        "filter[version]": "20260128.1",
    },
    "list 90d -count": {"filter[period]": "90d", "sort": "-count"},
}


@dataclass(frozen=True, slots=True)
class MeasuredPage:
    """`most_ms`: what its 95th percentile may be; None where nothing is promised."""

    read: Read
    most_ms: int | None
    kb: float

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.read.ratio}


def measure_pages(service: Service, requests: int) -> Iterator[MeasuredPage]:
    """As the superuser, in production."""
    person = _log_in(service)
    cookie = f"{settings.SESSION_COOKIE_NAME}={person.cookies[settings.SESSION_COOKIE_NAME].value}"
    connection = HttpClient(service.port, cookie=cookie)
    for name, path, most_ms in _pages(service):
        document = _get(connection, path)
        ask = partial(person.get, path, headers={"host": "127.0.0.1"})
        call = partial(_get, connection, path)
        read = measure_read(name, call, bare_statements(ask), requests)
        yield MeasuredPage(read, most_ms, len(document) / 1_000)
    connection.close()


def _pages(service: Service) -> Iterator[tuple[str, str, int | None]]:
    tenant = tenant_of_key(service.keys["prod"])
    environment = Environment.objects.select_related("project").get(pk=tenant.environment_id)
    own = (environment.project.external_ref, environment.slug)
    address = reverse("admin:errors_app_errorgroup_list", args=own)
    for name, query in LISTS.items():
        yield name, path_of(address, query), LIST_MS
    api = HttpClient(service.port, service.keys["prod"])
    query = {"sort": "-count", "filter[period]": "30d", "page[size]": "100"}
    listed = api.get_json(path_of("/api/v1/errors", query))
    after = {"page[after]": listed["pagination"]["next"], "filter[period]": "30d", "sort": "-count"}
    yield "list 30d -count, third page", path_of(address, after), LIST_MS
    for name, group in (("loudest", listed["data"][0]), ("hundredth", listed["data"][-1])):
        page = reverse("admin:errors_app_errorgroup_page", args=(*own, group["id"]))
        task = {"taskIdentifier": group["taskIdentifier"]}
        yield f"group, the {name}", path_of(page, task), GROUP_MS
        of_month = {**task, "filter[period]": "30d"}
        yield f"group, the {name}, 30d", path_of(page, of_month), GROUP_MS
    yield "home", reverse("admin:index"), None


def _log_in(service: Service) -> Client:
    """Both processes have the same sessions."""
    person = Client(headers={"host": "127.0.0.1"})
    if not person.login(**service.superuser):
        raise RuntimeError("The superuser may not log in.")
    return person


def _get(connection: HttpClient, path: str) -> bytes:
    status, body = connection.get(path)
    if status != 200:
        raise RuntimeError(f"GET {path} was answered {status}")
    return body
