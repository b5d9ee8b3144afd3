"""Every response and every log line has the request's id."""

import logging
import uuid

import pytest

from config.logs import RequestFactsFilter
from runs_app.domain.correlation import current_request_id


@pytest.mark.parametrize(
    "given",
    [
        "a",
        "abc-123",
        "x" * 128,
        "!~",
        "  padded\t",
        "urn:uuid:00000000-0000-0000-0000-000000000000",
    ],
)
def test_an_id_that_was_sent_is_taken_trimmed(http, given):
    response = http.get("/api/works", headers={"x-request-id": given})

    assert response["x-request-id"] == given.strip()
    assert response.json()["request_id"] == given.strip()


@pytest.mark.parametrize("given", ["", "  ", "x" * 129, "a b", "a\x7fb", "é", "a\tb"])
def test_an_id_of_another_form_is_replaced_by_a_fresh_one(http, given):
    response = http.get("/api/works", headers={"x-request-id": given})

    assert uuid.UUID(response["x-request-id"]).version == 4
    assert response.json()["request_id"] == response["x-request-id"]


@pytest.mark.parametrize(
    ("address", "breaks"),
    [
        ("/api/works", ""),
        ("/api/streams", ""),
        ("/api/nothing", ""),
        ("/api/raises/bug", ""),
        ("/api/raises/unavailable", ""),
        ("/api/works", "before bug"),
        ("/api/works", "after bug"),
        ("/api/works", "before body_too_big"),
        ("/pages/works", ""),
        ("/pages/nothing", ""),
        ("/pages/raises/bug", ""),
        ("/pages/raises/unavailable", ""),
        ("/pages/works", "after bug"),
    ],
)
def test_every_response_has_it(http, debug, address, breaks):
    response = http.get(address, headers={"x-request-id": "mine", "X-Break": breaks})

    assert response["x-request-id"] == "mine"


def test_a_bad_host_gets_it_too(http, debug):
    response = http.get("/api/works", headers={"x-request-id": "mine", "Host": "evil.example"})

    assert response["x-request-id"] == response.json()["request_id"] == "mine"


def test_it_is_over_when_the_response_is_made(http):
    http.get("/api/works", headers={"x-request-id": "mine"})
    http.get("/api/raises/bug", headers={"x-request-id": "mine"})

    assert current_request_id() == "-"


def test_a_log_line_of_a_view_has_it(http, log):
    http.get("/api/works", headers={"x-request-id": "mine"})

    (record,) = [one for one in log.records if one.message == "while working"]
    assert record.request_id == "mine"


def test_what_a_stream_says_and_logs_has_it_and_nothing_outlives_the_stream(http, log):
    response = http.get("/api/streams", headers={"x-request-id": "mine"})

    assert response.getvalue() == b"mine"
    (record,) = [one for one in log.records if one.message == "while streaming"]
    assert record.request_id == "mine"
    assert current_request_id() == "-"


def test_a_line_that_django_logs_after_the_middleware_has_it(http, log):
    http.get("/pages/fails-by-hand", headers={"x-request-id": "mine"})

    (record,) = [one for one in log.records if one.name == "django.request"]
    assert record.request_id == "mine"


def test_every_line_of_a_failure_has_it(http, log, debug):
    http.get("/api/raises/bug", headers={"x-request-id": "mine"})
    http.get("/pages/raises/bug", headers={"x-request-id": "mine"})

    assert {record.request_id for record in log.records} == {"mine"}


def test_outside_of_a_request_a_line_has_a_dash():
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "words", None, None)

    assert RequestFactsFilter().filter(record)
    assert record.request_id == "-"
