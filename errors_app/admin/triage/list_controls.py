"""What stands around the rows of the list: tabs, time ranges, sorting, filters, as links and forms
that keep the rest of the view."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Final

from errors_app.admin.triage.list_rows import bytes_in_page
from errors_app.admin.triage.places import Place, offered_environments
from errors_app.admin.triage.view_state import (
    CATEGORY,
    CURSORS,
    EVERY_STATE,
    FROM,
    PERIOD,
    SEARCH,
    SORT,
    STATUS,
    TASK,
    TO,
    VERSION,
    ListView,
)
from errors_app.domain.filters import DEFAULT_SORT, Sort
from errors_app.domain.groups import Status
from runs_app.domain.errors import Detail
from runs_app.domain.grouping.keywords import CATEGORIES
from runs_app.domain.window import DEFAULT_PERIOD, parse_moment, parse_period

PERIODS: Final = ("1h", "24h", "7d", "14d", "30d", "90d")
# By column: what to sort by downward, and upward.
COLUMNS: Final = (
    ("Count", Sort.COUNT_DESC, Sort.COUNT),
    ("Last seen", Sort.LAST_SEEN_DESC, Sort.LAST_SEEN),
    ("First seen", Sort.FIRST_SEEN_DESC, Sort.FIRST_SEEN),
)
# What is offered to be ticked takes at most this many bytes of a page; the rest is typed.
OFFERED_BYTES: Final = 6_000
BYTES_BESIDE_NAME: Final = 90


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another view. `count`: how many groups it would list, where that is known."""

    label: str
    address: str
    is_current: bool = False
    count: str | None = None


