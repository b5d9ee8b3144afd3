"""Filling a project with the demo: its runs by the way of every report, then what people decided
about its groups."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

import msgspec

from errors_app.domain.decisions import Decision, Resolution, coming_back, ignoring, resolving
from errors_app.domain.demo import (
    DemoAction,
    DemoDecision,
    DemoEnvironment,
    demo_decisions,
    demo_runs,
    ending_of,
    expected_runs,
)
from errors_app.domain.demo.tasks import TASKS
from errors_app.domain.groups import Actor, ActorKind, GroupKey, IgnoreConditions
from errors_app.domain.transitions import Failure
from errors_app.services.state_changes import change_states
from runs_app.clickhouse.failures import ClickHouseUnavailable
from runs_app.domain.grouping.resolve import group_error, slice_of
from runs_app.domain.ids import friendly_run_id
from runs_app.domain.report_bodies import split_body
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.models import Project, TaskRun
from runs_app.services.ingest import ingest
from runs_app.services.replicate import Replicator

RUNS_PER_REQUEST: Final = 1_000
# As many as the replicator takes in one batch.
REQUESTS_PER_DRAIN: Final = 10

Told = Callable[[int], None]


@dataclass(slots=True)
class Seeded:
    """What was done. `rejected`: runs that ingest refused, of which there should be none;
    `came_back`: groups that had been resolved or ignored."""

    runs: int = 0
    rejected: int = 0
    resolved: int = 0
    ignored: int = 0
    came_back: int = 0


@dataclass(frozen=True, slots=True)
class _Seeding:
    """One call: `now` decides every time in the demo, `limit` is per environment."""

    now: datetime
    limit: int | None
    progress: Told
    replicator: Replicator = field(default_factory=Replicator)
    seeded: Seeded = field(default_factory=Seeded)
    failures: defaultdict[tuple[DemoEnvironment, GroupKey], list[Failure]] = field(
        default_factory=lambda: defaultdict(list)
    )


@dataclass(frozen=True, slots=True)
class _Change:
    """One change of a group, at its time."""

    at: datetime
    key: GroupKey
    decision: Decision
    actor: Actor


def has_runs(project: Project) -> bool:
    return TaskRun.objects.filter(environment__project=project).exists()


def demo_size(project: Project, limit: int | None = None) -> int:
    """How many runs `seed_demo` reports."""
    return sum(_size(environment, limit) for environment, _ in _filled(project))


def seed_demo(
    project: Project, actor: Actor, progress: Told, *, limit: int | None = None
) -> Seeded:
    """Report the demo's runs, at most `limit` per environment, and apply its decisions.

    `progress` is told of runs as they are kept. Raises ClickHouseUnavailable where ClickHouse is
    away: what was reported until then is kept.
    """
    seeding = _Seeding(utc_now(), limit, progress)
    filled = _filled(project)
    for environment, tenant in filled:
        _report(seeding, environment, tenant)
    for environment, tenant in filled:
        _decide(seeding, environment, tenant, actor)
    return seeding.seeded


def _filled(project: Project) -> list[tuple[DemoEnvironment, Tenant]]:
    """The project's environments that the demo has runs for."""
    found = {each.slug: each for each in project.environments.select_related("project")}
    return [
        (environment, found[environment.value].tenant())
        for environment in DemoEnvironment
        if environment.value in found and expected_runs(environment)
    ]


def _size(environment: DemoEnvironment, limit: int | None) -> int:
    expected = expected_runs(environment)
    return expected if limit is None else min(limit, expected)


def _report(seeding: _Seeding, environment: DemoEnvironment, tenant: Tenant) -> None:
    runs = islice(demo_runs(seeding.now, environment=environment), seeding.limit)
    told = _remembered(seeding, environment, tenant, runs)
    for number, body in enumerate(_bodies(told), start=1):
        result = ingest(tenant, split_body(body, lines=False))
        seeding.seeded.runs += result.accepted
        seeding.seeded.rejected += len(result.rejected)
        seeding.progress(result.accepted + result.unchanged + len(result.rejected))
        if number % REQUESTS_PER_DRAIN == 0:
            _drain(seeding)
    _drain(seeding)


