"""New projects are grouped by the newest rule, and those that exist by the one they had."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from runs_app.models import Project
from tests.conftest import make_workspace

BEFORE = [("runs_app", "0005_half_told_slices_of_rebuilds")]


def migrate_to(targets: list[tuple[str, str]]) -> Any:
    """The models as they were there."""
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


@pytest.fixture
def newest_at_the_end(transactional_db: None) -> Iterator[None]:
    yield
    migrate_to(MigrationExecutor(connection).loader.graph.leaf_nodes())


def test_a_project_keeps_its_rule_when_another_one_becomes_the_default(
    newest_at_the_end: None,
) -> None:
    before = migrate_to(BEFORE)
    organization = before.get_model("runs_app", "Organization").objects.create(
        slug="acme", title="Acme"
    )
    old = before.get_model("runs_app", "Project").objects.create(
        organization=organization, name="Old", slug="old"
    )

    migrate_to(MigrationExecutor(connection).loader.graph.leaf_nodes())

    assert Project.objects.get(pk=old.pk).grouping_rule == "v1"
    assert make_workspace("prod").environment.project.grouping_rule == "v2"
