"""An ignored group comes back when its condition is met: once, and with the figures."""

from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings
from django.conf import settings as configured

from errors_app.models import ErrorGroupActivity
from runs_app.domain.times import iso
from tests.api.conftest import Clock
from tests.api.conftest import clock as clock  # noqa: PLC0414 - a fixture
from tests.conftest import Workspace
from tests.lifecycle.deciding import (
    ago,
    assert_mirror_is_right,
    boom,
    group_of,
    healed,
    ignore,
    resolve,
    rules_of,
    status_of,
    swept,
    trail_of,
)
from tests.lifecycle.telling import Told, replicated, swept_up


def booms(first: int, count: int, start: datetime, step: timedelta) -> list[dict[str, object]]:
    return [boom(f"r{first + n}", start + n * step) for n in range(count)]


def test_an_ignore_whose_time_has_passed_is_given_up_once(prod: Workspace) -> None:
    prod.report(boom("first", ago(hours=2)))
    until = ago(minutes=1)
    ignore(prod, ago(hours=1), until=until)
    assert status_of(prod) == "unresolved"

    assert swept(prod) == {"ignore_expired": 1}
    assert swept(prod) == {}

    assert status_of(prod) == "unresolved"
    *_, entry = trail_of(prod)
    assert entry["actor"]["name"] == "ignore_expired"
    assert (entry["fromStatus"], entry["toStatus"]) == ("ignored", "unresolved")
    assert entry["details"] == {"until": iso(until)}
    assert entry["runId"] is None
    assert_mirror_is_right(prod)


def test_an_ignore_whose_time_has_not_come_stays(prod: Workspace, tell: Told) -> None:
    prod.report(boom("first", ago(hours=2)))
    ignore(prod, ago(hours=1), until=ago(hours=-1))

    tell(prod, boom("again"))

    assert status_of(prod) == "ignored"


def test_a_failure_gives_up_an_ignore_whose_time_has_passed(prod: Workspace) -> None:
    prod.report(boom("first", ago(hours=2)))
    ignore(prod, ago(hours=1), until=ago(minutes=1))

    replicated(prod, boom("again"))

    assert rules_of(prod) == ["ignore_expired"]
    assert swept(prod) == {}


def test_a_group_that_is_ignored_for_ever_stays(prod: Workspace, tell: Told) -> None:
    prod.report(boom("first", ago(hours=2)))
    ignore(prod, ago(hours=1))

    tell(prod, *(boom(f"again-{n}") for n in range(30)))

    assert status_of(prod) == "ignored"


def test_after_so_many_more_failures_it_comes_back(prod: Workspace, tell: Told) -> None:
    prod.report(*booms(0, 4, ago(hours=3), timedelta(minutes=1)))
    ignore(prod, ago(hours=1), total=3)

    tell(prod, boom("one", ago(minutes=30)), boom("two", ago(minutes=29), "7"))
    assert status_of(prod) == "ignored"
    tell(prod, boom("three", ago(minutes=29.5)))

    assert status_of(prod) == "unresolved"
    assert rules_of(prod) == ["ignore_total"]
    *_, entry = trail_of(prod)
    assert entry["details"] == {"totalOccurrences": 3, "counted": 3}
    assert (entry["runId"], entry["version"]) == ("run_two", "7")
    assert_mirror_is_right(prod)


def test_what_was_reported_again_or_taken_back_is_not_counted(prod: Workspace, tell: Told) -> None:
    prod.report(boom("first", ago(hours=2)))
    ignore(prod, ago(hours=1), total=2)

    again = boom("one", ago(minutes=30))
    for _ in range(2):
        tell(prod, again)
    tell(prod, healed("one"), boom("two", ago(minutes=20)))
    assert status_of(prod) == "ignored"
    tell(prod, boom("three", ago(minutes=10)))

    assert rules_of(prod) == ["ignore_total"]


def test_a_run_that_moves_into_the_group_is_one_more(prod: Workspace, tell: Told) -> None:
    early = ago(hours=2)
    prod.report(boom("first", early), boom("mover", early, message="other"))
    prod.report(boom("stays", early, message="other"))
    ignore(prod, ago(hours=1), total=1)

    tell(prod, boom("mover", early))

    assert rules_of(prod) == ["ignore_total"]
    *_, entry = trail_of(prod)
    # It failed before the group was ignored: no failure since is to be named.
    assert entry["runId"] is None


def test_a_burst_brings_back_what_was_ignored_until_a_rate(prod: Workspace, tell: Told) -> None:
    prod.report(boom("first", ago(hours=2)))
    ignore(prod, ago(hours=1), rate=5)

    tell(prod, *booms(0, 5, ago(minutes=40), timedelta(seconds=2)))

    assert status_of(prod) == "unresolved"
    assert rules_of(prod) == ["ignore_rate"]
    *_, entry = trail_of(prod)
    assert entry["details"] == {"occurrenceRate": 5.0, "counted": 5, "minutes": 1.0}
    assert entry["runId"] == "run_r4"
    assert_mirror_is_right(prod)


def test_a_burst_over_a_full_minute_is_one_all_the_same(prod: Workspace, tell: Told) -> None:
    prod.report(boom("first", ago(hours=2)))
    ignore(prod, ago(hours=1), rate=5)
    minute = ago(minutes=30).replace(second=0, microsecond=0)

    tell(prod, *booms(0, 5, minute - timedelta(seconds=20), timedelta(seconds=10)))

    assert rules_of(prod) == ["ignore_rate"]


