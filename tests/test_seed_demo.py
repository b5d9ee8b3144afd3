"""`manage.py seed_demo`."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from errors_app.domain.groups import Status
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
    seed("--limit", str(LIMIT))

    resolved = ErrorGroupState.objects.filter(status=Status.RESOLVED)
    ignored = ErrorGroupState.objects.filter(status=Status.IGNORED)
    assert {state.resolved_by for state in resolved} == {superuser}
    assert all(state.resolved_in_version for state in resolved)
    assert {state.ignored_by for state in ignored} == {superuser}
    assert all(state.ignored_reason for state in ignored)
    assert ErrorGroupActivity.objects.count() == resolved.count() + ignored.count() > 1
    assert {change.client for change in ErrorGroupActivity.objects.all()} == {"demo"}


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
