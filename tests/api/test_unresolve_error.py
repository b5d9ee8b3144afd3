"""POST /api/v1/errors/{errorId}/unresolve"""

from typing import Any

import pytest

from errors_app.models import ErrorGroupActivity, ErrorGroupState
from tests.api.conftest import Clock
from tests.api.expectations import failure, the_group
from tests.conftest import Workspace


@pytest.fixture
def path(prod: Workspace) -> str:
    prod.report(failure("run_a"))
    return f"/api/v1/errors/{the_group(prod)['id']}"


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("resolve", {"resolvedInVersion": "2"}),
        ("ignore", {"duration": 60_000, "occurrenceRate": 1, "totalOccurrences": 2, "reason": "x"}),
    ],
)
def test_unresolving_clears_whatever_was_decided(
    prod: Workspace, path: str, action: str, body: dict[str, Any]
) -> None:
    before = prod.api.get(path).body
    prod.api.post(f"{path}/{action}", body)

    after = prod.api.post(f"{path}/unresolve").body

    assert after == before
    assert ErrorGroupState.objects.get().ignored_at_occurrence_count is None


def test_unresolving_a_group_nobody_acted_on_leaves_it_open(prod: Workspace, path: str) -> None:
    before = prod.api.get(path).body

    answer = prod.api.post(f"{path}/unresolve")

    assert answer.status == 200
    assert answer.body == before
    assert the_group(prod, status="unresolved")["status"] == "unresolved"


def test_members_of_other_changes_are_tolerated_and_unread(prod: Workspace, path: str) -> None:
    answer = prod.api.post(f"{path}/unresolve", {"duration": -1, "resolvedInVersion": 5})

    assert answer.status == 200
    assert answer.body["status"] == "unresolved"


def test_an_ignore_that_ran_out_was_unresolved_already(
    prod: Workspace, path: str, clock: Clock
) -> None:
    prod.api.post(f"{path}/ignore", {"duration": 60_000})
    clock.advance(minutes=2)

    prod.api.post(f"{path}/unresolve")

    newest = ErrorGroupActivity.objects.first()
    assert newest is not None
    assert (newest.from_status, newest.to_status) == ("unresolved", "unresolved")
    assert prod.api.get(path).body["ignoredUntil"] is None
