"""ClickHouse's directory is deleted while one family serves: everything goes on, and comes back."""

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.serve.conftest import Start
from tests.serve.family import Answer, Family, within

CLICKHOUSE = "clickhouse.embedded"
PATIENCE = 120
WARNING = "ClickHouse has no runs although the relational store has"


@pytest.fixture(scope="module")
def family(start: Start) -> Family:
    return start().wait_until_ready()


@pytest.fixture(scope="module")
def headers(family: Family) -> dict[str, str]:
    told = json.loads(family.manage("bootstrap", "--new-keys", "--json"))
    return {"Authorization": f"Bearer {told['environments']['prod']['apiKey']}"}


@pytest.fixture(scope="module")
def report(family: Family, headers: dict[str, str]) -> Callable[..., Answer]:
    def sent(run_id: str, error: str) -> Answer:
        run = {"id": run_id, "taskIdentifier": "send", "status": "FAILED", "error": error}
        return family.post("/api/v1/runs", run, **headers)

    return sent


def counts(family: Family, headers: dict[str, str]) -> dict[str, int]:
    answer = family.get("/api/v1/errors", **headers)
    assert answer.status == 200, answer.body
    return {group["errorMessage"]: group["count"] for group in answer.body["data"]}


def readiness(family: Family) -> dict[str, Any]:
    body: dict[str, Any] = family.get("/readyz").body
    return body


def is_settled(family: Family) -> bool:
    told = readiness(family)
    return told["status"] == "ok" and told["replication"]["waitingRows"] == 0


def delete_clickhouse(family: Family) -> None:
    place = family.data / "clickhouse"
    # At once, so that the engine adds nothing to what is being deleted.
    shutil.rmtree(place.rename(place.with_name("deleted")), ignore_errors=True)


def test_reads_answer_again_after_the_directory_was_deleted_and_a_rebuild_brings_all_back(
    family: Family, headers: dict[str, str], report: Callable[..., Answer]
) -> None:
    assert report("run_1", "Before").status == 200
    assert report("run_2", "Before").status == 200
    within(PATIENCE, lambda: is_settled(family))
    before = counts(family, headers)
    [old] = family.pids(CLICKHOUSE)

    delete_clickhouse(family)
    with contextlib.suppress(ProcessLookupError):  # it has seen it by itself
        os.kill(old, signal.SIGKILL)
    meanwhile = report("run_3", "Meanwhile")

    assert before == {"Before": 2}
    assert meanwhile.status == 200
    # Nobody told ClickHouse's tables to come back, and what came meanwhile is in them.
    within(PATIENCE, lambda: family.get("/api/v1/errors", **headers).status == 200)
    within(PATIENCE, lambda: is_settled(family))
    assert counts(family, headers) == {"Meanwhile": 1}
    within(PATIENCE, lambda: f"{WARNING} 2 that it was told of" in family.log.read_text())

    family.manage("rebuild_clickhouse", "--yes")

    within(PATIENCE, lambda: is_settled(family))
    assert counts(family, headers) == {"Before": 2, "Meanwhile": 1}
    family.manage("verify_counts")


def test_a_rebuild_right_after_the_directory_was_deleted_reaches_the_engine_that_serves(
    family: Family, headers: dict[str, str], report: Callable[..., Answer]
) -> None:
    assert report("run_4", "Again").status == 200
    within(PATIENCE, lambda: is_settled(family))
    before = counts(family, headers)
    [old] = family.pids(CLICKHOUSE)

    delete_clickhouse(family)
    # The engine is alive, and takes this or does not: the relational store has it in any case.
    meanwhile = report("run_5", "Again")
    family.manage("rebuild_clickhouse", "--yes")

    assert meanwhile.status == 200
    within(PATIENCE, lambda: is_settled(family))
    within(PATIENCE, lambda: len(family.pids(CLICKHOUSE)) == 1)
    assert family.pids(CLICKHOUSE) != [old]
    assert counts(family, headers) == {**before, "Again": 2}
    family.manage("verify_counts")
