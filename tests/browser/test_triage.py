"""What an engineer on duty does, as they do it."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.site import Desk, Site, fails
from tests.browser.visits import Visit, log_in


def names(page: Page) -> list[str]:
    return page.locator("#fl-rows .fl-what b").all_inner_texts()


def test_somebody_logs_in_and_finds_one_group_among_many(
    site: Site, desk: Desk, visitor: Visitor
) -> None:
    desk.report(
        *(fails(n, f"Error{n:02}", minutes=n + 1) for n in range(58)),
        fails(58, "DiskFull", "No space left on device", taskIdentifier="resize", minutes=58),
        fails(59, "DiskFull", "No space left on device", taskIdentifier="export", minutes=59),
    )
    stranger = visitor(storage_state=None)

    log_in(stranger, site.username, site.password, desk.place)
    page = stranger.page
    assert page.url == f"{site.origin}{desk.place}"
    first = names(page)
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#fl-rows tr")).to_have_count(10)
    assert not set(first) & set(names(page))

    page.get_by_label("Part of type or message").fill("no space")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#fl-rows tr")).to_have_count(2)
    page.get_by_text("Task: any").click()
    page.get_by_label("resize").check()
    page.get_by_role("group", name="Task").get_by_role("button", name="Apply").click()
    expect(page.locator("#fl-rows tr")).to_have_count(1)
    page.get_by_role("navigation", name="Time range").get_by_role("link", name="7d").click()
    expect(page.get_by_role("link", name="7d")).to_have_attribute("aria-current", "true")
    shared = page.url

    page.locator("#fl-rows .fl-what").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("DiskFull")
    expect(page.get_by_text("No space left on device").first).to_be_visible()
    expect(page.locator(".fl-function").first).to_be_in_viewport()
    page.locator("#runs").get_by_role("link", name="run_58").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("run_58")

    other = visitor().go(shared)
    assert names(other) == ["DiskFull"]
    expect(other.get_by_role("link", name="7d")).to_have_attribute("aria-current", "true")
    expect(other.get_by_label("Part of type or message")).to_have_value("no space")


def test_one_group_is_resolved_and_another_ignored_until_it_is_too_much(
    desk: Desk, visit: Visit
) -> None:
    desk.report(fails(1, "DoneError"), fails(2, "NoisyError"))

    page = visit.go(desk.group("DoneError"))
    page.get_by_role("link", name="Resolve").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("after 1.0, the newest seen")).to_be_visible()
    dialog.get_by_label("in the next version").check()
    dialog.get_by_role("button", name="Resolve").click()
    expect(page.get_by_text("in the next version after 1.0").first).to_be_visible()

    page = visit.go(desk.group("NoisyError"))
    page.get_by_role("link", name="Ignore").click()
    dialog.get_by_label("24 hours").check()
    dialog.get_by_label("Failures from now on").fill("100")
    dialog.get_by_label("Reason").fill("The partner knows")
    dialog.get_by_role("button", name="Ignore").click()
    expect(page.get_by_text(re.compile(r"until .* or 100 more")).first).to_be_visible()
    expect(page.get_by_text("The partner knows").first).to_be_visible()

    assert desk.statuses() == {"DoneError": "resolved", "NoisyError": "ignored"}


def test_all_that_match_are_resolved_and_taken_back(desk: Desk, visit: Visit) -> None:
    desk.report(*(fails(n, f"Error{n:02}") for n in range(55)), fails(99, "OtherError"))

    page = visit.go(desk.groups_page(**{"filter[search]": "Error", "filter[status]": "unresolved"}))
    page.get_by_label("Act on").select_option("matching")
    page.get_by_role("button", name="Resolve", exact=True).click()
    expect(page.get_by_text("56 groups will be changed")).to_be_visible()
    assert set(desk.statuses().values()) == {"unresolved"}
    page.get_by_label("in version", exact=True).check()
    page.get_by_label("Version", exact=True).fill("2.0")
    page.get_by_role("button", name="Resolve 56 groups").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("56")
    assert set(desk.statuses().values()) == {"resolved"}
    page.locator(".fl-content").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("56 restored")).to_be_visible()
    assert set(desk.statuses().values()) == {"unresolved"}


def test_it_all_works_by_keyboard(desk: Desk, visit: Visit) -> None:
    desk.report(*(fails(n, f"{'ABCDEF'[n]}Error", minutes=n + 1) for n in range(6)))
    page = visit.go(desk.place)
    keys = page.keyboard
    cursor = page.locator("#fl-rows > .fl-cursor b")
    dialog = page.get_by_role("dialog")

    keys.press("?")
    expect(dialog).to_contain_text("next and previous group")
    keys.press("Escape")
    for key in "jjk":
        keys.press(key)
    expect(cursor).to_have_text("AError")

    keys.press("r")
    expect(dialog).to_contain_text("AError")
    keys.press("Enter")
    expect(page.locator("#fl-rows tr")).to_have_count(5)
    expect(cursor).to_have_text("BError")

    for key in ("x", "j", "x", "i"):
        keys.press(key)
    expect(dialog).to_contain_text("2 groups")
    keys.press("Enter")
    expect(page.locator("#fl-rows tr")).to_have_count(3)
    assert desk.statuses() == {
        **dict.fromkeys(("DError", "EError", "FError"), "unresolved"),
        "AError": "resolved",
        **dict.fromkeys(("BError", "CError"), "ignored"),
    }

    keys.press("/")
    keys.type("ferror")
    keys.press("Enter")
    expect(page.locator("#fl-rows tr")).to_have_count(1)
    keys.press("j")
    keys.press("o")
    expect(page.get_by_role("heading", level=1)).to_have_text("FError")
    keys.press("r")
    keys.press("Enter")
    expect(page.locator(".fl-group-head .fl-state")).to_have_text("Resolved")
    keys.press("u")
    keys.press("Enter")
    expect(page.locator(".fl-group-head .fl-state")).to_have_text("Unresolved")


def test_without_scripts_everything_is_asked_on_pages(desk: Desk, visitor: Visitor) -> None:
    desk.report(fails(1, "AError"), fails(2, "BError"), fails(3, "CError"))
    page = visitor(java_script_enabled=False).go(desk.place)

    page.locator("#fl-rows tr", has_text="AError").get_by_role("checkbox").check()
    page.get_by_role("button", name="Ignore").click()
    page.get_by_label("1 hour").check()
    page.get_by_role("button", name=re.compile("Ignore 1 group")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 group")
    page.goto(desk.group("BError"))
    page.get_by_role("link", name="Resolve").click()
    page.locator("main").get_by_role("button", name="Resolve").click()
    expect(page.locator(".fl-group-head .fl-state")).to_have_text("Resolved")

    statuses = {"AError": "ignored", "BError": "resolved", "CError": "unresolved"}
    assert desk.statuses() == statuses
