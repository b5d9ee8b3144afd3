"""Reports of many runs with long texts: read in parts, all locked at once."""

from typing import Any

import pytest

from runs_app.models import TaskRun
from runs_app.queries import task_runs
from tests.conftest import Workspace, failed
from tests.counting.figures import Failure, assert_counts

LONG = "x" * 50_000


def report(number: int, **members: Any) -> dict[str, Any]:
    return failed(f"r{number}", error={"type": "E", "message": "boom"}, **members)


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the texts were of each part that was read, with room for two long ones."""
    read: list[int] = []
    look = task_runs._read_runs

    def reading(*arguments: Any) -> Any:
        runs = look(*arguments)
        read.append(sum(len(run.payload or "") for run in runs.values()))
        return runs

    monkeypatch.setattr(task_runs, "LONG_AT_ONCE", 2 * len(LONG) + 10_000)
    monkeypatch.setattr(task_runs, "_read_runs", reading)
    return read


def test_small_reports_of_runs_with_long_texts_hold_few_of_them_at_once(
    prod: Workspace, parts: list[int]
) -> None:
    for number in range(7):
        prod.send(report(number, payload=LONG))
    parts.clear()

    heals = {"id": "r6", "taskIdentifier": "send-mail", "status": "COMPLETED"}
    answer = prod.report(
        report(8), *(report(n, version="2") for n in range(6)), heals, report(0, version="2")
    )

    assert (answer["accepted"], answer["unchanged"]) == (8, 1)
    assert sum(parts) == 7 * (len(LONG) + 2)
    assert max(parts) == 2 * (len(LONG) + 2)
    moved = Failure("send-mail", "boom", "2")
    assert_counts(
        prod, {**{f"run_r{n}": moved for n in range(6)}, "run_r8": Failure("send-mail", "boom")}
    )
    assert TaskRun.objects.filter(payload=f'"{LONG}"').count() == 7


def test_a_text_that_is_alone_too_long_is_read_by_itself(prod: Workspace, parts: list[int]) -> None:
    prod.send(report(0, payload=LONG * 5), report(1), report(2))
    parts.clear()

    answer = prod.report(*(report(n, version="2") for n in range(3)))

    assert answer["accepted"] == 3
    assert len(parts) == 2
    assert_counts(prod, {f"run_r{n}": Failure("send-mail", "boom", "2") for n in range(3)})


def test_a_long_text_that_is_told_again_is_no_change(prod: Workspace, parts: list[int]) -> None:
    told = [report(n, payload=LONG, metadata={"m": LONG}) for n in range(5)]
    prod.send(*told)

    answer = prod.report(*told, *told)

    assert (answer["accepted"], answer["unchanged"]) == (0, 10)
