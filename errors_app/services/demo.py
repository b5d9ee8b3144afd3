"""Filling a project with the demo: its runs by the way of every report, then what people decided
about its groups."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

import msgspec

from errors_app.domain.demo import (
    DemoAction,
    DemoDecision,
    DemoEnvironment,
    demo_decisions,
    demo_runs,
    expected_runs,
)
from errors_app.domain.groups import Actor, IgnoreConditions
from errors_app.queries.occurrences import GroupFacts
from errors_app.services import browse, lifecycle
from runs_app.clickhouse.failures import ClickHouseUnavailable
from runs_app.domain.errors import NotFound
from runs_app.domain.grouping.resolve import group_error
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
    """What was done. `rejected`: runs that ingest refused, of which there should be none."""

    runs: int = 0
    rejected: int = 0
    resolved: int = 0
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class _Seeding:
    """One call: `now` decides every time in the demo, `limit` is per environment."""

    now: datetime
    limit: int | None
    progress: Told
    replicator: Replicator = field(default_factory=Replicator)
    seeded: Seeded = field(default_factory=Seeded)


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
    for number, body in enumerate(_bodies(runs), start=1):
        result = ingest(tenant, split_body(body, lines=False))
        seeding.seeded.runs += result.accepted
        seeding.seeded.rejected += len(result.rejected)
        seeding.progress(result.accepted + result.unchanged + len(result.rejected))
        if number % REQUESTS_PER_DRAIN == 0:
            _drain(seeding)
    _drain(seeding)


def _bodies(runs: Iterator[dict[str, object]]) -> Iterator[bytes]:
    while part := list(islice(runs, RUNS_PER_REQUEST)):
        yield msgspec.json.encode(part)


def _drain(seeding: _Seeding) -> None:
    if not seeding.replicator.drain():
        raise ClickHouseUnavailable("the demo's runs wait in the outbox", sent=False)


def _decide(seeding: _Seeding, environment: DemoEnvironment, tenant: Tenant, actor: Actor) -> None:
    for decision in demo_decisions(seeding.now, environment=environment):
        facts = _group_of(tenant, decision)
        if facts is None:
            continue
        if decision.action is DemoAction.RESOLVE:
            lifecycle.resolve_group(tenant, facts.key, actor, decision.resolved_in_version)
            seeding.seeded.resolved += 1
        else:
            lifecycle.ignore_group(tenant, facts.key, actor, _conditions(decision), facts.count)
            seeding.seeded.ignored += 1


def _group_of(tenant: Tenant, decision: DemoDecision) -> GroupFacts | None:
    """The group a decision is about; None where a limit left its runs out."""
    fingerprint = group_error(dict(decision.probe), rule=tenant.grouping_rule).fingerprint
    try:
        return browse.find_for_change(tenant, fingerprint, decision.task_identifier)
    except NotFound:
        return None


def _conditions(decision: DemoDecision) -> IgnoreConditions:
    duration = decision.duration
    return IgnoreConditions(
        until=None if duration is None else decision.decided_at + duration,
        occurrence_rate=decision.occurrence_rate,
        total_occurrences=decision.total_occurrences,
        reason=decision.reason,
    )
