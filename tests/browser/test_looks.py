"""Small screens, dark rooms, and pages that renew themselves while one reads."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.site import Desk, fails
from tests.browser.visits import PHONE, Visit

# A little more than the pause of list_refresh.js.
PAUSE = 21_000
LONG = "VeryLongClassNameOfAnErrorThatNobodyBreaks" * 3


def ground(page: Page) -> tuple[float, ...]:
    """Red, green and blue of what the page is drawn on, from 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return tuple(float(part) for part in colour.strip("rgb()").split(",")[:3])


def test_a_phone_shows_every_page_without_scrolling_sideways(desk: Desk, visitor: Visitor) -> None:
    desk.report(fails(1, LONG, "a/path/without/a/gap" * 20, version="1.2.3-with-a-long-build-name"))
    page = visitor(viewport=PHONE, has_touch=True, is_mobile=True).page

    pages = (desk.home, desk.place, desk.group(LONG), f"{desk.place}runs/run_1/")
    for path in pages:
        page.goto(path)
        wide = page.evaluate("document.scrollingElement.scrollWidth")
        assert wide <= PHONE["width"], path
    page.goto(desk.place)
    page.get_by_role("checkbox", name=LONG[:20]).check()
    page.get_by_role("button", name="Ignore").click()
    box = page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    page.get_by_role("dialog").get_by_role("button", name="Ignore").click()
    expect(page.get_by_text("All clear")).to_be_visible()


def test_it_is_dark_where_the_system_is_and_where_somebody_says_so(
    desk: Desk, visitor: Visitor
) -> None:
    desk.report(fails(1, "TypeError"))

    dark, light = visitor(color_scheme="dark"), visitor(color_scheme="light")
    for path in (desk.home, desk.place, desk.group("TypeError")):
        assert max(ground(dark.go(path))) < 60
        assert min(ground(light.go(path))) > 230
    page = light.page
    told = page.locator(".fl-content h1")
    ink = told.evaluate("element => getComputedStyle(element).color")
    for _ in range(2):
        page.get_by_role("button", name="Toggle theme").click()
    theme = page.evaluate("document.documentElement.dataset.theme")
    assert (theme == "dark") == (max(ground(page)) < 60)
    assert (theme == "dark") == (told.evaluate("element => getComputedStyle(element).color") != ink)


@pytest.fixture
def renewing(desk: Desk, visit: Visit) -> Page:
    """A list of two groups, in a browser whose time stands still."""
    desk.report(fails(1, "OldError", minutes=9), fails(2, "NewError", minutes=8))
    visit.page.clock.install()
    return visit.go(desk.place)


def test_rows_under_the_pointer_stay_where_they_are(desk: Desk, renewing: Page) -> None:
    rows = renewing.locator("#fl-rows .fl-what b")
    show = renewing.locator("#fl-show")
    renewing.locator("#fl-rows tr").first.hover()
    desk.report(fails(3, "LastError", minutes=1))

    with renewing.expect_response(lambda told: told.url.endswith(desk.place)):
        renewing.clock.fast_forward(PAUSE)
    expect(show).to_have_text("1 update: show")
    assert rows.all_inner_texts() == ["NewError", "OldError"]
    show.click()
    expect(rows.first).to_have_text("LastError")


def test_rows_nobody_is_at_are_renewed(desk: Desk, renewing: Page) -> None:
    renewing.mouse.move(5, 5)
    desk.report(fails(3, "LastError", minutes=1))

    renewing.clock.fast_forward(PAUSE)

    expect(renewing.locator("#fl-rows .fl-what b").first).to_have_text("LastError")
    expect(renewing.locator("#fl-tabs [aria-current] .fl-tally")).to_have_text("3")

    renewing.context.clear_cookies()
    renewing.clock.fast_forward(PAUSE)

    expect(renewing.get_by_text("You are logged out")).to_be_visible()
    expect(renewing.locator("#fl-rows .fl-what b").first).to_have_text("LastError")


def test_the_page_of_the_api_draws_its_operations_under_its_own_policy(visit: Visit) -> None:
    page = visit.go("/docs/api/")

    expect(page.get_by_text("/api/v1/errors", exact=True).first).to_be_visible()
    document = json.loads(page.request.get("/api/schema/?format=json").text())
    operations = sum(len(methods) for methods in document["paths"].values())
    expect(page.locator(".opblock")).to_have_count(operations)
