"""What a run brings along does nothing in a browser, even where no policy would stop it."""

from tests.browser.conftest import Visitor
from tests.browser.site import Desk, fails
from tests.browser.visits import Visit
from tests.triage.hostile import HOSTILE, hostile_run

# Beside texts that have this in them, in the same line, everything else keeps its place.
TURNING = "\u202e"


def test_a_text_from_right_to_left_turns_nothing_around(desk: Desk, visit: Visit) -> None:
    desk.report(fails(1, f"{TURNING}TypeError"))

    error_type = visit.go(desk.place).locator("#fl-rows b")

    before = "b => b.getBoundingClientRect().left - b.parentElement.getBoundingClientRect().left"
    assert error_type.evaluate(before) < 1


def test_no_text_of_a_run_is_run(desk: Desk, visitor: Visitor) -> None:
    desk.report(*(hostile_run(number, text) for number, text in enumerate(HOSTILE)))
    page = visitor(bypass_csp=True).page
    groups = [desk.group(f"{text} {number}") for number, text in enumerate(HOSTILE)]
    runs = [f"{desk.place}runs/run_{number}/" for number in range(len(HOSTILE))]

    page.goto(desk.place)
    page.get_by_role("checkbox", name="Tick all on this page").check()
    page.get_by_role("button", name="Ignore", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("r")
    for path in (desk.home, desk.place, *groups, *runs):
        page.goto(path, wait_until="domcontentloaded")
        assert page.evaluate("window.__xss") is None, path
        assert page.evaluate("document.querySelectorAll('img, iframe, object, base').length") == 0
