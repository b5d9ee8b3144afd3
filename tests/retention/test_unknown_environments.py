"""Rows in ClickHouse of environments that were deleted go when somebody asks for it, and only
where the two stores belong together."""

from collections.abc import Iterator

import pytest

from runs_app.clickhouse.client import clickhouse
from runs_app.clickhouse.tables import TABLES
from runs_app.models import Environment
from runs_app.services.retention import (
    NoEnvironmentKnown,
    find_unknown_environments,
    sweep_unknown_environments,
)
from tests.conftest import Workspace, failed, settle


def tables_with_rows_of(place: Workspace) -> set[str]:
    return {
        table
        for table in TABLES
        for _ in clickhouse().command(
            "test",
            f"SELECT 1 FROM {table} WHERE environment_id = {{environment:String}} LIMIT 1",
            {"environment": place.tenant.environment_id},
        )
    }


@pytest.fixture
def everywhere(prod: Workspace, staging: Workspace) -> Iterator[tuple[Workspace, Workspace]]:
    """Two environments that every table has rows of."""
    for place in (prod, staging):
        place.report(failed("run_a"))
        [group] = place.errors()
        assert place.api.post(f"/api/v1/errors/{group['id']}/resolve").status == 200
    settle()
    return prod, staging


def test_what_belonged_to_a_deleted_environment_goes_from_every_table(
    everywhere: tuple[Workspace, Workspace],
) -> None:
    prod, staging = everywhere
    Environment.objects.filter(pk=staging.environment.pk).delete()
    before = (tables_with_rows_of(prod), tables_with_rows_of(staging))

    swept = sum(step.count for step in sweep_unknown_environments())

    assert before == (set(TABLES), set(TABLES))
    assert swept >= 1
    assert (tables_with_rows_of(prod), tables_with_rows_of(staging)) == (set(TABLES), set())
    assert find_unknown_environments() == []
    assert [group["count"] for group in prod.errors()] == [1]


def test_nothing_goes_where_no_environment_is_known(
    everywhere: tuple[Workspace, Workspace],
) -> None:
    _, staging = everywhere
    Environment.objects.all().delete()

    with pytest.raises(NoEnvironmentKnown, match="DATABASE_URL"):
        list(sweep_unknown_environments())

    assert tables_with_rows_of(staging) == set(TABLES)
