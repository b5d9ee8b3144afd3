"""What a page of the list shows: rows, sparklines, tallies of the tabs, and what can be chosen."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from errors_app.domain.buckets import buckets_of
from errors_app.domain.filters import GroupFilters, Sort
from errors_app.domain.groups import GroupKey, IgnoreConditions, Status
from errors_app.services import browse
from errors_app.services.group_list_page import GroupListPage, GroupRow, read_group_list
from errors_app.services.lifecycle import ignore_group
from runs_app.domain.paging import Direction, PageRequest, decode_cursor
from runs_app.domain.times import iso, utc_now
from runs_app.domain.window import MINUTE, Window, WindowRequest
from tests.api.expectations import failure, hidden
from tests.api.test_list_errors_by_status import ACTOR, STEPS, act
from tests.conftest import Workspace, settle

DAY = timedelta(days=1)
MONTH = GroupFilters(window=WindowRequest(period=timedelta(days=30)))


def fail(run_id: str, name: str, hours: float = 1, version: str = "", **members: Any) -> Any:
    at = iso(utc_now() - timedelta(hours=hours))
    known = {"version": version} if version else {}
    return failure(run_id, name, createdAt=at, failedAt=at, **known, **members)


def read(
    workspace: Workspace,
    filters: GroupFilters = MONTH,
    sort: Sort = Sort.LAST_SEEN_DESC,
    request: PageRequest | None = None,
) -> GroupListPage:
    return read_group_list(workspace.tenant, filters, sort, request or PageRequest(size=100))


def after(page: GroupListPage, filters: GroupFilters, sort: Sort, size: int) -> PageRequest:
    about = browse.about_list(filters, sort)
    assert page.next is not None
    cursor = decode_cursor(page.next, about=about, keys=browse.CURSOR_KEYS)
    return PageRequest(size=size, direction=Direction.AFTER, cursor=cursor)


def by_name(rows: Iterable[GroupRow]) -> dict[str, GroupRow]:
    return {row.group.outline.error_type: row for row in rows}


@pytest.mark.parametrize("minutes", [0, 1, 23, 48, 49, 61, 1_441, 43_201, 129_601])
def test_buckets_cover_the_window_end_with_it_and_are_never_too_many(minutes: int) -> None:
    end = datetime.fromisoformat("2026-03-29T01:07:00+00:00")
    window = Window(end - minutes * MINUTE, end)

    buckets = buckets_of(window)

    assert buckets.start + buckets.count * buckets.size == end
    assert buckets.start <= window.start < buckets.start + max(buckets.size, MINUTE)
    assert buckets.size % MINUTE == timedelta()
    assert min(minutes, 25) <= buckets.count <= 48


def test_each_failure_is_in_the_bucket_of_its_time(prod: Workspace) -> None:
    reports = [fail(f"run_{hours}", "AError", hours) for hours in (1, 2, 2.01, 100, 719)]
    prod.report(*reports)

    page = read(prod)

    expected = [0] * page.buckets.count
    for report in reports:
        since = datetime.fromisoformat(report["failedAt"]) - page.buckets.start
        expected[since // page.buckets.size] += 1
    [row] = page.rows
    assert row.sparkline == tuple(expected)
    assert page.buckets.starts[-1] + page.buckets.size == page.window.end


def test_a_sparkline_adds_up_to_its_row_on_frozen_pages_and_under_filters(prod: Workspace) -> None:
    names = ("AError", "BError", "CError", "DError")
    prod.report(
        *(
            fail(f"run_{name}{hours}{version}", name, hours, version)
            for name in names
            for hours in (0.5, 3, 70, 400)
            for version in ("1.0", "1.1")
        )
    )
    filters = GroupFilters(versions=("1.1",), window=WindowRequest(period=timedelta(days=7)))
    sort = Sort.LAST_SEEN_DESC

    prod.send(fail("run_late", "ZError", hours=0, version="1.0"))
    prod.send(*(fail(f"run_late{name}", name, hours=0, version="1.1") for name in names))
    first = read(prod, filters, sort, PageRequest(size=2))
    settle()
    second = read(prod, filters, sort, after(first, filters, sort, 2))
    fresh = read(prod, filters, sort)

    rows = (*first.rows, *second.rows)
    assert set(by_name(rows)) == set(names)
    assert [row.group.count for row in rows] == [3, 3, 3, 3]
    assert [row.group.count for row in fresh.rows] == [4, 4, 4, 4]
    for row in (*rows, *fresh.rows):
        assert sum(row.sparkline) == row.group.count
        assert row.versions == ("1.1",)
    assert second.buckets == first.buckets


def test_two_tasks_of_one_fingerprint_have_a_line_each(prod: Workspace) -> None:
    prod.report(fail("run_a", "AError"), fail("run_b", "AError", task="other"))
    prod.report(fail("run_c", "AError", task="other"))

    rows = {row.group.key.task_identifier: row for row in read(prod).rows}

    assert {task: sum(row.sparkline) for task, row in rows.items()} == {"send-mail": 1, "other": 2}


def test_a_row_names_the_newest_of_its_versions_and_counts_them(prod: Workspace) -> None:
    versions = ("20260101.2", "20260101.10", "20260101.9", "20251231.1", "")
    prod.report(*(fail(f"run_{version}x", "AError", 1, version) for version in versions))

    [row] = read(prod).rows

    assert row.versions == ("20260101.10", "20260101.9", "20260101.2")
    assert row.version_count == 4


def test_each_tab_counts_what_its_list_shows(prod: Workspace) -> None:
    """Whatever ClickHouse knows of the states, and whatever the other filters are."""
    prod.report(fail("run_old", "OldError", hours=50), fail("run_o", "OtherError", task="other"))
    keys = {hiding: report_steps(prod, f"Hide{hiding}") for hiding in (0, 1, 2)}
    for hiding, of_names in keys.items():
        decide(prod, of_names, hiding)
    windows = (WindowRequest(), WindowRequest(period=timedelta(days=7)))

    seen = []
    for window in windows:
        for narrowed in ({}, {"task_identifiers": ("other",)}, {"search": "hide1"}):
            filters = GroupFilters(window=window, **narrowed)
            page = read(prod, filters)
            listed = {status: len(read(prod, of_status(filters, status)).rows) for status in Status}
            seen.append((page.everything, len(page.rows), dict(page.tallies), listed))

    assert [everything for everything, _, _, _ in seen] == [25, 1, 8, 26, 1, 8]
    for everything, rows, tallies, listed in seen:
        assert everything == rows
        assert tallies == listed
    of_all = seen[0][2]
    assert of_all == {Status.UNRESOLVED: 10, Status.RESOLVED: 6, Status.IGNORED: 9}


def test_tabs_of_a_frozen_page_count_the_frozen_list(prod: Workspace) -> None:
    prod.report(*(fail(f"run_{name}", f"{name}Error") for name in "ABC"))
    sort = Sort.LAST_SEEN_DESC
    first = read(prod, MONTH, sort, PageRequest(size=2))

    prod.report(fail("run_new", "NewError", hours=0))
    second = read(prod, MONTH, sort, after(first, MONTH, sort, 2))

    assert (first.everything, second.everything) == (3, 3)
    assert read(prod).everything == 4


def test_tasks_and_versions_with_failures_are_offered_most_failing_first(prod: Workspace) -> None:
    prod.report(
        *(fail(f"run_a{n}", "AError", 1, "2.0", task="busy") for n in range(3)),
        fail("run_b", "BError", 1, "1.0", task="calm"),
        fail("run_c", "BError", 1, "1.0", task="calm"),
        fail("run_d", "BError", 1, "", task="rare"),
        fail("run_old", "BError", 200, "0.9", task="gone"),
    )
    chosen = GroupFilters(task_identifiers=("calm", "never"), versions=("3.0",))

    page = read(prod, chosen)

    assert page.tasks == ("busy", "calm", "rare", "never")
    assert page.versions == ("2.0", "1.0", "3.0")
    assert page.rows == ()


def test_an_ignore_until_more_failures_tells_how_many_are_left(prod: Workspace) -> None:
    old = [fail(f"run_old{n}", "AError", hours=100) for n in range(3)]
    prod.report(*old, fail("run_b", "BError"), fail("run_a", "AError"))
    key = by_name(read(prod).rows)["AError"].group.key
    ignore_group(prod.tenant, key, ACTOR, IgnoreConditions(total_occurrences=5), 4)
    prod.report(fail("run_a1", "AError"), fail("run_a2", "AError"))

    rows = by_name(read(prod, GroupFilters()).rows)

    assert rows["AError"].group.count == 3
    assert (rows["AError"].remaining, rows["BError"].remaining) == (3, None)


def test_a_page_asks_clickhouse_six_times_at_most_however_many_rows_it_has(
    prod: Workspace, asked: list[str]
) -> None:
    prod.report(*(fail(f"run_{n}", f"{chr(65 + n)}Error") for n in range(20)))
    for row in read(prod).rows:
        more = IgnoreConditions(total_occurrences=5)
        ignore_group(prod.tenant, row.group.key, ACTOR, more, row.group.count)
    asked.clear()

    page = read(prod)

    assert {row.remaining for row in page.rows} == {5}
    assert len(asked) == 6


def test_a_page_shows_nothing_of_another_environment(prod: Workspace, staging: Workspace) -> None:
    staging.report(fail("run_theirs", "AError", 1, "9.9", task="theirs"))
    prod.report(fail("run_ours", "AError", 1, "1.0", task="theirs"))

    page = read(prod)

    [row] = page.rows
    assert (row.group.count, sum(row.sparkline), row.versions) == (1, 1, ("1.0",))
    assert (page.everything, page.tasks, page.versions) == (1, ("theirs",), ("1.0",))


def of_status(filters: GroupFilters, status: Status) -> GroupFilters:
    return GroupFilters(
        task_identifiers=filters.task_identifiers,
        statuses=frozenset({status}),
        search=filters.search,
        window=filters.window,
    )


def report_steps(workspace: Workspace, prefix: str) -> dict[str, GroupKey]:
    """A group per entry of `STEPS`."""
    workspace.report(*(fail(f"run_{prefix}{name}", f"{prefix}{name}Error") for name in STEPS))
    found = by_name(read(workspace, GroupFilters(search=prefix)).rows)
    return {name: found[f"{prefix}{name}Error"].group.key for name in STEPS}


def decide(workspace: Workspace, keys: dict[str, GroupKey], hiding: int) -> None:
    """Take the steps of each group; of the last `hiding` ClickHouse is not told."""
    for name, (steps, _) in STEPS.items():
        for step in steps[: max(0, len(steps) - hiding)]:
            act(workspace, keys[name], step)
    if hiding:
        with hidden("error_group_states_v1"):
            for name, (steps, _) in STEPS.items():
                for step in steps[max(0, len(steps) - hiding) :]:
                    act(workspace, keys[name], step)
