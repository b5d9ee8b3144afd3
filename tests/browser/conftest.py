"""One service and one browser for all tests of a process."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.browser.site import Desk, Site, open_site
from tests.browser.visits import Visit, begin, log_in
from tests.serve.databases import empty_database
from tests.serve.family import Family

Visitor = Callable[..., Visit]


# Of the package: playwright runs a loop in this thread while it lasts, in which Django refuses to
# use a database.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="package")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with empty_database() as database:
        family = Family(tmp_path_factory.mktemp("browser") / "data", DATABASE_URL=database)
        try:
            yield open_site(family)
        finally:
            family.end()


@pytest.fixture(scope="package")
def memory(browser: Browser, site: Site) -> Any:
    """What a browser remembers in which the superuser has logged in."""
    visit = begin(browser, site.origin)
    log_in(visit, site.username, site.password)
    memory = visit.context.storage_state()
    visit.context.close()
    return memory


@pytest.fixture
def desk(site: Site) -> Desk:
    """An environment nobody else uses."""
    return next(site.desks)


@pytest.fixture
def visitor(browser: Browser, site: Site, memory: Any) -> Iterator[Visitor]:
    """Opens browsers. In the end none of them has complained about anything."""
    visits: list[Visit] = []

    def open_browser(origin: str = site.origin, **options: Any) -> Visit:
        visits.append(begin(browser, origin, **{"storage_state": memory, **options}))
        return visits[-1]

    yield open_browser
    faults = [fault for visit in visits for fault in visit.faults]
    for visit in visits:
        visit.context.close()
    assert faults == []


@pytest.fixture
def visit(visitor: Visitor) -> Visit:
    """A logged-in person at a desktop."""
    return visitor()
