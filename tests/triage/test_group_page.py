"""The page of one group, as a browser gets it."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from runs_app.domain.ids import error_id
from tests.conftest import Workspace, failed, make_workspace
from tests.triage.staff import Desk, desk_at, text_of

XSS = "</title></textarea></pre><script>alert('x')</script><img src=x onerror=alert(1)>"
STACK = """Traceback (most recent call last):
  File "/usr/lib/python3.12/site-packages/celery/app/trace.py", line 453, in trace_task
    R = retval = fun(*args, **kwargs)
  File "/app/shop/mail.py", line 12, in send
    deliver(user)
  File "/app/shop/users.py", line 7, in deliver
    raise TypeError("User 12345 not found")
TypeError: User 12345 not found"""


class Page:
    """A group's page as it came."""

    def __init__(self, response: Any) -> None:
        self.status = response.status_code
        self.html = response.content.decode()
        self.text = text_of(response)

    @property
    def runs(self) -> list[str]:
        """The ids of the runs in the table."""
        section = self.html.split('id="runs"')[1].split("</section>")[0]
        return re.findall(r'<a class="fl-mono"[^>]*>([^<]*)</a>', section)

    @property
    def sample(self) -> str:
        head = self.html.split('class="fl-sample-head"')[1].split("</h2>")[0]
        return re.findall(r'<a class="fl-quiet"[^>]*>([^<]*)</a>', head)[0]

    @property
    def bars(self) -> list[str]:
        """What each column of the chart says."""
        return [unescape(title) for title in re.findall(r"<g><title>([^<]*)</title>", self.html)]

    @property
    def total(self) -> int:
        """All failures in the table beside the chart."""
        return sum(map(int, re.findall(r'</th><td class="fl-number">(\d+)</td>', self.chart)))

    @property
    def chart(self) -> str:
        return self.html.split('class="fl-panel fl-chart"')[1].split("</section>")[0]

    def link(self, label: str) -> str:
        [found] = re.findall(
            rf'<a [^>]*href="([^"#]*)[^"]*"[^>]*>{re.escape(label)}</a>', self.html
        )
        return unescape(found)


@pytest.fixture
def desk(prod: Workspace) -> Desk:
    return desk_at(prod)


def ago(**length: float) -> str:
    return (datetime.now(UTC) - timedelta(**length)).isoformat()


def page_of(desk: Desk, fingerprint_or_id: str, query: str = "") -> Page:
    address = desk.address("page", fingerprint_or_id)
    return Page(desk.get(f"{address}{query}"))


def only_group(workspace: Workspace) -> dict[str, Any]:
    [group] = workspace.errors(period="30d")
    return group


def report_history(workspace: Workspace) -> str:
    """Five failures in two versions over ten days; the id of their group."""
    hours = {"r1": 240, "r2": 100, "r3": 5, "r4": 3, "r5": 1}
    workspace.report(
        *(
            failed(
                run_id,
                version="20260101.1" if length > 50 else "20260108.1",
                createdAt=ago(hours=length),
                failedAt=ago(hours=length),
                durationMs=2_400,
                machine="small-1x",
                queue="mails",
                tags=["mail"],
                error={"type": "TypeError", "message": "User 12345 not found", "stack": STACK},
            )
            for run_id, length in hours.items()
        )
    )
    return str(only_group(workspace)["id"])


def test_the_page_tells_what_fails_where_when_and_in_which_versions(desk) -> None:
    group = report_history(desk.workspace)

    page = page_of(desk, group)

    assert page.status == 200
    for words in (
        "TypeError", "User 12345 not found", "Unresolved", "send-mail", group,
        "Failed runs 5 (3 in this window)", "First seen 10 d ago", "Last seen 1 h ago",
        "20260108.1 3 3 5 h ago 1 h ago", "20260101.1 0 2 10 d ago 4 d ago",
        "Queues mails 100%", "Machines small-1x 100%", "Tags mail 100%",
        "run_r5 FAILED 20260108.1 1 h ago 1 h ago 2.4 s 1 small-1x",
        "Nobody has decided anything",
    ):  # fmt: skip
        assert words in page.text, words


def test_own_frames_are_open_from_the_raise_point_on_and_library_frames_folded(desk) -> None:
    group = report_history(desk.workspace)

    trace = page_of(desk, group).html.split('class="fl-trace"')[1].split('class="fl-raw"')[0]

    functions = re.findall(r'class="fl-function">([^<]*)<', trace)
    assert functions == ["deliver", "send", "trace_task"]
    opened, folded, *_ = trace.split("<details")
    assert "deliver" in opened
    assert "raised here" in opened
    assert "<summary>1 frame of celery</summary>" in folded
    assert "trace_task" in folded


