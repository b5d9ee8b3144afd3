"""Rows that are loaded end decisions as reports do: by the step, or else by the sweep."""

from contextlib import nullcontext
from datetime import timedelta

import pytest

from runs_app.domain.times import epoch_milliseconds
from runs_app.services.rebuild import rebuild
from tests.conftest import Workspace
from tests.lifecycle.deciding import (
    ago,
    assert_mirror_is_right,
    boom,
    ignore,
    resolve,
    rules_of,
    status_of,
    swept,
    trail_of,
)
from tests.lifecycle.telling import no_steps
from tests.load.conftest import CREATED, Load, Row, load, row

__all__ = ["load"]

DECIDED = CREATED + timedelta(minutes=30)
FAILED = CREATED + timedelta(minutes=40)


def failure(workspace: Workspace, run_id: str, **columns: object) -> Row:
    """A row of a run that failed after the decision."""
    moment = str(epoch_milliseconds(FAILED))
    return row(workspace, run_id, updated_at=moment, completed_at=moment, **columns)


@pytest.fixture
def known(prod: Workspace, load: Load) -> Workspace:
    """A group that was loaded, too."""
    load([row(prod, "first")])
    return prod


@pytest.mark.parametrize("missed", [False, True], ids=["seen by the step", "missed by the step"])
def test_a_loaded_failure_reopens_a_resolved_group_once(
    known: Workspace, load: Load, missed: bool
) -> None:
    resolve(known, DECIDED)
    with no_steps() if missed else nullcontext():
        load([failure(known, "later")])
    before = status_of(known)

    found = swept(known)

    assert before == ("resolved" if missed else "unresolved")
    assert found == ({"regression": 1} if missed else {})
    assert status_of(known) == "unresolved"
    [_, entry] = trail_of(known)
    assert (entry["actor"]["name"], entry["runId"]) == ("regression", "run_later")
    assert known.api.get(f"/api/v3/runs/{entry['runId']}").status == 200
    assert_mirror_is_right(known)
    load([failure(known, "later")])
    assert swept(known) == {}


def test_a_loaded_failure_of_before_or_of_an_older_version_reopens_nothing(
    known: Workspace, load: Load
) -> None:
    resolve(known, DECIDED, "20240101.10")
    load([row(known, "before"), failure(known, "older", task_version="20240101.9")])

    assert swept(known) == {}
    assert status_of(known) == "resolved"


def test_a_run_whose_newest_row_is_deleted_reopens_nothing(known: Workspace, load: Load) -> None:
    resolve(known, DECIDED)
    gone = {**failure(known, "gone"), "_version": "9", "_is_deleted": 1}
    load([failure(known, "gone"), gone, row(known, "before")])

    assert swept(known) == {}
    assert status_of(known) == "resolved"


def test_loaded_failures_count_towards_the_end_of_an_ignore(known: Workspace, load: Load) -> None:
    ignore(known, DECIDED, total=2)
    load([failure(known, "one")])
    after_one = status_of(known)
    load([failure(known, "two")])

    assert (after_one, status_of(known)) == ("ignored", "unresolved")
    assert rules_of(known) == ["ignore_total"]
    assert swept(known) == {}


def test_a_rebuilt_store_is_caught_up_with(prod: Workspace) -> None:
    prod.report(boom("first", ago(hours=2)))
    resolve(prod, ago(hours=1))
    with no_steps():
        prod.report(boom("again", ago(minutes=30)))
    [shown] = prod.errors()

    rebuild(lambda _seconds: False, lambda _progress: None)

    assert swept(prod) == {"regression": 1}
    assert status_of(prod) == "unresolved"
    [group] = prod.errors()
    assert (group["count"], group["lastSeen"]) == (shown["count"], shown["lastSeen"]) != (0, None)
