"""Deciding about one group in the admin."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from errors_app.models import BulkOperation, ErrorGroupActivity, ErrorGroupState
from runs_app.domain.times import utc_now
from tests.conftest import Workspace, failed
from tests.triage.staff import CHANGE, VIEW, Desk, desk_at, logged_in, staff_member, text_of

XSS = "<script>alert('x')</script>"
TOMORROW = f"{utc_now() + timedelta(days=1):%Y-%m-%dT%H:%M}"


@pytest.fixture
def desk(prod: Workspace) -> Desk:
    prod.report(failed("run_1", version="20260101.9"), failed("run_2", version="20260101.10"))
    return desk_at(prod)


def group(desk: Desk) -> str:
    [group] = desk.workspace.errors()
    return str(group["id"])


def page(desk: Desk, action: str, **query: str) -> str:
    return desk.address(action, group(desk), taskIdentifier="send-mail", **query)


def state() -> ErrorGroupState:
    return ErrorGroupState.objects.get()


def undo_address(response: Any) -> str:
    """Where the button in the message of a change leads to."""
    html = response.content.decode()
    return str(html.split('<form class="fl-told" method="post" action="')[1].split('"')[0])


# --- resolve, ignore, unresolve -------------------------------------------------------------------


def test_a_page_asks_for_what_the_dialog_asks_for(desk: Desk) -> None:
    response = desk.get(page(desk, "resolve"))

    text = text_of(response)
    assert response.status_code == 200
    assert "Resolve this group?" in text
    assert "TypeError User 12345 not found" in text
    assert "in the next version after 20260101.10, the newest seen" in text
    assert '<option value="20260101.9"></option>' in response.content.decode()
    assert not ErrorGroupState.objects.exists()


def test_a_group_is_resolved_now_and_the_person_comes_back_and_can_undo_it(desk: Desk) -> None:
    here = desk.address("list", **{"filter[period]": "7d"})

    answer = desk.post(page(desk, "resolve"), when="now", next=here)
    back = desk.get(answer.url)

    assert (answer.status_code, answer.url) == (302, here)
    assert desk.status("TypeError") == "resolved"
    assert "Resolved 1 group" in text_of(back)
    entry = ErrorGroupActivity.objects.get()
    assert (entry.user, entry.client, entry.actor_kind) == (desk.user, "admin", "user")

    undone = desk.post(undo_address(back), next=here)

    assert undone.url == here
    assert "Restored 1 group." in text_of(desk.get(here))
    assert desk.status("TypeError") == "unresolved"


def test_a_group_is_resolved_in_a_version(desk: Desk) -> None:
    address, here = page(desk, "resolve"), desk.address("list")

    answer = desk.post(address, when="next", next=here)

    assert (state().resolved_in_version, state().resolved_after_version) == (None, "20260101.10")
    assert "in the next version after 20260101.10" in text_of(desk.get(answer.url))

    answer = desk.post(address, when="named", version=" 3.1 ", next=here)

    assert (state().resolved_in_version, state().resolved_after_version) == ("3.1", None)
    assert "Resolved 1 group in 3.1." in text_of(desk.get(answer.url))


def test_there_is_no_next_version_where_none_was_seen(prod: Workspace) -> None:
    prod.report(failed("run_1"))
    desk = desk_at(prod)

    answer = desk.post(page(desk, "resolve"), when="next")

    assert answer.status_code == 409
    assert "No run here has named a version yet" in text_of(answer)
    assert not ErrorGroupState.objects.exists()


def test_an_ignore_takes_all_conditions_at_once(desk: Desk) -> None:
    before = utc_now()

    desk.post(page(desk, "ignore"), duration="8h", total="100", rate="2.5", reason=" Known ")

    ignored = state()
    assert ignored.ignored_until is not None
    assert (
        timedelta(0) <= ignored.ignored_until - before - timedelta(hours=8) < timedelta(minutes=5)
    )
    assert ignored.ignored_until_total_occurrences == 100
    assert ignored.ignored_at_occurrence_count == 2
    assert ignored.ignored_until_occurrence_rate == 2.5
    assert (ignored.ignored_reason, ignored.ignored_by) == ("Known", desk.user)


def test_an_ignore_ends_at_a_date_or_never(desk: Desk) -> None:
    until = (utc_now() + timedelta(days=2)).replace(second=0, microsecond=0)

    desk.post(page(desk, "ignore"), duration="until", until=f"{until:%Y-%m-%dT%H:%M}")

    assert state().ignored_until == until

    desk.post(page(desk, "ignore"))

    assert (state().status, state().ignored_until) == ("ignored", None)


WRONG = (
    ("resolve", {"when": "named"}, "Name the version."),
    ("resolve", {"when": "now", "version": "3.1"}, "Choose “in version” above"),
    ("resolve", {"when": "named", "version": "3" * 101}, "at most 100 characters"),
    ("resolve", {"when": "later"}, "Choose now, in the next version, or in a version."),
    ("ignore", {"duration": "until"}, "Say until when."),
    ("ignore", {"duration": "1h", "until": TOMORROW}, "Choose “until” above"),
    ("ignore", {"duration": "until", "until": "2020-01-01T00:00"}, "That has passed."),
    ("ignore", {"duration": "until", "until": "2099-01-01T00:00"}, "At most 3,650 days"),
    ("ignore", {"duration": "until", "until": "tomorrow"}, "Write it as 2025-01-31T14:00"),
    ("ignore", {"duration": "2h"}, "Choose one of the times."),
    ("ignore", {"total": "0"}, "greater than or equal to 1"),
    ("ignore", {"total": "9" * 20}, "less than or equal to 1000000000000"),
    ("ignore", {"rate": "0"}, "The rate must be above 0."),
    ("ignore", {"rate": "inf"}, "Enter a number."),
    ("ignore", {"rate": "1e10"}, "less than or equal to 1000000000"),
    ("ignore", {"reason": "r" * 1_001}, "at most 1000 characters"),
)


def test_what_is_wrong_is_told_in_place_and_what_was_filled_in_stays(desk: Desk) -> None:
    here = desk.address("list", sort="count")
    pages = {action: page(desk, action) for action in ("resolve", "ignore")}

    for action, fields, sentence in WRONG:
        answer = desk.post(pages[action], **{"reason": "Because", **fields}, next=here)

        html = answer.content.decode()
        assert answer.status_code == 400, fields
        assert sentence in text_of(answer), fields
        assert all(value in html for value in fields.values() if value not in ("2h", "later"))
        assert f'value="{here}"' in html
        assert action == "resolve" or "reason" in fields or "Because" in html
    assert not ErrorGroupState.objects.exists()


def test_a_group_is_opened_again(desk: Desk) -> None:
    desk.post(page(desk, "resolve"))

    asked = desk.get(page(desk, "unresolve"))
    answer = desk.post(page(desk, "unresolve"))

    assert "Open again" in text_of(asked)
    assert answer.status_code == 302
    assert desk.status("TypeError") == "unresolved"


def test_what_is_so_already_is_told_and_leaves_no_trace(desk: Desk) -> None:
    desk.post(page(desk, "resolve"), when="named", version="3")

    answer = desk.post(page(desk, "resolve"), when="named", version="3", next=desk.address("list"))

    assert "Nothing was changed: 1 already resolved like this." in text_of(desk.get(answer.url))
    assert ErrorGroupActivity.objects.count() == 1


# --- twice, elsewhere, strangers ------------------------------------------------------------------


def test_the_same_form_sent_twice_is_done_once(desk: Desk) -> None:
    fields = {"duration": "1h", "attempt": "0123456789abcdef0123456789abcdef"}
    here = desk.address("list")

    for _ in range(2):
        answer = desk.post(page(desk, "ignore"), **fields, next=here)
        assert "Ignored 1 group until" in text_of(desk.get(answer.url))

    assert BulkOperation.objects.count() == 1
    assert state().version == 1


def test_a_page_that_was_gone_back_to_can_do_something_else(desk: Desk) -> None:
    fields = {"attempt": "0123456789abcdef0123456789abcdef"}
    desk.post(page(desk, "ignore"), duration="1h", **fields)

    desk.post(page(desk, "ignore"), duration="8h", **fields)

    assert state().version == 2


NOT_OURS = (
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "javascript:alert(1)",
    "/admin/logout/",
    "/admin/password_change/",
    "/api/v1/errors",
    "/nowhere",
)


def test_nobody_is_sent_to_a_page_that_is_not_ours(desk: Desk) -> None:
    address = page(desk, "resolve")
    own = desk.address("page", group(desk), taskIdentifier="send-mail")

    for given in (*NOT_OURS, ""):
        asked = desk.get(f"{address}&next={quote(given)}")
        answer = desk.post(address, next=given)

        assert answer.url == own, given
        assert f'<input type="hidden" name="next" value="{own}">' in asked.content.decode()


def test_an_unknown_group_is_not_there(desk: Desk) -> None:
    for error_id in ("error_0000000000000000", "error_%00", "x"):
        address = desk.address("resolve", "id").replace("/id/", f"/{error_id}/")
        assert desk.get(address).status_code == 404
        assert desk.post(address).status_code == 404


def test_an_id_of_several_tasks_needs_one_to_be_picked(desk: Desk) -> None:
    desk.workspace.report(failed("run_3", task="other"))

    [error_id] = {group["id"] for group in desk.workspace.errors()}
    answer = desk.post(desk.address("resolve", error_id))

    assert answer.status_code == 409
    assert "send-mail" in text_of(answer)
    assert not ErrorGroupState.objects.exists()


def test_a_form_from_elsewhere_changes_nothing(desk: Desk) -> None:
    strict = logged_in(desk.user, enforce_csrf_checks=True)

    for address in (page(desk, "resolve"), desk.address("bulk"), desk.address("bulk_undo", "x")):
        assert strict.post(address, {"action": "resolve"}).status_code == 403

    assert not ErrorGroupState.objects.exists()


def test_dialogs_learn_of_the_versions_once_they_are_opened(desk: Desk) -> None:
    answer = desk.get(desk.address("versions"))

    assert answer.json()["newest"] == "20260101.10"
    assert sorted(answer.json()["last"]) == ["20260101.10", "20260101.9"]


def test_nothing_a_run_says_is_markup(prod: Workspace) -> None:
    error = {"type": XSS, "message": XSS}
    prod.report(failed("run_1", task=XSS, version=XSS, error=error))
    desk = desk_at(prod)
    [found] = prod.errors()
    key = f"{found['id'].removeprefix('error_')}:{XSS}"
    one = {"taskIdentifier": XSS, "next": desk.address("list", search=XSS)}

    pages = [desk.get(desk.address(action, found["id"], **one)) for action in ("resolve", "ignore")]
    pages.append(desk.bulk("ignore", group=key, filter=f"filter[search]={quote(XSS)}"))
    pages.append(desk.bulk("resolve", scope="matching", filter=f"filter[search]={quote(XSS)}"))
    wrong = {"step": "do", "when": "named", "version": XSS * 5}
    pages.append(desk.bulk("resolve", group=key, **wrong))
    done = desk.bulk("resolve", group=key, step="do", when="named", version=XSS)
    pages.append(desk.get(done.url + f"?list={quote(XSS)}"))
    ignored = desk.bulk("ignore", group=key, step="do", reason=XSS)
    pages.append(desk.get(ignored.url))

    for shown in pages:
        html = shown.content.decode()
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert" in html


def test_who_may_only_look_gets_no_buttons(desk: Desk) -> None:
    viewer = logged_in(staff_member(desk.workspace, VIEW))
    changer = logged_in(staff_member(desk.workspace, VIEW, CHANGE))
    address = desk.address("list", **{"filter[period]": "7d"})

    assert "fl-dialogs" in changer.get(address).content.decode()
    assert "fl-dialogs" not in viewer.get(address).content.decode()
