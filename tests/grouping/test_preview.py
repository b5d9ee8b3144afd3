"""`POST /api/v1/grouping/preview`."""

from typing import Any

from errors_app.models import ErrorGroupState
from runs_app.domain.grouping.rules import RULES, fingerprint_of
from runs_app.models import OutboxEntry, TaskRun
from tests.api.expectations import refused
from tests.conftest import Answer, Workspace, failed

PATH = "/api/v1/grouping/preview"
ERROR = {"type": "TypeError", "message": "User 12345 not found"}
SERVER = {"message": "down", "statusCode": 503, "response": {"status": 503}, "request": {}}


def ask(workspace: Workspace, error: Any, **place: Any) -> Answer:
    return workspace.api.post(PATH, {"error": error, **place})


def asked(workspace: Workspace, error: Any, **place: Any) -> dict[str, Any]:
    answer = ask(workspace, error, **place)
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.body
    return body


def choose(workspace: Workspace, **settings: Any) -> None:
    project = workspace.environment.project
    for name, value in settings.items():
        setattr(project, name, value)
    project.save()


def test_a_preview_tells_the_group_that_a_report_then_gets(
    prod: Workspace, staging: Workspace
) -> None:
    before = asked(prod, ERROR)
    nothing_stored = not (TaskRun.objects.exists() or OutboxEntry.objects.exists())

    prod.report(failed("a", error=ERROR))

    [group] = prod.errors()
    assert nothing_stored
    assert not ErrorGroupState.objects.exists()
    assert (before["id"], before["exists"]) == (group["id"], False)
    assert asked(prod, ERROR)["exists"]
    assert asked(prod, ERROR, taskIdentifier="send-mail")["exists"]
    assert not asked(prod, ERROR, taskIdentifier="another")["exists"]
    assert not asked(staging, ERROR)["exists"]


def test_each_rule_is_told_beside_the_one_in_use(prod: Workspace) -> None:
    choose(prod, grouping_rule="v1")
    old = asked(prod, ERROR)
    choose(prod, grouping_rule="v2")
    new = asked(prod, ERROR)

    expected = {rule: fingerprint_of(ERROR, rule=rule) for rule in RULES}
    assert old["groupings"] == new["groupings"]
    assert old["groupings"] == [
        {
            "rule": rule,
            "id": f"error_{found.value}",
            "fingerprint": found.value,
            "key": found.key,
            "decidedBy": rule,
        }
        for rule, found in expected.items()
        if found
    ]
    assert (old["rule"], old["id"]) == ("v1", old["groupings"][0]["id"])
    assert (new["rule"], new["id"]) == ("v2", old["groupings"][1]["id"])


def test_the_slice_is_found_as_for_a_report(prod: Workspace) -> None:
    place = {"slice": "mails", "queue": "slow", "taskIdentifier": "send-mail"}
    prod.report(failed("a", error=SERVER, queue="slow"))

    found = [asked(prod, SERVER, **place)]
    for name in place:
        place[name] = ""
        found.append(asked(prod, SERVER, **place))

    assert [one["slice"] for one in found] == ["mails", "slow", "send-mail", ""]
    assert [one["exists"] for one in found] == [False, True, False, False]
    assert found[1]["category"] == "server"
    assert found[1]["signals"] == {"httpStatus": 503}
    assert [one["decidedBy"] for one in found[1]["groupings"]] == ["structured"] * len(RULES)


def test_what_counts_in_no_group_has_no_id(prod: Workspace) -> None:
    throttled = {"message": "slow", "request": {}, "response": {"status": 429}}
    counted = asked(prod, throttled)
    choose(prod, expected_api_errors=True)

    expected, no_error = asked(prod, throttled), asked(prod, 7)

    nothing = {"id": None, "fingerprint": None, "key": None, "decidedBy": None}
    assert counted["expected"]
    assert counted["id"] is not None
    assert (expected["expected"], expected["expectedBy"]) == (True, "api")
    assert (no_error["expected"], no_error["expectedBy"]) == (False, None)
    for found in (expected, no_error):
        assert (found["id"], found["exists"]) == (None, False)
        assert found["groupings"] == [{"rule": rule, **nothing} for rule in RULES]


def test_what_cannot_be_read_is_refused_by_name(prod: Workspace) -> None:
    wrong = {"slice": 7, "queue": "x" * 256, "taskIdentifier": ["a"]}

    body = refused(prod.api.post(PATH, wrong), 400, "invalid_input")

    assert {detail["path"] for detail in body["details"]} == {
        f"/body/{name}" for name in ("error", *wrong)
    }
    refused(ask(prod, None), 400, "invalid_input")
    refused(prod.api.post(PATH, raw=b"{"), 400, "invalid_input")
    refused(prod.api.post(PATH, []), 400, "invalid_input")
    refused(ask(prod, "x" * 1_048_576), 413, "payload_too_large")
    assert asked(prod, "x" * 1_000_000)["id"]
