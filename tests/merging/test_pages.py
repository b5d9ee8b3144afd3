"""Merging and splitting in the admin: asked first, told afterwards."""

from typing import Any

import pytest

from errors_app.models import ErrorGroupActivity, ErrorGroupState
from tests.merging.conftest import TASK, Merging
from tests.triage.staff import CHANGE, VIEW, Desk, desk_at, logged_in, staff_member, text_of


@pytest.fixture
def desk(merging: Merging) -> Desk:
    return desk_at(merging.workspace)


def keys(merging: Merging, types: str, task: str = TASK) -> list[str]:
    return [f"{merging.fingerprint(name)}:{task}" for name in types]


def page_of(desk: Desk, merging: Merging, name: str) -> Any:
    return desk.get(desk.address("page", merging.id(name), taskIdentifier=TASK))


def test_ticked_groups_are_merged_into_the_one_that_is_picked(desk: Desk, merging: Merging) -> None:
    merging.decide("B", "resolve", resolvedInVersion="2.0")
    sent = {"group": keys(merging, "ABC"), "filter": "filter[period]=7d", "scope": "ticked"}

    asked = desk.post(desk.address("merge"), **sent)

    text = text_of(asked)
    assert "Merge 3 groups?" in text
    assert "B It broke resolved in 2.0, first seen just now" in text
    # A was reported first, all at the same moment: whichever, one is chosen.
    assert asked.content.decode().count(" checked") == 1
    assert not ErrorGroupState.objects.filter(merged_into__isnull=False).exists()
    [into] = keys(merging, "B")
    done = desk.post(desk.address("merge"), **sent, into=into)
    page = desk.get(done.url)
    text = text_of(page)
    assert "Merged 3 groups into this one." in text
    assert "Resolved" in text
    for name in "AC":
        assert f"{merging.id(name)} merged by {desk.user.username}, through admin" in text
    assert merging.named() == {"B": 6}
    entry = ErrorGroupActivity.objects.filter(action="merge").first()
    assert entry is not None
    assert (entry.actor_kind, entry.user_id, entry.client) == ("user", desk.user.pk, "admin")


def test_what_cannot_be_merged_is_told_on_the_list(desk: Desk, merging: Merging) -> None:
    merging.fail("D", task="send-fax")
    refusals = {
        "Tick two groups or more": {"group": keys(merging, "A")},
        "of several tasks": {"group": keys(merging, "A") + keys(merging, "D", "send-fax")},
        "all that match cannot be merged": {"group": keys(merging, "AB"), "scope": "matching"},
        "Tick at most 101 groups": {"group": [f"f{number}:{TASK}" for number in range(102)]},
    }

    for words, sent in refusals.items():
        answer = desk.post(desk.address("merge"), filter="filter[period]=7d", **sent)

        assert answer.url.endswith("?filter[period]=7d")
        assert words in text_of(desk.get(answer.url))
    assert desk.get(desk.address("merge")).url == desk.address("list")
    gone = desk.post(
        desk.address("merge"), group=[*keys(merging, "A"), f"gone:{TASK}"], into=keys(merging, "A")
    )
    assert gone.status_code == 409
    assert "There is no error group of error_gone" in text_of(gone)
    assert not ErrorGroupState.objects.exists()


def test_a_merged_group_is_split_off_from_the_page_of_the_survivor(
    desk: Desk, merging: Merging
) -> None:
    merging.decide("B", "ignore", reason="Known")
    merging.merge("A", "B")
    page = page_of(desk, merging, "B")
    [address] = [
        part.split('"')[0].replace("&amp;", "&")
        for part in page.content.decode().split('href="')
        if "/split/" in part.split('"')[0]
    ]

    asked = desk.get(address)
    assert "as it was when it was merged: ignored for ever" in text_of(asked)
    assert "split off" in text_of(page)
    done = desk.post(address)

    assert f"Split off {merging.id('B')}" in text_of(desk.get(done.url))
    assert merging.named() == {"A": 1, "B": 2, "C": 3}
    assert merging.detail("B")["status"] == "ignored"
    # The same form again, from another window.
    again = desk.post(address)
    assert "is not merged any more" in text_of(desk.get(again.url))
    assert "split off" in text_of(page_of(desk, merging, "A"))
    assert "Merged groups" not in text_of(page_of(desk, merging, "A"))


def test_whoever_may_only_look_merges_and_splits_nothing(desk: Desk, merging: Merging) -> None:
    merging.merge("A", "B")
    viewer = logged_in(staff_member(merging.workspace, VIEW))
    stranger = logged_in(staff_member(merging.workspace, VIEW, CHANGE, role="viewer"))
    split = desk.address(
        "split", merging.id("A"), taskIdentifier=TASK, fingerprint=merging.fingerprint("B")
    )

    for client in (viewer, stranger):
        sent = {"group": keys(merging, "AC"), "into": keys(merging, "A")}
        assert client.post(desk.address("merge"), sent).status_code == 403
        assert client.get(split).status_code == client.post(split).status_code == 403
        page = client.get(desk.address("page", merging.id("A"), taskIdentifier=TASK))
        assert "Merged groups" in text_of(page)
        assert "/split/" not in page.content.decode()
    assert merging.named() == {"A": 3, "C": 3}


def test_the_trail_tells_in_words(desk: Desk, merging: Merging) -> None:
    merging.merge("A", "B", "C")
    merging.split("A", "B")

    for name, words in {
        "A": (f"split off {merging.id('B')}", "into it"),
        "B": (f"split off from {merging.id('A')}", f"merged into {merging.id('A')}"),
    }.items():
        text = text_of(page_of(desk, merging, name))
        for each in words:
            assert each in text
