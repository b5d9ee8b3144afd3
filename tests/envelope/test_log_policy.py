"""What the catalogue says of the log is what happens."""

import logging

import pytest

from config.error_catalogue import CATALOGUE, LogPolicy
from tests.envelope.test_members import CONTRACT, PLACES

LEVELS = {
    LogPolicy.NOTHING: [],
    LogPolicy.SECURITY: [("faultline.security", "WARNING")],
    LogPolicy.ERROR: [("faultline.errors", "ERROR")],
}
REFUSALS = {
    "method_not_allowed": {"method": "DELETE"},
    "not_acceptable": {"method": "GET", "headers": {"Accept": "text/html"}},
    "unsupported_media_type": {"method": "POST", "data": b"<a/>", "content_type": "text/x"},
}
# A known failure of no category is our mistake, whatever it is answered with; a door that is closed
# for a while is told of when it closes.
EXCEPTIONS = {"of_no_category", "refusing"}
FAILURES_BY_CODE = [
    (name, code) for name, (_, code, _, _) in CONTRACT.items() if name not in EXCEPTIONS
]


def beyond_the_line(log) -> list[tuple[str, str]]:
    records: list[logging.LogRecord] = log.records
    return [
        (record.name, record.levelname)
        for record in records
        if record.name.startswith(("faultline", "django")) and record.name != "faultline.requests"
    ]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("name", "code"), FAILURES_BY_CODE)
def test_a_failure_leaves_in_the_log_what_its_code_says(http, log, debug, name, code, place):
    # A code that has no page yet is treated as its category.
    policy = CATALOGUE.get(code, CATALOGUE["conflict"]).log

    PLACES[place](http, name)

    assert beyond_the_line(log) == LEVELS[policy]


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_of_the_framework_leaves_in_the_log_what_its_code_says(http, log, debug, code):
    response = http.generic(path="/api/orders", **REFUSALS[code])

    assert response.json()["code"] == code
    assert beyond_the_line(log) == LEVELS[CATALOGUE[code].log]


@pytest.mark.parametrize("place", PLACES)
def test_a_door_that_is_closed_for_a_while_leaves_no_line_for_each_who_knocks(
    http, log, debug, place
):
    response = PLACES[place](http, "refusing")

    assert response.status_code == 503
    assert beyond_the_line(log) == []


def test_every_code_is_tried():
    assert {code for _, code in FAILURES_BY_CODE} | set(REFUSALS) >= set(CATALOGUE)
