"""ClickHouse is away: pages that need it say so plainly, everything else goes on."""

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.site import Desk, Site, fails, without_clickhouse


def test_without_clickhouse_people_are_told_and_the_rest_of_the_admin_works(
    site: Site, desk: Desk, visitor: Visitor
) -> None:
    desk.report(fails(1, "TypeError"))
    group = desk.group("TypeError")

    with without_clickhouse(site) as origin:
        visit = visitor(origin)
        page = visit.page
        # Answers 200: what is known without it is there.
        page.goto(desk.home)
        expect(page.get_by_role("alert")).to_contain_text("ClickHouse does not answer right now")
        expect(page.get_by_text("is away")).to_be_visible()
        expect(page.get_by_role("link", name="API keys")).to_be_visible()
        assert visit.faults == []

        for path in (desk.place, group):
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 503
            expect(page.get_by_role("heading")).to_have_text("Not available right now")
            expect(page.get_by_text("Request id")).to_be_visible()
            visit.forgive("status of 503")

        page.goto("/admin/runs_app/project/")
        expect(page.get_by_role("link", name="Shop 0")).to_be_visible()
        page.goto(f"{desk.place}runs/run_1/")
        expect(page.get_by_text("went wrong").first).to_be_visible()
