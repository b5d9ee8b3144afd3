"""`manage.py verify_counts` where an entry was set aside that does not tell whose rows it has."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from runs_app.models import OutboxEntry, QuarantinedRow
from runs_app.services.findings import MOST_EXAMPLES, Findings, Kind
from runs_app.services.quarantine import drop, try_again
from runs_app.services.verify import verify_environment
from tests.conftest import Workspace, settle
from tests.counting.figures import Failure, assert_counts
from tests.verify.history import at, boom, healed

AFTER = {
    "run_moved": Failure("send-mail", "beta", "", at(1)),
    "run_new": Failure("send-mail", "beta", "", at(2)),
}


@pytest.fixture
def content(prod: Workspace) -> bytes:
    """What was set aside, as it was before nobody could read it."""
    prod.report(boom("moved", "alpha", 1), boom("healed", "alpha", 3))
    prod.send(boom("moved", "beta", 1), boom("new", "beta", 2), healed("healed"))
    content = bytes(OutboxEntry.objects.get().content)
    OutboxEntry.objects.update(content=b"nonsense")
    settle()
    assert QuarantinedRow.objects.get().run_id == ""
    return content


@pytest.mark.parametrize("dropped", [False, True])
def test_its_runs_are_compared_and_mended_like_all_others(
    prod: Workspace, content: bytes, dropped: bool
) -> None:
    if dropped:
        drop([QuarantinedRow.objects.get().pk])
    found, repaired = StringIO(), StringIO()

    with pytest.raises(CommandError, match="wrong"):
        call_command("verify_counts", stdout=found)
    call_command("verify_counts", "--repair", stdout=repaired)

    assert "1 set aside that nobody can read" in found.getvalue()
    assert all(name in found.getvalue() for name in ("run_moved", "run_new", "run_healed"))
    assert "after the repair: 0 wrong" in repaired.getvalue()
    assert_counts(prod, AFTER)


@pytest.mark.parametrize("goes_on", [False, True])
def test_what_can_be_read_again_after_its_runs_were_mended_counts_nothing(
    prod: Workspace, content: bytes, goes_on: bool
) -> None:
    call_command("verify_counts", "--repair", stdout=StringIO())
    after = dict(AFTER)
    if goes_on:
        prod.report(boom("moved", "gamma", 1), healed("new"))
        after = {"run_moved": Failure("send-mail", "gamma", "", at(1))}

    QuarantinedRow.objects.update(content=content)
    try_again([QuarantinedRow.objects.get().pk])
    settle()

    assert not QuarantinedRow.objects.exists()
    assert_counts(prod, after)
    assert verify_environment(prod.tenant, repair=False).found == []


def test_only_the_lines_that_are_kept_are_written() -> None:
    findings = Findings()
    written: list[int] = []

    def line(number: int) -> str:
        written.append(number)
        return str(number)

    for number in range(MOST_EXAMPLES + 5):
        findings.add(Kind.MINUTE, lambda number=number: line(number))

    assert written == list(range(MOST_EXAMPLES))
    assert findings.total == MOST_EXAMPLES + 5
