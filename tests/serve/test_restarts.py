"""While one family serves: others keep out, and a member that dies is replaced."""

import json
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.serve.conftest import Start
from tests.serve.family import Family, within

WEB = "supervisor.web"
WORKER = "replicate_runs"
CLICKHOUSE = "clickhouse.embedded"
READERS = 40


@pytest.fixture(scope="module")
def family(start: Start) -> Family:
    return start().wait_until_ready()


@pytest.fixture(scope="module")
def key(family: Family) -> str:
    told = json.loads(family.manage("bootstrap", "--new-keys", "--json"))
    return str(told["environments"]["prod"]["apiKey"])


def web_of(family: Family) -> int:
    """The process that has the web's workers."""
    [web] = [pid for pid in family.pids(WEB) if family.parent_of(pid) == family.process.pid]
    return web


def test_a_second_serve_on_the_data_directory_is_refused(family: Family, start: Start) -> None:
    second = start(data=family.data)

    assert second.process.wait(timeout=60) != 0
    assert "Another `manage.py serve` uses" in second.log.read_text()
    assert family.get("/readyz").status == 200


def test_another_command_uses_the_clickhouse_that_serve_runs(family: Family) -> None:
    before = family.pids(CLICKHOUSE)

    output = family.manage("migrate_clickhouse")

    assert output.strip() == "nothing to do"
    assert family.pids(CLICKHOUSE) == before


def test_static_files_are_collected_and_may_be_kept_for_ever(family: Family) -> None:
    page = family.get("/admin/login/").body

    [path] = set(re.findall(r'href="(/static/admin/css/base\.[0-9a-f]{12}\.css)"', page))
    answer = family.get(path)
    assert answer.status == 200
    assert "immutable" in answer.headers["Cache-Control"]


def test_a_killed_web_process_is_replaced_with_all_its_workers(family: Family) -> None:
    old = set(family.pids(WEB))

    os.kill(web_of(family), signal.SIGKILL)
    # Its workers die with it, and whoever they had just accepted is cut off.
    within(60, lambda: not old & set(family.pids(WEB)))

    # Nobody is refused meanwhile: the request waits in the queue of the socket.
    assert family.get("/healthz").status == 200
    within(60, lambda: len(family.pids(WEB)) == len(old))


def test_a_killed_web_worker_is_replaced(family: Family) -> None:
    web = web_of(family)
    old = [pid for pid in family.pids(WEB) if pid != web]

    os.kill(old[0], signal.SIGKILL)

    within(60, lambda: old[0] not in family.pids(WEB) and len(family.pids(WEB)) == len(old) + 1)
    assert web_of(family) == web
    assert family.get("/healthz").status == 200


def test_a_killed_worker_is_replaced(family: Family) -> None:
    [old] = family.pids(WORKER)

    os.kill(old, signal.SIGKILL)

    within(60, lambda: family.pids(WORKER) not in ([], [old]))


def test_a_killed_clickhouse_makes_readiness_fail_until_it_is_back(family: Family) -> None:
    [old] = family.pids(CLICKHOUSE)
    [worker] = family.pids(WORKER)
    # Stopped first, so that the answer in between is seen for certain.
    os.kill(old, signal.SIGSTOP)
    hanging = family.get("/readyz")
    alive = family.get("/healthz")

    os.kill(old, signal.SIGKILL)

    assert hanging.status == 503
    assert hanging.body["clickhouse"] == "unavailable"
    assert hanging.body["database"] == "ok"
    assert hanging.headers["Retry-After"] == "5"
    assert alive.status == 200
    within(60, lambda: family.get("/readyz").status == 200)
    assert family.pids(CLICKHOUSE) != [old]
    assert family.pids(WORKER) == [worker]


def test_reads_do_not_queue_for_a_clickhouse_that_stays_away(family: Family, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    run = {"id": "run_2", "taskIdentifier": "send", "status": "COMPLETED"}
    [clickhouse] = family.pids(CLICKHOUSE)
    # So that nobody starts it again.
    family.process.send_signal(signal.SIGSTOP)
    try:
        os.kill(clickhouse, signal.SIGKILL)
        # One thread for each read and the report; a family's client waits for half a minute.
        with ThreadPoolExecutor(READERS + 1) as pool:
            reads = [pool.submit(family.get, "/api/v1/errors", **headers) for _ in range(READERS)]
            report = pool.submit(family.post, "/api/v1/runs", run, **headers)

            answers = [read.result() for read in reads]
    finally:
        family.process.send_signal(signal.SIGCONT)

    assert {answer.status for answer in answers} == {503}
    assert report.result().status == 200
    within(60, lambda: family.get("/readyz").status == 200)


def test_a_clickhouse_killed_while_it_starts_is_left_to_serve(family: Family, key: str) -> None:
    endpoint = family.data / "clickhouse" / "endpoint.json"
    [first] = family.pids(CLICKHOUSE)
    os.kill(first, signal.SIGKILL)
    # The next one removes it first of all.
    within(60, lambda: not endpoint.exists())
    family.process.send_signal(signal.SIGSTOP)
    try:
        for pid in family.pids(CLICKHOUSE):
            os.kill(pid, signal.SIGKILL)
        answer = family.get("/api/v1/errors", Authorization=f"Bearer {key}")

        others = family.pids("--on-demand")
    finally:
        family.process.send_signal(signal.SIGCONT)

    assert answer.status == 503
    assert others == []
    within(60, lambda: family.get("/readyz").status == 200)


def test_a_report_taken_while_clickhouse_is_dead_is_counted_when_it_is_back(
    family: Family, key: str
) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    [clickhouse] = family.pids(CLICKHOUSE)
    run = {"id": "run_1", "taskIdentifier": "send", "status": "FAILED", "error": "Boom"}

    os.kill(clickhouse, signal.SIGKILL)
    taken = family.post("/api/v1/runs", run, **headers)

    assert (taken.status, taken.body["accepted"]) == (200, 1)
    within(60, lambda: family.get("/readyz").body["replication"]["waitingRows"] == 0)
    [group] = family.get("/api/v1/errors", **headers).body["data"]
    assert (group["errorMessage"], group["count"]) == ("Boom", 1)
