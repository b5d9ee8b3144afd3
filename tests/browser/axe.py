"""What axe-core finds on a page."""

from functools import cache
from typing import Any

from playwright.sync_api import Page

from tests.published_clients.packages import PROJECT

SOURCE = PROJECT / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = {"serious", "critical"}
ASK = "() => axe.run(document, { resultTypes: ['violations'] })"


@cache
def _source() -> str:
    return SOURCE.read_text()


def violations(page: Page) -> list[str]:
    """A line for each grave one: rule, element, what is wrong."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_source())
    found: dict[str, Any] = page.evaluate(ASK)
    return [
        f"{rule['id']}: {node['target'][0]}: {' '.join(node['failureSummary'].split())}"
        for rule in found["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]
