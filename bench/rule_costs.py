"""What rules cost: the worker after each batch, and the sweep."""

import resource
from collections.abc import Iterator, Sequence
from typing import Final

from bench.decided import BENCH, FAILURES_PER_GROUP, SHARE, Decided, fail_again, tenant_of_key
from bench.reports import error_of, task_of, templates
from bench.service import Service, now
from bench.tables import Table
from bench.writes import measure_batch
from errors_app.domain.decisions import Decision, Resolution, ignoring, resolving
from errors_app.domain.groups import GroupKey, GroupState, IgnoreConditions
from errors_app.services.state_changes import change_states
from errors_app.services.sweep import sweep
from runs_app.domain.grouping.resolve import group_error
from runs_app.domain.times import utc_now

INGEST_ENVIRONMENT: Final = "staging"
INGEST_GROUPS: Final = 5_000
DECIDED: Final = (0, 500, 5_000)
BATCH: Final = 1_000
SWEEPS: Final = 3
AGAIN: Final = 1_000
OLDER_VERSION: Final = "20260101.1"
NEWER_VERSION: Final = "20260101.9"


def measure_sweep(decided: Decided) -> Table:
    """In this process, as the worker does it."""
    return Table(
        f"A sweep over {decided.resolved:,} resolved and {decided.ignored:,} ignored groups, half"
        " of which wait for a total",
        ("found", "seconds", "of them CPU, of Python", "came back", "memory grew by, MB"),
        _rows_of_sweeps(decided),
    )


def _rows_of_sweeps(decided: Decided) -> Iterator[Sequence[str]]:
    resolved = [number for number in range(len(decided.keys)) if number % SHARE > 1]
    for _ in range(SWEEPS):
        yield _swept(decided, "nothing")
    fail_again(decided.tenant, resolved[:AGAIN], OLDER_VERSION, utc_now())
    for _ in range(SWEEPS):
        yield _swept(decided, f"{AGAIN:,} resolved ones failed again in an older version")
    fail_again(decided.tenant, resolved[:AGAIN], NEWER_VERSION, utc_now())
    yield _swept(decided, f"{AGAIN:,} in a newer one")


def _swept(decided: Decided, name: str) -> Sequence[str]:
    used, began = resource.getrusage(resource.RUSAGE_SELF), now()
    came_back = sum(sum(part.values()) for part in sweep(decided.tenant))
    took, after = now() - began, resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    grown = (after.ru_maxrss - used.ru_maxrss) / 1_024
    return name, f"{took:.2f}", f"{spent:.2f}", f"{came_back:,}", f"{grown:.0f}"


def measure_ingest(service: Service, seconds: float) -> Table:
    """Half of the decided groups are ignored until a total, half resolved in a later version: those
    that are looked at, and stay."""
    return Table(
        f"Writes in batches of {BATCH:,}, 8 clients, a fifth failed in {INGEST_GROUPS:,} groups",
        (
            "groups decided", "runs", "accepted/s", "visible/s", "last visible",
            "CPU ms/run", "web", "worker", "clickhouse",
        ),
        _rows_of_ingest(service, seconds),
    )  # fmt: skip


def _rows_of_ingest(service: Service, seconds: float) -> Iterator[Sequence[str]]:
    prepared = list(templates(INGEST_GROUPS))
    for count in DECIDED:
        _decide(service, count)
        written = measure_batch(service, prepared, BATCH, seconds)
        parts = written.cpu_ms_per_run_by_part
        yield (
            f"{count:,}",
            f"{written.runs:,}",
            f"{written.accepted_per_second:,.0f}",
            f"{written.visible_per_second:,.0f}",
            f"+{written.last_visible_after_seconds:.2f} s",
            f"{written.cpu_ms_per_run:.3f}",
            *(f"{parts.get(part, 0.0):.3f}" for part in ("web", "worker", "clickhouse")),
        )


def _decide(service: Service, count: int) -> None:
    """The first `count` groups, from this moment on."""
    at = utc_now()
    total = IgnoreConditions(total_occurrences=10**9)
    choices = (
        ignoring(total, FAILURES_PER_GROUP, BENCH, at),
        resolving(Resolution(version=NEWER_VERSION), BENCH, at),
    )
    wanted: dict[GroupKey, Decision] = {
        GroupKey(group_error(error_of(number)).fingerprint, task_of(number)): choices[number % 2]
        for number in range(count)
    }

    def decision(key: GroupKey, _: GroupState) -> Decision:
        return wanted[key]

    change_states(tenant_of_key(service.keys[INGEST_ENVIRONMENT]), wanted, decision, BENCH, at)
