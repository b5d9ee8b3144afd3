"""Taking over runs that ClickHouse has and the relational store lacks.

Such runs are left of a relational store that was restored from an older backup, or were inserted
into ClickHouse by hand. Where one is loaded, it goes on from how ClickHouse has it: under the same
key, above its highest version, and from the place where it counts. Before that, ClickHouse is made
to have it once: whoever inserted by hand may have counted it in several places, or twice in one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from runs_app.domain.counting import Count
from runs_app.domain.records import RunRecord
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import epoch_milliseconds
from runs_app.queries import task_runs, told_places
from runs_app.queries.told_places import RunIds, ToldPlace, ToldRun
from runs_app.services.repair import Place, mend_places
from runs_app.services.replicator_turn import insist_on_turn, replicator_turn

# Above it there is no room for later versions in the relational store.
MOST_VERSION: Final = 2**62

KEY_TAKEN: Final = "with the run_id of another run"


@dataclass(frozen=True, slots=True)
class Standing:
    """How ClickHouse has one run: its key, a version above all it has, and where it counts."""

    run_id: str
    created_at: datetime
    version: int
    counted: Count | None

    def continued_by(self, record: RunRecord) -> RunRecord:
        """`record`, as the next version of what ClickHouse has."""
        return msgspec.structs.replace(
            record,
            run_id=self.run_id,
            created_at=self.created_at,
            row_version=max(record.row_version, self.version),
            counted=self.counted,
        )


@dataclass(frozen=True, slots=True)
class Adoption:
    """By friendly id: the runs ClickHouse has, and why some of the records cannot be loaded."""

    standings: Mapping[str, Standing]
    refused: Mapping[str, str]


NOTHING_FOUND: Final = Adoption({}, {})


@dataclass(slots=True)
class _Found:
    """All that ClickHouse has of one run."""

    keys: list[ToldRun] = field(default_factory=list)
    places: list[ToldPlace] = field(default_factory=list)

    def all(self) -> tuple[ToldRun | ToldPlace, ...]:
        return (*self.keys, *self.places)

    def place(self) -> ToldPlace | None:
        """The one that stays: where the newest row counts."""
        return max(
            self.places, key=lambda place: (place.version, place.count.failed_at), default=None
        )

    def key(self) -> tuple[str, datetime]:
        """That of the place that stays, else of the newest row that is there."""
        place = self.place()
        if place is not None:
            return place.run_id, place.created_at
        newest = max(self.keys, key=lambda run: (not run.deleted, run.version))
        return newest.run_id, newest.created_at

    def standing(self) -> Standing:
        run_id, created_at = self.key()
        place = self.place()
        return Standing(
            run_id=run_id,
            created_at=created_at,
            # What is taken away leaves a row one above the one it had.
            version=max(told.version for told in self.all()) + 1,
            counted=None if place is None else place.count,
        )

    def superfluous_keys(self) -> list[ToldRun]:
        key = self.key()
        return [run for run in self.keys if not run.deleted and (run.run_id, run.created_at) != key]

    def superfluous_places(self) -> list[ToldPlace]:
        stays = self.place()
        return [place for place in self.places if place is not stays]


def adopt_runs(tenant: Tenant, records: Mapping[str, RunRecord]) -> Adoption:
    """How ClickHouse has those of `records` (by friendly id, none of them stored) that it knows.

    To be called outside of a transaction, because ClickHouse is never waited for with rows locked.
    What is found stays as it is until then: ClickHouse is told of a run only by way of a stored
    one, and one that is stored meanwhile is found by whoever locks it. Raises Unavailable.
    """
    if not records or not told_places.has_runs(tenant) or not _is_known(tenant, records):
        return NOTHING_FOUND
    # In the replicator's turn, like everything that changes counts: nothing is on its way then.
    with replicator_turn():
        found = _look(tenant, records)
        refused = _refused(tenant, found, records)
        taken = {name: run for name, run in found.items() if name not in refused}
        _make_single(tenant, taken.values())
    return Adoption({name: run.standing() for name, run in taken.items()}, refused)


def _refused(
    tenant: Tenant, found: Mapping[str, _Found], records: Collection[str]
) -> dict[str, str]:
    """Why runs that were found cannot be taken over, by friendly id."""
    others = {told.friendly_id for run in found.values() for told in run.all()}.difference(records)
    stored = task_runs.known_ids(tenant, others) if others else set()
    refused = {}
    for friendly_id, run in found.items():
        if not stored.isdisjoint(told.friendly_id for told in run.all()):
            refused[friendly_id] = KEY_TAKEN
        elif max(told.version for told in run.all()) > MOST_VERSION:
            refused[friendly_id] = "whose version in ClickHouse leaves no room for later ones"
    return refused


def _is_known(tenant: Tenant, records: Mapping[str, RunRecord]) -> bool:
    """Whether a closer look is worth a turn of the replicator: mostly no run is known."""
    created = [record.created_at for record in records.values()]
    ids = RunIds(run_ids=[record.run_id for record in records.values()], friendly_ids=list(records))
    return told_places.knows_any(tenant, ids, first=min(created), last=max(created))


def _look(tenant: Tenant, records: Mapping[str, RunRecord]) -> dict[str, _Found]:
    """What ClickHouse has, by the friendly id of the record it belongs to.

    Rows that were inserted by hand may lack the friendly id: then the run's key tells.
    """
    by_key = {record.run_id: friendly_id for friendly_id, record in records.items()}
    ids = RunIds(run_ids=list(by_key), friendly_ids=list(records))
    found: dict[str, _Found] = defaultdict(_Found)
    for place in told_places.find_told_places(tenant, ids):
        friendly_id = _owner(place, records, by_key)
        if friendly_id is not None:
            found[friendly_id].places.append(place)
    created = [record.created_at for record in records.values()]
    created += [place.created_at for run in found.values() for place in run.places]
    for key in told_places.find_told_runs(tenant, ids, first=min(created), last=max(created)):
        friendly_id = _owner(key, records, by_key)
        if friendly_id is not None:
            found[friendly_id].keys.append(key)
    return dict(found)


def _owner(
    told: ToldRun | ToldPlace, records: Collection[str], by_key: Mapping[str, str]
) -> str | None:
    return told.friendly_id if told.friendly_id in records else by_key.get(told.run_id)


def _make_single(tenant: Tenant, found: Iterable[_Found]) -> None:
    """See to it that each run has one key and counts in one place, once. May be repeated."""
    runs = list(found)
    insist_on_turn()
    told_places.remove_runs(tenant, [key for run in runs for key in run.superfluous_keys()])
    insist_on_turn()
    told_places.remove_places(tenant, [place for run in runs for place in run.superfluous_places()])
    mend_places(
        Place(
            tenant.environment_id,
            place.count.error_fingerprint,
            epoch_milliseconds(place.count.failed_at),
        )
        for run in runs
        for place in run.places
    )
