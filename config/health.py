"""Whether this process answers, and whether it has what it needs. For probes: no credentials.

Answers name constant words only. A store that hangs costs a request two seconds and one thread of
the process, however many requests ask.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import Error as DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.failures import ClickHouseFault
from runs_app.clickhouse.migrate import MigrationRefused, pending
from runs_app.domain.errors import DomainError
from runs_app.services.store_figures import StoreFigures, read_store_figures
from runs_app.services.stores import relational_migrations_pending

log = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 2.0
RETRY_AFTER_SECONDS: Final = 5
NO_STORE: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}

OK: Final = "ok"
DEGRADED: Final = "degraded"
UNAVAILABLE: Final = "unavailable"
MIGRATIONS_PENDING: Final = "migrations pending"
# From files, not from memory: of each table that reads and counts need, up to one row.
READ_TABLES: Final = """
(SELECT environment_id FROM task_runs_v2 LIMIT 1)
UNION ALL
(SELECT environment_id FROM error_runs_v1 LIMIT 1)
UNION ALL
(SELECT environment_id FROM error_occurrences_v1 LIMIT 1)
UNION ALL
(SELECT environment_id FROM errors_v1 LIMIT 1)
UNION ALL
(SELECT environment_id FROM error_group_states_v1 LIMIT 1)
"""


@dataclass(slots=True)
class Migrated:
    """Whether a store's migrations were seen complete: looked at until they are, then never."""

    look: Callable[[], bool]
    seen: bool = False

    def is_complete(self) -> bool:
        self.seen = self.seen or not self.look()
        return self.seen

    def is_still_complete(self) -> bool:
        """Looked at anew, as after something that should be there was not."""
        self.seen = False
        return self.is_complete()


@dataclass(slots=True)
class Probe:
    """A question asked in a thread of its own, so that whoever asks can stop waiting."""

    ask: Callable[[], str]
    answer: str = UNAVAILABLE
    thread: threading.Thread | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> threading.Thread:
        """The thread that asks. One that hangs is not joined by a second."""
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.answer = UNAVAILABLE
                self.thread = threading.Thread(target=self._run, name="readyz", daemon=True)
                self.thread.start()
            return self.thread

    def result(self, thread: threading.Thread) -> str:
        thread.join(PATIENCE_SECONDS)
        return UNAVAILABLE if thread.is_alive() else self.answer

    def _run(self) -> None:
        try:
            self.answer = self.ask()
        except Exception:
            log.exception("readyz could not ask")


def _ask_clickhouse() -> str:
    try:
        if not clickhouse_migrated.is_complete():
            return MIGRATIONS_PENDING
        try:
            clickhouse().query("readyz", READ_TABLES, {})
        except ClickHouseFault:
            # Its directory may have been emptied since.
            if not clickhouse_migrated.is_still_complete():
                return MIGRATIONS_PENDING
            raise
    except (DomainError, ClickHouseFault, MigrationRefused) as error:
        log.warning("readyz: %s", error)
        return UNAVAILABLE
    return OK


relational_migrated: Final = Migrated(relational_migrations_pending)
clickhouse_migrated: Final = Migrated(lambda: bool(pending(clickhouse())))
clickhouse_probe: Final = Probe(_ask_clickhouse)


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """This process answers."""
    return JsonResponse({"status": OK}, headers=NO_STORE)


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Both stores answer and are migrated. What else is wrong is told, and does not stop traffic:
    rows set aside, reports refused, a ClickHouse that is still being filled."""
    thread = clickhouse_probe.start()
    database, figures = _database()
    stores = {"database": database, "clickhouse": clickhouse_probe.result(thread)}
    if set(stores.values()) != {OK}:
        return JsonResponse(
            {"status": UNAVAILABLE, **stores, **_members(figures)},
            status=503,
            headers={**NO_STORE, "Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    status = DEGRADED if figures is not None and figures.is_degraded else OK
    return JsonResponse({"status": status, **stores, **_members(figures)}, headers=NO_STORE)


def _database() -> tuple[str, StoreFigures | None]:
    """How the relational store is, and what it and its disk tell, unless they were not asked."""
    try:
        if not relational_migrated.is_complete():
            return MIGRATIONS_PENDING, None
        return OK, read_store_figures()
    except DatabaseError as error:
        log.warning("readyz: %s", error)
        return UNAVAILABLE, None


def _members(figures: StoreFigures | None) -> dict[str, Any]:
    if figures is None:
        return {"replication": None, "ingest": None, "rebuild": None}
    replication, ingest, rebuild = figures.replication, figures.ingest, figures.rebuild
    refused = ingest.refused_for
    return {
        "replication": {
            "waitingRows": replication.waiting_rows,
            "lagSeconds": round(replication.lag_seconds, 3),
            "quarantinedRows": replication.quarantined_rows,
        },
        "ingest": {
            "accepting": refused is None,
            "refusedFor": None if refused is None else refused.value,
            "freeDiskBytes": ingest.free_disk,
        },
        "rebuild": None
        if rebuild is None
        else {"runsTold": rebuild.runs_told, "runsTotal": rebuild.runs_total},
    }
