"""The parts of a group's page, ready to be drawn."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from errors_app.admin.triage.group_view import RUN, GroupView
from errors_app.admin.triage.list_controls import PERIODS, Field, Link
from errors_app.admin.triage.moments import ToldTime, told_time
from errors_app.admin.triage.places import Place
from errors_app.admin.triage.run_words import duration, status_class
from errors_app.admin.triage.traces import ShownTrace, printable, shown_trace, stack_of
from errors_app.admin.triage.view_state import FROM, PERIOD, TO, VERSION
from errors_app.queries.samples import Surroundings
from errors_app.services.group_page import GroupPage, opening_period
from runs_app.domain.records import RunRecord
from runs_app.domain.run_status import SHOWN
from runs_app.domain.window import parse_period
from runs_app.web.pagination import AFTER, BEFORE

VERSIONS: Final = 12
# Somebody may give every run a version of its own.
MOST_VERSIONS: Final = 200
PLACES: Final = 5


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """A version the group failed in. `address`: its failures alone."""

    name: str
    address: str
    is_chosen: bool
    in_window: str
    count: str
    first_seen: ToldTime
    last_seen: ToldTime


@dataclass(frozen=True, slots=True)
class ShownVersions:
    """The newest, the rest to unfold, and how many are left out even there."""

    newest: tuple[ShownVersion, ...]
    rest: tuple[ShownVersion, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A row of the runs behind a group."""

    friendly_id: str
    address: str
    status: str
    status_class: str
    version: str
    failed: ToldTime | None
    created: ToldTime
    duration: str
    attempt: int
    machine: str


@dataclass(frozen=True, slots=True)
class ShownSample:
    """One failed run as an example. `older` and `newer` are addresses, empty where there is none;
    `missed`: another one was asked for, which is not in the group."""

    run: ShownRun
    trace: ShownTrace | None
    asked_for: bool
    missed: bool
    older: str
    newer: str
    newest: str


@dataclass(frozen=True, slots=True)
class ToldPlaces:
    """Where failures were, by one kind of place: `("fra1", "12", "24%")`."""

    name: str
    values: tuple[tuple[str, str, str], ...]
    more: int


def range_links(view: GroupView, page: GroupPage) -> tuple[Link, ...]:
    asked = view.window.get(PERIOD)
    length = opening_period(page.facts, page.now)
    if asked:
        length = parse_period(asked)
    return tuple(
        Link(period, view.of_period(period), not view.is_bounded and parse_period(period) == length)
        for period in PERIODS
    )


def range_fields(view: GroupView, page: GroupPage) -> tuple[Field, ...]:
    """From when until when, in UTC."""
    bounds = ((FROM, page.window.start), (TO, page.window.end))
    return tuple(Field(name, f"{moment:%Y-%m-%dT%H:%M}") for name, moment in bounds)


def page_links(view: GroupView, page: GroupPage) -> tuple[Link, ...]:
    """The sample stays while the runs are turned over."""
    sample = {RUN: "" if page.sample is None else page.sample.run.friendly_id}
    links = []
    if page.runs.previous is not None:
        links.append(Link("Newer", view.but({**sample, BEFORE: page.runs.previous})))
    if page.runs.next is not None:
        links.append(Link("Older", view.but({**sample, AFTER: page.runs.next})))
    return tuple(links)


def shown_versions(view: GroupView, page: GroupPage) -> ShownVersions:
    in_window: Counter[str] = Counter()
    for bucket in page.histogram:
        in_window[bucket.task_version] += bucket.count
    shown = tuple(
        ShownVersion(
            name=seen.version,
            address=view.but({VERSION: seen.version}) if "," not in seen.version else "",
            is_chosen=seen.version in view.filters.versions,
            in_window=f"{in_window[seen.version]:,}",
            count=f"{seen.count:,}",
            first_seen=told_time(seen.first_seen, page.now),
            last_seen=told_time(seen.last_seen, page.now),
        )
        for seen in page.versions[:MOST_VERSIONS]
    )
    left_out = max(0, len(page.versions) - MOST_VERSIONS)
    return ShownVersions(shown[:VERSIONS], shown[VERSIONS:], left_out)


def shown_sample(place: Place, view: GroupView, page: GroupPage) -> ShownSample | None:
    sample = page.sample
    if sample is None:
        return None
    beside = [
        view.but({RUN: friendly_id}) if friendly_id else ""
        for friendly_id in (sample.neighbours.older, sample.neighbours.newer)
    ]
    return ShownSample(
        run=shown_run(place, sample.run, page),
        trace=shown_trace(stack_of(sample.run)),
        asked_for=sample.asked_for,
        missed=bool(view[RUN]) and not sample.asked_for,
        older=beside[0],
        newer=beside[1],
        newest=view.but({}),
    )


def shown_runs(place: Place, page: GroupPage) -> tuple[ShownRun, ...]:
    return tuple(shown_run(place, run, page) for run in page.runs.rows)


def shown_run(place: Place, run: RunRecord, page: GroupPage) -> ShownRun:
    shown = SHOWN[run.status]
    return ShownRun(
        friendly_id=run.friendly_id,
        address=place.address("run", run.friendly_id),
        status=shown.status.value,
        status_class=status_class(run.status),
        version=run.task_version,
        failed=None if run.failed_at is None else told_time(run.failed_at, page.now),
        created=told_time(run.created_at, page.now),
        duration=duration(run),
        attempt=run.attempt,
        machine=run.machine,
    )


def told_surroundings(around: Surroundings | None) -> tuple[ToldPlaces, ...]:
    return () if around is None else tuple(_places(around))


def _places(around: Surroundings) -> Iterator[ToldPlaces]:
    kinds = (
        ("Queues", around.queues),
        ("Machines", around.machines),
        ("Regions", around.regions),
        ("Tags", around.tags),
    )
    for name, found in kinds:
        if found:
            values = tuple(
                (printable(value), f"{count:,}", f"{count * 100 // around.runs}%")
                for value, count in found[:PLACES]
            )
            yield ToldPlaces(name, values, len(found) - len(values))
