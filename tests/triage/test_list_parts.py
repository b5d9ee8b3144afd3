"""What the list of groups is drawn with: its view, its texts, its bars."""

from datetime import UTC, datetime, timedelta

from django.http import QueryDict

from errors_app.admin.triage.list_rows import clip, draw_sparkline, told_state
from errors_app.admin.triage.moments import ago
from errors_app.admin.triage.view_state import asked_view, is_tidy
from errors_app.domain.groups import GroupState, Status

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def test_one_given_parameter_makes_the_others_what_they_are_in_the_api():
    bare = asked_view(QueryDict(""))
    given = asked_view(QueryDict("filter[search]=x&utm=1"))

    assert bare.understand().filters.statuses == {Status.UNRESOLVED}
    assert given.understand().filters.statuses == frozenset(Status)
    assert given.query == "filter[search]=x"
    assert is_tidy(QueryDict("filter[search]=x&utm=1"))


def test_another_view_starts_at_its_first_page():
    view = asked_view(QueryDict("filter[search]=x&page[after]=abc&page[before]=1.def"))

    assert view.but({"sort": "count"}).query == "filter[search]=x&sort=count"
    assert not view.is_first_page
    assert view.without().is_first_page


def test_a_text_is_cut_by_what_it_takes_up_in_the_page():
    assert clip("short", 30) == "short"
    assert clip("'" * 100, 63) == "'" * 10 + "…"
    assert clip("a" * 100, 63) == "a" * 60 + "…"
    assert clip("\ud800" * 100, 13) == "\ud800" * 10 + "…"


def test_the_smallest_bar_can_still_be_seen():
    drawn = draw_sparkline((0, 1, 1000), timedelta(minutes=30))

    assert drawn.path == "M6 20V18M10 20V0"
    assert drawn.words == "at most 1,000 in 30 min, latest 1,000"


def test_an_ignore_tells_its_conditions_and_its_reason():
    state = GroupState(
        status=Status.IGNORED,
        ignored_at=NOW,
        ignored_until=NOW + timedelta(hours=2),
        ignored_until_total_occurrences=100,
        ignored_reason="A known outage",
    )

    told = told_state(state, 100, NOW)

    assert told.words == "until 14:00 UTC or 100 more, A known outage"
    told_times = "Ignored 2026-01-02 12:00:00 UTC until 2026-01-02 14:00:00 UTC"
    assert told.details == f"{told_times}: A known outage"


def test_times_are_told_in_a_unit_that_fits():
    told = [
        ago(NOW - timedelta(seconds=seconds), NOW)
        for seconds in (-5, 59, 60, 3599, 3600, 172_799, 172_800)
    ]

    assert told == [
        "just now",
        "just now",
        "1 min ago",
        "59 min ago",
        "1 h ago",
        "47 h ago",
        "2 d ago",
    ]
