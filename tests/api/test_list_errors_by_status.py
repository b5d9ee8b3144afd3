"""`filter[status]`: states in ClickHouse, states still on their way, and ignores that ran out."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from errors_app.domain.decisions import WantedResolution
from errors_app.domain.groups import Actor, ActorKind, GroupKey, IgnoreConditions
from errors_app.services import lifecycle
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry
from tests.api.conftest import Clock
from tests.api.expectations import failure, hidden, the_group
from tests.conftest import Workspace, make_workspace, settle

STATUSES = ("unresolved", "resolved", "ignored")
COMBINATIONS = [
    ",".join(chosen) for size in (1, 2, 3) for chosen in itertools.combinations(STATUSES, size)
]
ACTOR = Actor(ActorKind.KEY)
# What is done to a group, in this order, and how it reads afterwards; an hour is far from over.
STEPS: dict[str, tuple[list[str], str]] = {
    "Untouched": ([], "unresolved"),
    "Resolved": (["resolve"], "resolved"),
    "Ignored": (["ignore"], "ignored"),
    "IgnoredForAnHour": (["ignore_an_hour"], "ignored"),
    "IgnoredForAMoment": (["ignore_a_moment"], "unresolved"),
    "Reopened": (["resolve", "unresolve"], "unresolved"),
    "ResolvedThenIgnored": (["resolve", "ignore"], "ignored"),
    "IgnoredThenResolved": (["ignore_a_moment", "resolve"], "resolved"),
}


def act(workspace: Workspace, key: GroupKey, step: str) -> None:
    tenant = workspace.tenant
    match step:
        case "resolve":
            lifecycle.resolve_group(tenant, key, ACTOR, WantedResolution())
        case "unresolve":
            lifecycle.unresolve_group(tenant, key, ACTOR)
        case "ignore":
            lifecycle.ignore_group(tenant, key, ACTOR, IgnoreConditions(), 1)
        case "ignore_an_hour":
            until = utc_now() + timedelta(hours=1)
            lifecycle.ignore_group(tenant, key, ACTOR, IgnoreConditions(until=until), 1)
        case "ignore_a_moment":
            until = utc_now() + timedelta(milliseconds=1)
            lifecycle.ignore_group(tenant, key, ACTOR, IgnoreConditions(until=until), 1)


@dataclass(frozen=True)
class Decided:
    """A workspace with groups in every state, and how each reads, by error type."""

    workspace: Workspace
    reads: dict[str, str]


def decide(workspace: Workspace, prefix: str, hiding: int) -> dict[str, str]:
    """A group per entry of `STEPS`. `hiding`: how many of its last steps ClickHouse misses."""
    names = {f"{prefix}{name}Error": steps for name, steps in STEPS.items()}
    workspace.report(*(failure(f"run_{name}", name) for name in names))
    reads = {}
    for name, (steps, status) in names.items():
        group = the_group(workspace, search=name)
        key = GroupKey(group["fingerprint"], group["taskIdentifier"])
        seen = max(0, len(steps) - hiding)
        for step in steps[:seen]:
            act(workspace, key, step)
        if steps[seen:]:
            with hidden("error_group_states_v1"):
                for step in steps[seen:]:
                    act(workspace, key, step)
        reads[name] = status
    return reads


@pytest.fixture(scope="module")
def decided(shared_prod: Workspace) -> Iterator[dict[str, Decided]]:
    """Everything in ClickHouse; the last change pending; all pending; all of it in one place."""
    project = shared_prod.environment.project
    known, last, none = (make_workspace(slug, project) for slug in ("staging", "dev", "preview"))
    return {
        "known": Decided(known, decide(known, "Known", 0)),
        "last pending": Decided(last, decide(last, "Last", 1)),
        "all pending": Decided(none, decide(none, "None", 2)),
        "mixed": Decided(
            shared_prod,
            {
                **decide(shared_prod, "Known", 0),
                **decide(shared_prod, "Last", 1),
                **decide(shared_prod, "None", 2),
            },
        ),
    }


CASES = ["known", "last pending", "all pending", "mixed"]


@pytest.mark.parametrize("statuses", COMBINATIONS)
@pytest.mark.parametrize("case", CASES)
def test_every_combination_of_statuses_finds_what_reads_so(
    decided: dict[str, Decided], db: None, case: str, statuses: str
) -> None:
    workspace, reads = decided[case].workspace, decided[case].reads
    expected = {name: status for name, status in reads.items() if status in statuses.split(",")}

    for sort in ("-count", "-lastSeen", "firstSeen"):
        groups = workspace.errors(status=statuses, sort=sort, **{"page[size]": "100"})
        assert {group["errorType"]: group["status"] for group in groups} == expected


@pytest.mark.parametrize("case", CASES)
def test_list_and_detail_tell_the_same_state(
    decided: dict[str, Decided], db: None, case: str
) -> None:
    workspace = decided[case].workspace

    for group in workspace.errors(**{"page[size]": "100"}):
        detail = workspace.api.get(f"/api/v1/errors/{group['id']}").body
        assert {name: detail[name] for name in ("status", "resolvedAt", "ignoredUntil")} == {
            name: group[name] for name in ("status", "resolvedAt", "ignoredUntil")
        }
        assert (group["resolvedAt"] is not None) == (group["status"] == "resolved")


@pytest.mark.parametrize("case", CASES)
def test_pages_by_status_hold_each_group_once(
    decided: dict[str, Decided], db: None, case: str
) -> None:
    workspace, reads = decided[case].workspace, decided[case].reads
    query = {"filter[status]": "unresolved,resolved", "page[size]": "2"}
    walked: list[str] = []
    answer = workspace.api.get("/api/v1/errors", query)
    walked += [group["errorType"] for group in answer.body["data"]]
    while "next" in answer.body["pagination"]:
        answer = workspace.api.get(
            "/api/v1/errors", {**query, "page[after]": answer.body["pagination"]["next"]}
        )
        walked += [group["errorType"] for group in answer.body["data"]]

    assert sorted(walked) == sorted(name for name, status in reads.items() if status != "ignored")


def waiting(workspace: Workspace) -> int:
    return OutboxEntry.objects.filter(
        environment_id=workspace.tenant.environment_id, kind=OutboxEntry.Kind.GROUP_STATES
    ).count()


def test_what_could_not_be_told_waits_in_the_outbox_and_arrives(prod: Workspace) -> None:
    prod.report(failure("run_a"))
    path = f"/api/v1/errors/{the_group(prod)['id']}"
    with hidden("error_group_states_v1"):
        changed = prod.api.post(f"{path}/resolve")
    assert changed.status == 200
    assert waiting(prod) == 1
    assert the_group(prod, status="resolved")["status"] == "resolved"

    settle()

    assert waiting(prod) == 0
    assert the_group(prod, status="resolved")["status"] == "resolved"
    assert prod.errors(status="unresolved,ignored") == []
    mirrored = clickhouse().query(
        "states of a test",
        "SELECT status, version FROM error_group_states_v1 FINAL"
        " WHERE environment_id = {environment:String}",
        {"environment": prod.tenant.environment_id},
    )
    assert mirrored == [("resolved", 1)]


def test_a_state_that_waits_does_not_overrule_a_newer_one_that_arrived(prod: Workspace) -> None:
    prod.report(failure("run_a"))
    path = f"/api/v1/errors/{the_group(prod)['id']}"
    with hidden("error_group_states_v1"):
        prod.api.post(f"{path}/resolve")
    prod.api.post(f"{path}/ignore")
    assert waiting(prod) == 1

    assert prod.errors(status="resolved") == []
    assert the_group(prod, status="ignored")["status"] == "ignored"
    settle()
    assert the_group(prod, status="ignored")["status"] == "ignored"


def test_anothers_waiting_state_says_nothing_about_the_same_group_here(
    prod: Workspace, staging: Workspace
) -> None:
    for workspace in (prod, staging):
        workspace.report(failure("run_a"))
    group = the_group(prod)
    with hidden("error_group_states_v1"):
        prod.api.post(f"/api/v1/errors/{group['id']}/resolve")

    assert the_group(staging, status="unresolved")["id"] == group["id"]
    assert staging.errors(status="resolved") == []
    assert prod.errors(status="unresolved") == []


@pytest.mark.parametrize("pending", [False, True], ids=["known", "pending"])
def test_an_ignore_whose_time_has_passed_reads_as_unresolved_from_that_moment(
    prod: Workspace, clock: Clock, pending: bool
) -> None:
    prod.report(failure("run_a"))
    path = f"/api/v1/errors/{the_group(prod)['id']}"
    body = {"duration": 3_600_000, "reason": "noise", "totalOccurrences": 5}
    if pending:
        with hidden("error_group_states_v1"):
            ignored = prod.api.post(f"{path}/ignore", body).body
    else:
        ignored = prod.api.post(f"{path}/ignore", body).body
    assert ignored["status"] == "ignored"

    clock.advance(minutes=59, seconds=50)
    assert the_group(prod, status="ignored")["ignoredUntil"] == ignored["ignoredUntil"]
    assert prod.errors(status="unresolved") == []
    assert prod.api.get(path).body["status"] == "ignored"

    clock.advance(seconds=11)
    assert prod.errors(status="ignored") == []
    shown = the_group(prod, status="unresolved")
    assert (shown["status"], shown["ignoredUntil"]) == ("unresolved", None)
    assert the_group(prod)["status"] == "unresolved"
    detail: dict[str, Any] = prod.api.get(path).body
    assert detail["status"] == "unresolved"
    assert {name: value for name, value in detail.items() if name.startswith("ignored")} == {
        "ignoredAt": None,
        "ignoredUntil": None,
        "ignoredReason": None,
        "ignoredByUserId": None,
        "ignoredUntilOccurrenceRate": None,
        "ignoredUntilTotalOccurrences": None,
    }
