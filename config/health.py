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
from runs_app.clickhouse.migrate import MigrationRefused, pending
from runs_app.domain.errors import DomainError
from runs_app.domain.times import utc_now
from runs_app.queries import outbox
from runs_app.services.stores import relational_migrations_pending

log = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 2.0
RETRY_AFTER_SECONDS: Final = 5
NO_STORE: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}

OK: Final = "ok"
DEGRADED: Final = "degraded"
UNAVAILABLE: Final = "unavailable"
MIGRATIONS_PENDING: Final = "migrations pending"


@dataclass(slots=True)
class Migrated:
    """Whether a store's migrations were seen complete: looked at until they are, then never."""

    look: Callable[[], bool]
    seen: bool = False

    def is_complete(self) -> bool:
        self.seen = self.seen or not self.look()
        return self.seen


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
        clickhouse().query("readyz", "SELECT 1", {})
    except (DomainError, MigrationRefused) as error:
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
    """Both stores answer and are migrated. Rows set aside are told, and do not stop traffic."""
    thread = clickhouse_probe.start()
    database, replication = _database()
    stores = {"database": database, "clickhouse": clickhouse_probe.result(thread)}
    if set(stores.values()) != {OK}:
        return JsonResponse(
            {"status": UNAVAILABLE, **stores, "replication": replication},
            status=503,
            headers={**NO_STORE, "Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    status = DEGRADED if replication and replication["quarantinedRows"] else OK
    return JsonResponse({"status": status, **stores, "replication": replication}, headers=NO_STORE)


def _database() -> tuple[str, dict[str, Any] | None]:
    """How the relational store is, and what it tells of replication."""
    try:
        if not relational_migrated.is_complete():
            return MIGRATIONS_PENDING, None
        figures = outbox.figures()
    except DatabaseError as error:
        log.warning("readyz: %s", error)
        return UNAVAILABLE, None
    waited = 0.0 if figures.oldest is None else (utc_now() - figures.oldest).total_seconds()
    return OK, {
        "waitingRows": figures.waiting_rows,
        "lagSeconds": round(max(waited, 0.0), 3),
        "quarantinedRows": figures.quarantined_rows,
    }
