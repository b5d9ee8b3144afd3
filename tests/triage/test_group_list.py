"""The page with the list of groups, as a browser gets it."""

import html
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from runs_app.domain.grouping.keywords import CATEGORIES
from runs_app.models import Membership, User
from tests.conftest import Workspace, failed, make_workspace

XSS = "</title><script>alert('x')</script><img src=x onerror=alert(1)>"
EVERYTHING = {"filter[status]": "unresolved,resolved,ignored", "filter[period]": "24h"}


class Page:
    """A list as it came."""

    def __init__(self, response) -> None:
        self.status = response.status_code
        self.size = len(response.content)
        self.text = response.content.decode()

    @property
    def rows(self) -> list[str]:
        return self.text.split('id="fl-rows">')[1].split("</tbody>")[0].split("<tr>")[1:]

    @property
    def groups(self) -> list[str]:
        """Type and message of the rows."""
        found = re.findall(r'<a class="fl-what".*?>(.*?)</a>', self.text)
        return [html.unescape(re.sub("<.*?>", "", one)) for one in found]

    def links(self, label: str) -> list[str]:
        found = re.findall(rf'<a [^>]*href="([^"]*)"[^>]*>\s*{label}\b', self.text)
        return [html.unescape(one) for one in found]

    def link(self, label: str) -> str:
        [found] = self.links(label)
        return found


