"""Every place that shows how often a group failed, compared with what is true."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings

from errors_app.domain.groups import GroupKey
from errors_app.queries.occurrences import read_histogram
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.times import iso, utc_now
from runs_app.domain.window import floor_minute, retained_window
from runs_app.services.verify import verify_environment
from tests.conftest import Workspace

FAILED_RUNS = """
SELECT task_identifier, friendly_id, task_version
FROM error_runs_v1 FINAL
WHERE environment_id = {environment:String} AND error_fingerprint = {fingerprint:String}
"""


class Failure(NamedTuple):
    """Where and when a run counts. `message`: the text its group shows, which makes the group
    unless a fingerprint is given."""

    task: str
    message: str
    version: str = ""
    at: datetime | None = None
    fingerprint: str = ""


class Seen(NamedTuple):
    """When a group failed first and last, over every failure ever counted."""

    first: datetime
    last: datetime


def assert_counts(
    workspace: Workspace,
    failures: Mapping[str, Failure],
    seen: Mapping[tuple[str, str], Seen] | None = None,
) -> None:
    """List, detail, minutes, failed runs and the runs behind each group say exactly this.

    `failures`: the runs that count now, by friendly id. `seen`: by task and fingerprint, where
    first and last seen are to be looked at, too.
    """
    groups = workspace.errors(period="90d", **{"page[size]": "100"})
    told = any(failure.fingerprint for failure in failures.values())

    def identity(group: Mapping[str, str]) -> tuple[str, str, str]:
        fingerprint = group["fingerprint"] if told else ""
        return group["taskIdentifier"], group["errorMessage"], fingerprint

    expected = Counter((f.task, f.message, f.fingerprint) for f in failures.values())
    shown = {identity(group): group["count"] for group in groups}
    assert shown == dict(expected)
    assert len(groups) == len(shown)
    window = retained_window(utc_now(), timedelta(days=settings.RETENTION_DAYS))
    for group in groups:
        task = group["taskIdentifier"]
        members = {
            run_id: failure
            for run_id, failure in failures.items()
            if (failure.task, failure.message, failure.fingerprint) == identity(group)
        }
        query = {"taskIdentifier": task}
        detail = workspace.api.get(f"/api/v1/errors/{group['id']}", query).body
        assert detail["count"] == len(members)
        if seen is not None:
            times = seen[task, group["fingerprint"]]
            for one in (group, detail):
                assert (one["firstSeen"], one["lastSeen"]) == (iso(times.first), iso(times.last))
                assert one["errorMessage"] == group["errorMessage"]
        key = GroupKey(group["fingerprint"], task)
        minutes = read_histogram(workspace.tenant, key, window, timedelta(minutes=1))
        versions: Counter[str] = Counter()
        for bucket in minutes:
            versions[bucket.task_version] += bucket.count
        assert versions == Counter(failure.version for failure in members.values())
        if all(failure.at for failure in members.values()):
            assert {(bucket.start, bucket.task_version): bucket.count for bucket in minutes} == (
                Counter((floor_minute(f.at), f.version) for f in members.values() if f.at)
            )
        rows = clickhouse().query(
            "failed runs",
            FAILED_RUNS,
            {
                "environment": workspace.tenant.environment_id,
                "fingerprint": group["fingerprint"],
            },
        )
        assert sorted(row[1:] for row in rows if row[0] == task) == sorted(
            (run_id, failure.version) for run_id, failure in members.items()
        )
        behind = workspace.runs(error=group["id"], **query, **{"page[size]": "100"})
        assert {run["id"] for run in behind} == set(members)
    assert verify_environment(workspace.tenant, repair=False).found == []
