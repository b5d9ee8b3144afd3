"""One server and one installation of the packages for all tests of a process."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.published_clients.packages import install
from tests.published_clients.service import Service, service_of
from tests.serve.databases import empty_database
from tests.serve.family import Family

# Far more than any of these tests needs, and soon used up by one that wants it to be.
REQUESTS_A_MINUTE: Final = 300


@pytest.fixture(scope="session")
def packages() -> None:
    install()


@pytest.fixture(scope="session")
def service(packages: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Each environment belongs to one module: its runs are the only ones there."""
    with empty_database() as database:
        family = Family(
            tmp_path_factory.mktemp("clients") / "data",
            DATABASE_URL=database,
            FAULTLINE_RATE_LIMIT=str(REQUESTS_A_MINUTE),
        )
        try:
            yield service_of(family)
        finally:
            family.end()
