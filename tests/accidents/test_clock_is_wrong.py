"""The machine's clock is set back by an hour while the service runs, and set right again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest

from runs_app.domain import times
from runs_app.models import OutboxEntry
from tests.conftest import Workspace, failed, settle
from tests.counting.figures import Failure, assert_counts

HOUR = timedelta(hours=1)
BOOM = Failure("send-mail", "boom")
BANG = Failure("send-mail", "bang")

Shift = Callable[[timedelta], None]


@pytest.fixture
def shift(monkeypatch: pytest.MonkeyPatch) -> Shift:
    """Sets the one clock that everything here reads."""
    offset = timedelta(0)

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + offset

    monkeypatch.setattr(times, "datetime", Shifted)

    def set_to(by: timedelta) -> None:
        nonlocal offset
        offset = by

    return set_to


def boom(run_id: str, message: str = "boom", **members: Any) -> dict[str, Any]:
    return failed(run_id, error={"type": "E", "message": message}, **members)


def true_time() -> str:
    return datetime.now(UTC).isoformat()


def test_every_failure_counts_once_through_a_clock_that_goes_back_and_forth(
    prod: Workspace, shift: Shift
) -> None:
    prod.report(boom("a"), boom("b"), boom("c"))
    prod.send(boom("d"))

    shift(-HOUR)
    prod.send(
        boom("a", "bang"),
        {"id": "b", "taskIdentifier": "send-mail", "status": "COMPLETED"},
        boom("e"),
    )
    settle()
    prod.report(boom("e"), boom("f", createdAt=true_time(), failedAt=true_time()))
    lists = [prod.api.get(path).status for path in ("/api/v1/errors", "/api/v1/runs")]
    ready = prod.api.get("/readyz")
    shift(timedelta(0))
    prod.report(boom("a", "bang"), boom("g"))

    assert lists == [200, 200]
    assert (ready.status, ready.body["replication"]["lagSeconds"]) == (200, 0.0)
    assert_counts(
        prod,
        {
            "run_a": BANG,
            "run_c": BOOM,
            "run_d": BOOM,
            "run_e": BOOM,
            "run_f": BOOM,
            "run_g": BOOM,
        },
    )


def test_what_waits_since_before_the_clock_went_back_is_replicated_in_its_order(
    prod: Workspace, shift: Shift
) -> None:
    """The second report of a run is older than its first by the clock, and newer all the same."""
    prod.send(boom("a"))
    shift(-HOUR)
    prod.send(boom("a", "bang"))

    settle()

    shift(timedelta(0))
    assert not OutboxEntry.objects.exists()
    assert_counts(prod, {"run_a": BANG})


def test_true_times_are_accepted_up_to_the_hour_that_clients_may_be_ahead(
    prod: Workspace, shift: Shift
) -> None:
    shift(-HOUR)

    answer = prod.send(
        boom("a", createdAt=(datetime.now(UTC) - timedelta(seconds=1)).isoformat()),
        boom("b", createdAt=(datetime.now(UTC) + timedelta(minutes=5)).isoformat()),
    )

    assert (answer["accepted"], [one["id"] for one in answer["rejected"]]) == (1, ["b"])


def test_decisions_made_by_a_clock_that_went_back_show_at_once(
    prod: Workspace, shift: Shift
) -> None:
    prod.report(boom("a"))
    [group] = prod.errors()
    path = f"/api/v1/errors/{group['id']}"
    prod.api.post(f"{path}/resolve")

    shift(-HOUR)
    prod.report(boom("b"))
    reopened = prod.api.post(f"{path}/unresolve")
    listed = {one["status"] for one in prod.errors(status="unresolved")}
    shift(timedelta(0))
    settle()

    assert reopened.body["status"] == "unresolved"
    assert listed == {"unresolved"}
    assert prod.api.get(path).body["status"] == "unresolved"
    assert prod.errors(status="resolved") == []
