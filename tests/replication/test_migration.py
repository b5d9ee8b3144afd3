"""What an older version had set aside survives the migration, and is told or set aside anew."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry, QuarantinedRow
from runs_app.services.replicate import Replicator
from tests.conftest import Workspace, failed, make_workspace
from tests.counting.figures import Failure, assert_counts
from tests.replication.spoiling import Spoiler

INITIAL = [("runs_app", "0001_initial")]
BOOM = Failure("send-mail", "boom")


def boom(run_id: str) -> dict[str, Any]:
    return failed(run_id, error={"type": "E", "message": "boom"})


def migrate_to(targets: list[tuple[str, str]]) -> Any:
    """The models as they were there."""
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


def newest() -> list[tuple[str, str]]:
    return MigrationExecutor(connection).loader.graph.leaf_nodes()


@pytest.fixture
def prod(transactional_db: None, clickhouse_tables: None) -> Iterator[Workspace]:
    """Migrated to the newest version at the end, whatever happens."""
    yield make_workspace("prod")
    migrate_to(newest())


def test_an_entry_that_the_first_version_set_aside_is_claimed_and_tried_again(
    prod: Workspace,
) -> None:
    prod.send(boom("good"))
    prod.send(boom("bad"))
    Spoiler().spoil(lambda row: row["friendly_id"] == "run_bad")
    ids = list(OutboxEntry.objects.order_by("id").values_list("id", flat=True))
    before = migrate_to(INITIAL).get_model("runs_app", "OutboxEntry")
    for entry in ids:
        before.objects.filter(id=entry).update(
            batch_id=uuid.uuid4(), quarantined_at=utc_now(), reason="refused by an older server"
        )

    migrate_to(newest())

    assert not QuarantinedRow.objects.exists()
    assert [entry.batch_id is not None for entry in OutboxEntry.objects.all()] == [True, True]
    assert Replicator().drain()
    assert not OutboxEntry.objects.exists()
    assert [row.run_id for row in QuarantinedRow.objects.all()] == ["bad"]
    assert_counts(prod, {"run_good": BOOM})
