"""Deciding about many groups in the admin: asked first, told afterwards, taken back."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory

from errors_app.admin.triage.changes import operation_id_of
from errors_app.admin.triage.moments import exact
from errors_app.admin.triage.places import place_of
from errors_app.models import BulkOperation, ErrorGroupActivity, ErrorGroupState
from errors_app.services.undo import UNDO_TIME
from runs_app.domain.times import utc_now
from runs_app.domain.window import parse_moment
from runs_app.models import Environment
from tests.api.expectations import failure
from tests.conftest import Workspace
from tests.triage.staff import VIEW, Desk, desk_at, fields_of, logged_in, staff_member, text_of

UNRESOLVED = "filter[status]=unresolved&filter[period]=7d"


@pytest.fixture
def desk(prod: Workspace) -> Desk:
    """With three groups: A, B and C."""
    prod.report(*(failure(f"run_{name}", name, version="2.0") for name in "ABC"))
    return desk_at(prod)


def keys(desk: Desk, *types: str) -> list[str]:
    known = {
        group["errorType"]: f"{group['id'].removeprefix('error_')}:{group['taskIdentifier']}"
        for group in desk.workspace.errors()
    }
    return [known[name] for name in types]


def statuses(desk: Desk) -> dict[str, str]:
    return {group["errorType"]: group["status"] for group in desk.workspace.errors()}


def confirm(desk: Desk, asked: Any, step: str = "do", **fields: Any) -> Any:
    """Press a button of the page that asks."""
    return desk.post(desk.address("bulk"), **{**fields_of(asked), "step": step, **fields})


# --- ticked ---------------------------------------------------------------------------------------


def test_ticked_groups_are_asked_about_changed_told_and_taken_back(desk: Desk) -> None:
    desk.bulk("resolve", group=keys(desk, "A"), step="now")

    asked = desk.bulk("resolve", group=keys(desk, "A", "B", "C"), filter=UNRESOLVED)

    text = text_of(asked)
    assert "Resolve 3 groups?" in text
    assert "2 groups will be changed. Not changed: 1 already resolved like this." in text
    assert all(f"{name} It broke send-mail" in text for name in "ABC")
    assert statuses(desk) == {"A": "resolved", "B": "unresolved", "C": "unresolved"}

    answer = confirm(desk, asked)
    for _ in range(2):
        result = desk.get(answer.url)

        text = text_of(result)
        assert answer.status_code == 302
        assert "Resolved 2 groups" in text
        assert "Not changed: 1 already resolved like this." in text
        assert re.search(r"Undo \d+:\d\d left", text)
        assert f"?{UNRESOLVED}".replace("&", "&amp;") in result.content.decode()
    assert set(statuses(desk).values()) == {"resolved"}
    made = ErrorGroupActivity.objects.filter(operation=BulkOperation.objects.first())
    assert {(entry.user, entry.client) for entry in made} == {(desk.user, "admin")}

    undo = answer.url.split("?")[0] + "undo/"
    back = desk.post(undo, next=answer.url)

    text = text_of(desk.get(back.url))
    assert back.url == answer.url
    assert "Undone. 2 restored." in text
    assert statuses(desk) == {"A": "resolved", "B": "unresolved", "C": "unresolved"}

    again = desk.post(undo)

    assert "This change was undone already." in text_of(desk.get(again.url))


def test_an_undo_tells_of_the_groups_that_were_changed_since(desk: Desk) -> None:
    done = confirm(desk, desk.bulk("resolve", group=keys(desk, "A", "B")))
    desk.bulk("ignore", group=keys(desk, "B"), step="now")

    desk.post(done.url + "undo/")
    text = text_of(desk.get(done.url))

    assert "Restored 1 group. Left alone, because changed since: 1." in text
    assert "1 restored; 1 left alone, because changed since" in text
    assert statuses(desk) == {"A": "unresolved", "B": "ignored", "C": "unresolved"}


def test_what_cannot_be_undone_any_more_is_told(desk: Desk) -> None:
    done = confirm(desk, desk.bulk("resolve", group=keys(desk, "A")))
    BulkOperation.objects.update(created_at=utc_now() - UNDO_TIME - timedelta(seconds=1))

    late = desk.post(done.url + "undo/")
    page = desk.get(late.url)

    assert "It is too late: a change can be undone for ten minutes." in text_of(page)
    assert "undo/" not in page.content.decode()
    assert statuses(desk)["A"] == "resolved"


def test_the_quick_way_leads_back_to_the_same_list_with_a_button_to_undo(desk: Desk) -> None:
    answer = desk.bulk("ignore", group=keys(desk, "A", "B"), step="now", filter=UNRESOLVED)

    back = desk.get(answer.url)
    assert answer.url == f"{desk.address('list')}?{UNRESOLVED}"
    assert "Ignored 2 groups for ever." in text_of(back)
    assert f"{BulkOperation.objects.get().pk}/undo/" in back.content.decode()
    assert statuses(desk) == {"A": "ignored", "B": "ignored", "C": "unresolved"}

    same = desk.bulk("ignore", group=keys(desk, "A"), step="now", filter=UNRESOLVED)

    assert "Nothing was changed: 1 already ignored like this." in text_of(desk.get(same.url))


def test_conditions_are_added_and_counted_again(desk: Desk) -> None:
    desk.bulk("ignore", group=keys(desk, "A"), step="now")
    asked = desk.bulk("ignore", group=keys(desk, "A", "B"))
    assert "1 group will be changed" in text_of(asked)

    wrong = confirm(desk, asked, total="none")

    assert wrong.status_code == 400
    assert "Enter a whole number." in text_of(wrong)

    again = confirm(desk, wrong, "again", total="100", reason="Known")

    assert "2 groups will be changed." in text_of(again)
    assert all(value in again.content.decode() for value in ('value="100"', "Known"))

    result = desk.get(confirm(desk, again, total="100", reason="Known").url)

    assert "Until 100 more. Reason: Known" in text_of(result)
    kept = ErrorGroupState.objects.values_list("ignored_until_total_occurrences", "ignored_reason")
    assert list(kept) == [(100, "Known")] * 2


def test_there_is_no_next_version_where_none_was_seen(prod: Workspace) -> None:
    prod.report(failure("run_1", "A"))
    desk = desk_at(prod)

    for step in ("do", "again", "now"):
        answer = desk.bulk("resolve", group=keys(desk, "A"), step=step, when="next")

        assert "No run here has named a version yet" in text_of(answer)
        assert "1 group will be changed" in text_of(answer)
    assert not ErrorGroupState.objects.exists()


# --- all that match -------------------------------------------------------------------------------


def test_all_that_match_are_those_of_the_window_that_was_shown(desk: Desk) -> None:
    asked = desk.bulk("resolve", scope="matching", filter=UNRESOLVED)
    text = text_of(asked)
    kept = fields_of(asked)

    assert "Resolve 3 groups?" in text
    assert "State unresolved" in text
    start, end = kept["from"][0], kept["to"][0]
    words = f"From {exact(parse_moment(start))} To {exact(parse_moment(end))}"
    assert words in text
    assert kept["expected"] == ["3"]

    result = desk.get(confirm(desk, asked, when="named", version="2.1").url)

    text = text_of(result)
    assert "Resolved 3 groups" in text
    assert words in text
    assert set(statuses(desk).values()) == {"resolved"}


def test_a_window_in_which_nothing_failed_matches_nothing(desk: Desk) -> None:
    bounds = {"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"}

    asked = desk.bulk("resolve", scope="matching", filter=UNRESOLVED, **bounds)

    assert "No group matches by now" in text_of(asked)


def test_another_number_than_was_told_is_asked_about_again(desk: Desk) -> None:
    asked = desk.bulk("resolve", scope="matching", filter=UNRESOLVED)
    desk.bulk("ignore", group=keys(desk, "C"), step="now")

    again = confirm(desk, asked, when="named", version="7.7")

    text = text_of(again)
    assert again.status_code == 409
    assert "2 groups match by now" in text
    assert "Nothing was changed" in text
    assert "Resolve 2 groups?" in text
    assert 'value="7.7"' in again.content.decode()
    assert statuses(desk) == {"A": "unresolved", "B": "unresolved", "C": "ignored"}

    confirm(desk, again)

    assert statuses(desk) == {"A": "resolved", "B": "resolved", "C": "ignored"}


def test_nobody_changes_all_that_match_without_having_been_asked(desk: Desk) -> None:
    for step in ("do", "now", "again"):
        answer = desk.bulk("resolve", scope="matching", filter=UNRESOLVED, step=step)

        assert "Resolve 3 groups?" in text_of(answer)
    assert not ErrorGroupState.objects.exists()


def test_more_than_the_limit_is_told_with_what_to_do(desk: Desk, settings: Any) -> None:
    settings.BULK_LIMIT = 2

    for fields in ({"scope": "matching"}, {"group": keys(desk, "A", "B", "C")}):
        answer = desk.bulk("resolve", filter=UNRESOLVED, **fields)

        text = text_of(answer)
        assert answer.status_code == 409
        assert "3 groups match; 2 at most are changed at once." in text
        assert "Narrow the list" in text
        assert f"?{UNRESOLVED}".replace("&", "&amp;") in answer.content.decode()


def test_a_page_asks_clickhouse_few_questions(desk: Desk, asked: list[str]) -> None:
    asked.clear()

    page = desk.bulk("ignore", scope="matching", filter=UNRESOLVED, step="again", total="5")
    pages = [len(asked)]
    done = confirm(desk, page, total="5")
    pages.append(len(asked) - sum(pages))
    desk.get(done.url)
    pages.append(len(asked) - sum(pages))

    assert all(1 <= number <= 6 for number in pages), asked


# --- twice, wrong, elsewhere ----------------------------------------------------------------------


def test_the_same_form_sent_twice_is_done_once_and_shows_the_same(desk: Desk) -> None:
    asked = desk.bulk("ignore", scope="matching", filter=UNRESOLVED)

    first, second = (confirm(desk, asked, duration="1h") for _ in range(2))

    assert first.url == second.url
    assert BulkOperation.objects.count() == 1
    assert set(ErrorGroupState.objects.values_list("version", flat=True)) == {1}


def test_contention_is_told_and_changes_nothing(desk: Desk, staging: Workspace) -> None:
    fields = {
        "action": "ignore", "group": keys(desk, "A"), "step": "do", "duration": "1h",
        "attempt": "0123456789abcdef0123456789abcdef",
    }  # fmt: skip
    request = RequestFactory().post(desk.address("bulk"), fields)
    place = place_of(desk.user, Environment.objects.get(pk=desk.workspace.environment.pk))
    # Somebody has the row this would write, and does not let go of it.
    BulkOperation.objects.create(
        id=operation_id_of(request, place), environment=staging.environment, action="resolve",
        actor_kind="user", matched=1, changed=1, created_at=utc_now(),
    )  # fmt: skip

    answer = desk.post(desk.address("bulk"), **fields)

    assert answer.status_code == 409
    assert "Others are changing the same groups at this moment." in text_of(answer)
    assert not ErrorGroupState.objects.exists()


def test_without_a_tick_one_is_led_back_to_the_list(desk: Desk) -> None:
    answer = desk.bulk("resolve", filter=UNRESOLVED)

    assert answer.url == f"{desk.address('list')}?{UNRESOLVED}"
    assert "No group was ticked" in text_of(desk.get(answer.url))


def test_groups_that_are_gone_are_told_of(desk: Desk) -> None:
    gone = ["0000000000000000:send-mail"]

    nothing = desk.bulk("resolve", group=gone)
    some = desk.bulk("resolve", group=[*gone, *keys(desk, "A")])
    result = desk.get(confirm(desk, some).url)

    assert "No group of these is there any more" in text_of(nothing)
    assert "Not changed: 1 not there any more." in text_of(some)
    assert "Not changed: 1 not there any more." in text_of(result)


def test_what_no_page_of_ours_sends_is_refused(desk: Desk) -> None:
    a = keys(desk, "A")
    for fields in (
        {"action": "delete", "group": a},
        {"action": "undo", "group": a},
        {"action": "resolve", "group": a, "step": "sideways"},
        {"action": "resolve", "group": "no-colon"},
        {"action": "resolve", "group": ":task"},
        {"action": "resolve", "group": "abc:a\0b"},
        {"action": "resolve", "group": "abc:" + "t" * 256},
        {"action": "resolve", "scope": "matching", "filter": "filter[colour]=red"},
        {"action": "resolve", "scope": "matching", "from": "soon", "to": "later"},
    ):
        answer = desk.post(desk.address("bulk"), **fields)

        assert answer.status_code == 400, fields
        assert "Nothing was changed." in text_of(answer)
    assert not ErrorGroupState.objects.exists()


def test_a_result_is_there_for_its_own_environment_and_for_viewers_without_a_button(
    desk: Desk, staging: Workspace
) -> None:
    done = confirm(desk, desk.bulk("resolve", group=keys(desk, "A")))
    viewer = logged_in(staff_member(desk.workspace, VIEW))
    elsewhere = Desk(staging, desk.user, desk.client)
    operation = str(BulkOperation.objects.get().pk)

    assert viewer.get(done.url).status_code == 200
    assert "undo/" in desk.get(done.url).content.decode()
    assert "undo/" not in viewer.get(done.url).content.decode()
    assert elsewhere.get(elsewhere.address("bulk_result", operation)).status_code == 404
    assert elsewhere.post(elsewhere.address("bulk_undo", operation)).status_code == 404
    for unknown in ("00000000-0000-4000-8000-000000000000", "x"):
        assert desk.get(desk.address("bulk_result", unknown)).status_code == 404
        assert desk.post(desk.address("bulk_undo", unknown)).status_code == 404
    assert statuses(desk)["A"] == "resolved"


def test_whoever_comes_without_a_form_is_led_to_a_page_that_asks_nothing(desk: Desk) -> None:
    done = confirm(desk, desk.bulk("resolve", group=keys(desk, "A")))

    assert desk.get(desk.address("bulk")).url == desk.address("list")
    assert desk.get(done.url + "undo/").url == done.url
    assert statuses(desk)["A"] == "resolved"
