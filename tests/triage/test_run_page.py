"""The page of one run, as a browser gets it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission

from tests.conftest import Workspace, failed, make_workspace
from tests.triage.staff import Desk, desk_at, text_of


@pytest.fixture
def desk(prod: Workspace) -> Desk:
    return desk_at(prod)


def test_the_page_tells_how_a_run_went_and_what_it_was_given(desk) -> None:
    created = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    started, finished = created + timedelta(seconds=2), created + timedelta(seconds=202)
    desk.workspace.report(
        failed(
            "r1",
            version="20260101.1",
            queue="mails",
            machine="small-1x",
            tags=["mail", "night"],
            attemptNumber=3,
            createdAt=created.isoformat(),
            startedAt=started.isoformat(),
            finishedAt=finished.isoformat(),
            payload={"user": 7, "name": "Zoë"},
            metadata=["a"],
            error={
                "type": "KeyError",
                "message": "gone",
                "stack": "KeyError: gone\n    at x.js:1:2",
            },
        )
    )

    response = desk.get(desk.address("run", "run_r1"))

    text = text_of(response)
    for words in (
        "run_r1 FAILED took 3 min 20 s send-mail 20260101.1",
        "KeyError gone",
        f"Created {created:%Y-%m-%d %H:%M:%S} UTC Started {started:%Y-%m-%d %H:%M:%S} UTC +2.0 s",
        "+3 min 20 s",
        '"user": 7',
        "Zoë",
        "Queue mails",
        "Attempt 3",
        "Tags mail night",
        "at x.js:1:2",
    ):
        assert words in text, words
    assert "Output" not in text


def test_a_failed_run_leads_to_its_group_and_another_to_none(desk) -> None:
    desk.workspace.report(
        failed("r1"), {"id": "r2", "taskIdentifier": "send-mail", "status": "COMPLETED"}
    )
    [group] = desk.workspace.errors()

    failed_run = desk.get(desk.address("run", "run_r1")).content.decode()
    finished_run = desk.get(desk.address("run", "run_r2")).content.decode()

    address = desk.address("page", group["id"], taskIdentifier="send-mail")
    assert f'href="{address}"' in failed_run
    assert "Its error group" not in finished_run
    assert desk.get(address).status_code == 200


def test_long_content_is_cut_until_all_of_it_is_asked_for(desk) -> None:
    long = "p" * 30_000 + "END"
    desk.workspace.report(
        failed(
            "r1",
            payload=long,
            output=long,
            error={"type": "E", "message": "m", "stack": "s" * 30_000 + "END"},
        )
    )
    address = desk.address("run", "run_r1")

    cut = text_of(desk.get(address))
    payload = text_of(desk.get(f"{address}?whole=payload"))
    trace = text_of(desk.get(f"{address}?whole=trace"))

    assert "pEND" not in cut
    assert "sEND" not in cut
    assert cut.count("Show all") == 3
    assert payload.count("pEND") == 1
    assert payload.count("Show all") == 2
    assert trace.count("sEND") == 1


def test_all_that_is_stored_is_linked_for_whoever_may_see_runs(desk) -> None:
    desk.workspace.report(failed("r1"))
    address = desk.address("run", "run_r1")

    without = text_of(desk.get(address))
    desk.user.user_permissions.add(Permission.objects.get(codename="view_taskrun"))
    allowed = text_of(desk.get(address))

    assert "All that is stored" not in without
    assert "All that is stored" in allowed


def test_runs_that_are_not_there_or_belong_to_strangers_are_not_found(desk) -> None:
    strangers = make_workspace("prod")
    strangers.report(failed("theirs"))

    for run_id in ("run_theirs", "run_nowhere", "a/b"):
        assert desk.get(desk.address("run", run_id)).status_code == 404
    assert desk.get(desk.address("run", "x") + "%00/").status_code == 404


def test_halves_of_characters_and_other_oddities_are_shown(desk) -> None:
    desk.workspace.api.post(
        "/api/v1/runs",
        raw=b'{"id": "odd", "taskIdentifier": "t", "status": "FAILED", "payload": "\\ud800",'
        b' "error": "a plain text"}',
    )

    response = desk.get(desk.address("run", "run_odd"))

    assert response.status_code == 200
    assert "a plain text" in text_of(response)
