"""Why a group is a group: what decided, what counted and what was left out."""

from html import escape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs_app.domain.grouping.explain import LONGEST_TOLD, MOST_PLACES, explain_error
from runs_app.domain.grouping.explain_v1 import explain_message
from runs_app.domain.grouping.fingerprint_v1 import normalise_message
from runs_app.models import Project, TaskRun
from tests.api.expectations import faults, iso, moment, the_group
from tests.conftest import Workspace, failed, make_workspace
from tests.triage.staff import desk_at, text_of

STACK = """Traceback (most recent call last):
  File "/usr/lib/python3.12/site-packages/celery/app/trace.py", line 453, in trace_task
    R = retval = fun(*args, **kwargs)
  File "/app/shop/jobs.py", line 12, in run
    charge(order)
  File "/app/shop/billing.py", line 7, in charge
    raise OrderFailed(order)
shop.errors.OrderFailed: {message}"""
KEY = (
    "OrderFailed: Order <*> of <email> was refused\nat shop/billing.py charge\nat shop/jobs.py run"
)
REFUSED = "Order {} of ann@example.com was refused"


def order_failed(run_id: str, number: int, *, minutes: int = 1, **members: Any) -> dict[str, Any]:
    message = REFUSED.format(number)
    error = {"type": "OrderFailed", "message": message, "stack": STACK.format(message=message)}
    return failed(run_id, error=error, failedAt=iso(moment(minutes=minutes)), **members)


def choose(workspace: Workspace, **chosen: Any) -> None:
    Project.objects.filter(pk=workspace.environment.project_id).update(**chosen)


def why(workspace: Workspace, group: str = "", **query: str) -> Any:
    """Of the only group, unless one is named."""
    error_id = group or the_group(workspace)["id"]
    return workspace.api.get(f"/api/v1/errors/{error_id}/grouping", query)


def told_why(workspace: Workspace, group: str = "", **query: str) -> dict[str, Any]:
    answer = why(workspace, group, **query)
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.body
    return body


def shown_runs(workspace: Workspace, **query: str) -> list[str]:
    return [one["id"] for one in told_why(workspace, **query)["runs"]]


@pytest.fixture
def orders(prod: Workspace) -> Workspace:
    """Failures of one bug, the newer two of one order."""
    choose(prod, grouping_rule="v2")
    prod.report(
        order_failed("run_old", 4_711, minutes=30),
        order_failed("run_mid", 815_000, minutes=20),
        order_failed("run_new", 815_000, version="2.0"),
    )
    return prod


def test_a_group_tells_what_its_failures_have_in_common(orders: Workspace) -> None:
    group = the_group(orders)

    told = told_why(orders)

    assert told["decided"] == {
        "decidedBy": "v2",
        "key": KEY,
        "keyIsWhole": True,
        "category": None,
        "signals": {"errorClass": "OrderFailed"},
        "expectedBy": None,
    }
    assert told["fingerprint"] == group["fingerprint"]
    assert told["differs"] is None
    by_rule = {one["rule"]: one for one in told["groupings"]}
    assert by_rule["v2"]["id"] == group["id"] != by_rule["v1"]["id"]
    assert by_rule["v1"]["key"].startswith("OrderFailed:Order <id> of <email> was refused:")
    assert told["settings"]["rule"] == "v2"


def test_a_run_shows_what_of_its_message_varies_and_which_frames_count(orders: Workspace) -> None:
    [run, _] = told_why(orders)["runs"]

    assert (run["id"], run["version"]) == ("run_new", "2.0")
    error = run["counted"]["error"]
    assert error["countsAs"] == "Order <*> of <email> was refused"
    assert [(one["text"], one["kind"], one["by"]) for one in error["replaced"]] == [
        ("815000", "number", "<*>"),
        ("ann@example.com", "email", "<email>"),
    ]
    for one in error["replaced"]:
        assert error["message"][one["start"] : one["end"]] == one["text"]
    assert [
        (one["function"], one["place"], one["library"], one["counts"], one["why"])
        for one in run["counted"]["frames"]
    ] == [
        ("charge", "shop/billing.py", None, True, "own"),
        ("run", "shop/jobs.py", None, True, "own"),
        ("trace_task", "celery/app/trace.py", "celery", False, "library"),
    ]


