"""What the service shows, compared with the ledger."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any, Final, TypeVar
from urllib.parse import quote

from tests.chaos.client import VERSIONS, Connection, Wrong
from tests.chaos.model import STORED, Group, Ledger, RunState, iso
from tests.chaos.service import Service

# Nobody waits that long unless something is stuck.
SETTLED_SECONDS: Final = 400.0
SAMPLE: Final = 50
LIST: Final = "/api/v1/errors?filter[period]=7d&page[size]=100"

MINUTES: Final = """
SELECT error_fingerprint, task_identifier, task_version, toUnixTimestamp(minute), sum(count) AS n
FROM error_occurrences_v1
GROUP BY 1, 2, 3, 4
HAVING n != 0
"""
FAILED_RUNS: Final = """
SELECT
    friendly_id, error_fingerprint, task_identifier, task_version,
    toUnixTimestamp64Milli(failed_at)
FROM error_runs_v1 FINAL
"""
RUNS: Final = """
SELECT friendly_id, status, task_identifier, task_version
FROM task_runs_v2 FINAL
"""

T = TypeVar("T")


def until(what: str, ask: Callable[[], T | None]) -> T:
    """The first answer that is not None."""
    deadline = time.monotonic() + SETTLED_SECONDS
    while True:
        answer = ask()
        if answer is not None:
            return answer
        if time.monotonic() > deadline:
            raise Wrong(f"{what}: not within {SETTLED_SECONDS:.0f} s")
        time.sleep(0.1)


class Checker:
    """One reader of the API, with what must be true of its answers."""

    def __init__(self, service: Service, ledger: Ledger, when_well: Callable[[], None]) -> None:
        """`when_well` is called when the service has counted everything and answers."""
        self._service = service
        self._when_well = when_well
        self._ledger = ledger
        self._connection = Connection(service.address, service.key)
        self.looks = self.exact_looks = self.unanswered = 0

    def look(self) -> None:
        """Ask once. What was acknowledged before the outbox was empty counts, unless it has been
        reported anew; nothing counts that was not sent, nor what was taken back by then."""
        with self._ledger.observe() as seen:
            drained = self._is_drained()
            groups = self._groups()
            if groups is None:
                self.unanswered += 1
                return
            self.looks += 1
            counted = sum(group["count"] for group in groups)
            if counted > self._ledger.most_that_may_count():
                raise Wrong(f"{counted} counted, {self._ledger.most_that_may_count()} sent")
            if drained:
                self._when_well()
            if drained and not len(seen.certain) <= counted <= len(seen.possible):
                raise Wrong(f"{counted} counted: {len(seen.certain)} to {len(seen.possible)} are")

    def look_exactly(self) -> None:
        """While every client has its acknowledgement and sends nothing."""
        until("an empty outbox", lambda: self._is_drained() or None)
        groups = until("a list of groups", self._groups)
        same("groups", counts_of(groups), by_group(self._ledger.failures()))
        self.exact_looks += 1
        self._when_well()

    def look_at_everything(self, draw: Random) -> None:
        """After the storm: every place that shows a run or a count."""
        failures = self._ledger.failures()
        self.look_exactly()
        groups = until("a list of groups", self._groups)
        self._check_details(groups, failures)
        for version in filter(None, VERSIONS):
            of_version = {
                run_id: state for run_id, state in failures.items() if state.version == version
            }
            shown = until("a list", partial(self._groups, f"&filter[version]={version}"))
            same(f"groups of version {version}", counts_of(shown), by_group(of_version))
        self._check_runs(draw)
        self._check_tables(groups, failures)
        self._check_readiness()

    def _check_details(
        self, groups: list[dict[str, Any]], failures: Mapping[str, RunState]
    ) -> None:
        counts = by_group(failures)
        for listed in groups:
            group = group_of(listed)
            path = f"/api/v1/errors/{listed['id']}?taskIdentifier={quote(group.task)}"
            shown = self._ask(path)
            seen = self._ledger.sightings[group]
            versions = {state.version for state in failures.values() if state.group == group}
            same(
                f"detail of {group}",
                {
                    "count": shown["count"],
                    "first": (listed["firstSeen"], shown["firstSeen"]),
                    "last": (listed["lastSeen"], shown["lastSeen"]),
                    "versions": set(shown["affectedVersions"]),
                },
                {
                    "count": counts[group],
                    "first": (iso(seen.first),) * 2,
                    "last": (iso(seen.last),) * 2,
                    "versions": versions - {""},
                },
            )

    def _check_runs(self, draw: Random) -> None:
        """Some runs as the relational store has them, through the API."""
        known = self._ledger.runs
        for run_id in draw.sample(sorted(known), min(SAMPLE, len(known))):
            shown, state = self._ask(f"/api/v3/runs/{run_id}"), known[run_id]
            same(
                f"run {run_id}",
                (shown["status"], shown["taskIdentifier"], shown.get("version", "")),
                (state.status, state.task, state.version),
            )

    def _check_tables(self, groups: list[dict[str, Any]], failures: Mapping[str, RunState]) -> None:
        """The tables themselves: every minute, every failed run, every run."""
        named = {(one["fingerprint"], one["taskIdentifier"]): group_of(one) for one in groups}
        with self._service.clickhouse() as tables:
            minutes, failed, runs = (
                tables.execute(statement) for statement in (MINUTES, FAILED_RUNS, RUNS)
            )
        same(
            "minutes",
            Counter({(named.get(row[:2]), *row[2:4]): row[4] for row in minutes}),
            Counter(
                (state.group, state.version, (state.failed_at or 0) // 60_000 * 60)
                for state in failures.values()
            ),
        )
        same(
            "failed runs",
            Counter((row[0], named.get(row[1:3]), *row[3:]) for row in failed),
            Counter(
                (run_id, state.group, state.version, state.failed_at)
                for run_id, state in failures.items()
            ),
        )
        same(
            "runs",
            Counter(runs),
            Counter(
                (run_id, STORED.get(state.status, state.status), state.task, state.version)
                for run_id, state in self._ledger.runs.items()
            ),
        )

    def _check_readiness(self) -> None:
        told = until("readiness", self._service.readiness)
        replication = told["replication"]
        shown = told["status"], replication["waitingRows"], replication["quarantinedRows"]
        same("readyz", shown, ("ok", 0, 0))

    def _ask(self, path: str) -> dict[str, Any]:
        def answered() -> dict[str, Any] | None:
            answer = self._connection.ask("GET", path)
            return answer.body if answer is not None and answer.status == 200 else None

        return until(path, answered)

    def _is_drained(self) -> bool:
        told = self._service.readiness()
        replication = None if told is None else told["replication"]
        return replication is not None and replication["waitingRows"] == 0

    def _groups(self, filters: str = "") -> list[dict[str, Any]] | None:
        answer = self._connection.ask("GET", LIST + filters)
        if answer is None or answer.status != 200:
            return None
        groups: list[dict[str, Any]] = answer.body["data"]
        return groups


def group_of(shown: Mapping[str, Any]) -> Group:
    return Group(shown["taskIdentifier"], shown["errorMessage"])


def counts_of(groups: list[dict[str, Any]]) -> Counter[Group | None]:
    return Counter({group_of(group): group["count"] for group in groups})


def by_group(failures: Mapping[str, RunState]) -> Counter[Group | None]:
    return Counter(state.group for state in failures.values())


def same(what: str, shown: Any, expected: Any) -> None:
    """Raises Wrong with what differs, not with all there is."""
    if shown == expected:
        return
    if isinstance(expected, Counter):
        few, many = dict((expected - shown).most_common(8)), dict((shown - expected).most_common(8))
        raise Wrong(
            f"{what}: {(expected - shown).total()} too few, {(shown - expected).total()} too"
            f" many; too few are {few}, too many are {many}"
        )
    raise Wrong(f"{what}: {shown} is shown, {expected} is true")
