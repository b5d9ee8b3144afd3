"""`manage.py sweep_retention`."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from runs_app.domain.times import utc_now
from runs_app.management.commands import sweep_retention as command
from runs_app.models import Environment, TaskRun
from runs_app.services.retention import Kind, Swept
from tests.conftest import Workspace, failed
from tests.replication.conftest import Line, engine, line  # noqa: F401
from tests.retention.sweeping import after_retention, make_old


def run(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("sweep_retention", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_it_prints_what_it_deleted(prod: Workspace) -> None:
    prod.send(failed("run_a"), failed("run_b"))
    make_old("run_a")

    assert run() == [
        "deleted 1 runs",
        "deleted 0 records of rebuilds",
        "deleted 0 groups",
    ]
    assert TaskRun.objects.count() == 1


def test_a_dry_run_counts_and_deletes_nothing(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod.report(failed("run_a"), failed("run_b"), failed("run_c", task="another"))
    later = after_retention()
    monkeypatch.setattr(command, "utc_now", lambda: later)

    counted = run("--dry-run")

    assert counted == [
        "would delete 3 runs",
        "would delete 0 rows that had been set aside",
        "would delete 0 records of rebuilds",
        "would delete 2 groups",
    ]
    assert TaskRun.objects.count() == 3
    assert run()[0] == "deleted 3 runs"
    assert run("--dry-run")[3] == "would delete 0 groups"


def test_ctrl_c_ends_it_and_tells_what_was_done(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_now: object) -> Iterator[Swept]:
        yield Swept(Kind.RUNS, 1000)
        yield Swept(Kind.RUNS, 500)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "sweep_retention", interrupted)
    out = StringIO()

    with pytest.raises(CommandError, match="next sweep") as stopped:
        call_command("sweep_retention", stdout=out)

    assert stopped.value.returncode == 130
    assert out.getvalue() == "deleted 1500 runs\n"


def test_while_clickhouse_is_away_runs_go_and_groups_wait(
    prod: Workspace,
    line: Line,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prod.report(failed("run_a"))
    later = utc_now() + timedelta(days=91)
    monkeypatch.setattr(command, "utc_now", lambda: later)
    line.down()

    with pytest.raises(CommandError, match="not available"):
        run()

    assert TaskRun.objects.count() == 0
    line.up()
    assert run()[-1] == "deleted 1 groups"


def test_unknown_environments_go_only_when_asked_for(prod: Workspace, staging: Workspace) -> None:
    prod.report(failed("run_a"))
    staging.report(failed("run_a"))
    Environment.objects.filter(pk=staging.environment.pk).delete()

    assert not any("environment" in told for told in run())
    [counted] = [told for told in run("--dry-run", "--unknown-environments") if "unknown" in told]
    [deleted] = [told for told in run("--unknown-environments") if "unknown" in told]

    assert int(counted.split()[2]) == int(deleted.split()[1]) >= 1


def test_it_refuses_when_the_stores_do_not_belong_together(prod: Workspace) -> None:
    prod.report(failed("run_a"))
    Environment.objects.all().delete()

    with pytest.raises(CommandError, match="CLICKHOUSE_URL"):
        run("--unknown-environments")
