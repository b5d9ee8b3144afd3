"""What ClickHouse refuses, in the admin: seen, tried again, dropped, by those who may."""

from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs_app.admin import quarantine as pages
from runs_app.models import (
    Environment,
    Membership,
    Organization,
    OutboxEntry,
    QuarantinedRow,
    TaskRun,
    User,
)
from runs_app.services.locks import try_file_lock
from tests.admin.conftest import World, client_of, page_of, report_failure
from tests.conftest import settle
from tests.replication.spoiling import Spoiler

LIST = "/admin/runs_app/quarantinedrow/"


@pytest.fixture
def spoiler(clickhouse_tables: None) -> Spoiler:
    return Spoiler()


@pytest.fixture
def aside(ours: World, spoiler: Spoiler) -> list[QuarantinedRow]:
    """Three rows of ours that ClickHouse refused."""
    for number in (2, 3):
        report_failure(ours[Environment], f"run_ours{number}")
    assert spoiler.spoil(lambda row: True) == 3
    settle()
    return list(QuarantinedRow.objects.order_by("pk"))


@pytest.fixture
def their_row(theirs: World, aside: list[QuarantinedRow], spoiler: Spoiler) -> QuarantinedRow:
    spoiler.spoil(lambda row: True)
    settle()
    return QuarantinedRow.objects.get(environment=theirs[Environment])


def change(row: QuarantinedRow) -> str:
    return page_of(QuarantinedRow, "change", row.pk)


def act(client: Client, action: str, rows: list[QuarantinedRow], **members: Any) -> str:
    """What the page says after the action, which a redirect may follow."""
    answer = client.post(
        LIST,
        {"action": action, "_selected_action": [row.pk for row in rows], **members},
        follow=True,
    )
    assert answer.status_code == 200
    return str(answer.content.decode())


def confirm(client: Client, rows: list[QuarantinedRow], path: str = LIST) -> str:
    """Press "Yes" on the page that asks."""
    answer = client.post(
        path,
        {
            "action": "drop",
            "_selected_action": rows[0].pk,
            "select_across": "1",
            "chosen": ",".join(str(row.pk) for row in rows),
            "confirmed": "yes",
        },
        follow=True,
    )
    return str(answer.content.decode())


def waiting() -> set[int]:
    return set(QuarantinedRow.objects.filter(dropped_at=None).values_list("pk", flat=True))


def test_the_list_tells_what_was_refused_and_why(
    superuser: Client, aside: list[QuarantinedRow]
) -> None:
    page = superuser.get(LIST).content.decode()

    for row in aside:
        assert change(row) in page
        assert row.run_id in page
    assert "insert into task_runs_v2" in page
    assert "ours-shop/prod" in page


def test_a_row_has_a_page_with_its_reason_and_its_content(
    superuser: Client, aside: list[QuarantinedRow]
) -> None:
    QuarantinedRow.objects.update(reason="r" * 1_500 + "the end")

    page = superuser.get(change(aside[0])).content.decode()

    assert "the end" in page
    assert "the end" not in superuser.get(LIST).content.decode()
    assert "&quot;task_version&quot;: 17" in page
    assert 'value="try_again"' in page
    assert 'value="drop"' in page
    assert "<script>alert" not in page


def test_rows_cannot_be_edited_added_or_deleted(
    superuser: Client, aside: list[QuarantinedRow]
) -> None:
    row = aside[0]

    assert superuser.get(page_of(QuarantinedRow, "add")).status_code == 403
    assert superuser.post(change(row), {"reason": "x"}).status_code == 403
    deleted = superuser.post(page_of(QuarantinedRow, "delete", row.pk), {"post": "yes"})
    assert deleted.status_code == 403
    assert waiting() == {row.pk for row in aside}


def test_a_row_that_is_tried_again_arrives_and_leaves(
    superuser: Client, aside: list[QuarantinedRow], spoiler: Spoiler
) -> None:
    spoiler.mend()

    page = act(superuser, "try_again", aside[:2])

    assert "2 sent back" in page
    assert OutboxEntry.objects.count() == 2
    settle()
    assert waiting() == {aside[2].pk}
    assert not OutboxEntry.objects.exists()
    entries = LogEntry.objects.filter(change_message="Tried again.")
    assert {entry.object_id for entry in entries} == {str(row.pk) for row in aside[:2]}
    assert {entry.user.username for entry in entries} == {"root"}


def test_a_row_that_is_refused_again_comes_back(
    superuser: Client, aside: list[QuarantinedRow]
) -> None:
    act(superuser, "try_again", aside)

    settle()

    rows = QuarantinedRow.objects.order_by("pk")
    assert [row.run_id for row in rows] == [row.run_id for row in aside]
    assert not waiting() & {row.pk for row in aside}


def test_dropping_is_asked_about_first(superuser: Client, aside: list[QuarantinedRow]) -> None:
    page = act(superuser, "drop", aside[:2])

    assert "Dropping gives up 2 rows" in page
    assert aside[0].run_id in page
    assert aside[0].reason[:40] in unescape(page)
    assert aside[2].run_id not in page
    assert f'value="{aside[0].pk},{aside[1].pk}"' in page or (
        f'value="{aside[1].pk},{aside[0].pk}"' in page
    )
    assert waiting() == {row.pk for row in aside}


