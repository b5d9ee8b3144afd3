"""PostgreSQL goes away in the middle of transactions, and is back after a moment."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.accidents.load import Load, assert_all_counted, assert_refusal, new_keys
from tests.replication.conftest import Line
from tests.serve.conftest import Start
from tests.serve.family import Family, within


@pytest.fixture(scope="module")
def line(database_url: str) -> Iterator[Line]:
    """What the family takes for PostgreSQL."""
    parts = urlsplit(database_url)
    line = Line((parts.hostname or "127.0.0.1", parts.port or 5432))
    line.up()
    yield line
    line.down()


@pytest.fixture(scope="module")
def family(start: Start, line: Line, database_url: str) -> Family:
    parts = urlsplit(database_url)
    user = parts.netloc.rpartition("@")[0]
    through = parts._replace(netloc=f"{user}@127.0.0.1:{line.port}").geturl()
    return start(DATABASE_URL=through).wait_until_ready()


@pytest.fixture(scope="module")
def keys(family: Family) -> dict[str, str]:
    return new_keys(family)


def test_connections_that_break_in_the_middle_lose_nothing_and_are_made_anew(
    family: Family, keys: dict[str, str], line: Line
) -> None:
    members = family.members()
    load = Load(family, keys["prod"]).start()
    load.wait_for(200, 20)

    line.down()
    load.wait_for(503, 10)
    ready = family.get("/readyz")
    line.up()
    load.wait_for(200, 20)
    load.stop()

    assert (ready.status, ready.body["database"]) == (503, "unavailable")
    for refusal in load.refusals:
        assert_refusal(refusal)
    assert_all_counted(family, keys["prod"], load.taken)
    assert family.members() == members


def test_sessions_that_an_administrator_ends_lose_nothing(
    family: Family, keys: dict[str, str], database_url: str
) -> None:
    members = family.members()
    load = Load(family, keys["staging"]).start()
    load.wait_for(200, 20)

    with psycopg.connect(database_url, autocommit=True) as administrator:

        def end_all() -> int:
            ended = administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return len(ended.fetchall())

        for _ in range(5):
            # The worker's and at least one of the web's.
            within(60, lambda: end_all() >= 2)
            load.wait_for(200, 4)
    load.stop()

    for refusal in load.refusals:
        assert_refusal(refusal)
    assert_all_counted(family, keys["staging"], load.taken)
    assert family.members() == members
