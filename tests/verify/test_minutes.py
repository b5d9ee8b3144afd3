"""`manage.py verify_counts`: a minute that is wrong is found, and made right."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from runs_app.clickhouse.client import clickhouse
from runs_app.domain.window import floor_minute
from runs_app.models import TaskRun
from tests.conftest import Workspace, failed

COLUMNS = (
    "organization_id",
    "project_id",
    "environment_id",
    "error_fingerprint",
    "task_identifier",
    "task_version",
    "minute",
    "count",
)


def verify(*arguments: str) -> str:
    out = StringIO()
    call_command("verify_counts", *arguments, stdout=out)
    return out.getvalue()


def tamper(workspace: Workspace, by: int, *, minutes: int = 1) -> None:
    """Add to the counts of the workspace's only group behind everybody's back."""
    run = TaskRun.objects.get(environment=workspace.environment)
    assert run.failed_at is not None
    tenant = workspace.tenant
    ids = (tenant.organization_id, tenant.project_id, tenant.environment_id)
    start = floor_minute(run.failed_at)
    clickhouse().insert(
        "error_occurrences_v1",
        COLUMNS,
        [
            (
                *ids,
                run.error_fingerprint,
                run.task_identifier,
                run.task_version,
                start - timedelta(minutes=back),
                by,
            )
            for back in range(minutes)
        ],
    )


def name(workspace: Workspace) -> str:
    return f"{workspace.environment.project.external_ref}/{workspace.environment.slug}"


@pytest.fixture
def counted(prod: Workspace) -> Workspace:
    prod.report(failed("run_a", failedAt=datetime.now(UTC).isoformat()))
    return prod


def test_right_counts_end_with_success(counted: Workspace) -> None:
    assert "all counts are right" in verify("--environment", name(counted))


@pytest.mark.parametrize(("by", "words"), [(4, "4 too many"), (-1, "1 too few")])
def test_a_tampered_minute_is_found_and_stays_wrong(
    counted: Workspace, by: int, words: str
) -> None:
    tamper(counted, by)
    out = StringIO()

    with pytest.raises(CommandError, match=r"wrong: 1\."):
        call_command("verify_counts", "--environment", name(counted), stdout=out)

    assert words in out.getvalue()
    with pytest.raises(CommandError):
        verify("--environment", name(counted))


def test_repair_makes_it_right_and_says_so(counted: Workspace) -> None:
    tamper(counted, 4)
    assert [group["count"] for group in counted.errors()] == [5]

    repaired = verify("--repair", "--environment", name(counted))

    assert "1 wrong" in repaired
    assert "after the repair: 0 wrong" in repaired
    assert [group["count"] for group in counted.errors()] == [1]
    assert "all counts are right" in verify("--environment", name(counted))


def test_every_environment_is_looked_at_unless_one_is_named(
    counted: Workspace, staging: Workspace
) -> None:
    tamper(counted, 1)

    with pytest.raises(CommandError, match=r"wrong: 1\."):
        verify()

    assert "all counts are right" in verify("--environment", name(staging))


def test_long_lists_are_cut_and_counted(counted: Workspace) -> None:
    tamper(counted, 1, minutes=30)
    out = StringIO()

    with pytest.raises(CommandError, match=r"wrong: 30\."):
        call_command("verify_counts", "--environment", name(counted), stdout=out)

    assert "30 wrong" in out.getvalue()
    assert "and 10 more" in out.getvalue()


@pytest.mark.parametrize("given", ["prod", "proj_unknown/prod"])
def test_an_environment_that_is_not_there_is_refused(prod: Workspace, given: str) -> None:
    with pytest.raises(CommandError):
        verify("--environment", given)
