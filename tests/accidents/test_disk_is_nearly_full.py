"""Reports are refused before the disk under the data directory is full."""

from pathlib import Path

from tests.accidents.disks import fill, free_bytes
from tests.accidents.load import Load, assert_all_counted, assert_refusal, new_keys
from tests.conftest import failed
from tests.serve.conftest import Start

LEAST_FREE = 64_000_000


def test_reports_are_refused_before_the_disk_is_full_and_taken_when_it_has_space(
    disk: Path, start: Start
) -> None:
    family = start(data=disk, FAULTLINE_MIN_FREE_DISK=str(LEAST_FREE)).wait_until_ready()
    try:
        key = new_keys(family)["prod"]
        load = Load(family, key).start()
        load.wait_for(200, 20)

        ballast = fill(disk, until=LEAST_FREE - 10_000_000)
        load.wait_for(503, 5)
        # Whoever sends much before it reads anything gets to read the refusal.
        big = [{**failed(f"big-{n}"), "output": "x" * 40_000} for n in range(100)]
        refused = family.post("/api/v1/runs", big, Authorization=f"Bearer {key}")
        told = family.get("/readyz")
        listed = family.get("/api/v1/errors", Authorization=f"Bearer {key}")
        free = free_bytes(disk)
        ballast.unlink()
        load.wait_for(200, 20)
        load.stop()

        assert (told.status, told.body["status"]) == (200, "degraded")
        assert told.body["ingest"]["accepting"] is False
        assert told.body["ingest"]["refusedFor"] == "disk"
        assert told.body["ingest"]["freeDiskBytes"] < LEAST_FREE
        assert listed.status == 200
        assert free > LEAST_FREE // 2
        for refusal in (refused, *load.refusals):
            assert_refusal(refusal)
            assert refusal.headers["Retry-After"] == "60"
        assert_all_counted(family, key, load.taken)
        lines = family.log.read_text()
        workers = len(family.pids("supervisor.web")) - 1
        assert 1 <= lines.count("reports are refused (disk)") <= workers
    finally:
        family.end()
