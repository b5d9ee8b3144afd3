"""The pages of what was done to groups: who did it, and how it is found."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from errors_app.domain.groups import Action, ActorKind, Status
from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.domain.times import utc_now
from runs_app.models import ApiKey, Environment, User
from tests.admin.conftest import FINGERPRINT, World, make_world, page_of

TRAIL = page_of(ErrorGroupActivity, "changelist")
STATES = page_of(ErrorGroupState, "changelist")
XSS = "<script>alert('x')</script>"


def changed(world: World, kind: ActorKind = ActorKind.KEY, **members: Any) -> ErrorGroupActivity:
    """One more change of the world's group."""
    state = world[ErrorGroupState]
    state.version += 1
    state.save()
    return ErrorGroupActivity.objects.create(
        state=state,
        state_version=state.version,
        from_status=Status.RESOLVED,
        to_status=Status.UNRESOLVED,
        actor_kind=kind,
        created_at=utc_now(),
        **{"action": Action.UNRESOLVE, **members},
    )


def key_of(world: World) -> ApiKey:
    key: ApiKey = world[ApiKey]
    return key


def cells(client: Client, page: str, column: str, **query: Any) -> list[str]:
    """One column of a list, row by row."""
    content = client.get(page, query).content.decode()
    found = re.findall(rf'class="field-{column}[^"]*">(.*?)</t[dh]>', content, re.DOTALL)
    return [re.sub(r"<[^>]*>", "", cell) for cell in found]


# --- who ----------------------------------------------------------------------------------------


def test_a_person_is_named_with_what_they_acted_through(superuser: Client, ours: World) -> None:
    User.objects.filter(pk=ours[User].pk).update(first_name="Ada", last_name="Lovelace")
    changed(ours, ActorKind.USER, user=ours[User], client="release-bot")

    ada = "Ada Lovelace (ours-member)"
    assert cells(superuser, TRAIL, "who") == [f"{ada}, through release-bot", ada]


def test_a_key_is_named_with_its_last_characters(superuser: Client, ours: World) -> None:
    key = key_of(ours)
    shown = f"key ours-key (…{key.last_four})"
    changed(ours, api_key_id=key.pk)
    changed(ours, api_key_id=key.pk, client="public-token")

    assert cells(superuser, TRAIL, "who")[:2] == [f"{shown}, through public-token", shown]


def test_who_is_gone_is_said_to_be(superuser: Client, ours: World) -> None:
    key_id = key_of(ours).pk
    changed(ours, api_key_id=key_id)
    key_of(ours).delete()
    ours[User].delete()

    assert cells(superuser, TRAIL, "who") == [f"key {key_id}", "a deleted person"]


def test_a_rule_is_named_with_the_run_that_made_it_act(superuser: Client, ours: World) -> None:
    entry = changed(ours, ActorKind.RULE, rule="regression", run_id="run_ours1", task_version="2")

    page = superuser.get(page_of(ErrorGroupActivity, "change", entry.pk)).content.decode()

    assert cells(superuser, TRAIL, "who")[0] == "rule regression"
    assert reverse("admin:runs_app_taskrun_changelist", query={"q": "run_ours1"}) in page


def test_the_page_of_a_change_says_all_of_it(superuser: Client, ours: World) -> None:
    details = {"totalOccurrences": 12345}
    entry = changed(ours, reason=XSS, client=XSS, details=details, api_key_id=key_of(ours).pk)

    page = superuser.get(page_of(ErrorGroupActivity, "change", entry.pk)).content.decode()

    for text in ("12345", "resolved → unresolved", f"error_{FINGERPRINT}", "ours-key (…"):
        assert text in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


NEXT = {"resolvedAfterVersion": "1.9.0", "comparison": "semantic version"}
SAME = {"resolvedInVersion": "main", "comparison": "cannot be compared"}
RATE = {"occurrenceRate": 2.5, "counted": 1200, "minutes": 1.0}


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"action": "resolve"}, "-"),
        ({"action": "resolve", "details": {"version": "1.9.0"}}, "in 1.9.0"),
        (
            {"action": "resolve", "details": {"nextAfter": "1.9.0"}},
            "in the next version after 1.9.0",
        ),
        ({"action": "ignore"}, "-"),
        (
            {"action": "ignore", "details": {"occurrenceRate": 5, "totalOccurrences": 2000}},
            "until it fails 5 times a minute, or until it failed 2,000 more times",
        ),
        (
            {"action": "ignore", "details": {"until": "2026-01-02T03:04:05.678Z"}},
            "until 2026-01-02T03:04:05.678Z",
        ),
        (
            {"rule": "regression", "task_version": "1.10.0", "details": NEXT},
            "failed in 1.10.0, was resolved in the next version after 1.9.0"
            " (comparison: semantic version)",
        ),
        (
            {"rule": "regression", "task_version": "work", "details": SAME},
            "failed in work, was resolved in main (comparison: cannot be compared)",
        ),
        ({"rule": "regression"}, "failed in an unknown version"),
        (
            {"rule": "ignore_expired", "details": {"until": "2026-01-02T03:04:05.678Z"}},
            "was ignored until 2026-01-02T03:04:05.678Z",
        ),
        (
            {"rule": "ignore_rate", "details": RATE},
            "failed 1,200 times in 1 min, was ignored until 2.5 a minute",
        ),
        (
            {"rule": "ignore_total", "details": {"totalOccurrences": 200, "counted": 1203}},
            "failed 1,203 more times, was ignored until 200",
        ),
        ({"rule": "ignore_total", "details": {"of": "another time"}}, "-"),
        ({"action": "undo", "details": {"operationId": "4711"}}, "of the operation 4711"),
    ],
)
def test_how_a_group_was_changed_is_said_in_words(
    superuser: Client, ours: World, members: dict[str, Any], told: str
) -> None:
    entry = changed(ours, **members)

    page = superuser.get(page_of(ErrorGroupActivity, "change", entry.pk)).content.decode()

    assert cells(superuser, TRAIL, "how")[0] == told
    assert told in page


