"""The disk under the data directory is full, and has space again."""

from pathlib import Path

from tests.accidents.disks import fill
from tests.accidents.load import Load, assert_all_counted, assert_refusal, new_keys
from tests.serve.conftest import Start
from tests.serve.family import within


def test_a_full_disk_loses_nothing_and_needs_no_restart(disk: Path, start: Start) -> None:
    family = start(data=disk, FAULTLINE_MIN_FREE_DISK="0").wait_until_ready()
    try:
        key = new_keys(family)["prod"]
        load = Load(family, key).start()
        load.wait_for(200, 20)

        ballast = fill(disk, until=0)
        if family.environment["DATABASE_URL"]:
            # The outbox is elsewhere: everything is taken, and waits.
            within(60, lambda: family.get("/readyz").body["replication"]["lagSeconds"] > 2)
        else:
            load.wait_for(503, 30)
        alive = family.get("/healthz")
        ballast.unlink()
        load.wait_for(200, 20)
        load.stop()

        assert alive.status == 200
        for refusal in load.refusals:
            assert_refusal(refusal)
        assert_all_counted(family, key, load.taken)
    finally:
        family.end()
