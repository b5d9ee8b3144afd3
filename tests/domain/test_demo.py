"""The demo's runs: believable, in bounds, and one group for each bug."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from errors_app.domain.decisions import Resolution, ignoring, resolving
from errors_app.domain.demo import (
    DemoAction,
    DemoEnvironment,
    demo_decisions,
    demo_runs,
    ending_of,
    expected_runs,
)
from errors_app.domain.demo.bugs import bugs_of
from errors_app.domain.groups import Actor, ActorKind, IgnoreConditions
from errors_app.domain.transitions import Failure, Rule
from runs_app.domain.grouping.normalised_text import normalise
from runs_app.domain.grouping.resolve import group_error
from runs_app.domain.versions import version_key

NOW = datetime(2026, 11, 20, 11, 3, 27, 123000, tzinfo=UTC)
OTHER_NOWS = (
    datetime(2026, 11, 22, 0, 0, 0, tzinfo=UTC),  # a Sunday, at midnight
    datetime(2028, 2, 29, 23, 59, 59, 999000, tzinfo=UTC),
)
FAILED = {"FAILED", "CRASHED", "TIMED_OUT", "SYSTEM_FAILURE"}
TIMES = ("createdAt", "updatedAt", "startedAt", "finishedAt", "failedAt", "expiredAt")


def group_of(run):
    return run["taskIdentifier"], group_error(run["error"]).fingerprint


def when(text):
    assert len(text) == 24
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def runs():
    return list(demo_runs(NOW, environment=DemoEnvironment.PROD))


@pytest.fixture(scope="module")
def groups(runs):
    found = defaultdict(list)
    for run in runs:
        if run["status"] in FAILED:
            found[group_of(run)].append(run)
    return found


def test_the_same_arguments_give_the_same_runs():
    first = list(demo_runs(NOW, environment=DemoEnvironment.STAGING))

    assert first == list(demo_runs(NOW, environment=DemoEnvironment.STAGING))
    assert first != list(demo_runs(NOW, environment=DemoEnvironment.STAGING, seed=21))


@pytest.mark.parametrize("environment", DemoEnvironment)
def test_the_number_of_runs_is_the_expected_one(environment):
    assert sum(1 for _ in demo_runs(NOW, environment=environment)) == expected_runs(environment)


def test_every_run_has_an_id_of_its_own(runs):
    ids = {run["id"] for run in runs}

    assert len(ids) == len(runs)
    assert all(len(run_id) == 29 and run_id.startswith("run_") for run_id in ids)


@pytest.mark.parametrize("now", [NOW, *OTHER_NOWS])
def test_all_times_lie_in_the_ninety_days_and_runs_come_in_order_of_creation(now):
    start = now - timedelta(days=90) + timedelta(hours=1)

    runs = list(demo_runs(now, environment=DemoEnvironment.PROD))

    assert all(a["createdAt"] <= b["createdAt"] for a, b in pairwise(runs))
    assert len(runs) == expected_runs(DemoEnvironment.PROD)
    for run in runs:
        times = [when(run[name]) for name in TIMES if name in run]
        assert start < when(run["createdAt"]) == min(times)
        assert max(times) <= now


def test_a_naive_now_is_refused():
    with pytest.raises(ValueError, match="aware"):
        next(demo_runs(datetime(2026, 11, 20), environment=DemoEnvironment.DEV))  # noqa: DTZ001


@pytest.mark.parametrize("now", [NOW, *OTHER_NOWS])
def test_each_bug_of_production_is_one_group(now):
    failures = [run for run in demo_runs(now, environment=DemoEnvironment.PROD) if "error" in run]

    groups = {group_of(run) for run in failures}

    assert 55 <= len(groups) <= 65
    assert 55 <= len({fingerprint for _, fingerprint in groups}) <= 65
    assert len(groups) == len(bugs_of(DemoEnvironment.PROD))


def test_no_two_groups_look_the_same(groups):
    looks = Counter(
        (task, runs[0]["error"]["type"], normalise(runs[0]["error"]["message"]))
        for (task, _), runs in groups.items()
    )

    assert set(looks.values()) == {1}


def test_a_database_outage_gives_two_tasks_the_same_fingerprint(groups):
    tasks = Counter(fingerprint for _, fingerprint in groups)

    assert sorted(tasks.values())[-2:] == [1, 2]


def test_all_failed_runs_and_no_others_bring_an_error(runs):
    for run in runs:
        assert ("error" in run) == ("failedAt" in run) == (run["status"] in FAILED)
        if "error" in run:
            assert set(run["error"]) == {"type", "message", "stack"}
            assert not any(mark in run["error"]["stack"] for mark in ("${", "~/", "^/"))


def test_stacks_of_failures_in_code_have_six_to_twenty_frames(groups):
    for runs in groups.values():
        if runs[0]["status"] != "FAILED":
            continue
        lines = runs[0]["error"]["stack"].split("\n")

        assert 6 <= sum(line.lstrip().startswith(("at ", 'File "')) for line in lines) <= 20


def test_most_runs_succeed_and_a_few_are_still_under_way(runs):
    statuses = Counter(run["status"] for run in runs)

    assert 0.91 < statuses["COMPLETED"] / len(runs) < 0.95
    assert {*FAILED, "CANCELED", "EXPIRED", "QUEUED", "EXECUTING"} <= set(statuses)
    assert statuses["QUEUED"] + statuses["EXECUTING"] < 30
    assert all(
        when(run["createdAt"]) > NOW - timedelta(minutes=60)
        for run in runs
        if run["status"] in {"QUEUED", "EXECUTING", "DEQUEUED", "WAITING"}
    )


def test_groups_have_different_histories(groups):
    def ages(runs):
        times = [NOW - when(run["failedAt"]) for run in runs]
        return min(times), max(times)

    day = timedelta(days=1)
    spans = {key: ages(runs) for key, runs in groups.items()}

    assert any(oldest <= timedelta(minutes=20) for _, oldest in spans.values())
    assert any(newest > 68 * day for newest, _ in spans.values())
    assert any(newest > 30 * day and oldest > 60 * day for newest, oldest in spans.values())
    assert any(
        len(groups[key]) > 100 and newest < day and oldest > 85 * day
        for key, (newest, oldest) in spans.items()
    )
    assert sum(newest < day for newest, _ in spans.values()) >= 12


def test_old_workers_overlap_with_a_new_version_for_a_day_only(runs):
    seen = defaultdict(list)
    for run in runs:
        seen[run["version"]].append(when(run["createdAt"]))
    # Of the oldest two, the ninety days show a part only.
    in_order = [seen[version] for version in sorted(seen, key=version_key)][2:]

    assert len(in_order) > 18
    for older, newer in pairwise(in_order):
        assert min(older) < min(newer)
        assert max(older) - min(newer) < timedelta(hours=25)
    assert any(max(older) > min(newer) for older, newer in pairwise(in_order))


def test_weekday_daytimes_are_the_busiest(runs):
    weekdays = Counter(when(run["createdAt"]).weekday() for run in runs)
    hours = Counter(when(run["createdAt"]).hour for run in runs)

    assert weekdays[6] < 0.6 * weekdays[1]
    assert hours[3] < 0.5 * hours[10]


def test_runs_are_json(runs):
    assert json.loads(json.dumps(runs)) == runs


@pytest.mark.parametrize("now", [NOW, *OTHER_NOWS])
def test_decisions_name_groups_that_exist(now):
    groups = defaultdict(list)
    for run in demo_runs(now, environment=DemoEnvironment.PROD):
        if "error" in run:
            groups[group_of(run)].append(run)

    decisions = demo_decisions(now)

    assert Counter(one.action for one in decisions) == {
        DemoAction.RESOLVE: 11,
        DemoAction.IGNORE: 8,
    }
    assert len({group_of_decision(one) for one in decisions}) == len(decisions)
    for decision in decisions:
        key = group_of_decision(decision)
        assert groups[key][0]["error"]["type"] == decision.error_type
        assert when(groups[key][0]["createdAt"]) < decision.decided_at <= now


def group_of_decision(decision):
    return decision.task_identifier, group_error(dict(decision.probe)).fingerprint


def failures_of(runs):
    found = [Failure(run["id"], run["version"], when(run["failedAt"])) for run in runs]
    return sorted(found, key=lambda one: one.failed_at)


def state_after(decision, failures):
    """The state that the decision makes of its group."""
    nobody = Actor(ActorKind.KEY)
    if decision.action is DemoAction.RESOLVE:
        versions = Resolution(decision.resolved_in_version, decision.resolved_after_version)
        return resolving(versions, nobody, decision.decided_at).state
    conditions = IgnoreConditions(
        until=None if decision.duration is None else decision.decided_at + decision.duration,
        occurrence_rate=decision.occurrence_rate,
        total_occurrences=decision.total_occurrences,
    )
    count = sum(one.failed_at <= decision.decided_at for one in failures)
    return ignoring(conditions, count, nobody, decision.decided_at).state


@pytest.mark.parametrize("now", [NOW, *OTHER_NOWS])
def test_some_decisions_have_come_to_their_end_by_every_rule_and_most_hold(now):
    groups = defaultdict(list)
    for run in demo_runs(now, environment=DemoEnvironment.PROD):
        if "error" in run:
            groups[group_of(run)].append(run)

    endings = []
    late = 0
    for decision in demo_decisions(now):
        failures = failures_of(groups[group_of_decision(decision)])
        state = state_after(decision, failures)
        ending = ending_of(state, decision.decided_at, failures, now)
        if ending is not None:
            endings.append((decision, ending))
        elif decision.resolved_in_version is not None:
            late += sum(one.failed_at > decision.decided_at for one in failures)

    assert Counter(ending.transition.rule for _, ending in endings) == {
        Rule.REGRESSION: 2,
        Rule.IGNORE_EXPIRED: 1,
        Rule.IGNORE_RATE: 1,
        Rule.IGNORE_TOTAL: 1,
    }
    for decision, ending in endings:
        assert decision.decided_at < ending.at < now
        cause = ending.transition.cause
        assert (cause is None) == (ending.transition.rule is Rule.IGNORE_EXPIRED)
        assert cause is None or cause.failed_at == ending.at
    # Old workers went on failing, and nothing came of it.
    assert late


def test_time_ends_an_ignore_before_a_failure_that_comes_later():
    state = ignoring(IgnoreConditions(until=NOW), 0, Actor(ActorKind.KEY), NOW).state
    later = NOW + timedelta(days=1)

    ending = ending_of(state, NOW - timedelta(days=1), [Failure("run_1", "1", later)], later)

    assert (ending.at, ending.transition.rule) == (NOW, Rule.IGNORE_EXPIRED)
    assert ending.transition.cause is None


def test_decisions_cover_every_condition():
    decisions = demo_decisions(NOW)
    ignores = [one for one in decisions if one.action is DemoAction.IGNORE]

    assert sum(one.resolved_in_version is not None for one in decisions) == 9
    assert sum(one.resolved_after_version is not None for one in decisions) == 2
    assert sum(one.duration is not None for one in ignores) == 2
    assert sum(one.occurrence_rate is not None for one in ignores) == 2
    assert sum(one.total_occurrences is not None for one in ignores) == 2
    assert all(one.reason for one in ignores)


@pytest.mark.parametrize("environment", DemoEnvironment)
def test_every_environment_has_only_decisions_about_its_own_groups(environment):
    groups = {group_of(run) for run in demo_runs(NOW, environment=environment) if "error" in run}

    for decision in demo_decisions(NOW, environment=environment):
        fingerprint = group_error(dict(decision.probe)).fingerprint
        assert (decision.task_identifier, fingerprint) in groups