@pytest.mark.parametrize(
    ("members", "shown"),
    [
        ({}, "-"),
        ({"resolved_in_version": "1.9.0"}, "1.9.0"),
        ({"resolved_after_version": "1.9.0"}, "the next version after 1.9.0"),
    ],
)
def test_a_group_says_in_which_version_it_is_resolved(
    superuser: Client, ours: World, members: dict[str, str], shown: str
) -> None:
    ErrorGroupState.objects.filter(pk=ours[ErrorGroupState].pk).update(**members)

    page = superuser.get(page_of(ErrorGroupState, "change", ours[ErrorGroupState].pk))

    assert cells(superuser, STATES, "resolved_in") == [shown]
    assert shown in page.content.decode()


def test_a_group_says_who_changed_it_last(superuser: Client, ours: World, theirs: World) -> None:
    changed(ours, api_key_id=key_of(ours).pk, client="public-token")
    mine = f"key ours-key (…{key_of(ours).last_four}), through public-token"

    page = superuser.get(page_of(ErrorGroupState, "change", ours[ErrorGroupState].pk))

    assert set(cells(superuser, STATES, "last_changed_by")) == {mine, "theirs-member"}
    assert mine in page.content.decode()


def test_a_group_leads_to_all_that_was_done_to_it(
    superuser: Client, ours: World, theirs: World
) -> None:
    changed(ours)
    page = superuser.get(page_of(ErrorGroupState, "change", ours[ErrorGroupState].pk))
    [link] = re.findall(r'href="([^"]*errorgroupactivity/\?[^"]*)"', page.content.decode())

    assert cells(superuser, link, "task") == ["ours-task"] * 2


# --- finding ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "term",
    ["ours-member", "OURS-MEMBER", "ours@example.com", "error_ours", "ours", "ours-key", "last"],
)
def test_a_change_is_found_by_its_group_its_person_or_its_key(
    superuser: Client, ours: World, theirs: World, term: str
) -> None:
    User.objects.filter(pk=ours[User].pk).update(email="ours@example.com")
    ErrorGroupActivity.objects.filter(pk=ours[ErrorGroupActivity].pk).update(
        api_key_id=key_of(ours).pk
    )
    ErrorGroupState.objects.filter(pk=ours[ErrorGroupState].pk).update(error_fingerprint="ours1")
    ApiKey.objects.filter(pk=key_of(ours).pk).update(last_four="last")

    assert cells(superuser, TRAIL, "task", q=term) == ["ours-task"]


def test_staff_find_nothing_of_others_by_naming_it(
    staff: Client, ours: World, theirs: World
) -> None:
    changed(theirs, api_key_id=key_of(theirs).pk)

    for term in ("theirs-member", "theirs-key", key_of(theirs).last_four):
        assert cells(staff, TRAIL, "who", q=term) == []
    assert cells(staff, TRAIL, "task", q=FINGERPRINT) == ["ours-task"]
    assert cells(staff, TRAIL, "task") == ["ours-task"]


def test_changes_can_be_narrowed_to_an_environment_an_action_or_a_kind_of_actor(
    superuser: Client, ours: World, theirs: World
) -> None:
    changed(ours)
    environment = str(ours[Environment].pk)

    assert cells(superuser, TRAIL, "task", environment=environment) == ["ours-task"] * 2
    assert len(cells(superuser, TRAIL, "change", action__exact="unresolve")) == 1
    assert cells(superuser, TRAIL, "who", actor_kind__exact="key") == ["key unknown"]


def test_a_page_of_many_actors_takes_as_many_queries_as_one(superuser: Client, ours: World) -> None:
    changed(ours, api_key_id=key_of(ours).pk)
    superuser.get(TRAIL)
    with CaptureQueriesContext(connection) as few:
        superuser.get(TRAIL)
    for name in ("b", "c", "d"):
        world = make_world(name)
        changed(world, api_key_id=key_of(world).pk)

    with CaptureQueriesContext(connection) as many:
        assert len(set(cells(superuser, TRAIL, "who"))) == 8

    assert len(many) == len(few)