def test_the_newest_run_and_one_of_another_message_are_compared_unless_others_are_named(
    orders: Workspace,
) -> None:
    assert shown_runs(orders) == ["run_new", "run_old"]
    assert shown_runs(orders, runs="run_mid") == ["run_mid", "run_old"]
    assert shown_runs(orders, runs="mid,run_new") == ["run_mid", "run_new"]


def test_a_run_that_is_not_in_the_group_is_refused_and_no_stranger_is_told_of(
    orders: Workspace,
) -> None:
    other = make_workspace("prod")
    other.report(order_failed("run_theirs", 1), failed("run_else"))
    orders.report(failed("run_else"))
    group = the_group(orders, search="OrderFailed")["id"]

    for run in ("run_theirs", "run_else", "run_none"):
        assert faults(why(orders, group, runs=run)) == {("/query/runs", "not_in_group")}
    assert faults(why(orders, group, runs="run_new,run_mid,run_old")) == {
        ("/query/runs", "too_many")
    }
    assert why(other, "error_nothing").status == 404


def test_what_decides_before_the_rules_is_told_as_such(prod: Workspace) -> None:
    error = {
        "type": "E",
        "message": "Order 4711 was refused",
        "stack": "E: x\n    at f (/a.js:1:2)",
    }
    errors = {
        "structured": {**error, "statusCode": 503},
        "client": {**error, "fingerprint": ["orders"]},
        "with-default": {**error, "fingerprint": ["{{ default }}", "eu"]},
        "v1": error,
    }
    choose(prod, grouping_rule="v1")
    for name, one in errors.items():
        prod.report(failed(f"run_{name}", task=name, error=one))
    groups = {group["taskIdentifier"]: group["id"] for group in prod.errors()}

    told = {name: told_why(prod, groups[name]) for name in errors}

    decided = {name: one["decided"]["decidedBy"] for name, one in told.items()}
    counted = {name: one["runs"][0]["counted"] for name, one in told.items()}
    assert decided == {**{name: name for name in errors}, "with-default": "client"}
    assert {name: one["rule"] for name, one in counted.items()} == {
        "structured": None, "client": None, "with-default": "v1", "v1": "v1",
    }  # fmt: skip
    assert counted["structured"]["error"]["countsAs"] is None
    assert counted["v1"]["error"]["replaced"] == [
        {"start": 6, "end": 10, "text": "4711", "kind": "id", "by": "<id>"}
    ]
    assert [one["why"] for one in counted["v1"]["frames"]] == ["first_line", "first_line"]


def test_a_group_that_would_be_another_today_says_why(orders: Workspace) -> None:
    assert told_why(orders)["differs"] is None

    choose(orders, grouping_rule="v1")
    told = told_why(orders)
    assert (told["differs"], told["decided"]["decidedBy"]) == ("settings", "v2")
    assert {one["differs"] for one in told["runs"]} == {"settings"}

    TaskRun.objects.update(error='{"type": "E", "message": "boom"}')
    assert told_why(orders)["differs"] == "other"

    # As an import leaves a run.
    TaskRun.objects.update(grouping_rule="export", grouping_key="")
    told = told_why(orders)
    assert (told["differs"], told["decided"]["key"]) == ("imported", None)

    TaskRun.objects.all().delete()
    told = told_why(orders)
    assert (told["decided"], told["runs"], told["groupings"]) == (None, [], [])


def test_a_key_too_long_to_be_kept_is_no_difference(prod: Workspace) -> None:
    prod.report(failed("run_a", error={"message": "boom", "fingerprint": ["x" * 12_000]}))

    told = told_why(prod)

    assert told["decided"]["keyIsWhole"] is False
    assert len(told["decided"]["key"]) == 10_000
    assert told["differs"] is None


