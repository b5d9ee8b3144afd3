"""A resolved group comes back with a failure that was not to be any more, and with no other."""

from datetime import timedelta

import pytest

from errors_app.models import ErrorGroupActivity
from errors_app.services import rules
from runs_app.models import OutboxEntry
from runs_app.queries import outbox
from tests.conftest import Workspace, settle
from tests.lifecycle.deciding import (
    ago,
    assert_mirror_is_right,
    boom,
    healed,
    resolve,
    rules_of,
    status_of,
    swept,
    trail_of,
)
from tests.lifecycle.telling import Told


def test_a_failure_after_the_resolution_reopens_the_group(prod: Workspace, tell: Told) -> None:
    prod.report(boom("first", ago(hours=2)))
    resolve(prod, ago(hours=1))
    failed_at = ago(minutes=30)

    tell(prod, boom("again", failed_at, version="20240101.1"))

    assert status_of(prod) == "unresolved"
    *_, entry = trail_of(prod)
    assert entry["actor"] == {"type": "rule", "id": None, "name": "regression", "client": None}
    assert (entry["action"], entry["fromStatus"], entry["toStatus"]) == (
        "unresolve",
        "resolved",
        "unresolved",
    )
    assert (entry["runId"], entry["version"]) == ("run_again", "20240101.1")
    assert rules_of(prod) == ["regression"]
    assert_mirror_is_right(prod)


# Resolved in, failed in, and how the two were compared where the group came back.
VERSIONS = [
    ("20240101.10", "20240101.9", None),
    ("20240101.10", "20240101.10", "date and counter"),
    ("20240101.10", "20240101.11", "date and counter"),
    ("20240101.10", "", "version not known"),
    ("20240101.10", "a-branch", "cannot be compared"),
    ("1.10.0", "v1.9.3", None),
    ("1.10.0", "worker@1.10.1", "semantic version"),
]
# The newest version when it was resolved in the next one, the one it failed in, and the same.
NEXT_VERSIONS = [
    ("20240101.10", "20240101.9", None),
    ("20240101.10", "20240101.10", None),
    ("20240101.10", "20240101.11", "date and counter"),
    ("20240101.10", "", "version not known"),
]
WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"]


def test_the_version_decides(prod: Workspace, tell: Told) -> None:
    cases = dict(zip(WORDS, VERSIONS, strict=False))
    prod.report(*(boom(word, ago(hours=2), message=word) for word in cases))
    for word, (resolved_in, _, _) in cases.items():
        resolve(prod, ago(hours=1), resolved_in, message=word)

    tell(prod, *(boom(f"{word}2", ago(minutes=5), case[1], word) for word, case in cases.items()))

    assert_came_back(prod, "resolvedInVersion", cases)


def test_resolved_in_the_next_version_the_newest_one_may_still_fail(
    prod: Workspace, tell: Told
) -> None:
    cases = dict(zip(WORDS, NEXT_VERSIONS, strict=False))
    prod.report(*(boom(word, ago(hours=2), message=word) for word in cases))
    for word, (newest, _, _) in cases.items():
        resolve(prod, ago(hours=1), after=newest, message=word)

    tell(prod, *(boom(f"{word}2", ago(minutes=5), case[1], word) for word, case in cases.items()))

    assert_came_back(prod, "resolvedAfterVersion", cases)


def assert_came_back(
    workspace: Workspace, name: str, cases: dict[str, tuple[str, str, str | None]]
) -> None:
    """Those groups whose versions tell, with what was compared in their trail."""
    shown = {group["errorMessage"]: group["status"] for group in workspace.errors()}
    trails = {word: trail_of(workspace, word) for word in cases}
    assert shown == {
        word: "resolved" if how is None else "unresolved" for word, (_, _, how) in cases.items()
    }
    assert {word: entries[1]["details"] for word, entries in trails.items() if entries[1:]} == {
        word: {name: known, "comparison": how}
        for word, (known, _, how) in cases.items()
        if how is not None
    }


def test_a_newer_version_among_older_ones_is_the_one_named(prod: Workspace, tell: Told) -> None:
    prod.report(boom("first", ago(hours=2)))
    resolve(prod, ago(hours=1), "20240101.10")
    prod.report(*(boom(f"old-{n}", ago(minutes=50 - n), "20240101.9") for n in range(5)))
    assert status_of(prod) == "resolved"

    tell(prod, boom("new", ago(minutes=47.5), "20240101.12"))

    assert [entry["runId"] for entry in trail_of(prod)] == [None, "run_new"]


def test_a_failure_before_the_resolution_that_is_reported_later_does_not_reopen(
    prod: Workspace, tell: Told
) -> None:
    prod.report(boom("first", ago(hours=2)))
    resolved_at = ago(hours=1)
    resolve(prod, resolved_at)

    tell(prod, boom("late", resolved_at - timedelta(milliseconds=1)))
    tell(prod, boom("just", resolved_at))

    assert status_of(prod) == "resolved"


def test_a_failure_right_after_the_resolution_that_is_reported_much_later_reopens(
    prod: Workspace, tell: Told
) -> None:
    prod.report(boom("first", ago(days=22)))
    resolved_at = ago(days=20)
    resolve(prod, resolved_at)

    tell(prod, boom("late", resolved_at + timedelta(milliseconds=1)))

    assert status_of(prod) == "unresolved"
    assert rules_of(prod) == ["regression"]


