"""The lists of groups on the home page, ready to be drawn."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from errors_app.admin.triage.list_rows import (
    MESSAGE_BYTES,
    TASK_BYTES,
    TYPE_BYTES,
    VERSION_BYTES,
    Sparkline,
    clip,
    draw_sparkline,
)
from errors_app.admin.triage.moments import ToldTime, told_time
from errors_app.admin.triage.places import Place
from errors_app.admin.triage.view_state import LITERAL, PERIOD, SORT, STATUS
from errors_app.domain.filters import Sort
from errors_app.domain.groups import GroupKey, GroupState, Status
from errors_app.domain.state_words import reason_in_words
from errors_app.queries.groups import Outline
from errors_app.queries.home import Regression
from errors_app.services.home_page import HomeGroup, HomePage, NewGroups, Part, Reopened
from runs_app.domain.ids import error_id

UNNAMED: Final = "Error group"

Moment = Callable[[Outline], datetime]


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """One row. `why`: what made a group come back. `count` is empty where it does not matter."""

    address: str
    error_type: str
    message: str
    task: str
    why: str
    sparkline: Sparkline | None
    count: str
    time: ToldTime | None


@dataclass(frozen=True, slots=True)
class ShownGroups:
    """One list of groups. `figure`: how many there are, where that is known; `more`: where all of
    them are; `problem`: why nothing is known."""

    id: str
    title: str
    time_title: str
    count_title: str
    figure: str
    more: str
    nothing: str
    problem: str
    rows: tuple[ShownGroup, ...]


def group_lists(place: Place, page: HomePage) -> tuple[tuple[ShownGroups, ...], ...]:
    """Side by side: what is news, and what is loud."""
    rows = _Rows(place, page)
    return (
        (rows.new(page.new), rows.came_back(page.regressions)),
        (
            rows.loudest("day", "Loudest in 24 hours", "24h", page.loudest_of_day),
            rows.loudest("hour", "Loudest in an hour", "1h", page.loudest_of_hour),
        ),
    )


class _Rows:
    """Draws groups for one place, as of one moment."""

    def __init__(self, place: Place, page: HomePage) -> None:
        self._place = place
        self._now = page.now
        self._size = page.buckets.size

    def new(self, part: Part[NewGroups]) -> ShownGroups:
        view = _view("24h", Sort.FIRST_SEEN_DESC)
        found = part.value
        return ShownGroups(
            id="new",
            title="New in 24 hours",
            time_title="First seen",
            count_title="Count",
            figure="" if found is None else f"{found.count:,}" + ("+" if found.more else ""),
            more=self._list(view),
            nothing="Nothing new.",
            problem=part.problem,
            rows=self._groups(found.groups if found else (), view, lambda one: one.first_seen),
        )

    def loudest(
        self, id_: str, title: str, period: str, part: Part[tuple[HomeGroup, ...]]
    ) -> ShownGroups:
        view = _view(period, Sort.COUNT_DESC)
        return ShownGroups(
            id=f"loudest-{id_}",
            title=title,
            time_title="Last seen",
            count_title="Count",
            figure="",
            more=self._list(view),
            nothing="Nothing failed.",
            problem=part.problem,
            rows=self._groups(part.value or (), view, lambda one: one.last_seen),
        )

    def came_back(self, part: Part[tuple[Reopened, ...]]) -> ShownGroups:
        return ShownGroups(
            id="regressions",
            title="Came back in 7 days",
            time_title="Reopened",
            count_title="",
            figure="",
            more="",
            nothing="Nothing that was resolved has failed again.",
            problem=part.problem,
            rows=tuple(self._reopened(one) for one in part.value or ()),
        )

    def _list(self, view: Mapping[str, str]) -> str:
        return f"{self._place.list_address}?{urlencode(view, safe=LITERAL)}"

    def _groups(
        self, groups: Iterable[HomeGroup], view: Mapping[str, str], moment: Moment
    ) -> tuple[ShownGroup, ...]:
        # So that the page of a group leads on to the next one.
        handed_on = "&" + urlencode({"list": urlencode(view, safe=LITERAL)})
        return tuple(
            self._row(
                one.key,
                one.outline,
                one.sparkline,
                handed_on=handed_on,
                count=f"{one.count:,}",
                time=None if one.outline is None else moment(one.outline),
            )
            for one in groups
        )

    def _reopened(self, one: Reopened) -> ShownGroup:
        told = one.regression
        return self._row(
            told.key,
            one.outline,
            one.sparkline,
            why=_why(told, self._now),
            time=told.reopened_at,
        )

    def _row(
        self,
        key: GroupKey,
        outline: Outline | None,
        counts: tuple[int, ...] | None,
        *,
        time: datetime | None,
        count: str = "",
        why: str = "",
        handed_on: str = "",
    ) -> ShownGroup:
        message = "" if outline is None else " ".join(outline.error_message.split())
        return ShownGroup(
            address=self._place.group_address(key) + handed_on,
            error_type=clip((outline and outline.error_type) or UNNAMED, TYPE_BYTES),
            message=error_id(key.error_fingerprint)
            if outline is None
            else clip(message, MESSAGE_BYTES),
            task=clip(key.task_identifier, TASK_BYTES),
            why=why,
            sparkline=None if counts is None else draw_sparkline(counts, self._size),
            count=count,
            time=None if time is None else told_time(time, self._now),
        )


def _view(period: str, sort: Sort) -> dict[str, str]:
    return {STATUS: Status.UNRESOLVED.value, PERIOD: period, SORT: sort.value}


def _why(told: Regression, now: datetime) -> str:
    before = GroupState(
        Status.RESOLVED,
        resolved_in_version=told.resolved_in or None,
        resolved_after_version=told.resolved_after or None,
    )
    words = []
    if how := reason_in_words(before, now):
        words.append(f"resolved {clip(how, 2 * VERSION_BYTES)}")
    if told.task_version:
        words.append(f"failed in {clip(told.task_version, VERSION_BYTES)}")
    return ", ".join(words)
