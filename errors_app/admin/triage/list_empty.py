"""Why a list of groups is empty, and where to go on from there."""

from dataclasses import dataclass
from typing import Final

from errors_app.admin.triage.list_controls import PERIODS, Link
from errors_app.admin.triage.places import Place
from errors_app.admin.triage.view_state import (
    EVERY_STATE,
    FROM,
    NARROWING,
    PERIOD,
    STATUS,
    TO,
    ListView,
)
from errors_app.services.group_list_page import GroupListPage
from runs_app.models import TaskRun

WIDEST: Final = PERIODS[-1]


@dataclass(frozen=True, slots=True)
class Emptiness:
    """`nothing_reported`: no run at all has arrived, so that one is shown how to report one."""

    headline: str
    links: tuple[Link, ...] = ()
    nothing_reported: bool = False


def told_emptiness(place: Place, view: ListView, page: GroupListPage) -> Emptiness:
    if not TaskRun.objects.filter(environment=place.environment).exists():
        return Emptiness("No run has been reported to this environment yet.", (), True)
    if not view.is_first_page:
        return Emptiness("This page has no groups any more.", (_link("First page", view.but({})),))
    wider = _wider(view)
    if page.everything:
        every = _link(f"All {page.everything:,} groups", view.but({STATUS: EVERY_STATE}))
        wanted = " or ".join(view.values(STATUS))
        if not view.is_narrowed and wanted == "unresolved":
            return Emptiness("All clear: nothing unresolved here.", (every, *wider))
        if view.is_narrowed:
            return Emptiness(f"Nothing {wanted} matches.", (_cleared(view), every, *wider))
        return Emptiness(f"No group here is {wanted}.", (every, *wider))
    if view.is_narrowed:
        return Emptiness("No group matches.", (_cleared(view), *wider))
    return Emptiness("No run failed in this time.", wider)


def _cleared(view: ListView) -> Link:
    return _link("Clear the filters", view.without(*NARROWING))


def _wider(view: ListView) -> tuple[Link, ...]:
    if view[PERIOD] == WIDEST:
        return ()
    return (_link(f"Look at {WIDEST}", view.but({PERIOD: WIDEST, FROM: "", TO: ""})),)


def _link(label: str, view: ListView) -> Link:
    return Link(label, f"?{view.query}")
