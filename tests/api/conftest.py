"""What the tests of the API share: a clock to advance, data made once per module, hidden tables."""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

from runs_app.clickhouse.client import ClickHouse
from runs_app.domain import times
from runs_app.models import Environment, Organization, Project
from tests.api.expectations import failure, the_group
from tests.api.untouched import Untouched
from tests.conftest import Workspace, make_workspace
from tests.people import Person, member_of


class Clock:
    """How far the product's clock is ahead of the real one."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def advance(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The product's clock; nothing but the clock is replaced."""
    clock = Clock()

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + clock.ahead

    monkeypatch.setattr(times, "datetime", Shifted)
    return clock


@pytest.fixture(scope="module")
def shared_prod(
    django_db_setup: None, django_db_blocker: Any, clickhouse_tables: None
) -> Iterator[Workspace]:
    """A production environment whose data a module makes once. Tests leave it as it is."""
    with django_db_blocker.unblock():
        workspace = make_workspace("prod")
        yield workspace
        project = workspace.environment.project
        Environment.objects.filter(project=project).delete()
        Project.objects.filter(pk=project.pk).delete()
        Organization.objects.filter(pk=project.organization_id).delete()


@pytest.fixture
def shop(db: None) -> Workspace:
    """A production environment of which ClickHouse need not know."""
    return make_workspace("prod")


@pytest.fixture
def member(shop: Workspace) -> Person:
    return member_of(shop)


@pytest.fixture
def clickhouse_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the reads that went through the door, which are carried out all the same."""
    names: list[str] = []
    real = ClickHouse.query

    def query(self: ClickHouse, name: Any, sql: Any, parameters: Any) -> Any:
        names.append(name)
        return real(self, name, sql, parameters)

    monkeypatch.setattr(ClickHouse, "query", query)
    return names


@pytest.fixture(scope="module")
def group_once(shared_prod: Workspace) -> dict[str, Any]:
    shared_prod.report(failure("run_a"))
    return the_group(shared_prod)


@pytest.fixture
def untouched(shared_prod: Workspace, group_once: dict[str, Any], db: None) -> Untouched:
    """A group for requests that are refused: none of them leaves anything behind."""
    return Untouched(shared_prod, group_once)
