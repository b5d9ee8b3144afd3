"""Rows set aside are tried again or dropped, whatever their runs did meanwhile: counts are true."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs_app.models import OutboxEntry, QuarantinedRow
from runs_app.queries import outbox
from runs_app.queries import quarantine as marks
from runs_app.services import quarantine
from runs_app.services.quarantine import drop, try_again
from runs_app.services.replicate import Outcome, Replicator, registry
from tests.conftest import Workspace, failed, make_workspace, settle
from tests.counting.figures import Failure, assert_counts
from tests.replication.spoiling import (
    Spoiler,
    assert_minutes_say_what_the_failed_runs_say,
    relational_truth,
    set_aside_keys,
)

Later = Callable[[str], list[dict[str, Any]]]


def boom(run_id: str, message: str = "boom", **members: Any) -> dict[str, Any]:
    return failed(run_id, error={"type": "E", "message": message}, **members)


def healed(run_id: str) -> dict[str, Any]:
    return {"id": run_id, "taskIdentifier": "send-mail", "status": "COMPLETED"}


LATER: Mapping[str, Later] = {
    "moves": lambda run: [boom(run, "bang")],
    "moves-and-back": lambda run: [boom(run, "bang"), boom(run)],
    "heals": lambda run: [healed(run)],
    "heals-and-fails": lambda run: [healed(run), boom(run)],
    "version": lambda run: [boom(run, version="2")],
    "in-place": lambda run: [boom(run, tags=["x"])],
}


def new_failures(prod: Workspace, spoiler: Spoiler) -> None:
    prod.send(*map(boom, LATER))
    assert spoiler.spoil(lambda row: row["error_delta"] == 1) == len(LATER)


def compensations(prod: Workspace, spoiler: Spoiler) -> None:
    prod.report(*map(boom, LATER))
    prod.send(*(boom(run, "first") for run in LATER))
    assert spoiler.spoil(lambda row: row["error_delta"] == -1) == len(LATER)


def new_places(prod: Workspace, spoiler: Spoiler) -> None:
    prod.report(*(boom(run, "first") for run in LATER))
    prod.send(*map(boom, LATER))
    assert spoiler.spoil(lambda row: row["error_delta"] == 1) == len(LATER)


def updates_in_place(prod: Workspace, spoiler: Spoiler) -> None:
    prod.report(*map(boom, LATER))
    prod.send(*(boom(run, tags=["y"]) for run in LATER))
    assert spoiler.spoil(lambda row: row["error_delta"] == 0) == len(LATER)


def everything(prod: Workspace, spoiler: Spoiler) -> None:
    prod.report(*(boom(run, "first") for run in LATER))
    prod.send(*map(boom, LATER))
    assert spoiler.spoil(lambda row: True) == 2 * len(LATER)


@pytest.fixture
def spoiler(prod: Workspace) -> Spoiler:
    prod.report(boom("bystander"), boom("bystander-2", "bang"))
    return Spoiler()


each_beginning = pytest.mark.parametrize("begin", [new_failures, compensations, new_places])
every_beginning = pytest.mark.parametrize(
    "begin", [new_failures, compensations, new_places, updates_in_place, everything]
)


def live_on(prod: Workspace) -> None:
    """Every run does what it is called after; each report arrives in a batch of its own turn."""
    for turn in range(2):
        reports = [bodies[turn] for run in LATER if len(bodies := LATER[run](run)) > turn]
        prod.send(*reports, boom(f"good-{turn}"))
        settle()
        assert_minutes_say_what_the_failed_runs_say(prod)


@pytest.mark.parametrize("begin", [compensations, everything])
def test_counts_are_true_when_rows_are_tried_again_after_their_runs_went_on(
    prod: Workspace, spoiler: Spoiler, begin: Callable[[Workspace, Spoiler], None]
) -> None:
    begin(prod, spoiler)
    settle()
    assert_minutes_say_what_the_failed_runs_say(prod)
    live_on(prod)

    moved = try_again(spoiler.mend())
    settle()

    assert moved == len(spoiler.originals)
    assert not QuarantinedRow.objects.exists()
    assert_counts(prod, relational_truth(prod))


@each_beginning
def test_counts_are_true_when_rows_are_tried_again_before_their_runs_go_on(
    prod: Workspace, spoiler: Spoiler, begin: Callable[[Workspace, Spoiler], None]
) -> None:
    begin(prod, spoiler)
    settle()
    try_again(set_aside_keys())
    settle()
    assert len(set_aside_keys()) == len(spoiler.originals)
    assert_minutes_say_what_the_failed_runs_say(prod)

    try_again(spoiler.mend())
    live_on(prod)

    assert_counts(prod, relational_truth(prod))


@every_beginning
def test_minutes_say_what_the_failed_runs_say_when_rows_are_dropped(
    prod: Workspace, spoiler: Spoiler, begin: Callable[[Workspace, Spoiler], None]
) -> None:
    begin(prod, spoiler)
    settle()
    keys = set_aside_keys()

    dropped = drop(keys[::2])
    live_on(prod)
    dropped += drop(keys)

    assert dropped == len(keys)
    assert set(QuarantinedRow.objects.values_list("pk", flat=True)) == set(keys)
    assert {bytes(row.content) for row in QuarantinedRow.objects.all()} == {b""}
    assert_minutes_say_what_the_failed_runs_say(prod)
    prod.report(*(boom(run, "last") for run in LATER), boom("bystander"))
    assert_minutes_say_what_the_failed_runs_say(prod)
    last = {group["errorMessage"]: group["count"] for group in prod.errors()}["last"]
    assert last == len(LATER)


def test_a_dropped_row_is_neither_tried_again_nor_dropped_again(
    prod: Workspace, spoiler: Spoiler
) -> None:
    new_failures(prod, spoiler)
    settle()
    keys = set_aside_keys()
    drop(keys)

    assert (try_again(keys), drop(keys), try_again([])) == (0, 0, 0)
    assert not OutboxEntry.objects.exists()


def test_rows_are_sent_back_in_portions_and_in_their_order(
    prod: Workspace, spoiler: Spoiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "ROWS_AT_ONCE", 4)
    monkeypatch.setattr(quarantine, "BATCH_BYTES", 2_000)
    new_failures(prod, spoiler)
    settle()
    keys = spoiler.mend()
    created = [row.run_id for row in QuarantinedRow.objects.order_by("pk")]

    assert try_again(reversed(keys)) == len(LATER)

    entries = list(OutboxEntry.objects.order_by("id"))
    assert [marks_of(entry) for entry in entries] == created
    sizes = {
        batch: sum(entry.size for entry in entries if entry.batch_id == batch)
        for batch in {entry.batch_id for entry in entries}
    }
    assert None not in sizes
    assert len(sizes) >= 3
    biggest = max(entry.size for entry in entries)
    assert all(size <= max(2_000, biggest) for size in sizes.values())


def marks_of(entry: OutboxEntry) -> str:
    return quarantine.run_id_of(entry.content)


def test_an_entry_that_nobody_can_read_marks_its_whole_environment(
    prod: Workspace, staging: Workspace
) -> None:
    prod.send(boom("a"), boom("b"))
    entry = OutboxEntry.objects.get()
    content, entry.content = bytes(entry.content), b"nonsense"
    entry.save()
    staging.send(boom("a"))

    settle()
    prod.report(boom("a", "bang"), healed("b"))
    assert_counts(prod, {"run_a": Failure("send-mail", "bang")})
    QuarantinedRow.objects.update(content=content)
    try_again(set_aside_keys())
    settle()

    assert_counts(prod, relational_truth(prod))
    assert_counts(staging, relational_truth(staging))


def test_rows_tried_again_while_a_batch_is_on_its_way_are_not_overlooked(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoiler = Spoiler()
    prod.send(boom("a"))
    spoiler.spoil(lambda row: True)
    settle()
    prod.send(boom("a", "bang"))
    look = marks.rows_of_marked_runs

    def tried_again_just_before(rows: Any) -> Any:
        try_again(set_aside_keys())
        return look(rows)

    monkeypatch.setattr("runs_app.services.replicate.rows_of_marked_runs", tried_again_just_before)
    replicator = Replicator()
    assert replicator.replicate_once() is Outcome.DONE
    monkeypatch.undo()

    assert OutboxEntry.objects.filter(batch_id__isnull=False).count() == 1
    assert_minutes_say_what_the_failed_runs_say(prod)
    assert replicator.drain()
    assert_counts(prod, {"run_a": Failure("send-mail", "bang")})
    assert len(set_aside_keys()) == 1


def test_an_empty_quarantine_costs_a_batch_one_look(prod: Workspace) -> None:
    prod.send(boom("a"), boom("b"))

    with CaptureQueriesContext(
        connection,
    ) as queries:
        settle()

    asked = [query["sql"] for query in queries if "quarantinedrow" in query["sql"].lower()]
    assert len(asked) == 1


def test_a_state_that_was_set_aside_by_an_earlier_release_is_tried_again(prod: Workspace) -> None:
    prod.report(boom("a"))
    added = {"resolved_at", "merged_into"}
    columns = [name for name in registry.state_columns if name not in added]
    [group] = prod.errors()
    aside = QuarantinedRow.objects.create(
        kind=OutboxEntry.Kind.GROUP_STATES,
        environment=prod.environment,
        row_count=1,
        reason="refused",
        created_at=prod.environment.created_at,
        quarantined_at=prod.environment.created_at,
        content=outbox.encode_rows(
            [
                [
                    {
                        "organization_id": prod.tenant.organization_id,
                        "project_id": prod.tenant.project_id,
                        "environment_id": prod.tenant.environment_id,
                        "error_fingerprint": group["fingerprint"],
                        "task_identifier": "send-mail",
                        "status": "resolved",
                        "ignored_until": None,
                        "version": 1,
                    }[name]
                    for name in columns
                ]
            ],
            columns,
        ),
    )

    assert try_again([aside.pk]) == 1
    settle()

    assert not QuarantinedRow.objects.exists()
    assert not OutboxEntry.objects.exists()


REPORTS = st.lists(
    st.one_of(
        st.builds(
            boom,
            st.sampled_from(["r0", "r1"]),
            st.sampled_from(["boom", "bang"]),
            version=st.sampled_from(["1", "2"]),
        ),
        st.builds(healed, st.sampled_from(["r0", "r1"])),
    ),
    min_size=1,
    max_size=3,
)
ACTIONS = st.one_of(
    REPORTS,
    REPORTS,
    st.sampled_from(["replicate", "spoil", "spoil", "try again", "mend", "drop", "die"]),
)


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(ACTIONS, min_size=6, max_size=16), st.integers(0, 4))
def test_any_history_with_rows_set_aside_ends_with_exact_counts(
    db: None, clickhouse_tables: None, actions: list[list[dict[str, Any]] | str], which: int
) -> None:
    workspace, spoiler, gone = make_workspace(), Spoiler(), False

    for number, action in enumerate(actions):
        if isinstance(action, list):
            workspace.send(*action)
        elif action == "spoil":
            spoiler.spoil(lambda row, at=number: (row["_version"] + which + at) % 3 == 0)
        elif action == "mend":
            try_again(spoiler.mend())
        elif action == "try again":
            try_again(set_aside_keys())
        elif action == "drop":
            gone = bool(drop(set_aside_keys()[:1])) or gone
        elif action == "die":
            outbox.claim_batch(OutboxEntry.Kind.RUNS)
        else:
            settle()
            assert_minutes_say_what_the_failed_runs_say(workspace)
    settle()
    assert_minutes_say_what_the_failed_runs_say(workspace)

    try_again(spoiler.mend())
    settle()

    assert_minutes_say_what_the_failed_runs_say(workspace)
    if not gone:
        assert_counts(workspace, relational_truth(workspace))
    QuarantinedRow.objects.all().delete()
