"""Takes the pictures of `docs/screenshots/` from the demo data: `make screenshots`.

For them an installation is made in a temporary directory, so that they show nobody's own data.
"""

import json
import re
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser.chromium import chromium
from tests.browser.visits import DESKTOP, PHONE, begin, log_in
from tests.serve.family import ROOT, Family

TARGET = ROOT / "docs" / "screenshots"


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="faultline-screenshots-") as directory:
        family = Family(Path(directory) / "data")
        try:
            credentials = json.loads(family.manage("bootstrap", "--json"))
            family.manage("seed_demo")
            family.wait_until_ready()
            with chromium() as browser:
                superuser = credentials["superuser"]
                for scheme in ("light", "dark"):
                    _take(browser, family, superuser, scheme)
        finally:
            family.end()
    taken = sorted(TARGET.glob("*.png"))
    print(f"{len(taken)} pictures, {sum(one.stat().st_size for one in taken):,} bytes")


def _take(browser: Browser, family: Family, person: dict[str, str], scheme: str) -> None:
    origin = f"http://{family.address}"
    for size, device in ((DESKTOP, ""), (PHONE, "-phone")):
        visit = begin(browser, origin, viewport=size, color_scheme=scheme)
        log_in(visit, person["username"], person["password"])
        page = visit.page
        if not device:
            _keep(page, f"home-{scheme}")
        page.goto("/admin/errors_app/errorgroup/")
        month = page.get_by_role("link", name="30d").get_attribute("href")
        page.goto(f"{page.url.partition('?')[0]}{month}")
        _keep(page, f"list{device}-{scheme}")
        if not device:
            _further(page, scheme)
        visit.context.close()


def _further(page: Page, scheme: str) -> None:
    """From the list to one of its groups, and to what is asked before all are changed."""
    address = page.url
    page.locator("#fl-rows .fl-what").nth(2).click()
    _keep(page, f"group-{scheme}")
    page.goto(address)
    page.get_by_label("Act on").select_option("matching")
    page.get_by_role("button", name="Ignore", exact=True).click()
    page.wait_for_url(re.compile("/bulk/"))
    _keep(page, f"bulk-{scheme}")


def _keep(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    page.screenshot(path=TARGET / f"{name}.png")


if __name__ == "__main__":
    main()