def test_chart_table_and_runs_tell_of_the_same_failures(desk) -> None:
    group = report_history(desk.workspace)

    for query, count in (
        ("?filter[period]=30d", 5),
        ("?filter[period]=24h", 3),
        ("?filter[period]=30d&filter[version]=20260101.1", 2),
        (f"?filter[from]={ago(hours=120)[:16]}&filter[to]={ago(hours=4)[:16]}", 2),
    ):
        page = page_of(desk, group, query)

        assert page.total == len(page.runs) == count, query
        assert f"{count} failures" in page.text
        told = [int(bar.split(": ")[1].split()[0]) for bar in page.bars]
        assert sum(told) == count


def test_the_window_is_the_lists_or_reaches_back_to_the_last_failure(desk) -> None:
    desk.workspace.report(failed("old", createdAt=ago(days=20), failedAt=ago(days=20)))
    group = only_group(desk.workspace)["id"]

    by_itself = page_of(desk, group)
    from_the_list = page_of(desk, group, "?list=filter%5Bperiod%5D%3D7d")
    own = page_of(desk, group, "?filter[period]=90d&list=filter%5Bperiod%5D%3D7d")

    current = re.compile(r'aria-current="true">([^<]*)<')
    assert [current.search(page.chart)[1] for page in (by_itself, from_the_list, own)] == [
        "30d", "7d", "90d",
    ]  # fmt: skip
    assert [page.total for page in (by_itself, from_the_list, own)] == [1, 0, 1]
    back = f"{desk.address('list')}?filter[period]=7d"
    assert f'<a href="{back}" id="fl-back">' in from_the_list.html
    assert from_the_list.sample == "run_old"


def test_pages_of_runs_have_each_run_once_and_keep_the_sample(desk) -> None:
    group = report_history(desk.workspace)

    first = page_of(desk, group, "?filter[period]=30d&page[size]=2")
    address = desk.address("page", group)
    second = Page(desk.get(address + first.link("Older runs") + "&page[size]=2"))
    third = Page(desk.get(address + second.link("Older runs") + "&page[size]=2"))
    back = Page(desk.get(address + third.link("Newer runs") + "&page[size]=2"))

    assert [first.runs, second.runs, third.runs] == [
        ["run_r5", "run_r4"], ["run_r3", "run_r2"], ["run_r1"],
    ]  # fmt: skip
    assert back.runs == second.runs
    assert {page.sample for page in (first, second, third, back)} == {"run_r5"}
    assert "Older runs" not in third.text


def test_one_goes_from_sample_to_sample(desk) -> None:
    group = report_history(desk.workspace)
    address = desk.address("page", group)

    newest = page_of(desk, group)
    older = Page(desk.get(address + newest.link("Older")))
    again = Page(desk.get(address + older.link("Newer")))
    oldest = page_of(desk, group, "?run=run_r1")

    assert [page.sample for page in (newest, older, again, oldest)] == [
        "run_r5", "run_r4", "run_r5", "run_r1",
    ]  # fmt: skip
    assert ">Newer<" not in newest.html
    assert ">Older<" not in oldest.html


def test_a_run_of_another_group_is_no_sample_of_this_one(desk) -> None:
    group = report_history(desk.workspace)
    desk.workspace.report(failed("other", error={"type": "KeyError", "message": "other"}))

    for run in ("run_other", "run_nowhere", "a%00b"):
        page = page_of(desk, group, f"?run={run}")

        assert page.sample == "run_r5"
        assert "is not in this group" in page.text


def test_an_id_of_several_tasks_asks_which_one_is_meant(desk) -> None:
    desk.workspace.report(failed("r1"), failed("r2", task="send-text"))
    group = error_id(desk.workspace.errors()[0]["fingerprint"])
    address = desk.address("page", group)

    chooser = Page(desk.get(address))
    picked = Page(desk.get(address + chooser.link("send-text")))

    assert "a group in each of 2 tasks" in chooser.text
    assert picked.runs == ["run_r2"]
    assert desk.get(f"{address}?taskIdentifier=third").status_code == 404


