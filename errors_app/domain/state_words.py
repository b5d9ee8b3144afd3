"""A group's state in words, short enough for a row: `ignored until 14:00 UTC or 100 more`."""

from datetime import UTC, datetime

from errors_app.domain.groups import GroupState, Status


def state_in_words(state: GroupState, now: datetime, remaining: int | None = None) -> str:
    """What was decided, and until when that holds.

    `remaining`: how many more failures end an ignore that waits for a number, where that is known.
    """
    return " ".join(filter(None, (state.status.value, reason_in_words(state, now, remaining))))


def reason_in_words(state: GroupState, now: datetime, remaining: int | None = None) -> str:
    """The same without the status; empty where nothing was said, and for unresolved groups."""
    if state.status is Status.RESOLVED:
        return _resolved(state)
    if state.status is Status.IGNORED:
        return _ignored(state, now, remaining)
    return ""


def _resolved(state: GroupState) -> str:
    if state.resolved_after_version is not None:
        return f"in the next version after {state.resolved_after_version}"
    if state.resolved_in_version is not None:
        return f"in {state.resolved_in_version}"
    return ""


def _ignored(state: GroupState, now: datetime, remaining: int | None) -> str:
    conditions = []
    if state.ignored_until is not None:
        conditions.append(_moment(state.ignored_until, now))
    if state.ignored_until_occurrence_rate is not None:
        conditions.append(f"{state.ignored_until_occurrence_rate:,.12g} a minute")
    if state.ignored_until_total_occurrences is not None:
        conditions.append(_more(state.ignored_until_total_occurrences, remaining))
    if not conditions:
        return "for ever"
    *others, last = conditions
    return f"until {', '.join(others)} or {last}" if others else f"until {last}"


def _more(wanted: int, remaining: int | None) -> str:
    if remaining is None or remaining == wanted:
        return f"{wanted:,} more"
    return f"{wanted:,} more ({remaining:,} left)"


def _moment(moment: datetime, now: datetime) -> str:
    """`14:00 UTC`; the day and the year only where they are not those of now."""
    moment, now = moment.astimezone(UTC), now.astimezone(UTC)
    if moment.date() == now.date():
        return f"{moment:%H:%M} UTC"
    if moment.year == now.year:
        return f"{moment.day} {moment:%b %H:%M} UTC"
    return f"{moment.day} {moment:%b %Y}"
