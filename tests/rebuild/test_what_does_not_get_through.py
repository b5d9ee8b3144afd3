"""Rows and states that ClickHouse does not take while it is rebuilt, or verified."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from runs_app.domain.errors import Unavailable
from runs_app.domain.fault_points import FaultPoint, listening
from runs_app.models import ClickHouseRebuild, OutboxEntry, QuarantinedRow, TaskRun
from runs_app.queries import rebuilds
from runs_app.services import rebuild as service
from runs_app.services import retell
from runs_app.services.rebuild import rebuild
from runs_app.services.verify import verify_environment
from tests.conftest import Workspace, settle
from tests.counting.figures import assert_counts
from tests.replication.test_failures import UNKNOWN, any_code, failing
from tests.verify.damage import delete_all
from tests.verify.history import assert_as_told, boom, expected, tell

__all__ = ["any_code"]

# INCORRECT_DATA: of what is refused for its data.
REFUSED = 117


def never(_seconds: float) -> bool:
    return False


def rebuild_now() -> None:
    rebuild(never, lambda _: None)


@pytest.fixture
def told(prod: Workspace, any_code: None, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The history, of which a slice is a small part."""
    monkeypatch.setattr(service, "SLICE_ROWS", 7)
    tell(prod)
    return prod


def test_a_slice_that_is_too_heavy_is_told_in_parts(told: Workspace) -> None:
    with failing("blockSize() > 2", 241):
        rebuild_now()

    assert not OutboxEntry.objects.exists()
    assert_as_told(told)


@pytest.mark.parametrize("code", [241, UNKNOWN])
def test_a_row_that_does_not_get_through_alone_is_left_to_the_replicator(
    told: Workspace, code: int
) -> None:
    others = expected()
    del others["run_gamma2"]

    with failing("friendly_id = 'run_gamma2'", code):
        rebuild_now()

        assert OutboxEntry.objects.get().batch_id is not None
        assert_counts(told, others)
    settle()
    assert not QuarantinedRow.objects.exists()
    assert_as_told(told)


def test_nothing_is_handed_over_while_the_server_takes_nothing(
    told: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retell, "MOST_IN_VAIN", 5)
    monkeypatch.setattr(service, "PATIENCE_SECONDS", 2.0)

    with failing("1", UNKNOWN), pytest.raises(Unavailable, match=f"code {UNKNOWN}"):
        rebuild_now()

    assert not OutboxEntry.objects.exists()
    assert ClickHouseRebuild.objects.get().runs_told == 0
    rebuild_now()
    assert_as_told(told)


def test_states_that_are_refused_stop_nothing_and_are_set_aside_once(told: Workspace) -> None:
    with failing("status = 'ignored'", REFUSED, "error_group_states_v1"):
        rebuild_now()
        settle()

        aside = QuarantinedRow.objects.get()
        assert aside.kind == OutboxEntry.Kind.GROUP_STATES
        assert f"code {REFUSED}" in aside.reason
        assert {
            group["errorMessage"] for group in told.errors(status="resolved", period="90d")
        } == {
            "alpha",
            "gamma",
        }
        delete_all(told, "error_group_states_v1")
        verdict = verify_environment(told.tenant, repair=True)
        settle()
        assert (verdict.before.total, verdict.after.total) == (3, 1)
        assert QuarantinedRow.objects.count() == 1
    call_command("verify_counts", "--repair", stdout=StringIO())
    assert_as_told(told)


@pytest.fixture
def reports_at_the_end(told: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A report arrives before everything that the last step of a rebuild does."""
    sent: list[str] = []
    insist = service.insist_on_turn

    def insist_and_report() -> None:
        insist()
        rebuild = rebuilds.unfinished()
        if rebuild is not None and rebuild.states_told_at is not None:
            assert len(sent) < 50, "the rebuild does not come to its end"
            sent.append(f"late{len(sent)}")
            told.send(boom(sent[-1], "alpha", 30))

    monkeypatch.setattr(service, "insist_on_turn", insist_and_report)
    return sent


def test_a_rebuild_ends_while_reports_arrive(
    told: Workspace, reports_at_the_end: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs_app.queries.outbox.BATCH_ROWS", 1)
    told.send(boom("waits0", "beta", 31))
    told.send(boom("waits1", "beta", 32))

    rebuild_now()

    claimed = OutboxEntry.objects.filter(batch_id__isnull=False)
    assert claimed.count() == 2
    assert OutboxEntry.objects.filter(batch_id=None).count() == len(reports_at_the_end) > 0
    settle()
    assert verify_environment(told.tenant, repair=False).found == []
    assert len(told.runs(**{"page[size]": "100"})) == TaskRun.objects.count()


def test_a_slice_mends_the_minutes_of_a_few_days(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "SLICE_DAYS", 2)
    day = 24 * 60
    prod.report(*(boom(f"of{n}", "alpha", -day * (n % 5)) for n in range(10)))
    mended: list[int] = [0]

    def listen(point: FaultPoint) -> None:
        mended[-1] += point is FaultPoint.AFTER_MINUTES

    def next_slice(_progress: Any) -> None:
        mended.append(0)

    with listening(listen):
        rebuild(never, next_slice)

    assert [count for count in mended if count] == [2] * 5
    assert verify_environment(prod.tenant, repair=False).found == []
