"""How the stores are doing: what waits for ClickHouse, what was set aside, whether reports are
taken, and how far a rebuild is."""

from dataclasses import dataclass

from runs_app.domain.times import utc_now
from runs_app.queries import outbox, rebuilds
from runs_app.queries.rebuilds import RebuildProgress
from runs_app.services import back_pressure
from runs_app.services.back_pressure import Pressure, Shortage


@dataclass(frozen=True, slots=True)
class ReplicationFigures:
    """`waiting_rows`: what ClickHouse was not told yet, of which the oldest has waited for
    `lag_seconds`. `quarantined_rows`: what it refused."""

    waiting_rows: int
    lag_seconds: float
    quarantined_rows: int


@dataclass(frozen=True, slots=True)
class IngestFigures:
    """`refused_for`: why no report is taken; None where they are. `free_disk`: bytes, None where no
    store is on our disk, or the disk does not tell."""

    refused_for: Shortage | None
    free_disk: int | None


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """`rebuild`: of ClickHouse; None where none is under way."""

    replication: ReplicationFigures
    ingest: IngestFigures
    rebuild: RebuildProgress | None

    @property
    def is_degraded(self) -> bool:
        """Whether something is wrong that does not keep the stores from answering."""
        return (
            self.replication.quarantined_rows > 0
            or self.ingest.refused_for is not None
            or self.rebuild is not None
        )


def read_store_figures() -> StoreFigures:
    """Of the whole deployment, by the relational store and its disk. Raises django.db.Error."""
    pressure = back_pressure.gauge.read()
    return StoreFigures(
        replication=_replication(pressure),
        ingest=IngestFigures(pressure.shortage, pressure.free_disk),
        rebuild=rebuilds.progress(),
    )


def _replication(pressure: Pressure) -> ReplicationFigures:
    figures = outbox.figures()
    waited = 0.0 if figures.oldest is None else (utc_now() - figures.oldest).total_seconds()
    return ReplicationFigures(
        # The gauge may be a second old, but whether anything waits is told as it is now.
        waiting_rows=0 if figures.oldest is None else max(1, pressure.waiting_rows),
        lag_seconds=max(waited, 0.0),
        quarantined_rows=figures.quarantined_rows,
    )
