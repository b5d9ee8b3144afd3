"""The rows of the list of groups, ready to be drawn: texts cut so that a page stays light."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.html import escape
from django.utils.http import urlencode

from errors_app.admin.triage.moments import ToldTime, ago, exact, span, told_time
from errors_app.admin.triage.places import Place
from errors_app.admin.triage.view_state import TASK, ListView
from errors_app.domain.groups import GroupState, Status
from errors_app.domain.state_words import reason_in_words
from errors_app.services.group_list_page import GroupListPage, GroupRow
from runs_app.domain.times import DAY

# Bytes that a text may take up in the page, markup of its characters included.
TYPE_BYTES: Final = 120
MESSAGE_BYTES: Final = 220
WHOLE_BYTES: Final = 300
TASK_BYTES: Final = 100
REASON_BYTES: Final = 120
WHOLE_REASON_BYTES: Final = 400
VERSION_BYTES: Final = 40
# An address that takes longer goes without the view of the list it comes from.
HANDED_ON_BYTES: Final = 400
# A longer one is left to the filter above the list.
TASK_ADDRESS_BYTES: Final = 220
# Of the versions the newest is named; whether there are others matters more than which.
VERSIONS: Final = 1
SPARK_HEIGHT: Final = 20
SPARK_STEP: Final = 4
# A text of so many characters is seen whole in a row of the usual width.
SEEN_WHOLE: Final = 60


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Bars as a path to be stroked, in a box `width` wide, and what they show in words."""

    path: str
    width: int
    words: str


@dataclass(frozen=True, slots=True)
class ToldState:
    """A state and what it waits for; `details` has the exact times and more of
    the reason."""

    status: Status
    words: str
    details: str


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row. `whole`: type and message where the row does not show all of them; `is_new`: first
    seen in the last 24 hours; `task_address`: the list of its task alone, empty where that leads
    nowhere new."""

    key: str
    address: str
    error_type: str
    message: str
    whole: str
    task: str
    task_address: str
    is_new: bool
    state: ToldState
    sparkline: Sparkline
    count: str
    first_seen: ToldTime
    last_seen: ToldTime
    versions: tuple[str, ...]
    more_versions: int


def shown_rows(place: Place, view: ListView, page: GroupListPage) -> tuple[ShownRow, ...]:
    handed_on = _handed_on(view)
    return tuple(_shown(place, view, handed_on, page, row) for row in page.rows)


def told_state(state: GroupState, remaining: int | None, now: datetime) -> ToldState:
    """`remaining`: how many more failures end the ignore, where it waits for a number."""
    words = [reason_in_words(state, now, remaining)]
    details = ""
    if state.resolved_at is not None:
        words.append(ago(state.resolved_at, now))
        details = f"Resolved {exact(state.resolved_at)}"
    elif state.ignored_at is not None:
        words.append(clip(state.ignored_reason or "", REASON_BYTES))
        details = f"Ignored {exact(state.ignored_at)}"
    if state.ignored_until is not None:
        details += f" until {exact(state.ignored_until)}"
    if state.ignored_reason:
        details += f": {clip(state.ignored_reason, WHOLE_REASON_BYTES)}"
    return ToldState(state.status, ", ".join(filter(None, words)), details)


def clip(text: str, most: int) -> str:
    """The beginning of `text`, with an ellipsis where something is left out, so that it takes at
    most `most` bytes in a page."""
    if len(text) * 6 <= most or bytes_in_page(text) <= most:
        return text
    kept, room = 0, most - len("…".encode())
    for char in text:
        room -= bytes_in_page(char)
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…"


def bytes_in_page(text: str) -> int:
    return len(escape(text).encode(errors="replace"))


def _handed_on(view: ListView) -> str:
    """The view, for the page of a group to lead back to, unless it is too long to be repeated in
    every row."""
    for candidate in (view, view.without()):
        query = urlencode({"list": candidate.query}).replace("%5B", "[").replace("%5D", "]")
        if bytes_in_page(query) <= HANDED_ON_BYTES:
            return query
    return ""


def _of_task(view: ListView, task: str) -> str:
    # The grammar parts a list at its commas.
    if "," in task or view.values(TASK) == (task,):
        return ""
    address = f"?{view.but({TASK: task}).query}"
    return address if bytes_in_page(address) <= TASK_ADDRESS_BYTES else ""


def _shown(
    place: Place, view: ListView, handed_on: str, page: GroupListPage, row: GroupRow
) -> ShownRow:
    key, outline = row.group.key, row.group.outline
    # Relative to the list: fifty times the same beginning would weigh something.
    address = place.group_address(key).removeprefix(place.list_address)
    whole = f"{outline.error_type}: {outline.error_message}"
    message = clip(" ".join(outline.error_message.split()), MESSAGE_BYTES)
    error_type = clip(outline.error_type, TYPE_BYTES)
    return ShownRow(
        key=f"{key.error_fingerprint}:{key.task_identifier}",
        address=f"{address}&{handed_on}" if handed_on else address,
        error_type=error_type,
        message=message,
        whole=clip(whole, WHOLE_BYTES) if len(whole) > SEEN_WHOLE else "",
        task=clip(key.task_identifier, TASK_BYTES),
        task_address=_of_task(view, key.task_identifier),
        is_new=outline.first_seen >= page.now - DAY,
        state=told_state(row.group.state, row.remaining, page.now),
        sparkline=draw_sparkline(row.sparkline, page.buckets.size),
        count=f"{row.group.count:,}",
        first_seen=told_time(outline.first_seen, page.now),
        last_seen=told_time(outline.last_seen, page.now),
        versions=tuple(clip(version, VERSION_BYTES) for version in row.versions[:VERSIONS]),
        more_versions=row.version_count - len(row.versions[:VERSIONS]),
    )


def draw_sparkline(counts: tuple[int, ...], size: timedelta) -> Sparkline:
    """A bar for each stretch that had failures, the smallest still to be seen."""
    peak = max(counts, default=0)
    bars = []
    for number, count in enumerate(counts):
        if count > 0:
            height = max(2, round(count / peak * SPARK_HEIGHT))
            middle = number * SPARK_STEP + SPARK_STEP // 2
            bars.append(f"M{middle} {SPARK_HEIGHT}V{SPARK_HEIGHT - height}")
    words = f"at most {peak:,} in {span(size)}, latest {counts[-1] if counts else 0:,}"
    return Sparkline("".join(bars), len(counts) * SPARK_STEP, words)
