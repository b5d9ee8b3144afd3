"""Every request leaves one line: who called what, and how it went."""

import logging

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.signals import request_finished
from django.db import close_old_connections
from django.utils.functional import SimpleLazyObject

from config.logs import RequestFactsFilter, request_facts
from runs_app.domain.callers import CredentialKind, EnvironmentCaller, PersonalCaller
from runs_app.domain.tenant import EnvironmentType, Tenant
from tests.envelope.test_members import CONTRACT, PLACES

TENANT = Tenant("org", "project", "environment", "prod", EnvironmentType.PRODUCTION)
KEY = EnvironmentCaller(
    kind=CredentialKind.API_KEY, credential_id="key", tenant=TENANT, scopes=("admin",)
)
TOKEN = EnvironmentCaller(
    kind=CredentialKind.ENVIRONMENT_TOKEN,
    credential_id="jti",
    tenant=TENANT,
    scopes=(),
    user_id="7",
)
PERSON = PersonalCaller(
    kind=CredentialKind.PERSONAL_ACCESS_TOKEN, credential_id="pat", user_id="8", access_token_id="p"
)


@pytest.fixture
def lines(log):
    def found() -> list[logging.LogRecord]:
        return [record for record in log.records if record.name == "faultline.requests"]

    return found


def test_a_request_is_one_line_with_its_facts(http, lines):
    http.get("/api/works?token=abc123", headers={"x-request-id": "mine"})

    (line,) = lines()
    assert line.levelname == "INFO"
    assert line.message == "GET /api/works 200"
    assert line.facts.pop("durationMs") >= 0
    assert line.facts.pop("bytes") > 0
    assert line.facts == {
        "requestId": "mine", "method": "GET", "route": "/api/works", "status": 200,
    }  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", CONTRACT)
def test_a_failing_request_has_the_id_and_the_code_of_its_error(http, lines, debug, name, place):
    body = PLACES[place](http, name).json()

    (line,) = lines()
    assert line.facts["status"] == body["status"]
    assert (line.facts["instance"], line.facts["code"]) == (body["instance"], body["code"])
    assert line.facts["requestId"] == body["request_id"]


@pytest.mark.parametrize(
    ("method", "address", "message"),
    [
        ("GET", "/api/raises/conflict", "GET /api/raises/<name> 409"),
        ("GET", "/pages/raises/bug", "GET /pages/raises/<name> 500"),
        ("GET", "/api/nothing/of-mine", "GET - 404"),
        ("GET", "/nothing/of-mine", "GET - 404"),
        ("BREW", "/api/orders", "- /api/orders 405"),
        ("OPTIONS", "/api/orders", "OPTIONS /api/orders 200"),
        ("POST", "/api/orders", "POST /api/orders 400"),
    ],
)
def test_a_line_names_the_pattern_and_never_the_path(http, lines, debug, method, address, message):
    http.generic(method, address)

    (line,) = lines()
    assert line.message == message


def test_a_bad_host_has_its_line_with_the_route_that_was_not_reached(http, lines, log, debug):
    http.get("/api/works", headers={"Host": "evil.example.org"})
    http.get("/pages/works", headers={"Host": "evil.example.org"})

    assert [line.message for line in lines()] == ["GET /api/works 400", "GET /pages/works 400"]
    assert "evil" not in log.text


def test_a_preflight_that_ends_in_middleware_has_its_line(http, lines):
    headers = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}

    http.options("/api/works", headers=headers)

    assert [line.message for line in lines()] == ["OPTIONS /api/works 200"]


def test_a_stream_has_its_line_when_it_ends_with_all_that_was_sent(http, lines):
    response = http.get("/api/streams", headers={"x-request-id": "mine"})
    before = lines()

    response.getvalue()

    assert before == []
    (line,) = lines()
    assert (line.facts["requestId"], line.facts["status"], line.facts["bytes"]) == ("mine", 200, 4)


def test_a_stream_that_nobody_reads_has_its_line_too(http, lines):
    response = http.get("/api/streams")

    # As Django's own test client does: the connection of a test stays open.
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)

    assert [line.facts["bytes"] for line in lines()] == [0]


def test_an_error_that_streams_has_one_line(http, lines, debug):
    http.get("/api/streams-a-failure").getvalue()

    (line,) = lines()
    assert (line.facts["status"], line.facts["code"]) == (502, "internal_error")


@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/static/admin/css/base.css"])
def test_probes_and_static_files_are_told_at_debug_only(client, settings, log, lines, db, address):
    settings.ROOT_URLCONF = "config.urls"
    client.get(address)
    before = lines()
    log.set_level(logging.DEBUG)

    client.get(address)

    assert before == []
    assert [line.levelname for line in lines()] == ["DEBUG"]


# --- who called ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caller", "facts"),
    [
        (KEY, {"credential": {"kind": "api-key", "id": "key"}}),
        (TOKEN, {"credential": {"kind": "environment-token", "id": "jti"}, "userId": "7"}),
    ],
)
def test_a_caller_in_an_environment_is_told_with_the_tenant(rf, caller, facts):
    request = rf.get("/api/works")
    request.user = caller

    assert request_facts(request) == {
        "method": "GET",
        "route": "/api/works",
        "tenant": {
            "organizationId": "org",
            "projectId": "project",
            "environmentId": "environment",
        },
        **facts,
    }


def test_a_person_is_told_by_credential_and_id(rf):
    request = rf.get("/api/works")
    request.user = PERSON

    facts = request_facts(request)

    assert facts["credential"] == {"kind": "personal-access-token", "id": "pat"}
    assert facts["userId"] == "8"


def test_somebody_signed_in_is_told_once_somebody_asked_and_never_read_for_a_line(rf):
    request = rf.get("/pages/works")
    request.user = SimpleLazyObject(lambda: pytest.fail("the session was read"))

    before = request_facts(request)
    request._cached_user = AnonymousUser()
    nobody = request_facts(request)
    request._cached_user = type("User", (), {"pk": 9})()

    assert before == nobody == {"method": "GET", "route": "/pages/works"}
    assert request_facts(request)["userId"] == "9"


def test_every_line_of_a_request_tells_of_it(http, log):
    http.get("/api/works", headers={"x-request-id": "mine"})

    (line,) = [record for record in log.records if record.message == "while working"]
    assert line.facts == {"requestId": "mine", "method": "GET", "route": "/api/works"}


def test_a_line_of_a_stream_tells_of_its_request(http, log):
    http.get("/api/streams").getvalue()

    (line,) = [record for record in log.records if record.message == "while streaming"]
    assert line.facts["route"] == "/api/streams"


def test_after_a_request_lines_tell_of_none(http):
    http.get("/api/works")
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "words", None, None)

    RequestFactsFilter().filter(record)

    assert record.facts == {}
