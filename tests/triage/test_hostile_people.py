"""What people do who press buttons twice, go back, come late, or mean harm."""

import pytest

from errors_app.admin.triage.markdown import code
from errors_app.models import BulkOperation
from tests.conftest import Workspace, failed
from tests.triage.staff import Desk, desk_at, text_of

# They turn around what follows them, up to the end of the line.
TURNING = "\u202e\u202d\u2067\u2066\u200f"


@pytest.fixture
def desk(prod: Workspace) -> Desk:
    prod.report(failed("run_1"))
    return desk_at(prod)


def decision(desk: Desk, action: str) -> str:
    [group] = desk.workspace.errors()
    return desk.address(action, str(group["id"]), taskIdentifier="send-mail")


def undo(desk: Desk, back: str) -> str:
    newest = BulkOperation.objects.latest("created_at")
    answer = desk.post(desk.address("bulk_undo", str(newest.pk)), next=back)
    return str(answer.url)


def test_a_form_that_is_sent_again_after_it_was_undone_is_done_anew(desk: Desk) -> None:
    address, here = decision(desk, "resolve"), desk.address("list")
    form = {"next": here, "attempt": "0123456789abcdef0123456789abcdef"}
    desk.post(address, **form)
    undo(desk, here)
    desk.get(here)

    desk.post(address, **form)

    assert "Resolved 1 group" in text_of(desk.get(here))
    assert desk.status("TypeError") == "resolved"

    desk.post(address, **form)

    assert "Nothing was changed: 1 already resolved like this." in text_of(desk.get(here))
    undo(desk, here)
    assert desk.status("TypeError") == "unresolved"


def test_whoever_takes_something_back_on_the_home_page_stays_there(desk: Desk) -> None:
    desk.post(decision(desk, "ignore"))

    assert undo(desk, "/admin/?environment=x/prod") == "/admin/?environment=x/prod"


def test_a_page_that_tells_of_a_failure_is_not_kept(desk: Desk) -> None:
    missing = desk.get(desk.address("page", "error_0123456789abcdef"))

    assert missing.status_code == 404
    assert missing["Cache-Control"] == "no-store"


def test_no_text_turns_around_the_line_it_is_pasted_into() -> None:
    for char in TURNING:
        assert code(f"before{char}after") == "`before after`"
