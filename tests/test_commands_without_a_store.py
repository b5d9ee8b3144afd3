"""Commands that find the relational store away or locked: a sentence and status 1."""

import json
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from runs_app.models import TaskRun
from tests.conftest import Workspace, failed, make_workspace
from tests.load.conftest import row
from tests.retention.sweeping import make_old

COMMANDS = {
    "load_runs": "Nothing was loaded",
    "sweep_retention": "next sweep",
    "verify_counts": "Nothing was looked at",
    "rebuild_clickhouse": "again to go on",
    "rotate_signing_secret": "Only what is named above",
    "regroup": "Nothing was changed",
}


@pytest.fixture
def prod(transactional_db: None, clickhouse_tables: None) -> Workspace:
    return make_workspace("prod")


@pytest.fixture
def export(prod: Workspace, tmp_path: Path) -> Path:
    file = tmp_path / "export.jsonl"
    file.write_text(json.dumps(row(prod, "a")))
    return file


@pytest.fixture
def away(prod: Workspace) -> Iterator[None]:
    """The relational store is not where the settings say."""
    elsewhere = {
        "postgresql": ("PORT", "1"),
        "sqlite": ("NAME", str(settings.FAULTLINE_DATA / "nowhere" / "faultline.sqlite3")),
    }
    connection.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connection.settings_dict, *elsewhere[connection.vendor])
        yield
        connection.close()


@pytest.fixture
def locked(prod: Workspace) -> Iterator[None]:
    """Another session keeps the runs to itself, and ours loses its patience at once."""
    impatience, *lock = {
        "postgresql": (
            "SET lock_timeout = '200ms'",
            "BEGIN",
            "LOCK TABLE runs_app_taskrun IN EXCLUSIVE MODE",
        ),
        "sqlite": ("PRAGMA busy_timeout = 200", "BEGIN EXCLUSIVE"),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(impatience)
    with closing(connection.copy()) as other:
        with other.cursor() as cursor:
            for statement in lock:
                cursor.execute(statement)
        yield
    connection.close()


def run(name: str, export: Path) -> None:
    arguments = {
        "load_runs": [str(export)],
        "rebuild_clickhouse": ["--yes"],
        "rotate_signing_secret": ["--all"],
        "regroup": ["--dry-run"],
    }
    call_command(name, *arguments.get(name, []), stdout=StringIO(), stderr=StringIO())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_without_the_relational_store_ends_in_a_sentence(
    export: Path, away: None, name: str
) -> None:
    with pytest.raises(CommandError, match=f"relational store is .*away.*{COMMANDS[name]}") as end:
        run(name, export)

    assert end.value.returncode == 1


@pytest.mark.parametrize(
    ("name", "words"), [("load_runs", "loaded already"), ("sweep_retention", "next sweep")]
)
def test_a_command_that_finds_the_runs_locked_ends_in_a_sentence(
    prod: Workspace, export: Path, request: pytest.FixtureRequest, name: str, words: str
) -> None:
    prod.send(failed("old"))
    make_old("run_old")
    request.getfixturevalue("locked")

    with pytest.raises(CommandError, match=f"relational store is locked.*{words}.*lock"):
        run(name, export)

    assert [run.friendly_id for run in TaskRun.objects.all()] == ["run_old"]