def _remembered(
    seeding: _Seeding,
    environment: DemoEnvironment,
    tenant: Tenant,
    runs: Iterator[dict[str, object]],
) -> Iterator[dict[str, object]]:
    """The runs, whose failures are kept for what is decided later."""
    for run in runs:
        if "failedAt" in run:
            key = _key_of(tenant, run["error"], str(run["taskIdentifier"]))
            failure = Failure(
                run_id=friendly_run_id(str(run["id"])),
                version=str(run["version"]),
                failed_at=datetime.fromisoformat(str(run["failedAt"])),
            )
            seeding.failures[environment, key].append(failure)
        yield run


def _key_of(tenant: Tenant, error: object, task_identifier: str) -> GroupKey:
    """The group of an error, as ingest decides it for the task's runs."""
    part = slice_of("", error, TASKS[task_identifier].queue, task_identifier)
    return GroupKey(group_error(error, part, tenant.grouping).fingerprint, task_identifier)


def _bodies(runs: Iterator[dict[str, object]]) -> Iterator[bytes]:
    while part := list(islice(runs, RUNS_PER_REQUEST)):
        yield msgspec.json.encode(part)


def _drain(seeding: _Seeding) -> None:
    if not seeding.replicator.drain():
        raise ClickHouseUnavailable("the demo's runs wait in the outbox", sent=False)


def _decide(seeding: _Seeding, environment: DemoEnvironment, tenant: Tenant, actor: Actor) -> None:
    """Make all changes of the environment's groups, in the order of time and as if made then."""
    changes: list[_Change] = []
    for decision in demo_decisions(seeding.now, environment=environment):
        key = _key_of(tenant, dict(decision.probe), decision.task_identifier)
        failures = sorted(
            seeding.failures.get((environment, key), ()),
            key=lambda failure: (failure.failed_at, failure.run_id),
        )
        # A limit may have left out all of the group's runs.
        if failures:
            changes += _changes_of(seeding, key, decision, failures, actor)
    for change in sorted(changes, key=lambda each: (each.at, each.key)):
        _make(tenant, change)


def _make(tenant: Tenant, change: _Change) -> None:
    change_states(
        tenant,
        [change.key],
        lambda _key, _before: change.decision,
        change.actor,
        change.at,
        as_written=True,
    )


def _changes_of(
    seeding: _Seeding,
    key: GroupKey,
    taken: DemoDecision,
    failures: Sequence[Failure],
    actor: Actor,
) -> Iterator[_Change]:
    """What a person decided, and where it has come to its end since, the rule that ended it."""
    if taken.action is DemoAction.RESOLVE:
        resolution = Resolution(taken.resolved_in_version, taken.resolved_after_version)
        decision = resolving(resolution, actor, taken.decided_at)
        seeding.seeded.resolved += 1
    else:
        count = sum(failure.failed_at <= taken.decided_at for failure in failures)
        decision = ignoring(_conditions(taken), count, actor, taken.decided_at)
        seeding.seeded.ignored += 1
    yield _Change(taken.decided_at, key, decision, actor)
    ending = ending_of(decision.state, taken.decided_at, failures, seeding.now)
    if ending is not None:
        rule = Actor(ActorKind.RULE, rule=ending.transition.rule)
        seeding.seeded.came_back += 1
        yield _Change(ending.at, key, coming_back(ending.transition), rule)


def _conditions(decision: DemoDecision) -> IgnoreConditions:
    duration = decision.duration
    return IgnoreConditions(
        until=None if duration is None else decision.decided_at + duration,
        occurrence_rate=decision.occurrence_rate,
        total_occurrences=decision.total_occurrences,
        reason=decision.reason,
    )
