"""`manage.py seed_demo`."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from errors_app.domain.demo.environments import RUNS, DemoEnvironment
from errors_app.domain.groups import ActorKind, Status
from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.models import OutboxEntry, Project, TaskRun, User
from tests.conftest import Workspace, make_workspace

LIMIT = 3_000


@pytest.fixture
def superuser(db: None) -> User:
    return User.objects.create_superuser("root")


@pytest.fixture
def project(prod: Workspace, staging: Workspace, superuser: User) -> Project:
    make_workspace("dev", prod.environment.project)
    make_workspace("preview", prod.environment.project)
    return prod.environment.project


def seed(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command("seed_demo", *arguments, stdout=out, **options)
    return out.getvalue()


def test_runs_groups_and_states_arrive(project: Project, prod: Workspace, superuser: User) -> None:
    told = seed("--limit", str(LIMIT))

    runs = TaskRun.objects.filter(environment__project=project)
    assert {
        slug: runs.filter(environment__slug=slug).count()
        for slug in ("prod", "staging", "dev", "preview")
    } == {"prod": LIMIT, "staging": 3_000, "dev": 1_000, "preview": 0}
    assert "7,000 demo runs" in told
    assert not OutboxEntry.objects.exists()
    groups = prod.errors(period="90d", **{"page[size]": "100"})
    counted = runs.filter(environment=prod.environment, counted_fingerprint__isnull=False)
    assert sum(group["count"] for group in groups) == counted.count() > 0
    statuses = {group["status"] for group in groups}
    assert statuses == {"unresolved", "resolved", "ignored"}


def test_decisions_are_the_superusers_and_as_given(
    project: Project, prod: Workspace, superuser: User
) -> None:
    told = seed("--limit", str(LIMIT))

    resolved = ErrorGroupState.objects.filter(status=Status.RESOLVED)
    ignored = ErrorGroupState.objects.filter(status=Status.IGNORED)
    assert {state.resolved_by for state in resolved} == {superuser}
    assert all(state.resolved_in_version or state.resolved_after_version for state in resolved)
    assert {state.ignored_by for state in ignored} == {superuser}
    assert all(state.ignored_reason for state in ignored)
    people = ErrorGroupActivity.objects.filter(actor_kind=ActorKind.USER)
    assert {(change.user, change.client) for change in people} == {(superuser, "demo")}
    rules = ErrorGroupActivity.objects.filter(actor_kind=ActorKind.RULE)
    assert people.count() == resolved.count() + ignored.count() + rules.count() > 1
    assert f"{rules.count()} of these have come back since" in told


def test_the_rules_find_nothing_to_do_that_the_demo_left_out(
    project: Project, prod: Workspace, superuser: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is decided in the past has had its time as if the rules had looked on."""
    # As many failures as ever, and fewer runs between them.
    for environment, runs in {DemoEnvironment.PROD: 6_000, DemoEnvironment.STAGING: 400}.items():
        monkeypatch.setitem(RUNS, environment, runs)

    seed()
    states = list(ErrorGroupState.objects.order_by("pk").values())
    changes = list(ErrorGroupActivity.objects.values_list("rule", "run_id", "task_version"))

    call_command("sweep", stdout=StringIO())

    assert list(ErrorGroupState.objects.order_by("pk").values()) == states
    assert list(ErrorGroupActivity.objects.values_list("rule", "run_id", "task_version")) == changes
    given_up = ErrorGroupActivity.objects.filter(actor_kind=ActorKind.RULE)
    assert {(entry.from_status, entry.to_status) for entry in given_up} == {
        ("resolved", "unresolved"),
        ("ignored", "unresolved"),
    }
    caused = {rule: (run, version) for rule, run, version in changes if rule}
    assert caused.keys() == {"regression", "ignore_expired", "ignore_rate", "ignore_total"}
    for rule, (run, version) in caused.items():
        assert (run == version == "") == (rule == "ignore_expired")
        if rule != "ignore_expired":
            assert TaskRun.objects.get(friendly_id=run).task_version == version


def test_a_project_with_runs_is_left_alone_if_asked(project: Project, prod: Workspace) -> None:
    prod.report({"id": "run_1", "taskIdentifier": "t", "status": "COMPLETED"})

    told = seed("--if-empty")

    assert "no demo data" in told
    assert TaskRun.objects.count() == 1


def test_an_empty_project_is_filled_if_asked(project: Project) -> None:
    seed("--if-empty", "--limit", "10")

    assert TaskRun.objects.count() == 30


def test_the_demo_goes_into_the_project_that_is_named(project: Project, superuser: User) -> None:
    other = make_workspace("dev").environment.project

    seed("--project", other.external_ref, "--limit", "10")

    assert {run.environment.project for run in TaskRun.objects.all()} == {other}


def test_a_project_that_is_not_there_is_named(project: Project) -> None:
    with pytest.raises(CommandError, match="There is no project proj_nowhere"):
        seed("--project", "proj_nowhere")


def test_without_a_project_bootstrap_comes_first(superuser: User, clickhouse_tables: None) -> None:
    with pytest.raises(CommandError, match="bootstrap"):
        seed()


def test_without_a_superuser_bootstrap_comes_first(prod: Workspace) -> None:
    with pytest.raises(CommandError, match="bootstrap"):
        seed()