@pytest.fixture
def person(prod: Workspace) -> Client:
    return signed_in(User.objects.create_superuser("root"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address_of(workspace: Workspace) -> str:
    environment = workspace.environment
    return f"/admin/errors_app/errorgroup/{environment.project.external_ref}/{environment.slug}/"


def open_list(client: Client, workspace: Workspace, query=None, **headers: str) -> Page:
    return Page(client.get(address_of(workspace), query or {}, headers=headers))


def fails(number: int, kind: str, message: str = "went wrong", **members):
    """The run of that number, failed with such an error."""
    error = {"type": kind, "message": message}
    return failed(f"run_{number}", error=error, **{"version": "20260101.1", **members})


def ago_iso(**past: float) -> str:
    return (datetime.now(UTC) - timedelta(**past)).isoformat()


def group_id(workspace: Workspace, kind: str) -> str:
    return next(group["id"] for group in workspace.errors() if group["errorType"] == kind)


# --- what one sees --------------------------------------------------------------------------


def test_a_bare_address_shows_what_is_open_with_the_last_seen_on_top(prod, person):
    prod.report(
        fails(1, "LoudError", "at home", failedAt=ago_iso(hours=3)),
        fails(2, "LoudError", "at home", failedAt=ago_iso(hours=3)),
        fails(3, "FreshError", "just in", task="resize", version="20260102.3"),
        fails(4, "DoneError"),
        fails(5, "OldError", createdAt=ago_iso(days=3), failedAt=ago_iso(days=2)),
    )
    prod.api.post(f"/api/v1/errors/{group_id(prod, 'DoneError')}/resolve")

    page = open_list(person, prod)

    assert page.status == 200
    assert page.groups == ["FreshError just in", "LoudError at home"]
    fresh, loud = page.rows
    assert all(told in fresh for told in ("resize", "20260102.3", "just now"))
    assert re.search(r'<td class="fl-number fl-times">2</td>', loud)
    assert re.search(r'<time datetime="[^"]+Z" title="[^"]+ UTC">3 h ago</time>', loud)
    assert re.search(r'<svg role="img" aria-label="at most 2 in 31 min, latest 0"', loud)
    tabs = page.text.split('id="fl-tabs"')[1].split("</nav>")[0]
    counts = re.findall(r">(\w+) <span[^>]*>(\d+)<", tabs)
    assert counts == [("Unresolved", "2"), ("Resolved", "1"), ("Ignored", "0"), ("All", "3")]
    assert re.findall(r'aria-current="page">(\w+)', tabs) == ["Unresolved"]


def test_the_address_holds_the_whole_view(prod, person):
    prod.report(
        fails(1, "TypeError", "User 1 not found", task="mail", version="a"),
        fails(2, "TypeError", "User 1 not found", task="resize", version="a"),
        fails(3, "TypeError", "User 1 not found", task="bill", version="b"),
        fails(4, "KeyError", "'id'", task="mail", version="a"),
    )
    query = {
        "filter[search]": "USER",
        "filter[taskIdentifier]": "mail,bill",
        "filter[version]": "a,gone",
        "filter[period]": "7d",
        "sort": "-count",
    }

    page = open_list(person, prod, query)

    assert page.groups == ["TypeError User 1 not found"]
    assert 'value="USER"' in page.text
    ticked = re.findall(r'value="([^"]*)" checked>', page.text)
    assert sorted(ticked) == ["a", "bill", "gone", "mail"]
    current = re.findall(r'aria-current="true">([^<]*)</a>', page.text)
    assert current == ["Shop / prod", "7d"]
    assert 'aria-sort="descending"' in page.text
    resolved = parse_qs(urlsplit(page.link("Resolved")).query)
    wanted = {name: [value] for name, value in query.items()}
    assert resolved == {**wanted, "filter[status]": ["resolved"]}
    shorter = parse_qs(urlsplit(page.link("1h")).query)
    assert shorter == {**wanted, "filter[period]": ["1h"]}


def test_a_category_narrows_and_is_one_of_those_there_are(prod, person):
    prod.report(
        fails(1, "OSError", "Permission denied"), fails(2, "KeyError", "'id'", task="resize")
    )

    page = open_list(
        person, prod, {"filter[category]": "permission", "filter[status]": "unresolved"}
    )

    assert page.groups == ["OSError Permission denied"]
    assert re.findall(r'value="([^"]*)" checked>', page.text) == ["permission"]
    assert page.text.count('type="checkbox" name="filter[category]"') == len(CATEGORIES)
    assert page.link("Clear") == "?filter[status]=unresolved"


def test_a_row_hands_the_view_on_to_the_page_of_its_group(prod, person):
    prod.report(fails(1, "TypeError", task="a/b & c"))
    query = {**EVERYTHING, "filter[search]": "e"}

    page = open_list(person, prod, query)

    [link] = [html.unescape(one) for one in re.findall('class="fl-what".*?href="(.*?)"', page.text)]
    handed_on = parse_qs(urlsplit(link).query)
    assert handed_on["taskIdentifier"] == ["a/b & c"]
    assert parse_qs(handed_on["list"][0]) == {name: [value] for name, value in query.items()}


def test_the_task_of_a_row_leads_to_its_groups_alone(prod, person):
    prod.report(fails(1, "AError", task="resize"), fails(2, "BError", task="crop, turn"))

    page = open_list(person, prod)
    alone = Page(person.get(address_of(prod) + page.link("resize")))

    assert alone.groups == ["AError went wrong"]
    assert not alone.links("resize")
    # The grammar parts a list at its commas.
    assert not page.links("crop")


def test_categories_are_offered_in_words(prod, person):
    prod.report(fails(1, "TypeError"))

    page = open_list(person, prod, {**EVERYTHING, "filter[category]": "rate_limit"})

    assert 'value="rate_limit" checked> rate limit</label>' in page.text
    assert "Category: rate limit" in page.text


def test_states_are_told_with_their_reasons(prod, person):
    prod.report(
        *(fails(number, kind) for number, kind in enumerate(("AError", "BError", "CError")))
    )
    ignored = {"totalOccurrences": 100, "reason": "Nobody minds"}
    prod.api.post(f"/api/v1/errors/{group_id(prod, 'AError')}/ignore", ignored)
    prod.api.post(
        f"/api/v1/errors/{group_id(prod, 'BError')}/resolve", {"resolvedInVersion": "20260105.1"}
    )

    page = open_list(person, prod, {**EVERYTHING, "sort": "firstSeen"})

    rows = {re.search("<b>(.*?)</b>", row)[1]: row for row in page.rows}
    assert "Ignored</span>" in rows["AError"]
    assert "until 100 more, Nobody minds" in rows["AError"]
    assert "Resolved</span>" in rows["BError"]
    assert "in 20260105.1, just now" in rows["BError"]
    assert "Unresolved</span>" in rows["CError"]


def test_nothing_of_a_run_is_markup(prod, person):
    prod.report(fails(1, XSS, XSS, task=XSS, version=XSS[:100]))
    prod.api.post(f"/api/v1/errors/{prod.errors()[0]['id']}/ignore", {"reason": XSS})

    page = open_list(person, prod, {**EVERYTHING, "filter[search]": "alert"})

    assert page.groups == [f"{XSS} {XSS}"]
    assert "<script>alert" not in page.text
    assert "<img" not in page.text


# --- going on from there --------------------------------------------------------------------


def test_fifty_rows_are_light_and_pages_go_on_where_they_end(prod, person):
    nasty = "'<&\"\N{PILE OF POO}" * 400
    prod.report(
        *(
            fails(
                number,
                f"Error{number:02}{nasty[:500]}",
                nasty,
                task=f"task-{number:02}-" + "<" * 60,
                version="v" * 100,
                failedAt=ago_iso(minutes=number + 1),
            )
            for number in range(60)
        )
    )

    first = open_list(person, prod, {**EVERYTHING, "sort": "-lastSeen", "filter[search]": "error"})
    second = Page(person.get(address_of(prod) + first.link("Next")))
    back = Page(person.get(address_of(prod) + second.link("Previous")))

    numbers = [[group[5:7] for group in page.groups] for page in (first, second, back)]
    assert numbers[0] == [f"{number:02}" for number in range(50)]
    assert numbers[1] == [f"{number:02}" for number in range(50, 60)]
    assert numbers[2] == numbers[0]
    assert first.size < 150_000
    assert "All 60 that match" in first.text
    assert "page" not in second.link("First page")
    assert not second.links("Next")


def test_what_a_form_repeats_becomes_one_list_in_the_address(prod, person):
    query = "filter[version]=a&filter[version]=b,c&filter[version]=&filter[search]=&sort=-count"

    response = person.get(f"{address_of(prod)}?{query}")

    assert response.status_code == 302
    assert response["Location"] == f"{address_of(prod)}?filter[version]=a,b,c&sort=-count"


def test_environments_are_offered_with_the_same_view_and_the_last_one_sticks(prod, person):
    staging = make_workspace("staging", prod.environment.project)
    elsewhere = make_workspace("dev")
    query = {"filter[taskIdentifier]": "mail", "filter[period]": "7d"}

    page = open_list(person, prod, query)
    there = person.get(urljoin(address_of(prod), page.link("Shop / staging")))
    sticky = person.get("/admin/errors_app/errorgroup/")

    assert page.link("Shop / staging").endswith(
        "/staging/?filter[taskIdentifier]=mail&filter[period]=7d"
    )
    assert page.link("Shop / dev").endswith("/dev/?filter[period]=7d")
    assert elsewhere.environment.project.external_ref in page.link("Shop / dev")
    assert there.status_code == 200
    assert sticky["Location"] == address_of(staging)


def test_an_open_page_gets_only_what_changes(prod, person):
    prod.report(fails(1, "TypeError"))

    whole = open_list(person, prod)
    fragment = open_list(person, prod, **{"X-Fragment": "list"})

    assert fragment.groups == whole.groups == ["TypeError went wrong"]
    assert fragment.text.count('id="fl-results"') == fragment.text.count('id="fl-tabs"') == 1
    assert "<html" not in fragment.text
    assert 'id="fl-search"' not in fragment.text


def test_rows_can_be_ticked_for_a_change_by_whoever_may_change(prod, person):
    prod.report(fails(1, "TypeError", task="a:b"))
    watcher = User.objects.create_user("watcher", is_staff=True)
    watcher.user_permissions.add(Permission.objects.get(codename="view_errorgroup"))
    organization = prod.environment.project.organization
    Membership.objects.create(organization=organization, user=watcher)
    fingerprint = prod.errors()[0]["fingerprint"]

    page = open_list(person, prod, {"filter[search]": "type"})
    watched = open_list(signed_in(watcher), prod)

    assert f'name="group" value="{fingerprint}:a:b"' in page.text
    assert 'name="filter" value="filter[search]=type"' in page.text
    assert '<option value="matching">All 1 that match' in page.text
    assert watched.groups == ["TypeError went wrong"]
    assert 'name="group"' not in watched.text
    assert 'value="resolve"' not in watched.text


def test_what_is_open_already_is_not_offered_to_be_unresolved(prod, person):
    prod.report(fails(1, "TypeError"))

    still_open = open_list(person, prod)
    everything = open_list(person, prod, EVERYTHING)

    for offered in ('value="unresolve"', 'id="fl-unresolve"'):
        assert offered not in still_open.text
        assert offered in everything.text


def test_a_decision_on_a_later_page_leads_back_to_it(prod, person):
    prod.report(*(fails(n, f"Error{n}", failedAt=ago_iso(minutes=n + 1)) for n in range(3)))
    query = {"filter[status]": "unresolved", "sort": "-lastSeen", "page[size]": "1"}
    first = open_list(person, prod, query)
    second = Page(person.get(address_of(prod) + first.link("Next")))
    sent = {
        name: html.unescape(re.search(f'name="{name}" value="([^"]*)"', second.text)[1])
        for name in ("filter", "group")
    }

    answer = person.post(
        address_of(prod) + "bulk/", {**sent, "action": "resolve", "step": "now", "scope": "ticked"}
    )

    assert second.groups == ["Error1 went wrong"]
    assert Page(person.get(answer.url)).groups == ["Error2 went wrong"]


# --- nothing, or not so ---------------------------------------------------------------------


def test_a_bad_view_is_told_in_place_with_the_form_as_it_was(prod, person):
    query = {
        "filter[search]": "mail <b>",
        "filter[from]": "yesterday",
        "filter[status]": "open",
        "filter[colour]": "red",
        "sort": "sideways",
        "page[after]": "nonsense",
    }

    page = open_list(person, prod, query)

    assert page.status == 400
    told = html.unescape(page.text.split('role="alert"')[1].split("</div>")[0])
    for parameter in ("filter[from]", "filter[status]", "filter[colour]", "sort", "page[after]"):
        assert f"<code>{parameter}</code>" in told
    assert "Allowed: unresolved, resolved, ignored" in told
    assert 'value="mail &lt;b&gt;"' in page.text
    assert 'value="yesterday" aria-invalid="true"' in page.text
    assert not page.groups
    assert page.link("7d") == "?filter[search]=mail+%3Cb%3E&filter[period]=7d"


def test_a_page_of_another_sort_is_refused_in_place(prod, person):
    prod.report(*(fails(number, f"Error{number}") for number in range(2)))
    first = open_list(person, prod, {"sort": "-count", "page[size]": "1"})

    other = person.get(address_of(prod) + first.link("Next").replace("-count", "-lastSeen"))

    assert other.status_code == 400
    assert "This cursor belongs to another sort" in other.content.decode()


def test_an_empty_list_says_why_and_where_to_go_on(prod, person):
    nothing = open_list(person, prod)
    prod.report(fails(1, "TypeError", createdAt=ago_iso(days=3), failedAt=ago_iso(days=2)))
    quiet = open_list(person, prod)
    wider = Page(person.get(address_of(prod) + quiet.link("Look at 90d")))
    unmatched = open_list(person, prod, {"filter[search]": "zebra", "filter[period]": "90d"})
    prod.api.post(f"/api/v1/errors/{prod.errors(period='7d')[0]['id']}/resolve")
    clear = open_list(person, prod, {"filter[status]": "unresolved", "filter[period]": "7d"})
    beyond = Page(person.get(address_of(prod) + clear.link("All 1 groups")))

    assert "No run has been reported" in nothing.text
    assert "curl http://testserver/api/v1/runs" in nothing.text
    assert "No run failed in this time" in quiet.text
    assert wider.groups == ["TypeError went wrong"]
    assert "No group matches" in unmatched.text
    assert unmatched.link("Clear the filters") == "?filter[period]=90d"
    assert "All clear" in clear.text
    assert beyond.groups == ["TypeError went wrong"]
