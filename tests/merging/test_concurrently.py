"""Many people who merge, split and decide at the same moment: one hop, and no half state."""

import itertools
import random
from collections.abc import Callable, Iterator

import pytest

from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.clickhouse.client import clickhouse
from runs_app.models import OutboxEntry
from tests.bulk.test_concurrently import at_once
from tests.conftest import Answer, make_workspace, settle
from tests.merging.conftest import PATH, Merging

pytestmark = pytest.mark.django_db(transaction=True)

TYPES = [f"E{number}" for number in range(6)]


@pytest.fixture
def merging(transactional_db: None, clickhouse_tables: None) -> Merging:
    merging = Merging(make_workspace("prod"))
    merging.fail(*TYPES)
    return merging


def assert_whole(merging: Merging) -> None:
    """Every merge is told on both sides, ends at a survivor, and is known to all stores."""
    states = {state.error_fingerprint: state for state in ErrorGroupState.objects.all()}
    for state in states.values():
        trail = list(ErrorGroupActivity.objects.filter(state=state).order_by("state_version"))
        assert [entry.state_version for entry in trail] == list(range(1, state.version + 1))
        told = [entry for entry in trail if {"mergedInto", "splitFrom"} & entry.details.keys()]
        into = told[-1].details.get("mergedInto") if told else None
        assert into == (state.merged_into and f"error_{state.merged_into}")
        if state.merged_into is not None:
            assert states[state.merged_into].merged_into is None
    settle()
    assert not OutboxEntry.objects.exists()
    copied = clickhouse().query(
        "states of a test",
        "SELECT error_fingerprint, merged_into, version FROM error_group_states_v1 FINAL"
        " WHERE environment_id = {environment:String}",
        {"environment": merging.workspace.tenant.environment_id},
    )
    assert sorted(copied) == sorted(
        (state.error_fingerprint, state.merged_into or "", state.version)
        for state in states.values()
    )
    found = merging.listed()
    assert sum(found.values()) == len(TYPES)
    for name in TYPES:
        detail = merging.detail(name)
        assert found[detail["id"]] == detail["count"] == 1 + len(detail["mergedFingerprints"])


def test_merging_splitting_and_deciding_at_once_leaves_one_order(merging: Merging) -> None:
    chance = random.Random(4711)
    merging.merge("E0", "E1", "E2")

    def calls() -> Iterator[Callable[[], Answer]]:
        for number in range(30):
            one, other = chance.sample(TYPES, 2)
            if number % 3 == 0:
                yield lambda one=one, other=other: merging.ask_merge(one, other)
            elif number % 3 == 1:
                yield lambda one=one, other=other: merging.ask_split(one, other)
            else:
                path = f"{PATH}/{merging.id(one)}/resolve"
                yield lambda path=path: merging.api.post(path, {})

    answers = at_once(list(calls()))

    assert {answer.status for answer in answers} <= {200, 409}
    assert_whole(merging)


@pytest.mark.parametrize("attempt", range(3))
def test_two_groups_merged_into_each_other_become_one(merging: Merging, attempt: int) -> None:
    answers = at_once(
        [lambda: merging.ask_merge("E0", "E1", "E2"), lambda: merging.ask_merge("E1", "E0", "E2")]
    )

    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body["id"] == answers[1].body["id"] == merging.detail("E2")["id"]
    assert_whole(merging)


def test_a_chain_that_is_forged_at_once_has_one_hop(merging: Merging) -> None:
    answers = at_once(
        [
            lambda one=one, other=other: merging.ask_merge(one, other)
            for one, other in itertools.pairwise(TYPES)
        ]
    )

    assert {answer.status for answer in answers} == {200}
    assert len(merging.listed()) == 1
    assert_whole(merging)
