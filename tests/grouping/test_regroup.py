"""`manage.py regroup --dry-run`."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from errors_app.models import ErrorGroupState
from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry, TaskRun
from runs_app.queries.failed_runs import read_runs
from tests.conftest import Workspace, failed, make_workspace, settle
from tests.grouping.test_preview import asked, choose

# Under v1 one group for each of the customers, under v2 one for all.
CUSTOMERS = [
    {"type": "KeyError", "message": f"No plan for cus_{name}"} for name in ("Ab3x", "Zz9q")
]
# Under v1 one group, which takes both codes for ids; under v2 the codes tell them apart.
STATUSES = [
    {"type": "Refused", "message": f"GET /orders failed with status code {code}"}
    for code in (4041, 5031)
]
SAME = {"type": "ValueError", "message": "No such colour"}
THROTTLED = {"message": "slow", "request": {}, "response": {"status": 429}}


def told(workspace: Workspace | None, *flags: str, **options: Any) -> list[dict[str, Any]]:
    text = printed(workspace, "--json", *flags, **options)
    return [json.loads(line) for line in text.splitlines()]


def printed(workspace: Workspace | None, *flags: str, **options: Any) -> str:
    out = StringIO()
    where = [] if workspace is None else ["--environment", name_of(workspace)]
    call_command("regroup", "--dry-run", *where, *flags, stdout=out, **options)
    return out.getvalue()


def name_of(workspace: Workspace) -> str:
    environment = workspace.environment
    return f"{environment.project.external_ref}/{environment.slug}"


def everything() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (TaskRun, ErrorGroupState)]


@pytest.fixture
def shop(prod: Workspace) -> Workspace:
    """Grouped by v1; its failures are stored, and by no other means than reports."""
    choose(prod, grouping_rule="v1")
    prod.send(
        *(failed(f"customer-{n}", error=CUSTOMERS[n % 2]) for n in range(5)),
        *(failed(f"status-{n}", error=STATUSES[n % 2]) for n in range(3)),
        failed("same", error=SAME),
        failed("same-elsewhere", error=SAME, task="other"),
        failed("healed", error=SAME, status="COMPLETED"),
        failed("no-error", error=None),
    )
    return prod


def test_it_tells_which_groups_would_merge_and_split(shop: Workspace) -> None:
    before = everything()

    [found] = told(shop, "--rule", "v2")

    v1, v2 = ({json.dumps(e): ids(shop, e)[n] for e in (*CUSTOMERS, *STATUSES)} for n in (0, 1))
    many, few, status_many, status_few = (json.dumps(e) for e in (*CUSTOMERS, *STATUSES))
    assert found["now"] == {"rule": "v1", "keywords": False}
    assert found["wanted"] == {"rule": "v2", "keywords": False}
    assert (found["runs"], found["groups"], found["wantedGroups"]) == (10, 5, 5)
    assert (found["keptGroups"], found["affectedRuns"]) == (2, 8)
    assert (found["runsLeavingGroups"], found["runsEnteringGroups"]) == (0, 0)
    assert found["merges"] == {
        "groups": 2,
        "wantedGroups": 1,
        "runs": 5,
        "largest": [
            {
                "id": v2[many],
                "taskIdentifier": "send-mail",
                "runs": 5,
                "groups": 2,
                "parts": [part(v1[many], 3, CUSTOMERS[0]), part(v1[few], 2, CUSTOMERS[1])],
            }
        ],
    }
    assert found["splits"] == {
        "groups": 1,
        "wantedGroups": 2,
        "runs": 3,
        "largest": [
            {
                "id": v1[status_many],
                "taskIdentifier": "send-mail",
                "runs": 3,
                "groups": 2,
                "parts": [
                    part(v2[status_many], 2, STATUSES[0]),
                    part(v2[status_few], 1, STATUSES[1]),
                ],
            }
        ],
    }
    assert everything() == before


def ids(workspace: Workspace, error: Any) -> list[str]:
    return [one["id"] for one in asked(workspace, error)["groupings"]]


def part(id_: str, runs: int, error: dict[str, str]) -> dict[str, Any]:
    return {
        "id": id_, "runs": runs, "errorType": error["type"], "errorMessage": error["message"]
    }  # fmt: skip


def test_nothing_changes_under_the_settings_a_project_had(shop: Workspace) -> None:
    [found] = told(shop)

    assert (found["keptGroups"], found["affectedRuns"]) == (5, 0)
    assert found["merges"]["largest"] == found["splits"]["largest"] == []


def test_what_the_project_believes_now_takes_runs_out_of_groups_or_into_them(
    prod: Workspace,
) -> None:
    choose(prod, expected_api_errors=True)
    prod.send(failed("out", error=THROTTLED))
    choose(prod, expected_api_errors=False)
    [entering] = told(prod)
    prod.send(failed("in", error=THROTTLED))
    choose(prod, expected_api_errors=True)
    [leaving] = told(prod)
    choose(prod, expected_api_errors=False)
    [joining] = told(prod)

    assert (entering["groups"], entering["wantedGroups"]) == (0, 1)
    assert (entering["runsEnteringGroups"], entering["runsLeavingGroups"]) == (1, 0)
    assert (leaving["groups"], leaving["wantedGroups"]) == (1, 0)
    assert (leaving["runsEnteringGroups"], leaving["runsLeavingGroups"]) == (0, 1)
    assert (joining["keptGroups"], joining["runsEnteringGroups"]) == (1, 1)
    assert entering["merges"]["groups"] == joining["merges"]["groups"] == 0
    assert leaving["splits"]["groups"] == 0


def test_keywords_can_be_asked_for_and_taken_away(prod: Workspace) -> None:
    tokens = [{"type": kind, "message": "Token expired"} for kind in ("OneError", "OtherError")]
    prod.send(*(failed(str(number), error=error) for number, error in enumerate(tokens)))

    [asked_for] = told(prod, "--keywords")
    choose(prod, keyword_grouping=True)
    [had], [taken_away] = told(prod), told(prod, "--no-keywords")

    assert (asked_for["groups"], asked_for["wantedGroups"]) == (2, 1)
    assert asked_for["wanted"]["keywords"]
    assert (had["now"], had["wantedGroups"]) == (had["wanted"], 1)
    assert (taken_away["groups"], taken_away["wantedGroups"]) == (2, 2)


def test_groups_that_people_merged_count_as_one(shop: Workspace) -> None:
    settle()
    colour, customer = ids(shop, SAME)[0], ids(shop, CUSTOMERS[0])[0]
    merge = {"into": colour, "from": [customer], "taskIdentifier": "send-mail"}
    assert shop.api.post("/api/v1/errors/merge", merge).status == 200

    [found] = told(shop, "--rule", "v2")

    # The rule does not know of it: what people made one would part, and be merged anew.
    assert (found["groups"], found["wantedGroups"]) == (4, 5)
    assert found["splits"]["groups"] == 2
    assert found["splits"]["largest"][0]["id"] == colour
    assert {one["runs"] for one in found["splits"]["largest"][0]["parts"]} == {3, 1}


def test_only_what_was_asked_for_is_read(shop: Workspace) -> None:
    sibling = make_workspace("dev", shop.environment.project)
    stranger = make_workspace("prod")
    for workspace in (sibling, stranger):
        workspace.send(failed("run_x", error=SAME))
    TaskRun.objects.filter(friendly_id="run_customer-0").update(
        failed_at=utc_now() - timedelta(days=4)
    )
    project = shop.environment.project.external_ref

    assert [one["runs"] for one in told(sibling)] == [1]
    assert [one["runs"] for one in told(None, "--project", project)] == [10, 1]
    assert [one["runs"] for one in told(None)] == [10, 1, 1]
    assert [one["runs"] for one in told(shop, "--days", "3")] == [9]
    pks = TaskRun.objects.values_list("pk", flat=True)
    assert len(read_runs(sibling.tenant, pks)) == len(read_runs(stranger.tenant, pks)) == 1


def test_people_get_sentences_that_no_terminal_obeys(shop: Workspace) -> None:
    message = "No plan for cus_Qq7z\n    at plan (plans.ts:1:2)\x1b[2J"
    shop.send(failed("evil", error={"type": "KeyError", "message": message}))

    text = printed(shop, "--rule", "v2")

    assert "\x1b" not in text
    assert "1 run, such as KeyError: No plan for cus_Qq7z at plan (plans.ts:1:2)\\x1b[2J" in text
    assert "rule v1; asked for: rule v2" in text
    assert "11 failed runs in 6 groups" in text
    assert "merge: 3 groups would become 1" in text
    assert "split: 1 group would become 2" in text
    assert "3 runs, such as KeyError: No plan for cus_Ab3x" in text
    assert max(map(len, text.splitlines())) < 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--dry-run.*keeps the group"),
        (["--dry-run", "--environment", "proj_none/prod"], "no environment proj_none/prod"),
        (["--dry-run", "--project", "proj_none"], "no project proj_none"),
        (["--dry-run", "--days", "0"], "whole number from 1"),
        (["--dry-run", "--rule", "v0"], "invalid choice"),
    ],
    ids=["without --dry-run", "environment", "project", "days", "rule"],
)
def test_what_cannot_be_done_ends_in_a_sentence(
    shop: Workspace, arguments: list[str], words: str
) -> None:
    waiting = OutboxEntry.objects.count()

    with pytest.raises(CommandError, match=words) as end:
        call_command("regroup", *arguments, stdout=StringIO())

    assert end.value.returncode == 1
    assert OutboxEntry.objects.count() == waiting
