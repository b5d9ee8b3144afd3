"""Whether everything a soak sent is there, and counted once. Needs Django's settings."""

from typing import Final

from bench.reports import error_of, task_of
from bench.service import HttpClient, Service
from bench.soak_log import Comparison
from bench.teams import GROUPS, Tally
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.grouping.resolve import group_error
from runs_app.domain.tenant import Tenant
from runs_app.models import TaskRun
from runs_app.services.credentials import find_api_key

ASKED_OF_THE_API: Final = 25

RUNS: Final = """
SELECT uniqExact(run_id)
FROM task_runs_v2
WHERE environment_id = {environment:String}
"""
OCCURRENCES: Final = """
SELECT error_fingerprint, task_identifier, sum(count)
FROM error_occurrences_v1
WHERE environment_id = {environment:String}
GROUP BY error_fingerprint, task_identifier
"""
FAILED_RUNS: Final = """
SELECT error_fingerprint, task_identifier, count()
FROM error_runs_v1 FINAL
WHERE environment_id = {environment:String}
GROUP BY error_fingerprint, task_identifier
"""

Counts = dict[tuple[str, str], int]


def compare_counts(service: Service, environment: str, total: Tally) -> list[Comparison]:
    """Every number twice: as sent and as found. Of groups, also how many differ."""
    key = find_api_key(service.keys[environment])
    if key is None:
        raise SystemExit(f"The key of {environment} does not open it.")
    tenant = key.environment.tenant()
    sent: Counts = {
        (group_error(error_of(group)).fingerprint, task_of(group)): count
        for group, count in total.failures.items()
        if count
    }
    occurrences, failed_runs = _counts(tenant, OCCURRENCES), _counts(tenant, FAILED_RUNS)
    api = _counts_of_the_api(service, environment, sent)
    return [
        Comparison("runs, relational store", total.runs, _relational_runs(tenant)),
        Comparison("runs, ClickHouse", total.runs, _clickhouse_runs(tenant)),
        Comparison("failures, all groups", sum(sent.values()), sum(occurrences.values())),
        Comparison("failed runs, all groups", sum(sent.values()), sum(failed_runs.values())),
        Comparison("groups", len(sent), len(occurrences)),
        Comparison(f"groups whose count differs (of {GROUPS:,})", 0, _differing(sent, occurrences)),
        Comparison("groups whose failed runs differ", 0, _differing(sent, failed_runs)),
        Comparison(f"of {len(api)} groups asked of the API, that differ", 0,
                   sum(sent[group] != count for group, count in api.items())),
    ]  # fmt: skip


def _differing(sent: Counts, found: Counts) -> int:
    return sum(sent.get(group, 0) != found.get(group, 0) for group in {*sent, *found})


def _relational_runs(tenant: Tenant) -> int:
    return TaskRun.objects.filter(environment_id=tenant.environment_id).count()


def _clickhouse_runs(tenant: Tenant) -> int:
    rows = clickhouse().command("bench runs", RUNS, {"environment": tenant.environment_id})
    return int(rows[0][0])


def _counts(tenant: Tenant, sql: str) -> Counts:
    """Of every group that is shown, by fingerprint and task."""
    rows = clickhouse().command("bench counts", sql, {"environment": tenant.environment_id})
    return {(str(row[0]), str(row[1])): int(row[2]) for row in rows if row[2]}


def _counts_of_the_api(service: Service, environment: str, sent: Counts) -> Counts:
    """What the detail of the most frequent groups says."""
    connection = HttpClient(service.port, service.keys[environment])
    counts: Counts = {}
    for group in sorted(sent, key=lambda group: -sent[group])[:ASKED_OF_THE_API]:
        fingerprint, task = group
        path = f"/api/v1/errors/error_{fingerprint}?taskIdentifier={task}"
        counts[group] = int(connection.get_json(path)["count"])
    connection.close()
    return counts
