"""How much more a list of one status costs than the list of all groups."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from django.db import transaction

from bench.decided import Decided
from bench.family import pids_of_role
from bench.pacing import percentile
from bench.reads import bare_read, path_of
from bench.service import HttpClient, Service, now
from bench.tables import Table
from errors_app.domain.groups import UNTOUCHED
from errors_app.queries.states import MIRROR_COLUMNS, mirror_row
from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry
from runs_app.queries import outbox
from runs_app.services.write_turns import write_turn

ENVIRONMENT: Final = "prod"
SORTS: Final = ("-count", "count", "-lastSeen", "lastSeen", "-firstSeen", "firstSeen")
PERIODS: Final = ("1d", "30d")
STATUSES: Final = ("", "unresolved", "resolved", "ignored")
WAITING: Final = (1, 100, 5_000)
WARM_UP: Final = 2
COLUMNS: Final = (
    "list", "all, ms", "unresolved", "times", "resolved", "times", "ignored", "times",
    "bare: all", "unresolved", "times",
)  # fmt: skip


def measure_lists(service: Service, requests: int) -> Table:
    """Of each list the first page and the one after it."""
    return Table("Lists by status, one client", COLUMNS, _rows_of_lists(service, requests))


def _rows_of_lists(service: Service, requests: int) -> Iterator[Sequence[str]]:
    for period in PERIODS:
        for sort in SORTS:
            queries = [_query(period, sort, status) for status in STATUSES]
            yield _row(service, f"{period} {sort}", queries, requests)
            later = [_next(service, query) for query in queries]
            yield _row(service, f"{period} {sort}, second page", later, requests)


def measure_waiting(service: Service, decided: Decided, requests: int) -> Table:
    """With states in the outbox of which ClickHouse was not told yet."""
    return Table(
        "The same while the worker is away and states wait for it",
        COLUMNS,
        _rows_of_waiting(service, decided, requests),
    )


def _rows_of_waiting(service: Service, decided: Decided, requests: int) -> Iterator[Sequence[str]]:
    for waiting in WAITING:
        with _worker_away(service), _states_waiting(decided, waiting):
            for sort in ("-count", "-lastSeen"):
                queries = [_query("1d", sort, status) for status in STATUSES]
                yield _row(service, f"1d {sort}, {waiting:,} waiting", queries, requests)


def _row(
    service: Service, name: str, queries: Sequence[dict[str, str]], requests: int
) -> Sequence[str]:
    """In turns, so that whatever else the machine does meets all alike."""
    connection = HttpClient(service.port, service.keys[ENVIRONMENT])
    calls: list[Callable[[], object]] = []
    for query in queries:
        path = path_of("/api/v1/errors", query)
        replay, _ = bare_read(path, service.keys[ENVIRONMENT])
        calls += [partial(connection.get_json, path), replay]
    taken: list[list[float]] = [[] for _ in calls]
    for number in range(WARM_UP + requests):
        for call, times in zip(calls, taken, strict=True):
            before = now()
            call()
            if number >= WARM_UP:
                times.append(now() - before)
    connection.close()
    middle = [percentile(sorted(times), 50) * 1_000 for times in taken]
    over_http, bare = middle[::2], middle[1::2]
    cells = [name, f"{over_http[0]:.1f}"]
    for milliseconds in over_http[1:]:
        cells += [f"{milliseconds:.1f}", f"{milliseconds / over_http[0]:.2f}"]
    return (*cells, f"{bare[0]:.1f}", f"{bare[1]:.1f}", f"{bare[1] / bare[0]:.2f}")


def _query(period: str, sort: str, status: str) -> dict[str, str]:
    query = {"sort": sort, "filter[period]": period}
    return {**query, "filter[status]": status} if status else query


def _next(service: Service, query: dict[str, str]) -> dict[str, str]:
    """The page after the first hundred, where there is one."""
    connection = HttpClient(service.port, service.keys[ENVIRONMENT])
    page = connection.get_json(path_of("/api/v1/errors", {**query, "page[size]": "100"}))
    connection.close()
    cursor = page["pagination"].get("next")
    return {**query, "page[after]": cursor} if cursor else query


@contextlib.contextmanager
def _worker_away(service: Service) -> Iterator[None]:
    """It is stopped, and does not know."""
    pids = pids_of_role(service.pid, "worker")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def _states_waiting(decided: Decided, count: int) -> Iterator[None]:
    """Entries as a change leaves them that ClickHouse could not be told of."""
    rows = [mirror_row(decided.tenant, key, UNTOUCHED, 0) for key in decided.keys[:count]]
    with write_turn(), transaction.atomic():
        entry = outbox.enqueue(
            decided.tenant,
            OutboxEntry.Kind.GROUP_STATES,
            rows,
            utc_now(),
            columns=MIRROR_COLUMNS,
        )
    try:
        yield
    finally:
        with write_turn(), transaction.atomic():
            OutboxEntry.objects.filter(pk=entry.pk).delete()
