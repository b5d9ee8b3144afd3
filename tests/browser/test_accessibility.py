"""axe-core finds nothing grave, on any page, in light and dark, on a desktop and a phone."""

import re

import pytest
from playwright.sync_api import Page

from tests.browser.axe import violations
from tests.browser.conftest import Visitor
from tests.browser.site import Desk, Site, fails
from tests.browser.visits import DESKTOP, PHONE
from tests.published_clients.packages import install

LOOKS = (("light", DESKTOP), ("dark", DESKTOP), ("dark", PHONE), ("light", PHONE))


@pytest.fixture(scope="module")
def axe() -> None:
    install()


@pytest.fixture(scope="module")
def lively(site: Site) -> Desk:
    """An environment with something on every page."""
    desk = next(site.desks)
    desk.report(
        fails(1, "TypeError", "User 4711 not found", version="1.1"),
        fails(2, "TypeError", "User 4711 not found", version="1.0", minutes=500),
        fails(3, "DiskFull", payload={"path": "/var"}, tags=["nightly"]),
        fails(4, "KeyError"),
        {"id": "run_5", "taskIdentifier": "send-mail", "status": "COMPLETED"},
    )
    return desk


def look(page: Page, told: dict[str, list[str]], name: str) -> None:
    """At the page as it is, in all its looks."""
    for scheme, size in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        # What fades has no colour of its own.
        page.evaluate("document.getAnimations().forEach((each) => each.cancel())")
        for violation in violations(page):
            told.setdefault(violation, []).append(f"{name}, {scheme}, {size['width']}")


def test_nothing_grave_is_found(axe: None, lively: Desk, visitor: Visitor) -> None:
    # Its source is run in the page, which the policy is there to prevent.
    visit = visitor(bypass_csp=True)
    page = visit.page
    told: dict[str, list[str]] = {}

    for name, path in {
        "home": lively.home,
        "group": lively.group("TypeError"),
        "grouping": lively.group("TypeError").replace("/?", "/grouping/?"),
        "run": f"{lively.place}runs/run_3/",
        "refused": lively.groups_page(sort="sideways"),
        "list": lively.place,
    }.items():
        page.goto(path)
        look(page, told, name)
    visit.forgive("status of 400")
    page.get_by_role("checkbox", name="DiskFull").check()
    for action in ("Resolve", "Ignore"):
        page.get_by_role("button", name=action, exact=True).click()
        look(page, told, f"dialog {action}")
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    look(page, told, "keys")
    page.keyboard.press("Escape")
    page.get_by_label("Act on").select_option("matching")
    page.get_by_role("button", name="Ignore", exact=True).click()
    page.wait_for_url("**/bulk/")
    look(page, told, "bulk")
    page.get_by_role("button", name="Ignore 3 groups").click()
    page.wait_for_url(re.compile(r"/bulk/[^/]+/"))
    look(page, told, "result")
    page.locator(".fl-content").get_by_role("button", name="Undo").click()
    page.get_by_text("3 restored").wait_for()

    assert told == {}, "\n".join(f"{what} ({where})" for what, where in told.items())


def test_it_would_be_found(axe: None, visitor: Visitor) -> None:
    page = visitor(bypass_csp=True).page
    page.goto("/docs/errors/")
    page.evaluate("document.body.append(document.createElement('input'))")

    assert [line.split(":")[0] for line in violations(page)] == ["label"]
