"""What a client sends is its own: no answer and no line of the log repeats it.

`tests.test_no_secret_is_told` is about the secrets that this service hands out.
"""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.utils.module_loading import import_string

from runs_app.domain.errors import Unavailable
from runs_app.domain.log_lines import JsonLines, TextLines
from runs_app.models import Membership
from tests.api.routes import api_routes
from tests.conftest import Workspace
from tests.people import member_of

SECRET = "s3cr3tOfTheClient42"
# Long enough to be refused wherever a text is taken.
ENDLESS = SECRET + "x" * 30_000
QUERY = dict.fromkeys(
    (
        "token", "sort", "taskIdentifier", "page[size]", "page[after]", "page[before]",
        "filter[status]", "filter[taskIdentifier]", "filter[version]", "filter[search]",
        "filter[period]", "filter[from]", "filter[to]", "filter[error]", "filter[tag]",
        "filter[createdAt][from]", "filter[isTest]", "filter[unknown]",
    ),
    SECRET,
)  # fmt: skip
HEADERS = {
    "Accept": f"application/json, text/{SECRET}",
    "Cookie": f"sessionid={SECRET}; csrftoken={SECRET}",
    "Origin": f"https://{SECRET}.example",
    "Referer": f"https://example.org/?token={SECRET}",
    "User-Agent": SECRET,
    "X-Forwarded-For": SECRET,
    "X-Secret": SECRET,
    "traceparent": SECRET,
}
TEXTS = (
    "id", "status", "error", "password", "name", "reason", "resolvedInVersion", "ignoredUntil",
    "expirationTime", "expiresAt", "client", "ttlSeconds", "unignoreCondition", "duration",
)  # fmt: skip
LISTS = {
    "scopes": [ENDLESS],
    "cap": [ENDLESS],
    "claims": {"scopes": [ENDLESS]},
    "runs": [ENDLESS],
}
BODY = dict.fromkeys(TEXTS, ENDLESS) | LISTS
PARTS = {
    "<str:error_id>": "error_0000000000000000",
    "<str:run_id>": "run_unknown",
    "<str:key_id>": "00000000-0000-0000-0000-000000000000",
    "<str:environment>": "prod",
}
# As a driver, a client library or a careless line would word it.
WORDS = (
    f"password={SECRET}",
    f"could not connect to postgres://faultline:{SECRET}@db/faultline",
    f"Authorization: Bearer {SECRET}",
    f"tr_prod_sk_{SECRET}",
    f"rejected {{'api_key': '{SECRET}'}}",
)
# Nobody's credentials are looked at there.
PUBLIC = {"schema/"}
# What counts of an error is the answer there.
EXPLAINING = {"v1/grouping/preview"}
PAGES = ("/", "/admin/", "/admin/login/", "/docs/errors/", "/healthz", "/readyz", "/no/page")


@dataclass(frozen=True)
class Log:
    """What the log says, in both forms."""

    as_json: io.StringIO
    as_text: io.StringIO

    def says(self, word: str) -> bool:
        return word in self.as_json.getvalue() or word in self.as_text.getvalue()


@pytest.fixture
def log(settings: Any) -> Iterator[Log]:
    filters = settings.LOGGING["filters"]
    log = Log(io.StringIO(), io.StringIO())
    handlers = []
    for stream, form in ((log.as_json, JsonLines), (log.as_text, TextLines)):
        handler = logging.StreamHandler(stream)
        handler.setFormatter(form())
        for name in settings.LOGGING["handlers"]["stderr"]["filters"]:
            handler.addFilter(import_string(filters[name]["()"])())
        logging.getLogger().addHandler(handler)
        handlers.append(handler)
    yield log
    for handler in handlers:
        logging.getLogger().removeHandler(handler)


@pytest.fixture(params=sorted(api_routes()))
def route(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def credentials(shared_prod: Workspace, db: None) -> tuple[str, ...]:
    """One of each kind of route opens to; and what opens none."""
    owner = member_of(shared_prod, Membership.Role.OWNER)
    return (shared_prod.key, owner.token, f"tr_prod_sk_{SECRET}")


def address(route: str, workspace: Workspace) -> str:
    for part, value in PARTS.items():
        route = route.replace(part, value)
    return "/api/" + route.replace("<str:project_ref>", workspace.environment.project.external_ref)


def call(
    method: str, path: str, credential: str, *, query: Any = None, body: Any = None, **headers: str
) -> str:
    """The whole answer as text."""
    client = Client(raise_request_exception=False, query_params=query or {})
    content = b"" if body is None else json.dumps(body).encode()
    response = client.generic(
        method,
        path,
        content,
        "application/json",
        headers={"Authorization": f"Bearer {credential}", **headers},
        query_params=query,
    )
    return f"{response.status_code} {response.headers} {response.getvalue().decode()}"


def test_nothing_of_a_query_a_header_or_a_body_is_repeated(
    route: str, credentials: tuple[str, ...], shared_prod: Workspace, log: Log
) -> None:
    path = address(route, shared_prod)

    answers = [
        call(method, path, credential, **sent)
        for method in api_routes()[route]
        for credential in credentials
        for sent in ({"query": QUERY}, HEADERS, {"body": BODY}, {"body": [ENDLESS]})
    ]

    kept = [one for one in answers if not (route in EXPLAINING and one.startswith("200"))]
    assert kept
    assert [answer for answer in kept if SECRET in answer] == []
    assert not log.says(SECRET)
    assert log.as_text.getvalue().count("faultline.requests") == len(answers)


@pytest.mark.parametrize("kind", [RuntimeError, KeyError, Unavailable])
@pytest.mark.parametrize("route", sorted(set(api_routes()) - PUBLIC))
def test_a_secret_in_the_words_of_a_failure_is_told_to_nobody(
    route: str,
    kind: type[Exception],
    db: None,
    shared_prod: Workspace,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        try:
            raise ValueError("\n".join(WORDS))
        except ValueError as cause:
            raise kind(*WORDS[:1]) from cause

    monkeypatch.setattr("runs_app.web.authentication.authenticate", fail)

    answers = [call(method, address(route, shared_prod), "any") for method in api_routes()[route]]

    assert all(answer.startswith(("500", "503")) for answer in answers)
    assert [answer for answer in answers if SECRET in answer] == []
    assert log.says("ValueError: password=[masked]")
    assert not log.says(SECRET)


@pytest.mark.parametrize("page", PAGES)
def test_nothing_that_is_sent_to_a_page_gets_into_the_log(page: str, db: None, log: Log) -> None:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    for method in ("GET", "POST"):
        client.generic(method, page, b"password=" + SECRET.encode(), headers=HEADERS)
        client.generic(method, page, headers={"Host": f"{SECRET}.example"})
        client.generic(method, page, query_params={"password": SECRET})

    assert log.says("faultline.requests") or page in {"/healthz", "/readyz"}
    assert not log.says(SECRET)


def test_a_password_that_is_refused_at_sign_in_is_in_no_answer_and_no_line(
    db: None, log: Log
) -> None:
    answer = Client().post("/admin/login/", {"username": "somebody", "password": SECRET})

    assert answer.status_code == 200
    assert SECRET not in answer.content.decode()
    assert not log.says(SECRET)
