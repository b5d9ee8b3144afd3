"""What is merged survives what happens to the stores."""

from datetime import timedelta
from io import StringIO

from django.core.management import call_command

from errors_app.models import ErrorGroupState
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.times import iso, utc_now
from runs_app.services.findings import Kind
from runs_app.services.verify import verify_environment
from tests.merging.conftest import Merging
from tests.retention.sweeping import sweep


def forget_states(merging: Merging) -> None:
    clickhouse().command(
        "test",
        "DELETE FROM error_group_states_v1 WHERE environment_id = {environment:String}"
        " SETTINGS lightweight_deletes_sync = 2, mutations_sync = 2",
        {"environment": merging.workspace.tenant.environment_id},
    )


def test_a_rebuild_tells_what_is_merged_anew(merging: Merging) -> None:
    merging.merge("A", "B", "C")
    merging.split("A", "C")

    call_command("rebuild_clickhouse", "--yes", stdout=StringIO())

    assert merging.named() == {"A": 3, "C": 3}
    assert merging.detail("B")["count"] == 3


def test_verifying_finds_and_mends_a_copy_that_lost_it(merging: Merging) -> None:
    merging.merge("A", "B")
    forget_states(merging)
    assert merging.named() != {"A": 3, "C": 3}

    found = verify_environment(merging.workspace.tenant, repair=True)

    assert found.before.numbers == {Kind.STATE: 2}
    assert not found.remaining
    assert merging.named() == {"A": 3, "C": 3}


def test_a_dead_member_keeps_its_first_time_as_long_as_another_lives(merging: Merging) -> None:
    now = utc_now()
    old = iso(now - timedelta(days=5))
    merging.fail("D", failedAt=old, createdAt=old)
    merging.merge("D", "A")
    merging.fail("E", failedAt=old, createdAt=old)

    # In 87 days the failures of D and E are past retention, and that of A is not.
    sweep(now + timedelta(days=87))

    rows = clickhouse().query(
        "test",
        "SELECT error_fingerprint FROM errors_v1 WHERE environment_id = {environment:String}",
        {"environment": merging.workspace.tenant.environment_id},
    )
    known = {fingerprint for (fingerprint,) in rows}
    assert merging.fingerprint("D") in known
    assert merging.fingerprint("E") not in known
    detail = merging.detail("A")
    assert (detail["id"], detail["firstSeen"]) == (merging.id("D"), old)


def test_deleting_the_environment_takes_all_along(merging: Merging) -> None:
    merging.merge("A", "B")

    merging.workspace.environment.delete()

    assert not ErrorGroupState.objects.exists()
