"""Changes of groups that an older version wrote down are numbered in their order."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from errors_app.models import ErrorGroupActivity
from runs_app.domain.times import utc_now
from runs_app.models import Environment
from tests.conftest import make_workspace

UNNUMBERED = [("errors_app", "0002_initial")]


def migrate_to(targets: list[tuple[str, str]]) -> Any:
    """The models as they were there."""
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


def newest() -> list[tuple[str, str]]:
    return MigrationExecutor(connection).loader.graph.leaf_nodes()


@pytest.fixture
def environment(transactional_db: None) -> Iterator[Environment]:
    """Migrated to the newest version at the end, whatever happens."""
    yield make_workspace("prod").environment
    migrate_to(newest())


def test_each_group_counts_its_own_changes(environment: Environment) -> None:
    before = migrate_to(UNNUMBERED)
    states = before.get_model("errors_app", "ErrorGroupState").objects
    activity = before.get_model("errors_app", "ErrorGroupActivity").objects
    moments = {"created_at": utc_now(), "updated_at": utc_now()}
    first, second = (
        states.create(
            environment_id=environment.pk, task_identifier=task, error_fingerprint="f", **moments
        ).pk
        for task in ("a-task", "b-task")
    )
    written = [
        (state, activity.create(state_id=state, actor_kind="key", created_at=utc_now()).pk)
        for state in (first, second, first, first, second)
    ]

    migrate_to(newest())

    numbered = ErrorGroupActivity.objects.order_by("pk").values_list("state", "pk", "state_version")
    expected = [(*entry, number) for entry, number in zip(written, (1, 1, 2, 3, 2), strict=True)]
    assert list(numbered) == expected
