"""What the tests of several pages need."""

from typing import Any

import pytest

from runs_app.clickhouse.client import ClickHouse


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the questions to ClickHouse, as they are asked."""
    names: list[str] = []
    query = ClickHouse.query

    def noted(self: ClickHouse, name: str, *rest: Any, **options: Any) -> Any:
        names.append(name)
        return query(self, name, *rest, **options)

    monkeypatch.setattr(ClickHouse, "query", noted)
    return names