@dataclass(frozen=True, slots=True)
class SortLink:
    """The head of a column. `direction` as `aria-sort` has it, empty for other columns."""

    label: str
    address: str
    direction: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form with what was sent for it, and what is wrong with that."""

    name: str
    value: str
    errors: tuple[str, ...] = ()
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Choice:
    """A value to narrow by, and what people read."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Facet:
    """Values to narrow by: `offered` to be ticked, `typed` those of the view besides; None where
    all there are are offered."""

    name: str
    label: str
    summary: str
    chosen: tuple[str, ...]
    offered: tuple[Choice, ...]
    typed: str | None
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a view, by parameter."""

    details: tuple[Detail, ...] = ()

    def of(self, parameter: str) -> tuple[str, ...]:
        return tuple(one.message for one in self.details if one.path == f"/query/{parameter}")

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(parameter for parameter, _ in self.all)

    @property
    def all(self) -> tuple[tuple[str, str], ...]:
        return tuple((one.path.removeprefix("/query/"), one.message) for one in self.details)


def state_tabs(view: ListView, tallies: Mapping[Status, int] | None) -> tuple[Link, ...]:
    """A tab for each state and one for all; one more where the view has some other set of them."""
    wanted = set(view.values(STATUS)) or set(EVERY_STATE.split(","))
    tabs = [({status.value}, status.capitalize()) for status in Status]
    tabs.append(({status.value for status in Status}, "All"))
    if wanted not in [states for states, _ in tabs]:
        named = [status for status in Status if status.value in wanted]
        if named:
            tabs.append((wanted, " or ".join(named).capitalize()))
    return tuple(
        Link(
            label,
            _address(view.but({STATUS: ",".join(s for s in Status if s in states)})),
            states == wanted,
            None if tallies is None else f"{sum(tallies.get(Status(s), 0) for s in states):,}",
        )
        for states, label in tabs
        if states <= set(Status)
    )


def time_ranges(view: ListView) -> tuple[Link, ...]:
    """The usual periods, and the view's own where it is another. None is current in a window with
    bounds."""
    bounded = bool(view[FROM] or view[TO])
    try:
        own = parse_period(view[PERIOD]) if view[PERIOD] else DEFAULT_PERIOD
    except ValueError:
        own = None
    usual = {period: parse_period(period) for period in PERIODS}
    unusual = {view[PERIOD]: own} if own not in usual.values() and own and view[PERIOD] else {}
    return tuple(
        Link(
            period,
            _address(view.but({PERIOD: period, FROM: "", TO: ""})),
            not bounded and length == own,
        )
        for period, length in {**usual, **unusual}.items()
    )


def sort_links(view: ListView) -> tuple[SortLink, ...]:
    """Downward first; the column that sorts leads to its other direction."""
    current = view[SORT] or DEFAULT_SORT
    links = []
    for label, down, up in COLUMNS:
        direction = {down.value: "descending", up.value: "ascending"}.get(current, "")
        target = up if current == down else down
        links.append(SortLink(label, _address(view.but({SORT: target})), direction))
    return tuple(links)


def facets(
    view: ListView, tasks: Sequence[str], versions: Sequence[str], faults: Faults
) -> tuple[Facet, ...]:
    return (
        _facet(view, TASK, "Task", tasks, faults),
        _facet(view, VERSION, "Version", versions, faults),
        _in_words(_facet(view, CATEGORY, "Category", CATEGORIES, faults)),
    )


def category_in_words(category: str) -> str:
    """`file system`"""
    return category.replace("_", " ")


def bounds(view: ListView, faults: Faults) -> tuple[Field, Field]:
    """From and to, as fields for a date and a time where the view has nothing else in them."""
    return _bound(view, FROM, faults), _bound(view, TO, faults)


def search_field(view: ListView, faults: Faults) -> Field:
    return Field(SEARCH, view[SEARCH], faults.of(SEARCH), "search")


def kept_fields(view: ListView, *but: str) -> tuple[Field, ...]:
    """What a form keeps of the view beside its own fields: as hidden ones."""
    left_out = {*but, *CURSORS}
    return tuple(
        Field(name, value) for name, value in view.parameters.items() if name not in left_out
    )


def environment_links(place: Place, view: ListView) -> tuple[Link, ...]:
    """The same view elsewhere; in another project without its tasks and versions."""
    own = place.environment
    same, other = view.without(), view.without(TASK, VERSION)
    links = []
    for environment in offered_environments(place):
        kept = same if environment.project_id == own.project_id else other
        ref, slug = environment.project.external_ref, environment.slug
        links.append(
            Link(
                f"{environment.project.name} / {slug}",
                f"../../{ref}/{slug}/{_address(kept)}",
                environment.pk == own.pk,
            )
        )
    return tuple(links)


def _address(view: ListView) -> str:
    return f"?{view.query}"


def _facet(view: ListView, name: str, label: str, known: Sequence[str], faults: Faults) -> Facet:
    chosen = view.values(name)
    # The grammar parts a list at its commas.
    offerable = [value for value in known if "," not in value]
    ticked_ones = tuple(one for one in chosen if one in known)
    offered = tuple(_fitting(dict.fromkeys([*ticked_ones, *offerable]), len(ticked_ones)))
    ticked = chosen[0] if len(chosen) == 1 else f"{len(chosen)} chosen"
    return Facet(
        name=name,
        label=label,
        summary=ticked if chosen else "any",
        chosen=chosen,
        offered=tuple(Choice(one, one) for one in offered),
        typed=", ".join(one for one in chosen if one not in known),
        errors=faults.of(name),
    )


def _in_words(categories: Facet) -> Facet:
    """All of them are offered, so that none is typed."""
    offered = tuple(Choice(one.value, category_in_words(one.value)) for one in categories.offered)
    summary = category_in_words(categories.summary)
    return replace(categories, typed=None, summary=summary, offered=offered)


def _fitting(values: Iterable[str], least: int) -> Iterator[str]:
    """The first values, as many as a page has room for, and at least so many."""
    room = OFFERED_BYTES
    for number, value in enumerate(values):
        room -= BYTES_BESIDE_NAME + 2 * bytes_in_page(value)
        if room < 0 and number >= least:
            return
        yield value


def _bound(view: ListView, name: str, faults: Faults) -> Field:
    text = view[name]
    try:
        value = f"{parse_moment(text).astimezone(UTC):%Y-%m-%dT%H:%M}" if text else ""
    except ValueError:
        return Field(name, text, faults.of(name))
    return Field(name, value, faults.of(name), "datetime-local")
