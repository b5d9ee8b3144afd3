"""Which errors were to be expected, who says so, and whom a project believes."""

import pytest

from runs_app.domain.grouping.expected import (
    ENVIRONMENT_MESSAGES,
    expected_by,
    reported_as_unexpected,
)
from runs_app.domain.grouping.resolve import group_error
from runs_app.domain.grouping.settings import GroupingSettings

REFUSED = {"type": "ClientError", "message": "no", "response": {"status": 401}, "request": {}}
HUNG_UP = {"type": "Error", "message": "read: socket hang up"}


def settings(*, api=False, environment=False):
    return GroupingSettings("v1", expected_api_errors=api, expected_environment_errors=environment)


@pytest.mark.parametrize(
    ("error", "names"),
    [
        ({"message": "x", "expected": True}, ("client",)),
        ({"message": "x", "kind": "abort"}, ("client",)),
        ({**REFUSED, "kind": "abort"}, ("client",)),
        ({**REFUSED, "kind": "bug"}, ()),
        ({**REFUSED, "expected": False}, ()),
        ({**REFUSED, "kind": "error"}, ("api",)),
        ({**REFUSED, "response": {"status": "429"}}, ("api",)),
        ({**REFUSED, "response": {"status": 403}}, ()),
        ({**REFUSED, "response": {"errors": [{"extensions": {"code": "THROTTLED"}}]}}, ("api",)),
        ({"statusCode": 401}, ()),
        ({"response": {"status": 401}}, ()),
        (HUNG_UP, ("environment",)),
        ({"message": "Socket Hang Up"}, ()),
        ({**REFUSED, **HUNG_UP}, ("api", "environment")),
        ("socket hang up", ()),
        (None, ()),
        ([HUNG_UP], ()),
    ],
)
def test_who_expects_an_error(error, names):
    assert expected_by(error) == names
    assert reported_as_unexpected(error) == (not names)


@pytest.mark.parametrize("message", ENVIRONMENT_MESSAGES)
def test_every_message_of_an_environment_is_recognised(message):
    assert expected_by({"message": f"x{message}x"}) == ("environment",)


@pytest.mark.parametrize(
    ("error", "believes", "name", "grouped"),
    [
        (REFUSED, settings(), "api", True),
        (REFUSED, settings(environment=True), "api", True),
        (REFUSED, settings(api=True), "api", False),
        (HUNG_UP, settings(api=True), "environment", True),
        (HUNG_UP, settings(environment=True), "environment", False),
        ({**REFUSED, **HUNG_UP}, settings(environment=True), "environment", False),
        ({**REFUSED, "kind": "abort"}, settings(), "client", False),
    ],
)
def test_a_rule_set_keeps_an_error_out_of_its_group_only_where_it_is_switched_on(
    error, believes, name, grouped
):
    grouping = group_error(error, "jobs", believes)

    assert grouping.expected_by == name
    assert grouping.expected
    assert bool(grouping.fingerprint) == grouped
    assert bool(grouping.key) == grouped
    assert grouping.category
