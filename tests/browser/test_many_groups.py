"""Many groups, few keys: what somebody with a full list presses, and where they are afterwards."""

from playwright.sync_api import Page, expect

from tests.browser.site import Desk, fails
from tests.browser.visits import Visit


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_full_list_is_emptied_with_few_keys(desk: Desk, visit: Visit) -> None:
    """All that match, the next row, undo, one task alone: nothing is clicked."""
    desk.report(
        *(fails(n, f"Slow{n:02}", "timed out", minutes=n + 10) for n in range(52)),
        *(fails(60 + n, f"{'ABCD'[n]}Error", minutes=n + 1) for n in range(4)),
        fails(70, "Blurred", taskIdentifier="resize", minutes=9),
    )
    page = visit.go(desk.place)
    here = page.locator("#fl-rows > .fl-cursor b")
    left = page.locator("#fl-tabs [aria-current] .fl-tally")
    told = page.locator(".messagelist")

    # One row after the other: the next one takes the place of what is gone.
    press(page, "j", "j", "r", "ArrowDown", "Enter")
    expect(told).to_contain_text("Resolved 1 group in the next version after 1.0")
    expect(here).to_have_text("CError")
    press(page, "z")
    expect(told).to_contain_text("Restored 1 group")
    press(page, "Escape")
    expect(told).to_be_hidden()

    # From group to group, and back to where one was.
    press(page, "j", "o")
    through = page.get_by_role("navigation", name="Groups of the list")
    expect(through).to_contain_text("4 of 50")
    press(page, "i", "ArrowRight", "Enter")
    expect(told).to_contain_text("Ignored 1 group until")
    press(page, "k")
    expect(page.get_by_role("heading", level=1)).to_have_text("CError")
    through.get_by_role("link", name="Next group").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("DError")
    press(page, "l")
    expect(here).to_have_text("Blurred")

    # One task alone, and everything again.
    press(page, "t")
    expect(left).to_have_text("1")
    press(page, "c")
    expect(left).to_have_text("56")

    # All of the page, all that match, none.
    press(page, "/")
    page.keyboard.type("timed out")
    press(page, "Enter")
    expect(left).to_have_text("52")
    press(page, "a")
    expect(page.locator("#fl-count")).to_have_text("50 ticked")
    press(page, "a")
    expect(page.get_by_label("Act on")).to_have_value("matching")
    press(page, "j", "x")
    expect(page.get_by_label("Act on")).to_have_value("ticked")
    expect(page.locator("#fl-count")).to_have_text("49 ticked")
    press(page, "Escape")
    expect(page.locator("#fl-count")).to_be_empty()
    press(page, "a")
    page.get_by_role("button", name="All 52 that match").click()
    press(page, "i")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ignore 52 groups?")
    press(page, "ArrowRight", "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ignored 52 groups")
    press(page, "Enter")
    expect(page.get_by_text("Nothing unresolved matches.")).to_be_visible()
    press(page, "Enter")
    expect(left).to_have_text("4")


def test_single_keys_can_be_off_on_every_page(desk: Desk, visit: Visit) -> None:
    desk.report(fails(1, "AError"), fails(2, "BError"))
    page = visit.go(desk.place)
    press(page, "?")
    page.get_by_label("Single keys are on").uncheck()
    press(page, "Escape", "j", "r", "a")
    expect(page.locator("#fl-rows :checked")).to_have_count(0)

    visit.go(desk.group("AError"))
    press(page, "r", "?", "l")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("AError")


def test_what_cannot_be_done_is_said_where_people_look(desk: Desk, visit: Visit) -> None:
    desk.report(fails(1, "AError"))
    page = visit.go(desk.place)

    press(page, "r")
    expect(page.get_by_text("No group is chosen")).to_be_in_viewport()
    press(page, "u")
    expect(page.get_by_text("All groups here are unresolved already.")).to_be_in_viewport()
    press(page, "j", "i")
    dialog = page.get_by_role("dialog")
    date = dialog.get_by_label("Until, date and time in UTC")
    expect(date).to_be_hidden()
    dialog.get_by_label("until", exact=True).check()
    date.fill("2099-01-01T00:00")
    dialog.get_by_label("8 hours").check()
    press(page, "Enter")
    expect(page.locator(".messagelist")).to_contain_text("Ignored 1 group until")
