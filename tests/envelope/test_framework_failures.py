"""What Django and REST framework answer by themselves has the same shape."""

import pytest
from django.core.signals import got_request_exception
from django.test import Client

from tests.api.expectations import ALWAYS
from tests.envelope.views import OF_THE_BODY

BROKEN_JSON = [b"{", b"", b'{"a": NaN}', b'{"a": 1,}', b"\xff\xfe", b"nope"]


@pytest.mark.parametrize("body", [body for body in BROKEN_JSON if body])
def test_malformed_json_is_one_failure_of_the_body(http, debug, body):
    response = http.post("/api/orders", body, content_type="application/json")

    assert response.status_code == 400
    assert set(response.json()) == ALWAYS | {"details"}
    assert response.json()["error"] == "invalid_input"
    assert response.json()["details"] == [
        {"message": "The body is not valid JSON.", "path": "/body", "code": "malformed_json"}
    ]


def test_an_unknown_charset_is_a_failure_of_the_body(http, debug):
    response = http.generic("POST", "/api/orders", b"{}", "application/json; charset=bz2")

    assert response.status_code == 400
    assert response.json()["details"][0]["path"] == "/body"


@pytest.mark.parametrize("path", ["/api/nothing", "/api/", "/api", "/api/v1/../x%00y"])
def test_an_unknown_address_is_not_found_in_constant_words(http, debug, path):
    response = http.get(path)

    assert response.status_code == 404
    assert set(response.json()) == ALWAYS | {"hint"}
    assert response.json()["error"] == "not_found"
    assert response.json()["detail"] == "There is nothing at this address."
    assert "/docs/api/" in response.json()["hint"]


def test_a_wrong_method_is_told_which_methods_there_are(http, debug):
    response = http.delete("/api/orders")

    assert response.status_code == 405
    assert set(response.json()) == ALWAYS | {"hint"}
    assert response.json()["error"] == "method_not_allowed"
    assert set(response["Allow"].split(", ")) == {"GET", "POST", "HEAD", "OPTIONS"}


def test_a_method_nobody_knows_is_not_allowed_either(http, debug):
    response = http.generic("BREW", "/api/orders")

    assert response.status_code == 405
    assert "BREW" not in response.content.decode()


def test_a_plain_views_refusal_of_a_method_keeps_its_allow_header(http, debug):
    response = http.get("/api/only-put")

    assert response.status_code == 405
    assert response.json()["error"] == "method_not_allowed"
    assert response["Allow"] == "PUT"


def test_an_unsupported_media_type_is_refused_without_an_echo(http, debug):
    response = http.post("/api/orders", b"<a/>", content_type="text/x-told-you")

    assert response.status_code == 415
    assert set(response.json()) == ALWAYS | {"hint"}
    assert response.json()["error"] == "unsupported_media_type"
    assert "told-you" not in response.content.decode()


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=1, image/*", ",", "a" * 9000])
def test_an_accept_header_without_json_is_answered_in_json_all_the_same(http, debug, accept):
    response = http.get("/api/orders", headers={"Accept": accept})

    assert response.status_code == 406
    assert response["Content-Type"] == "application/problem+json"
    assert set(response.json()) == ALWAYS | {"hint"}
    assert response.json()["error"] == "not_acceptable"


@pytest.mark.parametrize("accept", ["text/html", "*/*", "application/json", "text/plain;q=0.1"])
@pytest.mark.parametrize("address", ["/api/plain/bug", "/api/nothing"])
def test_no_accept_header_turns_an_error_into_html(http, debug, accept, address):
    response = http.get(address, headers={"Accept": accept})

    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("format_", ["html", "api", "xml", "json", ""])
def test_the_query_parameter_format_chooses_nothing(http, debug, format_):
    response = http.post(
        f"/api/orders?format={format_}&None={format_}",
        {"title": "abc"},
        content_type="application/json",
    )

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("host", ["evil.example.org", "a b", "x" * 300, "[::", "testserver:port"])
def test_a_bad_host_is_an_invalid_header_and_never_becomes_part_of_the_answer(http, debug, host):
    response = http.get("/api/works", headers={"Host": host})

    assert response.status_code == 400
    assert set(response.json()) == ALWAYS | {"details", "hint"}
    assert response.json()["details"][0]["code"] == "invalid_host"
    assert "FAULTLINE_ALLOWED_HOSTS" in response.json()["hint"]
    assert response.json()["type"] == "http://localhost/docs/errors/invalid_input"
    assert host not in response.content.decode()


