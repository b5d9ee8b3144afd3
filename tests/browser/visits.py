"""People at a browser, and whatever their browser complains about."""

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# The browser tells the console of a page what the policy kept from being loaded or run, but not
# of everything.
WATCH = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""


@dataclass
class Visit:
    """One browser of its own, with an empty or a given memory."""

    context: BrowserContext
    page: Page
    origin: str
    faults: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        self.page.goto(path)
        return self.page

    def forgive(self, part: str) -> None:
        """What was to be complained about, was."""
        kept = [fault for fault in self.faults if part not in fault]
        assert kept != self.faults, f"nobody complained about {part}"
        self.faults[:] = kept


def begin(browser: Browser, origin: str, **options: Any) -> Visit:
    context = browser.new_context(**{"base_url": origin, "viewport": DESKTOP, **options})
    context.set_default_timeout(10_000)
    context.add_init_script(WATCH)
    visit = Visit(context, context.new_page(), origin)

    def asked(request: Request) -> None:
        if not request.url.startswith((f"{visit.origin}/", "data:", "blob:")):
            visit.faults.append(f"asked for {request.url}")

    context.on("request", asked)
    context.on("weberror", lambda told: visit.faults.append(f"uncaught: {told.error}"))
    context.on("dialog", lambda told: _dialog(visit, told))
    context.on("console", lambda told: _console(visit, told.type, told.text))
    return visit


def _console(visit: Visit, kind: str, text: str) -> None:
    if kind in {"error", "warning"}:
        visit.faults.append(f"{kind}: {text}")


def _dialog(visit: Visit, dialog: Dialog) -> None:
    visit.faults.append(f"asks: {dialog.message}")
    dialog.dismiss()


def log_in(visit: Visit, username: str, password: str, path: str = "/admin/") -> None:
    page = visit.go(path)
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.locator("#user-tools").wait_for()
