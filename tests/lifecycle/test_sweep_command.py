"""`manage.py sweep`."""

import threading
from collections.abc import Iterator
from contextlib import closing
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from errors_app.domain.transitions import Rule
from errors_app.management.commands import sweep as command
from errors_app.models import ErrorGroupActivity
from errors_app.services import chores
from tests.conftest import Workspace, make_workspace
from tests.lifecycle.deciding import ago, boom, ignore, resolve, rules_of
from tests.lifecycle.telling import no_steps
from tests.replication.conftest import Line, engine, line

__all__ = ["engine", "line"]


def run(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("sweep", *arguments, stdout=out)
    return out.getvalue().splitlines()


def name_of(workspace: Workspace) -> str:
    return f"{workspace.environment.project.external_ref}/{workspace.environment.slug}"


def have_one_of_each_end(workspace: Workspace) -> None:
    names = ("alpha", "bravo", "charlie")
    workspace.report(*(boom(name, ago(hours=2), message=name) for name in names))
    ignore(workspace, ago(hours=1), until=ago(minutes=1), message="alpha")
    ignore(workspace, ago(hours=1), total=1, message="bravo")
    resolve(workspace, ago(hours=1), message="charlie")
    with no_steps():
        workspace.report(*(boom(f"{name}2", ago(minutes=5), message=name) for name in names))


def test_it_tells_what_came_back(prod: Workspace) -> None:
    have_one_of_each_end(prod)

    told = [
        "1 groups whose time of being ignored is over",
        "1 groups ignored until they had failed so often",
        "0 groups ignored until they failed at a rate",
        "1 groups that failed again after they were resolved",
    ]
    assert run("--dry-run") == [f"would reopen {sentence}" for sentence in told]
    assert not ErrorGroupActivity.objects.filter(actor_kind="rule").exists()
    assert run() == [f"reopened {sentence}" for sentence in told]
    assert ErrorGroupActivity.objects.filter(actor_kind="rule").count() == 3


def test_one_environment_is_named_as_everywhere(prod: Workspace, staging: Workspace) -> None:
    for workspace in (prod, staging):
        workspace.report(boom("first", ago(hours=2)))
        ignore(workspace, ago(hours=1), until=ago(minutes=1))

    run("--environment", name_of(staging))

    assert (rules_of(prod), rules_of(staging)) == ([], ["ignore_expired"])


@pytest.mark.parametrize("name", ["nonsense", "proj_none/prod"])
def test_an_environment_that_is_not_there_is_told(prod: Workspace, name: str) -> None:
    with pytest.raises(CommandError, match="environment"):
        run("--environment", name)


def test_while_clickhouse_is_away_it_tells_what_was_done(prod: Workspace, line: Line) -> None:
    have_one_of_each_end(prod)
    line.down()
    out = StringIO()

    with pytest.raises(CommandError, match="next sweep"):
        call_command("sweep", stdout=out)

    line.up()
    assert out.getvalue().startswith("reopened 1 groups whose time")
    assert run()[1].startswith("reopened 1 groups")


def test_ctrl_c_ends_it_and_tells_what_was_done(
    prod: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_only: object, *, dry_run: bool) -> Iterator[dict[Rule, int]]:
        yield {Rule.IGNORE_EXPIRED: 500}
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "sweep", interrupted)
    out = StringIO()

    with pytest.raises(CommandError, match="next sweep") as stopped:
        call_command("sweep", stdout=out)

    assert stopped.value.returncode == 130
    assert out.getvalue().startswith("reopened 500 groups")


def test_it_waits_until_no_worker_does_chores(
    transactional_db: None, clickhouse_tables: None
) -> None:
    prod = make_workspace()
    prod.report(boom("first", ago(hours=2)))
    ignore(prod, ago(hours=1), until=ago(minutes=1))
    done = threading.Event()

    def sweep() -> None:
        with closing(connection):
            run()
        done.set()

    with chores._turn_at_chores() as ours:
        assert ours
        thread = threading.Thread(target=sweep)
        thread.start()
        assert not done.wait(0.5)
        assert rules_of(prod) == []

    thread.join(60)
    assert done.is_set()
    assert rules_of(prod) == ["ignore_expired"]
