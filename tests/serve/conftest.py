"""Data directories, and on PostgreSQL databases, that belong to one family each."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.serve.databases import empty_database
from tests.serve.family import Family

Start = Callable[..., Family]


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """An empty database on the server of DATABASE_URL; empty for SQLite in the data directory."""
    with empty_database() as url:
        yield url


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Start]:
    """Starts `serve`, on a directory of its own unless told one; whatever is left is killed."""
    families: list[Family] = []
    numbers = itertools.count()
    base = tmp_path_factory.mktemp("serve")

    def started(*arguments: str, data: Path | None = None, **variables: str) -> Family:
        family = Family(
            data or base / f"data{next(numbers)}",
            *arguments,
            **{"DATABASE_URL": database_url, **variables},
        )
        families.append(family)
        return family

    yield started
    for family in families:
        family.end()