@pytest.mark.parametrize("via", ["/api/orders", "/api/form"])
def test_an_oversize_body_is_too_large(debug, settings, via):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    http = Client(raise_request_exception=False, enforce_csrf_checks=True)
    http.cookies["csrftoken"] = "a" * 32
    content_type = {
        "/api/orders": "application/json",
        "/api/form": "application/x-www-form-urlencoded",
    }[via]

    response = http.post(via, b"a=" + b"x" * 500, content_type=content_type)

    assert response.status_code == 413
    assert set(response.json()) == ALWAYS | {"hint"}
    assert response.json()["error"] == "payload_too_large"


def test_a_csrf_failure_is_forbidden_in_the_constant(debug):
    response = Client(enforce_csrf_checks=True).post("/api/form")

    assert response.status_code == 403
    assert set(response.json()) == ALWAYS | {"hint"}
    assert response.json()["error"] == "forbidden"
    assert response.json()["detail"] == "Forbidden"


@pytest.mark.parametrize(
    ("status", "code", "headers"),
    [
        (400, "invalid_input", {}),
        (401, "unauthorized", {"WWW-Authenticate": "Bearer"}),
        (403, "forbidden", {}),
        (404, "not_found", {}),
        (405, "method_not_allowed", {}),
        (406, "not_acceptable", {}),
        (408, "request_timeout", {}),
        (409, "conflict", {"x-should-retry": "false"}),
        (410, "invalid_input", {}),
        (413, "payload_too_large", {}),
        (415, "unsupported_media_type", {}),
        (429, "rate_limited", {"Retry-After": "7"}),
        (500, "internal_error", {}),
        (502, "internal_error", {}),
        (503, "service_unavailable", {"Retry-After": "7"}),
    ],
)
def test_an_error_answered_by_hand_is_put_in_the_envelope_with_the_callers_headers(
    http, debug, status, code, headers
):
    response = http.get(f"/api/answers/{status}")

    assert response.status_code == response.json()["status"] == status
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["error"] == code
    assert {header: response.get(header) for header in headers} == headers
    assert response["X-Kept"] == "yes"
    assert response.get("WWW-Authenticate") == headers.get("WWW-Authenticate")
    assert not {name for name in OF_THE_BODY if name in response}
    assert int(response["Content-Length"]) == len(response.content)


def test_an_error_answered_by_hand_through_rest_framework_is_put_in_the_envelope(http, debug):
    response = http.get("/api/by-hand")

    assert response.status_code == 409
    assert response.json()["error"] == "conflict"
    assert "made" not in response.json()


def test_an_error_that_streams_is_put_in_the_envelope(http, debug):
    response = http.get("/api/streams-a-failure")

    body = response.getvalue()
    assert response["Content-Type"] == "application/problem+json"
    assert b"internal_error" in body
    assert b"secret" not in body


def test_a_value_that_cannot_be_written_as_json_is_an_internal_error(http, debug):
    response = http.get("/api/unencodable")

    assert response.status_code == 500
    assert response.json()["error"] == "internal_error"


@pytest.mark.parametrize(
    ("address", "breaks"),
    [
        ("/api/raises/bug", ""),
        ("/api/plain/bug", ""),
        ("/api/works", "before bug"),
        ("/api/works", "after bug"),
        ("/api/unencodable", ""),
    ],
)
def test_a_bug_reaches_error_reporting_once(http, debug, address, breaks):
    requests = []

    def report(sender, request, **_):
        requests.append(request)

    got_request_exception.connect(report)
    try:
        http.get(address, headers={"X-Break": breaks})
    finally:
        got_request_exception.disconnect(report)

    assert [request.path for request in requests] == [address]


def test_a_known_failure_does_not_reach_error_reporting(http, debug):
    requests = []

    def report(sender, request, **_):
        requests.append(request)

    got_request_exception.connect(report)
    try:
        http.get("/api/raises/unavailable")
        http.get("/api/plain/conflict")
    finally:
        got_request_exception.disconnect(report)

    assert requests == []


def test_an_answer_without_failure_is_left_alone(http, debug):
    response = http.get("/api/works")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