def test_groups_that_are_not_there_or_belong_to_strangers_are_not_found(desk) -> None:
    strangers = make_workspace("prod")
    strangers.report(failed("theirs"))
    theirs = only_group(strangers)["id"]
    desk.workspace.report(failed("ours"))
    desk.workspace.report({"id": "ours", "taskIdentifier": "send-mail", "status": "COMPLETED"})

    for group in (theirs, "error_0000000000000000", "error_a/b", "nonsense"):
        assert page_of(desk, group).status == 404

    assert desk.get(desk_at(strangers).address("page", theirs)).status_code == 404


def test_what_is_wrong_with_an_address_is_said_on_the_page(desk) -> None:
    group = report_history(desk.workspace)
    other_cursor = page_of(desk, group, "?filter[period]=30d&page[size]=2").link("Older runs")

    for query, words in (
        ("?filter[period]=soon", "A period is a whole number"),
        ("?filter[nonsense]=1", "no such filter"),
        ("?page[after]=nonsense", "This is no cursor"),
        (other_cursor + "&filter[version]=1", "belongs to other filters"),
    ):
        page = page_of(desk, group, query)

        assert page.status == 400
        assert words in page.text
        assert page.sample == "run_r5"


def test_decisions_are_told_with_who_made_them_and_what_they_wait_for(desk) -> None:
    group = report_history(desk.workspace)
    post = desk.workspace.api.post
    post(f"/api/v1/errors/{group}/resolve", {"resolvedInVersion": "20260109.1"})
    post(f"/api/v1/errors/{group}/ignore", {"totalOccurrences": 10, "reason": "Known, see wiki."})
    error = {"type": "TypeError", "message": "User 12345 not found", "stack": STACK}
    desk.workspace.report(failed("r6", version="20260110.1", error=error))

    page = page_of(desk, group)

    assert "until 10 more (9 left)" in page.text
    assert "Known, see wiki." in page.text
    assert "Resolved by key test" in page.text
    assert "in 20260109.1" in page.text
    assert page.text.index("Ignored by key test") < page.text.index("Resolved by key test")


def test_nothing_of_an_error_becomes_markup(desk) -> None:
    desk.workspace.report(
        failed(
            "r1",
            task=f"task {XSS}",
            version=f"v {XSS}",
            queue=f"queue {XSS}",
            machine="<b>machine</b>",
            region="<b>region</b>",
            tags=[f"tag {XSS}"],
            payload={"text": XSS},
            error={
                "type": f"Type {XSS}",
                "message": f"message {XSS}",
                "stack": f'{XSS}\n  File "{XSS}.py", line 1, in {XSS}\n    {XSS}\nKeyError: {XSS}',
            },
        )
    )
    group = only_group(desk.workspace)
    desk.workspace.api.post(
        f"/api/v1/errors/{group['id']}/ignore", {"duration": 60_000, "reason": f"reason {XSS}"}
    )

    for address in (desk.address("page", group["id"]), desk.address("run", "run_r1")):
        html = desk.get(address).content.decode()

        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "<b>machine" not in html
        assert html.count("&lt;script&gt;alert(&#x27;x&#x27;)") > 5
        assert "style=" not in html.split('id="main"')[1]
        assert " onclick" not in html


def test_a_page_asks_clickhouse_six_times_at_most(desk, asked) -> None:
    group = report_history(desk.workspace)
    older = page_of(desk, group, "?filter[period]=30d&page[size]=2").link("Older runs")

    for query in ("", "?run=run_r2", older, "?filter[period]=1m", "?filter[version]=20260101.1"):
        asked.clear()
        assert page_of(desk, group, query).status == 200
        assert 0 < len(asked) <= 6, (query, asked)


def test_whoever_may_only_look_gets_no_buttons_and_all_the_rest(desk) -> None:
    group = report_history(desk.workspace)
    viewer = desk_at(desk.workspace, role="viewer")

    page = page_of(viewer, group)

    assert "data-fl-action" in page_of(desk, group).html
    assert "data-fl-action" not in page.html
    assert page.runs


def test_it_can_be_taken_along_as_markdown_and_as_commands(desk) -> None:
    group = report_history(desk.workspace)

    page = page_of(desk, group)

    markdown = unescape(page.html.split("spellcheck")[1].split(">", 1)[1].split("</textarea>")[0])
    assert "### `TypeError` in `send-mail`" in markdown
    assert f"http://testserver{desk.address('page', group)}?taskIdentifier=send-mail" in markdown
    assert "raise TypeError" in markdown
    assert "$FAULTLINE_KEY" in page.text
    assert f"http://testserver/api/v1/errors/{group}/resolve?taskIdentifier=send-mail" in page.text
    assert desk.workspace.key not in page.html
