"""The survivor's state wins; that of a merged group waits, with its trail."""

from datetime import timedelta

import pytest

from errors_app.models import ErrorGroupState
from runs_app.domain.times import iso, utc_now
from tests.api.conftest import Clock
from tests.lifecycle.deciding import swept
from tests.lifecycle.telling import Told, no_steps, tell
from tests.merging.conftest import Merging

__all__ = ["tell"]


def actions(merging: Merging, name: str) -> list[str]:
    return [entry["action"] for entry in reversed(merging.trail(name))]


def just_now() -> dict[str, str]:
    """When a run failed, by the clock that a test advances."""
    moment = iso(utc_now() - timedelta(seconds=1))
    return {"failedAt": moment, "createdAt": moment}


def test_both_trails_tell_of_merging_and_splitting(merging: Merging) -> None:
    merging.decide("B", "resolve", resolvedInVersion="2")
    merging.merge("A", "B", "C")

    [entry] = merging.trail("A")
    assert entry["action"] == "merge"
    assert (entry["fromStatus"], entry["toStatus"]) == ("unresolved", "unresolved")
    assert entry["actor"]["type"] == "key"
    assert sorted(entry["details"]["merged"]) == sorted(merging.id(one) for one in "BC")

    merging.split("A", "B")

    assert actions(merging, "A") == ["merge", "split"]
    assert merging.trail("A")[0]["details"] == {"split": [merging.id("B")]}
    split, merge, _resolve = merging.trail("B")
    assert (merge["action"], merge["details"]) == ("merge", {"mergedInto": merging.id("A")})
    assert (merge["fromStatus"], merge["toStatus"]) == ("resolved", "resolved")
    assert (split["action"], split["details"]) == ("split", {"splitFrom": merging.id("A")})


def test_a_merged_groups_decision_has_no_effect_and_comes_back_with_the_split(
    merging: Merging, clock: Clock
) -> None:
    merging.decide("B", "ignore", duration=60_000, reason="Known")
    merging.decide("C", "resolve")
    merging.merge("A", "B", "C")

    clock.advance(minutes=5)
    with no_steps():
        merging.fail("C")

    assert swept(merging.workspace) == {}
    assert merging.detail("A")["status"] == "unresolved"
    assert merging.named(status="unresolved") == {"A": 7}
    # What was decided has its time now: all it failed since is looked at.
    merging.split("A", "B")
    merging.split("A", "C")
    assert merging.detail("B")["status"] == "unresolved"
    assert merging.detail("C")["status"] == "resolved"
    assert swept(merging.workspace) == {"ignore_expired": 1, "regression": 1}
    assert actions(merging, "C") == ["resolve", "merge", "split", "unresolve"]


def test_a_state_that_still_holds_is_the_same_after_the_split(merging: Merging) -> None:
    wanted = {"duration": 86_400_000, "totalOccurrences": 10, "reason": "Known"}
    before = merging.decide("B", "ignore", **wanted)
    merging.merge("A", "B")

    merging.split("A", "B")

    assert merging.detail("B") == before
    assert swept(merging.workspace) == {}


def test_a_failure_of_a_merged_group_reopens_a_resolved_survivor(
    merging: Merging, tell: Told
) -> None:
    merging.merge("A", "B")
    merging.decide("A", "resolve", resolvedInVersion="2.0")

    for version, status in (("1.9", "resolved"), ("2.1", "unresolved")):
        run = f"run_{version}"
        error = {"type": "B", "message": "It broke"}
        report = {"id": run, "taskIdentifier": "send-mail", "status": "FAILED", "error": error}
        tell(merging.workspace, {**report, "version": version})
        assert merging.detail("A")["status"] == status

    last = merging.trail("A")[0]
    assert (last["actor"]["name"], last["runId"], last["version"]) == (
        "regression",
        "run_2.1",
        "2.1",
    )


def test_a_survivor_that_was_resolved_comes_back_if_what_is_merged_failed_since(
    merging: Merging,
) -> None:
    merging.decide("A", "resolve")
    merging.fail("B")

    merging.merge("A", "B")

    assert merging.detail("A")["status"] == "resolved"
    assert swept(merging.workspace) == {"regression": 1}
    assert merging.detail("A")["status"] == "unresolved"


def test_a_rate_counts_the_failures_of_all_members(merging: Merging, tell: Told) -> None:
    merging.merge("A", "B")
    merging.decide("A", "ignore", occurrenceRate=3)
    error = [{"type": name, "message": "It broke"} for name in "ABB"]

    tell(
        merging.workspace,
        *(
            {"id": f"run_x{n}", "taskIdentifier": "send-mail", "status": "FAILED", "error": one}
            for n, one in enumerate(error)
        ),
    )

    assert merging.detail("A")["status"] == "unresolved"
    assert merging.trail("A")[0]["actor"]["name"] == "ignore_rate"


def test_what_is_merged_in_is_no_more_of_what_n_more_waits_for(merging: Merging) -> None:
    merging.decide("A", "ignore", totalOccurrences=3)
    merging.merge("A", "B", "C")
    assert swept(merging.workspace) == {}

    merging.fail("B", "C")
    assert merging.detail("A")["status"] == "ignored"
    merging.fail("B")

    assert merging.detail("A")["status"] == "unresolved"
    assert merging.trail("A")[0]["details"] == {"totalOccurrences": 3, "counted": 3}


@pytest.mark.parametrize("ignored", ["before it was merged", "while it was merged"])
def test_what_leaves_takes_its_part_of_n_more_along(
    merging: Merging, clock: Clock, ignored: str
) -> None:
    if ignored == "before it was merged":
        merging.decide("A", "ignore", totalOccurrences=5)
        # Figures are kept by the minute.
        clock.advance(minutes=2)
        merging.fail("B", **just_now())
        clock.advance(minutes=2)
        merging.merge("A", "B", "C")
    else:
        merging.merge("A", "B", "C")
        merging.decide("A", "ignore", totalOccurrences=5)
    clock.advance(minutes=2)
    merging.fail("A", "B", "B", "C", **just_now())

    merging.split("A", "B")

    # Of the four failures since, two were B's: three more are wanted.
    state = ErrorGroupState.objects.get(error_fingerprint=merging.fingerprint("A"))
    assert merging.detail("A")["count"] - (state.ignored_at_occurrence_count or 0) == 2
    merging.fail("A", "C", **just_now())
    assert merging.detail("A")["status"] == "ignored"
    merging.fail("C", **just_now())
    assert merging.detail("A")["status"] == "unresolved"


def test_an_undo_leaves_groups_alone_that_were_merged_since(merging: Merging) -> None:
    bulk = "/api/v1/errors/bulk"
    ids = [merging.id(one) for one in "ABC"]
    done = merging.api.post(bulk, {"action": "resolve", "ids": ids}).body
    merging.merge("A", "B")

    undone = merging.api.post(f"{bulk}/{done['operationId']}/undo").body

    assert undone["restored"] == 1
    assert {one["reason"] for one in undone["skipped"]} == {"changed_since"}
    assert merging.detail("A")["status"] == "resolved"
    assert merging.detail("B")["id"] == merging.id("A")