def test_of_one_batch_the_first_failure_is_named_in_whatever_order_they_come(
    prod: Workspace,
) -> None:
    prod.report(boom("first", ago(hours=2)))
    resolve(prod, ago(hours=1), "1.5.0")

    prod.report(
        boom("third", ago(minutes=10), "1.6.0"),
        boom("old", ago(minutes=30), "1.4.0"),
        boom("second", ago(minutes=20), "1.5.0"),
        boom("before", ago(minutes=90), "1.6.0"),
    )

    assert [entry["runId"] for entry in trail_of(prod)] == [None, "run_second"]


def test_a_failure_that_is_reported_again_reopens_once(prod: Workspace, tell: Told) -> None:
    prod.report(boom("first", ago(hours=2)))
    resolve(prod, ago(hours=1))
    again = boom("again", ago(minutes=30))

    for _ in range(3):
        tell(prod, again)
    resolve(prod, ago(minutes=20))
    for _ in range(3):
        tell(prod, again)

    assert status_of(prod) == "resolved"
    assert rules_of(prod) == ["regression"]


def test_a_group_that_came_back_can_be_resolved_and_come_back_again(
    prod: Workspace, tell: Told
) -> None:
    prod.report(boom("first", ago(hours=9)))

    for hours in (8, 6, 4):
        resolve(prod, ago(hours=hours))
        tell(prod, boom(f"again-{hours}", ago(hours=hours - 1)))

    assert status_of(prod) == "unresolved"
    assert rules_of(prod) == ["regression"] * 3


def test_a_run_that_is_taken_back_reopens_nothing(prod: Workspace, tell: Told) -> None:
    prod.report(boom("first", ago(hours=2)), boom("second", ago(hours=2)))
    prod.report(boom("after", ago(minutes=30)))
    resolve(prod, ago(minutes=10))

    tell(prod, healed("after"))
    tell(prod, healed("second"))

    assert status_of(prod) == "resolved"
    assert rules_of(prod) == []


def test_a_failure_that_healed_before_anybody_looked_does_not_reopen_in_a_sweep(
    prod: Workspace,
) -> None:
    prod.report(boom("first", ago(hours=2)), boom("brief", ago(minutes=30)))
    prod.report(healed("brief"))
    resolve(prod, ago(hours=1))

    assert swept(prod) == {}
    assert status_of(prod) == "resolved"


def test_a_run_that_moves_into_a_resolved_group_reopens_it_if_it_failed_after(
    prod: Workspace, tell: Told
) -> None:
    before, after = ago(hours=2), ago(minutes=30)
    prod.report(boom("first", before), boom("early", before, message="other"))
    prod.report(boom("late", after, message="other"))
    resolve(prod, ago(hours=1))
    resolve(prod, ago(minutes=10), message="other")

    tell(prod, boom("early", before))
    assert status_of(prod) == "resolved"
    tell(prod, boom("late", after))

    assert status_of(prod) == "unresolved"
    assert [entry["runId"] for entry in trail_of(prod)] == [None, "run_late"]


def test_another_task_with_the_same_fingerprint_keeps_its_state(
    prod: Workspace, tell: Told
) -> None:
    prod.report(boom("first", ago(hours=2)))
    resolve(prod, ago(hours=1))

    tell(prod, {**boom("other", ago(minutes=5)), "taskIdentifier": "another"})

    assert ErrorGroupActivity.objects.count() == 1
    assert status_of(prod) == "resolved"


def test_a_group_of_the_same_key_in_another_environment_keeps_its_state(
    prod: Workspace, staging: Workspace, tell: Told
) -> None:
    for workspace in (prod, staging):
        workspace.report(boom("first", ago(hours=2)))
        resolve(workspace, ago(hours=1))

    tell(prod, boom("again", ago(minutes=5)))

    assert status_of(prod) == "unresolved"
    assert status_of(staging) == "resolved"


def test_a_batch_that_is_repaired_reopens_too(prod: Workspace) -> None:
    prod.report(boom("first", ago(hours=2)))
    resolve(prod, ago(hours=1))
    prod.send(boom("again", ago(minutes=5)))
    outbox.claim_batch(OutboxEntry.Kind.RUNS)

    settle()

    assert rules_of(prod) == ["regression"]


def test_a_person_who_decides_meanwhile_is_not_overruled(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the state and the change of it."""
    prod.report(boom("first", ago(hours=2)))
    resolve(prod, ago(hours=1))
    found = rules.find_decided

    def decided_then_changed(groups: object) -> object:
        states = found(groups)  # type: ignore[arg-type]
        resolve(prod, ago(seconds=0), "20240101.7")
        return states

    monkeypatch.setattr(rules, "find_decided", decided_then_changed)
    prod.report(boom("again", ago(minutes=5)))

    assert status_of(prod) == "resolved"
    assert rules_of(prod) == []


def test_a_batch_of_many_groups_reopens_each_once(prod: Workspace) -> None:
    names = WORDS
    prod.report(*(boom(f"{name}-1", ago(hours=2), message=name) for name in names))
    for name in names[::2]:
        resolve(prod, ago(hours=1), message=name)

    prod.report(*(boom(f"{name}-2", ago(minutes=5), message=name) for name in names))

    assert ErrorGroupActivity.objects.filter(actor_kind="rule").count() == 4
    assert {group["status"] for group in prod.errors()} == {"unresolved"}
    assert_mirror_is_right(prod)