def test_a_slow_trickle_never_does(prod: Workspace, tell: Told) -> None:
    prod.report(boom("first", ago(hours=3)))
    ignore(prod, ago(hours=2), rate=5)

    # Five in a minute's time and a bit: by minutes of the clock alone it would seem enough.
    tell(prod, *booms(0, 60, ago(minutes=80), timedelta(seconds=15.1)))

    assert status_of(prod) == "ignored"
    assert rules_of(prod) == []


def test_failures_before_the_decision_are_no_part_of_the_rate(prod: Workspace, tell: Told) -> None:
    start = ago(minutes=30)
    prod.report(*booms(0, 9, start, timedelta(seconds=1)))
    ignore(prod, start + timedelta(seconds=9), rate=5)

    tell(prod, *booms(10, 4, start + timedelta(seconds=10), timedelta(seconds=1)))
    assert status_of(prod) == "ignored"
    tell(prod, boom("fifth", start + timedelta(seconds=15)))

    assert rules_of(prod) == ["ignore_rate"]


def test_the_rate_is_that_around_the_newest_failure(prod: Workspace, tell: Told) -> None:
    prod.report(boom("first", ago(hours=3)))
    ignore(prod, ago(hours=2), rate=5)
    prod.report(boom("newest", ago(minutes=5)))

    tell(prod, *booms(0, 9, ago(minutes=40), timedelta(seconds=1)))

    assert status_of(prod) == "ignored"


def test_between_long_intervals_of_the_sweep_the_rate_is_that_of_the_interval(
    prod: Workspace, tell: Told, settings: LazySettings
) -> None:
    settings.SWEEP_SECONDS = 600
    prod.report(boom("first", ago(hours=2)))
    ignore(prod, ago(hours=1), rate=0.5)

    tell(prod, *booms(0, 4, ago(minutes=30), timedelta(seconds=1)))
    assert status_of(prod) == "ignored"
    tell(prod, boom("fifth", ago(minutes=21)))

    *_, entry = trail_of(prod)
    assert entry["details"] == {"occurrenceRate": 0.5, "counted": 5, "minutes": 10.0}


@pytest.mark.parametrize(("count", "rule"), [(2, []), (3, ["ignore_total"]), (6, ["ignore_total"])])
def test_of_several_conditions_the_first_that_is_met_counts(
    prod: Workspace, tell: Told, count: int, rule: list[str]
) -> None:
    prod.report(boom("first", ago(hours=2)))
    ignore(prod, ago(hours=1), total=3, rate=6, until=ago(hours=-1))

    tell(prod, *booms(0, count, ago(minutes=30), timedelta(seconds=1)))

    assert rules_of(prod) == rule


def test_it_can_be_ignored_again_and_counts_from_there(prod: Workspace, tell: Told) -> None:
    prod.report(boom("first", ago(hours=5)))

    for round_number in range(2):
        hours = 4 - round_number
        ignore(prod, ago(hours=hours), total=2)
        base = round_number * 2
        tell(prod, boom(f"r{base}", ago(hours=hours - 0.2)))
        assert status_of(prod) == "ignored"
        tell(prod, boom(f"r{base + 1}", ago(hours=hours - 0.1)))

    assert status_of(prod) == "unresolved"
    assert rules_of(prod) == ["ignore_total"] * 2


def test_ignored_and_then_resolved_it_comes_back_by_the_rule_of_resolved_ones(
    prod: Workspace, tell: Told
) -> None:
    prod.report(boom("first", ago(hours=5)))
    ignore(prod, ago(hours=4), total=1)
    resolve(prod, ago(hours=3))

    tell(prod, boom("again", ago(hours=1)))

    assert rules_of(prod) == ["regression"]


def test_steps_and_sweeps_bring_a_group_back_once(prod: Workspace) -> None:
    prod.report(boom("first", ago(hours=2)))
    ignore(prod, ago(hours=1), total=1)

    for number in range(3):
        replicated(prod, boom(f"r{number}", ago(minutes=9)))
        swept_up(prod, boom(f"s{number}", ago(minutes=8)))

    assert ErrorGroupActivity.objects.filter(actor_kind="rule").count() == 1


def test_the_span_of_a_rate_is_at_least_a_minute(
    prod: Workspace, tell: Told, settings: LazySettings
) -> None:
    settings.SWEEP_SECONDS = 5
    prod.report(boom("first", ago(hours=2)))
    ignore(prod, ago(hours=1), rate=4)

    tell(prod, *booms(0, 4, ago(minutes=30), timedelta(seconds=15)))

    assert rules_of(prod) == ["ignore_rate"]


def test_failures_that_expire_meanwhile_make_no_room_for_more(
    prod: Workspace, clock: Clock, tell: Told
) -> None:
    """What a detail counts has not grown, but it failed so many more times."""
    long_ago = ago(days=configured.RETENTION_DAYS - 2)
    prod.report(*booms(0, 3, long_ago, timedelta(seconds=1)))
    ignore(prod, ago(hours=1), total=3)
    clock.advance(days=4)

    tell(prod, *booms(3, 2, ago(hours=2), timedelta(minutes=1)))
    assert status_of(prod) == "ignored"
    tell(prod, boom("last", ago(hours=1)))

    assert group_of(prod)["count"] == 3
    assert rules_of(prod) == ["ignore_total"]
    assert trail_of(prod)[-1]["details"] == {"totalOccurrences": 3, "counted": 3}
