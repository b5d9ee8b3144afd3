"""Claims: what one batch takes, and that one replicator works at a time."""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections

from runs_app.domain.run_rows import encode_rows
from runs_app.models import OutboxEntry, TaskRun
from runs_app.queries import outbox
from runs_app.services.locks import try_advisory_lock, try_file_lock
from runs_app.services.replicate import Replicator, registry
from runs_app.services.replicator_turn import ADVISORY_LOCK, replicator_turn
from tests.conftest import Workspace, failed, make_workspace, settle
from tests.counting.figures import Failure, assert_counts

RUNS = OutboxEntry.Kind.RUNS
MEGABYTE = 1_000_000


def put(workspace: Workspace, *, rows: int = 1, size: int = 2, **members: Any) -> OutboxEntry:
    """An entry that claims to be of this size."""
    return OutboxEntry.objects.create(
        kind=RUNS,
        environment=workspace.environment,
        content=encode_rows([]),
        row_count=rows,
        size=size,
        created_at=workspace.environment.created_at,
        **members,
    )


def claimed() -> list[int]:
    batch = outbox.claim_batch(RUNS)
    return [] if batch is None else [entry.pk for entry in batch.entries]


@pytest.mark.parametrize(
    ("sizes", "taken"),
    [
        ([(6_000, 1), (4_000, 1)], 2),
        ([(6_000, 1), (4_001, 1)], 1),
        ([(10_000, 1), (1, 1)], 1),
        ([(50_000, 1), (1, 1)], 1),
        ([(1, 16 * MEGABYTE), (1, 16 * MEGABYTE)], 2),
        ([(1, 16 * MEGABYTE), (1, 16 * MEGABYTE + 1)], 1),
        ([(1, 99 * MEGABYTE), (1, 1)], 1),
        ([(1, 1), (1, 99 * MEGABYTE), (1, 1)], 1),
    ],
)
def test_a_batch_has_ten_thousand_rows_and_32_megabytes_at_most_but_one_entry_at_least(
    prod: Workspace, sizes: list[tuple[int, int]], taken: int
) -> None:
    entries = [put(prod, rows=rows, size=size).pk for rows, size in sizes]

    assert claimed() == entries[:taken]
    assert claimed()[:1] == entries[taken : taken + 1]


def test_batches_take_the_oldest_first_and_nothing_twice(prod: Workspace) -> None:
    entries = [put(prod, rows=5_000).pk for _ in range(5)]

    assert [claimed() for _ in range(4)] == [entries[:2], entries[2:4], entries[4:], []]


def test_claimed_entries_are_not_claimed(prod: Workspace) -> None:
    put(prod, batch_id=uuid.uuid4())

    assert claimed() == []


def test_a_released_batch_is_claimed_again_before_younger_ones(prod: Workspace) -> None:
    first = put(prod, rows=10_000)
    second = put(prod, rows=10_000)
    batch = outbox.claim_batch(RUNS)
    assert batch is not None

    outbox.release_batch(batch)

    assert [claimed(), claimed()] == [[first.pk], [second.pk]]


def test_an_entry_without_rows_passes(prod: Workspace) -> None:
    put(prod)

    settle()

    assert not OutboxEntry.objects.exists()


@pytest.fixture
def open_workspace(transactional_db: None, clickhouse_tables: None) -> Iterator[Workspace]:
    """A workspace whose rows other connections see."""
    yield make_workspace()
    connections.close_all()


def in_threads(count: int, work: Any) -> list[Any]:
    """The results of `work` done at once by threads with connections of their own."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        try:
            barrier.wait(60)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_replicators_side_by_side_count_everything_once(open_workspace: Workspace) -> None:
    for number in range(12):
        open_workspace.send(failed(f"r{number}"), failed("moving", version=str(number)))

    def claim_small_batches(_: int) -> bool:
        return Replicator().drain()

    results = in_threads(4, claim_small_batches)

    assert results == [True] * 4
    [group] = open_workspace.errors()
    assert group["count"] == 13


def test_only_one_replicator_works_at_a_time(open_workspace: Workspace) -> None:
    working = 0
    most = 0
    turns = threading.Lock()

    def look(_rows: object) -> None:
        nonlocal working, most
        with turns:
            working += 1
            most = max(most, working)
        open_workspace.errors()
        with turns:
            working -= 1

    def report_and_replicate(number: int) -> None:
        for count in range(3):
            open_workspace.send(failed(f"r{number}-{count}"))
            Replicator().replicate_once()

    registry.after_runs.append(look)
    try:
        in_threads(3, report_and_replicate)
        settle()
    finally:
        registry.after_runs.remove(look)

    assert most == 1
    [group] = open_workspace.errors()
    assert group["count"] == 9


def _turn_if_free() -> AbstractContextManager[bool]:
    if connection.vendor == "postgresql":
        return try_advisory_lock(ADVISORY_LOCK)
    return try_file_lock(settings.FAULTLINE_DATA / "replicator.lock")


def test_the_turn_is_waited_for(open_workspace: Workspace) -> None:
    open_workspace.send(failed("a"))
    refused = threading.Event()

    def wait_for_the_turn(_: int) -> bool:
        with _turn_if_free() as ours:
            assert not ours
        refused.set()
        return Replicator().drain()

    with ThreadPoolExecutor(1) as pool:
        with replicator_turn():
            waiting = pool.submit(in_threads, 1, wait_for_the_turn)
            assert refused.wait(60)
            assert OutboxEntry.objects.count() == 1

        assert waiting.result(timeout=120) == [True]
    assert not OutboxEntry.objects.exists()


def test_requests_at_once_with_the_same_runs_count_each_run_once(open_workspace: Workspace) -> None:
    runs = [failed(f"r{n}", error={"type": "E", "message": "boom"}) for n in range(30)]

    def send(number: int) -> int:
        order = runs if number % 2 else runs[::-1]
        return int(open_workspace.send(*order)["accepted"])

    accepted = in_threads(4, send)
    settle()

    assert sum(accepted) == 30
    assert TaskRun.objects.count() == 30
    assert_counts(open_workspace, {f"run_r{n}": Failure("send-mail", "boom") for n in range(30)})