def test_a_merged_group_is_explained_by_its_own_failure_and_shows_the_others(
    orders: Workspace,
) -> None:
    into = the_group(orders)["id"]
    orders.report(failed("run_other", error={"type": "CardError", "message": "No funds"}))
    [other] = [group["id"] for group in orders.errors() if group["id"] != into]
    orders.api.post("/api/v1/errors/merge", {"into": into, "from": [other]})

    told = told_why(orders, other)

    assert (told["id"], told["mergedFingerprints"]) == (into, [other.removeprefix("error_")])
    assert told["decided"]["key"] == KEY
    assert [(one["id"], one["key"]) for one in told["runs"]] == [
        ("run_other", "CardError: No funds"),
        ("run_new", KEY),
    ]


# --- the admin's page ---------------------------------------------------------------------------


def test_the_page_tells_the_same_to_people(orders: Workspace) -> None:
    desk = desk_at(orders)
    group = the_group(orders)["id"]
    address = desk.address("grouping", group, taskIdentifier="send-mail", list="sort=count")

    response = desk.get(address)

    text, html = text_of(response), response.content.decode()
    for words in (
        "Rule v2: the same class", "Error OrderFailed: Order <*> of <email> was refused",
        "Function shop/billing.py charge", "Two of its runs",
        "charge shop/billing.py:7 counts", "left out: library celery",
        "2 pieces left out of the message", "v2 in use", "this group", "class OrderFailed",
    ):  # fmt: skip
        assert words in text, words
    assert '<mark title="number, counts as &lt;*&gt;">815000</mark>' in html
    assert "<mark>&lt;*&gt;</mark>" in html
    assert html.count("<option value=") == 6
    page = desk.get(desk.address("page", group, taskIdentifier="send-mail", list="sort=count"))
    assert f'href="{escape(address)}"' in page.content.decode()


def test_the_page_shows_others_for_runs_that_it_does_not_have(orders: Workspace) -> None:
    desk = desk_at(orders)
    group = the_group(orders)["id"]
    address = desk.address("grouping", group)

    told = text_of(desk.get(f"{address}?runs=run_none&runs=run_mid"))

    assert "run_none is not a run of this group" in told
    choose(orders, grouping_rule="v1")
    assert "The settings of the project have changed" in text_of(desk.get(address))
    TaskRun.objects.all().delete()
    assert "No run of this group is left" in text_of(desk.get(address))
    assert desk.get(desk.address("grouping", "error_none")).status_code == 404


# --- what is told of any error ------------------------------------------------------------------


SAMPLES = (
    "User 12345 not found",
    "run_abc123 of cus_12345678 at 2026-01-02T03:04:05.678Z, epoch 1700000000",
    "550e8400-e29b-41d4-a716-446655440000-550e8400-e29b-41d4-a716-446655440001",
    "GET https://example.com/a/b?c=1 from /usr/lib/x.py for ann@example.com at 0xdeadbeef01",
    "said \"twenty characters and some more\" and 'twenty characters and some more'",
)


@pytest.mark.parametrize("message", SAMPLES, ids=range(len(SAMPLES)))
def test_pieces_that_v1_replaces_are_found(message: str) -> None:
    pieces = explain_message(message, normalise_message(message))

    assert pieces
    assert with_pieces(message, pieces) == normalise_message(message)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from((*SAMPLES, " ", "<id>", "4711", "a_bcdefgh1", '"', "/x/y", "@"))))
def test_pieces_make_the_outcome_or_are_not_told(parts: list[str]) -> None:
    message = "".join(parts)

    pieces = explain_message(message, normalise_message(message))

    assert not pieces or with_pieces(message, pieces) == normalise_message(message)


def with_pieces(message: str, pieces: Any) -> str:
    for start, end, by in reversed(pieces):
        message = message[:start] + by + message[end:]
    return message


@pytest.mark.parametrize("rule", ["v1", "v2"])
def test_of_a_giant_error_the_beginning_is_told(rule: str) -> None:
    lines = "\n".join(f"    at f{number} (/app/x{number}.js:1:2)" for number in range(150))
    error = {"type": "E", "message": "x4711 " * 100_000, "stack": f"E: m\n{lines}"}

    told = explain_error(error, rule)

    assert told is not None
    assert len(told.thrown.message) <= LONGEST_TOLD
    assert len(told.places) == MOST_PLACES
    assert told.more_places >= 50
    assert explain_error(7, rule) is None
