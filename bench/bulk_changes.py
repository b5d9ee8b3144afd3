"""How long one decision about many groups takes over HTTP, and taking it back."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.db import transaction

from bench.decided import fail_often, tenant_of_key
from bench.pacing import percentile
from bench.service import HttpClient, Service, now
from bench.tables import Table
from errors_app.models import BulkOperation, ErrorGroupActivity, ErrorGroupState
from runs_app.domain.ids import error_id
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.services.write_turns import write_turn

ENVIRONMENT: Final = "staging"
# As many as one operation may change.
GROUPS: Final = 5_000
BY_ID: Final = (1, 100, 1_000)
# Of more groups than this fewer are enough, and take their time.
MANY: Final = 1_000
FEW_REQUESTS: Final = 5
COLUMNS: Final = ("groups", "changes", "resolve, new: p50 ms", "max", "undo: p50 ms", "max",
                  "ignore, with a total: p50 ms", "max", "unresolve: p50 ms", "max")  # fmt: skip
WARM_UP: Final = 1

Answer = Mapping[str, Any]


def measure_bulk(service: Service, requests: int) -> Table:
    """New are groups nobody acted on before; the others have their rows."""
    tenant = tenant_of_key(service.keys[ENVIRONMENT])
    keys = fail_often(tenant, utc_now(), GROUPS)
    ids = [error_id(key.error_fingerprint) for key in keys]
    chosen: dict[str, tuple[int, dict[str, Any]]] = {
        f"{count:,} by id": (count, {"ids": ids[:count]}) for count in BY_ID
    }
    chosen[f"{GROUPS:,} by filter"] = (GROUPS, {"filter": {"period": "90d"}})
    rows = _rows(service, tenant, chosen, requests)
    return Table(f"One decision about many groups, of {GROUPS:,}, one client", COLUMNS, rows)


def _rows(
    service: Service,
    tenant: Tenant,
    chosen: Mapping[str, tuple[int, dict[str, Any]]],
    requests: int,
) -> Iterator[Sequence[str]]:
    for name, (count, which) in chosen.items():
        times = _times(
            HttpClient(service.port, service.keys[ENVIRONMENT]),
            lambda: _forget(tenant),
            which,
            count,
            min(requests, FEW_REQUESTS) if count >= MANY else requests,
        )
        cells = [name, f"{len(times[0])}"]
        for taken in times:
            cells += [f"{percentile(taken, 50) * 1_000:,.1f}", f"{taken[-1] * 1_000:,.1f}"]
        yield cells


def _times(
    connection: HttpClient,
    forget: Callable[[], None],
    which: Mapping[str, Any],
    count: int,
    requests: int,
) -> Sequence[Sequence[float]]:
    """Sorted seconds of resolving, undoing, ignoring and reopening the same groups."""
    taken: tuple[list[float], ...] = ([], [], [], [])
    for number in range(WARM_UP + requests):
        forget()
        times = []
        answer, seconds = _timed(connection, "", {"action": "resolve", **which})
        times.append(seconds)
        _insist(answer, "changed", count)
        answer, seconds = _timed(connection, f"/{answer['operationId']}/undo", {})
        times.append(seconds)
        _insist(answer, "restored", count)
        for body in ({"action": "ignore", "totalOccurrences": 1_000}, {"action": "unresolve"}):
            answer, seconds = _timed(connection, "", {**body, **which})
            times.append(seconds)
            _insist(answer, "changed", count)
        if number >= WARM_UP:
            for all_of_kind, one in zip(taken, times, strict=True):
                all_of_kind.append(one)
    return [sorted(times) for times in taken]


def _timed(connection: HttpClient, path: str, body: Mapping[str, Any]) -> tuple[Answer, float]:
    encoded = json.dumps(body).encode()
    before = now()
    status, answer = connection.post(f"/api/v1/errors/bulk{path}", encoded)
    seconds = now() - before
    if status != 200:
        raise SystemExit(f"A bulk change was answered {status}: {answer[:300]!r}")
    return json.loads(answer), seconds


def _insist(answer: Answer, name: str, count: int) -> None:
    if answer[name] != count:
        raise SystemExit(f"{answer[name]} groups were {name}, not {count}.")


def _forget(tenant: Tenant) -> None:
    """As if nobody had acted on any group."""
    of_tenant = {"environment_id": tenant.environment_id}
    with write_turn(), transaction.atomic():
        ErrorGroupActivity.objects.filter(state__environment_id=tenant.environment_id).delete()
        ErrorGroupState.objects.filter(**of_tenant).delete()
        BulkOperation.objects.filter(**of_tenant).delete()