def test_a_dropped_row_has_no_content_and_shows_only_when_asked_for(
    superuser: Client, aside: list[QuarantinedRow]
) -> None:
    page = confirm(superuser, aside[:2])

    assert "2 dropped for good" in page
    assert waiting() == {aside[2].pk}
    assert bytes(QuarantinedRow.objects.get(pk=aside[0].pk).content) == b""
    shown = {
        choice: change(aside[0]) in superuser.get(LIST, {"dropped": choice}).content.decode()
        for choice in ("", "yes", "all")
    }
    assert shown == {"": False, "yes": True, "all": True}
    assert 'value="try_again"' not in superuser.get(change(aside[0])).content.decode()
    entries = LogEntry.objects.filter(change_message="Dropped.")
    assert {entry.object_id for entry in entries} == {str(row.pk) for row in aside[:2]}


def test_the_history_of_a_row_tells_what_was_done(
    superuser: Client, aside: list[QuarantinedRow]
) -> None:
    confirm(superuser, aside[:1])

    history = superuser.get(page_of(QuarantinedRow, "history", aside[0].pk)).content.decode()

    assert "Dropped." in history


def test_a_row_leads_to_its_run(superuser: Client, aside: list[QuarantinedRow]) -> None:
    page = superuser.get(LIST).content.decode()

    assert f"/taskrun/?q={aside[0].run_id}" in page
    assert (
        aside[0].run_id
        in superuser.get(page_of(TaskRun, "changelist"), {"q": aside[0].run_id}).content.decode()
    )


def test_dropped_rows_can_neither_be_tried_again_nor_dropped_again(
    superuser: Client, aside: list[QuarantinedRow]
) -> None:
    confirm(superuser, aside)
    everything = f"{LIST}?dropped=all"

    tried = superuser.post(
        everything, {"action": "try_again", "_selected_action": [aside[0].pk]}, follow=True
    )
    asked = superuser.post(
        everything, {"action": "drop", "_selected_action": [aside[0].pk]}, follow=True
    )

    assert "0 sent back" in tried.content.decode()
    assert "None of these can be dropped" in asked.content.decode()
    assert LogEntry.objects.count() == len(aside)


def test_all_rows_of_a_list_are_chosen_across_its_pages(
    superuser: Client, aside: list[QuarantinedRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages.QuarantinedRowPages, "list_per_page", 1)

    asked = act(superuser, "drop", aside[:1], select_across="1")
    sent = act(superuser, "try_again", aside[:1], select_across="1")

    assert "Dropping gives up 3 rows" in asked
    assert "3 sent back" in sent


def test_what_was_set_aside_after_the_question_is_not_dropped(
    superuser: Client, aside: list[QuarantinedRow]
) -> None:
    confirm(superuser, aside[1:])

    assert waiting() == {aside[0].pk}


def test_no_more_rows_are_chosen_than_the_list_counted(
    superuser: Client, aside: list[QuarantinedRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "COUNTED_ROWS", 2)

    assert "2 sent back" in act(superuser, "try_again", aside[:1], select_across="1")


@pytest.mark.parametrize(
    ("query", "shown"),
    [({"kind": "runs"}, True), ({"kind": "group_states"}, False), ({"dropped": "yes"}, False)],
)
def test_the_list_is_filtered(
    superuser: Client, aside: list[QuarantinedRow], query: dict[str, str], shown: bool
) -> None:
    page = superuser.get(LIST, query).content.decode()

    assert (change(aside[0]) in page) is shown


@pytest.fixture
def readers(ours: World) -> Client:
    """A member of our organization who may look, and no more."""
    user = User.objects.create_user("reader", is_staff=True)
    Membership.objects.create(organization=ours[Organization], user=user)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return client_of(user)


def test_who_may_only_look_can_neither_try_again_nor_drop(
    readers: Client, aside: list[QuarantinedRow]
) -> None:
    listed = readers.get(LIST).content.decode()
    page = readers.get(change(aside[0])).content.decode()
    act(readers, "try_again", aside)
    confirm(readers, aside)

    assert change(aside[0]) in listed
    assert 'value="try_again"' not in listed + page
    assert waiting() == {row.pk for row in aside}
    assert not OutboxEntry.objects.exists()


def test_staff_see_and_settle_rows_of_their_own_organizations_only(
    staff: Client, aside: list[QuarantinedRow], their_row: QuarantinedRow
) -> None:
    listed = staff.get(LIST).content.decode()
    page = staff.get(change(their_row))
    act(staff, "try_again", [their_row])
    confirm(staff, [their_row])
    act(staff, "try_again", aside[:1], select_across="1")

    assert change(aside[0]) in listed
    assert change(their_row) not in listed
    assert "theirs" not in listed
    assert page.status_code == 302
    assert waiting() == {their_row.pk}


def test_a_list_takes_as_many_queries_for_one_row_as_for_three(
    superuser: Client, aside: list[QuarantinedRow]
) -> None:
    superuser.get(LIST)
    with CaptureQueriesContext(connection) as many:
        superuser.get(LIST)
    QuarantinedRow.objects.exclude(pk=aside[0].pk).delete()

    with CaptureQueriesContext(connection) as few:
        superuser.get(LIST)

    assert len(few) == len(many)


def test_what_people_did_is_logged_in_the_turn_of_writers(
    superuser: Client, aside: list[QuarantinedRow]
) -> None:
    held: list[bool] = []

    def look(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("INSERT") and LogEntry._meta.db_table in sql:
            with try_file_lock(settings.FAULTLINE_DATA / "write.lock") as free:
                held.append(not free)
        return execute(sql, *arguments)

    with connection.execute_wrapper(look):
        act(superuser, "try_again", aside[:2])
        confirm(superuser, aside[2:])

    # Only SQLite has such turns.
    assert held == [connection.vendor == "sqlite"] * 2
