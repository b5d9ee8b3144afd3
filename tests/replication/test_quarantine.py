"""What ClickHouse refuses ends alone, with the reason; everything beside it flows on."""

from collections.abc import Callable
from typing import Any

import pytest

from runs_app.domain.run_rows import COLUMNS, decode_rows, encode_rows
from runs_app.models import OutboxEntry, QuarantinedRow, TaskRun
from runs_app.queries import outbox
from runs_app.services.quarantine import drop
from tests.conftest import Workspace, failed, settle
from tests.counting.figures import Failure, assert_counts
from tests.replication.spoiling import assert_minutes_say_what_the_failed_runs_say


def boom(run_id: str, **members: Any) -> dict[str, Any]:
    return failed(run_id, error={"type": "E", "message": "boom"}, **members)


BOOM = Failure("send-mail", "boom")


def run_id_of(name: str) -> str:
    return TaskRun.objects.get(friendly_id=f"run_{name}").run_id


def spoil(entry: OutboxEntry, row: int, **values: Any) -> None:
    """Put values into a row of an entry by hand, as no version of this program does."""
    rows = decode_rows(bytes(entry.content))
    for name, value in values.items():
        rows[row][COLUMNS.index(name)] = value
    entry.content = encode_rows(rows)
    entry.save()


BAD: dict[str, dict[str, Any]] = {
    "broken JSON": {"error": "{"},
    "duplicate paths": {"error": '{"a": {"b": 1}, "a.b": 2}'},
    "a number beyond a double": {"error": '{"data": {"message": 1e400}}'},
    "deep JSON": {"error": '{"a":' * 5_000 + "1" + "}" * 5_000},
    "text for a time": {"failed_at": "yesterday"},
    "nothing for a time": {"created_at": None},
    "a number for a text": {"task_version": 17},
    "a text for the delta": {"error_delta": "1"},
    "a version that is negative": {"_version": -1},
    "a text for tags": {"tags": 17},
    "a delta that is too large": {"error_delta": 2},
    "a delta that is no whole number": {"error_delta": 1.0},
    "a time beyond the calendar": {"failed_at": 1 << 62},
    "a time before all minutes": {"failed_at": -1},
    "a number for a group": {"error_fingerprint": 17},
    "nothing for an environment": {"environment_id": None},
}


@pytest.mark.parametrize("name", BAD)
def test_a_refused_row_ends_alone_in_quarantine(prod: Workspace, name: str) -> None:
    prod.send(boom("before"))
    prod.send(*(boom(f"r{n}") for n in range(5)))
    prod.send(boom("after"))
    spoil(OutboxEntry.objects.order_by("id")[1], 3, **BAD[name])

    settle()

    assert not OutboxEntry.objects.exists()
    aside = QuarantinedRow.objects.get()
    assert (aside.kind, aside.row_count, aside.run_id) == ("runs", 1, run_id_of("r3"))
    assert aside.environment_id == prod.environment.pk
    assert aside.reason
    assert aside.dropped_at is None
    assert aside.created_at <= aside.quarantined_at
    [row] = decode_rows(bytes(aside.content))
    assert row[COLUMNS.index("friendly_id")] == "run_r3"
    expected = {f"run_r{n}": BOOM for n in (0, 1, 2, 4)}
    assert_counts(prod, {**expected, "run_before": BOOM, "run_after": BOOM})


def test_a_refused_row_in_a_batch_under_repair_ends_alone_too(prod: Workspace) -> None:
    prod.report(boom("r1"))
    prod.send(*(boom(f"r{n}", version="2") for n in range(4)))
    spoil(OutboxEntry.objects.get(), 0, error="{")
    outbox.claim_batch(OutboxEntry.Kind.RUNS)

    settle()

    assert not OutboxEntry.objects.exists()
    assert QuarantinedRow.objects.get().run_id == run_id_of("r0")
    moved = Failure("send-mail", "boom", "2")
    assert_counts(prod, {f"run_r{n}": moved for n in (1, 2, 3)})


def shorten(rows: list[Any]) -> bytes:
    return encode_rows([row[:-1] for row in rows])


@pytest.mark.parametrize(
    "content", [lambda _: b"\x00nonsense", lambda _: b"{}", lambda _: b"[1]", shorten]
)
def test_an_entry_that_cannot_be_read_holds_nobody_up(
    prod: Workspace, content: Callable[[list[Any]], bytes]
) -> None:
    prod.send(boom("a"))
    prod.send(boom("unreadable"))
    entry = OutboxEntry.objects.order_by("id")[1]
    entry.content = content(decode_rows(bytes(entry.content)))
    entry.save()
    prod.send(boom("b"))

    settle()

    assert not OutboxEntry.objects.exists()
    assert QuarantinedRow.objects.get().reason
    # Nobody can tell whose row it was, so that a comparison with the reports finds a run missing.
    assert_minutes_say_what_the_failed_runs_say(prod)
    [group] = prod.errors()
    assert group["count"] == 2


def test_what_is_set_aside_is_counted_apart(prod: Workspace) -> None:
    prod.send(boom("a"))
    spoil(OutboxEntry.objects.get(), 0, error="{")
    settle()
    prod.send(boom("b"), boom("c"))

    figures = outbox.figures()

    assert (outbox.waiting_rows(), figures.quarantined_rows) == (2, 1)
    drop(QuarantinedRow.objects.values_list("pk", flat=True))
    assert outbox.figures().quarantined_rows == 0


@pytest.mark.parametrize("run_id", [17, "x" * 200, "a\0b", None])
def test_a_row_whose_run_cannot_be_told_is_set_aside_all_the_same(
    prod: Workspace, run_id: Any
) -> None:
    prod.send(boom("a"))
    spoil(OutboxEntry.objects.get(), 0, run_id=run_id, error="{")

    settle()

    assert not OutboxEntry.objects.exists()
    assert QuarantinedRow.objects.get().run_id == ""
