"""The order in which the group of an error is decided, for any error there may be."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs_app.domain.grouping.expected import expected_by
from runs_app.domain.grouping.fingerprint import fingerprint_of_key
from runs_app.domain.grouping.fingerprint_v1 import fingerprint_v1
from runs_app.domain.grouping.resolve import (
    group_error,
    preview_grouping,
    resolve_error_grouping,
    slice_of,
)
from runs_app.domain.grouping.rules import RULES
from runs_app.domain.grouping.settings import GroupingSettings
from runs_app.domain.grouping.stored import read_stored_signals, stored_signals

V1 = GroupingSettings(rule="v1")
WITH_KEYWORDS = replace(V1, keywords=True)
SERVER = {"type": "E", "message": "HTTP status 503 of order 12345"}
TIMEOUT = {"type": "E", "message": "timeout of order 12345"}
MEGABYTE = 1_000_000


def test_structure_decides_before_the_rule():
    grouping = group_error(SERVER, "jobs", V1)

    assert (grouping.rule, grouping.key) == ("structured", "jobs:server:http-503")
    assert grouping.fingerprint == fingerprint_of_key("jobs:server:http-503", rule="").value
    assert grouping.category == "server"
    assert grouping.signals.http_status == 503


def test_words_decide_only_where_they_are_asked_and_the_category_is_known_either_way():
    by_rule, by_words = (
        group_error(TIMEOUT, "jobs", V1),
        group_error(TIMEOUT, "jobs", WITH_KEYWORDS),
    )

    assert by_rule.fingerprint == fingerprint_v1(TIMEOUT).value
    assert (by_rule.rule, by_rule.category) == ("v1", "network")
    assert (by_words.rule, by_words.key) == (
        "keywords",
        "jobs:network:http-000-timeout-of-order-12345",
    )
    assert by_words.category == "network"


def test_what_the_client_sends_decides_first_and_may_hold_all_the_rest():
    sent = {"fingerprint": ["{{ default }}", "eu"]}

    assert group_error({**SERVER, **sent}, "jobs", V1).key == '["jobs:server:http-503","eu"]'
    assert group_error({**TIMEOUT, **sent}, "jobs", V1).key == '["E:timeout of order <id>:","eu"]'
    assert group_error({**SERVER, "fingerprint": ["x"]}, "jobs", V1).rule == "client"
    assert group_error({**SERVER, "fingerprint": ["{{default}}"]}, "a", V1) == group_error(
        SERVER, "a", V1
    )


def test_the_slice_is_the_runs_else_the_errors_else_the_queue_else_the_task():
    told = {"slice": "theirs"}

    assert slice_of("mine", told, "queue", "task") == "mine"
    assert slice_of("", told, "queue", "task") == "theirs"
    assert slice_of("", {"slice": 5}, "queue", "task") == "queue"
    assert slice_of("", "text", "", "task") == "task"
    assert group_error(SERVER, "a", V1).fingerprint != group_error(SERVER, "b", V1).fingerprint
    assert group_error(TIMEOUT, "a", V1).fingerprint == group_error(TIMEOUT, "b", V1).fingerprint


def test_a_preview_tells_what_every_rule_would_give():
    plain, structured = preview_grouping(TIMEOUT, "jobs", V1), preview_grouping(SERVER, "jobs", V1)

    assert plain.keys() == structured.keys() == RULES.keys()
    assert plain["v1"] == group_error(TIMEOUT, "jobs", V1)
    assert {each.rule for each in plain.values()} == set(RULES)
    assert {each.rule for each in structured.values()} == {"structured"}


def test_a_rule_that_does_not_exist_is_refused():
    with pytest.raises(KeyError):
        group_error(TIMEOUT, "jobs", replace(V1, rule="v0"))


def test_signals_are_stored_as_plain_short_text_and_read_again():
    error = {"type": "Ü\ud800", "statusCode": 0, "errors": [{"extensions": {"code": "x" * 9_999}}]}
    signals = resolve_error_grouping(error, "s").signals

    text = stored_signals(signals)

    assert text.isascii()
    assert len(text) < 700
    assert read_stored_signals(text) == replace(signals, code="x" * 500)
    assert stored_signals(resolve_error_grouping(None, "s").signals) == ""
    assert read_stored_signals("") == resolve_error_grouping(None, "s").signals


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=30)
    | st.sampled_from(
        ["THROTTLED", "ACCESS_DENIED", "429", "HTTP status 503", "timeout: {", "socket hang up",
         '{"response": {"status": 401}}', "Error code 700", "fetch EPIPE 127.0.0.1:80"]
    )
)  # fmt: skip
NAMES = st.sampled_from(
    ["type", "name", "message", "raw", "stack", "stackTrace", "response", "request", "status",
     "statusCode", "errors", "extensions", "code", "app_errors", "category", "kind", "expected",
     "fingerprint", "slice", "cause"]
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=400, deadline=None)
@given(VALUES, st.text(max_size=10), st.booleans())
def test_no_json_value_makes_grouping_raise_and_every_answer_holds_together(
    error, slice_, keywords
):
    settings_ = GroupingSettings("v1", keywords, expected_api_errors=True)
    resolution = resolve_error_grouping(error, slice_, keywords=keywords)
    grouping = group_error(error, slice_, settings_)

    assert (resolution.hash is None) == (resolution.category is None) == (resolution.rule is None)
    assert grouping == group_error(error, slice_, settings_)
    assert bool(grouping.fingerprint) == bool(grouping.key)
    assert grouping.expected == bool(expected_by(error))
    if resolution.hash is not None:
        assert resolution.hash.startswith(f"{slice_}:{resolution.category}:")
        assert len(resolution.hash) <= len(slice_) + len(resolution.category) + 52
    assert json.loads(stored_signals(grouping.signals) or "{}") is not None


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("{" * MEGABYTE, id="braces"),
        pytest.param("/" * MEGABYTE, id="slashes"),
        pytest.param('{"response":' * 80_000, id="open objects"),
        pytest.param('a: {"response":' + "[" * 400_000 + "]" * 400_000 + "}", id="deep list"),
        pytest.param('{"response":' * 200_000 + "1" + "}" * 200_000, id="deep object"),
        pytest.param("request code" + ":" * MEGABYTE, id="colons"),
        pytest.param("request " + "code:" * 200_000, id="codes"),
        pytest.param("fetch " + "E" * MEGABYTE, id="capitals"),
        pytest.param("fetch " + "1 " * 500_000, id="numbers"),
        pytest.param("http status " * 90_000, id="no status"),
        pytest.param("é😀" * 300_000, id="not ascii"),
    ],
)
@pytest.mark.timeout(20)  # Quadratic time would be minutes.
def test_a_long_or_hostile_message_does_not_hang(message):
    grouping = group_error({"type": "E", "message": message}, "s", WITH_KEYWORDS)
    resolve_error_grouping({"statusCode": 500, "errors": [message, {"extensions": message}]}, "s")

    assert grouping.fingerprint


def test_deep_nesting_anywhere_in_an_error_is_no_trouble():
    deep = value = []
    for _ in range(100_000):
        value.append([])
        value = value[0]
    members = ("message", "response", "errors", "statusCode", "fingerprint", "slice", "kind")

    for name in members:
        grouping = group_error({"type": "E", "request": 1, name: deep}, "s", WITH_KEYWORDS)
        assert grouping.rule == "v1"
