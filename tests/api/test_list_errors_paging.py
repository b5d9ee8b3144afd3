"""Walking the list of groups page by page while failures keep arriving."""

import base64
import itertools
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from runs_app.domain.run_rows import decode_rows
from runs_app.domain.times import utc_now
from runs_app.models import OutboxEntry
from runs_app.queries import outbox
from runs_app.services.repair import repair_rows
from runs_app.services.replicator_turn import replicator_turn
from tests.api.expectations import failure, faults, iso, moment, refused, the_group
from tests.conftest import Answer, Workspace, make_workspace, settle

PATH = "/api/v1/errors"
SORTS = ["-count", "count", "-lastSeen", "lastSeen", "-firstSeen", "firstSeen"]
LETTERS = "ABCDEFGHIJ"
NAMES = [f"{one}{two}{one}Error" for one in LETTERS[:6] for two in LETTERS]

Row = tuple[str, str]


@pytest.fixture(scope="module")
def many(shared_prod: Workspace) -> Iterator[dict[str, Workspace]]:
    """An environment per sort, with 60 groups in two tasks that tie in counts and in times."""
    project = shared_prod.environment.project
    workspaces: dict[str, Workspace] = {"-count": shared_prod}
    for slug, sort in zip(("staging", "dev", "preview"), SORTS[1:], strict=False):
        workspaces[sort] = make_workspace(slug, project)
    other = make_workspace("prod")
    workspaces["-firstSeen"] = other
    workspaces["firstSeen"] = make_workspace("staging", other.environment.project)
    times = [moment(minutes=minutes) for minutes in (10, 20, 20.5, 30, 45)]
    runs = [
        failure(
            f"run_{name}_{number}",
            name,
            task=("mail", "bill")[index % 2],
            failedAt=iso(times[(index * (number + 1)) % len(times)]),
        )
        for index, name in enumerate(NAMES)
        for number in range(index % 4 + 1)
    ]
    for workspace in workspaces.values():
        workspace.report(*runs)
    yield workspaces
    from runs_app.models import Environment, Organization, Project

    Environment.objects.filter(project=other.environment.project).delete()
    Project.objects.filter(pk=other.environment.project_id).delete()
    Organization.objects.filter(pk=other.tenant.organization_id).delete()


class Arrivals:
    """Failures of new groups, of groups already shown, and of groups still to come."""

    def __init__(self, workspace: Workspace, tag: str) -> None:
        self.workspace = workspace
        self.tag = tag
        self.numbers = itertools.count()

    def arrive(self, order: list[Row], position: int) -> None:
        number = next(self.numbers)
        shown = order[max(0, position - 2) : position]
        to_come = [order[-1], *order[position : position + 2], *order[position + 5 : position + 7]]
        name = f"{self.tag}New{LETTERS[number % 3]}Error"
        runs = [failure(f"run_{self.tag}_new_{number}", name, task="mail")]
        for index, (error_type, task) in enumerate([*shown, *to_come]):
            for again in range(2):
                run_id = f"run_{self.tag}_{number}_{index}_{again}"
                runs.append(failure(run_id, error_type, task=task))
        self.workspace.report(*runs)


def rows_of(answer: Answer) -> list[Row]:
    assert answer.status == 200, answer.body
    return [(group["errorType"], group["taskIdentifier"]) for group in answer.body["data"]]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("size", [25, 7, 1])
def test_no_group_is_repeated_or_skipped_while_failures_arrive(
    many: dict[str, Workspace], db: None, sort: str, size: int
) -> None:
    workspace = many[sort]
    # Single rows are walked through the groups of one task: half as many requests.
    query = {"sort": sort} if size > 1 else {"sort": sort, "filter[taskIdentifier]": "mail"}
    whole = workspace.api.get(PATH, {**query, "page[size]": "100"})
    order = rows_of(whole)
    assert "next" not in whole.body["pagination"]
    assert len(order) >= (60 if size > 1 else 30)
    assert_sorted(whole.body["data"], sort)
    tag = f"{chr(97 + SORTS.index(sort))}{chr(97 + size)}"
    arrivals = Arrivals(workspace, tag)
    every = {25: 1, 7: 3, 1: 11}[size]

    query["page[size]"] = str(size)
    answer = workspace.api.get(PATH, query)
    assert "previous" not in answer.body["pagination"]
    first = answer.body
    walked, pages = rows_of(answer), [rows_of(answer)]
    while "next" in answer.body["pagination"]:
        if len(pages) % every == 0:
            arrivals.arrive(order, len(walked))
        answer = workspace.api.get(
            PATH, {**query, "page[after]": answer.body["pagination"]["next"]}
        )
        assert answer.body["window"] == first["window"]
        pages.append(rows_of(answer))
        walked += pages[-1]
    assert walked == order

    back = [pages[-1]]
    while "previous" in answer.body["pagination"]:
        if len(back) % every == 0:
            arrivals.arrive(order, len(order) - sum(map(len, back)))
        cursor = answer.body["pagination"]["previous"]
        answer = workspace.api.get(PATH, {**query, "page[before]": cursor})
        back.insert(0, rows_of(answer))
        assert "next" in answer.body["pagination"]
    assert back == pages

    assert len(workspace.api.get(PATH, {**query, "page[size]": "100"}).body["data"]) > len(order)
    clean_up(workspace, tag)


def clean_up(workspace: Workspace, tag: str) -> None:
    """Heal what arrived, so that the next walk fits one page of a hundred again."""
    runs = workspace.runs(status="FAILED", **{"page[size]": "100"})
    heal = [
        {"id": run["id"], "taskIdentifier": run["taskIdentifier"], "status": "COMPLETED"}
        for run in runs
        if f"_{tag}_new_" in run["id"]
    ]
    workspace.report(*heal)


def assert_sorted(groups: list[dict[str, Any]], sort: str) -> None:
    member = sort.removeprefix("-")
    expected = sorted(groups, key=lambda group: (group["fingerprint"], group["taskIdentifier"]))
    expected.sort(key=lambda group: group[member], reverse=sort.startswith("-"))
    assert [group["id"] for group in groups] == [group["id"] for group in expected]


@pytest.mark.parametrize("sort", ["-lastSeen", "lastSeen"])
def test_a_group_whose_newest_run_healed_keeps_its_place_when_it_fails_again(
    prod: Workspace, sort: str
) -> None:
    minutes = {"AError": 50, "BError": 40, "CError": 30, "DError": 20}
    prod.report(
        *(failure(f"run_{n}", n, failedAt=iso(moment(minutes=m))) for n, m in minutes.items())
    )
    prod.report(failure("run_later", "AError", failedAt=iso(moment(minutes=25))))
    prod.report({"id": "run_later", "taskIdentifier": "send-mail", "status": "COMPLETED"})
    query = {"sort": sort, "page[size]": "1"}
    order = [group["errorType"] for group in prod.errors(sort=sort)]

    answer = prod.api.get(PATH, query)
    walked = rows_of(answer)
    while "next" in answer.body["pagination"]:
        prod.report(failure(f"run_new_{len(walked)}", "AError"))
        answer = prod.api.get(PATH, {**query, "page[after]": answer.body["pagination"]["next"]})
        walked += rows_of(answer)

    assert [error_type for error_type, _ in walked] == order


@pytest.mark.parametrize("sort", SORTS)
def test_failures_of_another_version_leave_a_list_by_version_alone(
    prod: Workspace, sort: str
) -> None:
    names = [f"{letter}Error" for letter in LETTERS]
    prod.report(
        *(
            failure(
                f"run_{name}_{number}", name, version="1", failedAt=iso(moment(minutes=60 - index))
            )
            for index, name in enumerate(names)
            for number in range(index % 3 + 1)
        )
    )
    query = {"sort": sort, "filter[version]": "1", "page[size]": "3"}
    whole = prod.api.get(PATH, {**query, "page[size]": "100"}).body["data"]
    first = prod.api.get(PATH, query)
    prod.report(*(failure(f"run_new_{n}_{i}", n, version="2") for n in names for i in range(3)))

    answer, walked = first, first.body["data"]
    while "next" in answer.body["pagination"]:
        answer = prod.api.get(PATH, {**query, "page[after]": answer.body["pagination"]["next"]})
        walked = walked + answer.body["data"]

    assert [(group["id"], group["count"]) for group in walked] == [
        (group["id"], group["count"]) for group in whole
    ]


def test_pages_keep_to_their_filters(many: dict[str, Workspace], db: None) -> None:
    workspace = many["count"]
    query = {"filter[taskIdentifier]": "mail", "filter[status]": "unresolved", "page[size]": "9"}
    order = rows_of(workspace.api.get(PATH, {**query, "page[size]": "100"}))

    answer = workspace.api.get(PATH, query)
    walked = rows_of(answer)
    while "next" in answer.body["pagination"]:
        answer = workspace.api.get(
            PATH, {**query, "page[after]": answer.body["pagination"]["next"]}
        )
        walked += rows_of(answer)

    assert walked == order
    assert {task for _, task in walked} == {"mail"}


def test_a_page_may_change_its_size(many: dict[str, Workspace], db: None) -> None:
    workspace = many["-count"]
    order = rows_of(workspace.api.get(PATH, {"page[size]": "100"}))
    first = workspace.api.get(PATH, {"page[size]": "3"})

    second = workspace.api.get(
        PATH, {"page[size]": "40", "page[after]": first.body["pagination"]["next"]}
    )

    assert rows_of(first) + rows_of(second) == order[:43]


def test_without_a_size_a_page_holds_25(many: dict[str, Workspace], db: None) -> None:
    answer = many["-count"].api.get(PATH)

    assert len(answer.body["data"]) == 25
    assert set(answer.body["pagination"]) == {"next"}


def test_a_page_that_holds_exactly_all_has_no_next(prod: Workspace) -> None:
    prod.report(failure("run_a", "AError"), failure("run_b", "BError"))

    answer = prod.api.get(PATH, {"page[size]": "2"})

    assert len(answer.body["data"]) == 2
    assert answer.body["pagination"] == {}


# --- cursors of other origins -------------------------------------------------------------------


@pytest.fixture
def cursor(many: dict[str, Workspace], db: None) -> str:
    """Of the default sort without filters, after three rows."""
    answer = many["-count"].api.get(PATH, {"page[size]": "3"})
    text: str = answer.body["pagination"]["next"]
    return text


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "count"},
        {"sort": "-lastSeen"},
        {"filter[status]": "unresolved"},
        {"filter[search]": "E"},
        {"filter[taskIdentifier]": "mail"},
        {"filter[version]": "1"},
        {"filter[period]": "1d"},
        {"filter[from]": "2026-01-01"},
    ],
)
@pytest.mark.parametrize("place", ["page[after]", "page[before]"])
def test_a_cursor_of_another_sort_or_filter_is_refused(
    many: dict[str, Workspace], cursor: str, query: dict[str, str], place: str
) -> None:
    answer = many["-count"].api.get(PATH, {**query, place: cursor})

    assert faults(answer) == {(f"/query/{place}", "invalid_cursor")}


def test_the_default_sort_by_name_takes_the_cursor_of_the_default(
    many: dict[str, Workspace], cursor: str
) -> None:
    answer = many["-count"].api.get(PATH, {"sort": "-count", "page[after]": cursor})

    assert answer.status == 200


def test_statuses_in_another_order_are_the_same_filter(
    many: dict[str, Workspace], db: None
) -> None:
    api = many["-count"].api
    query = {"filter[status]": "unresolved,ignored", "page[size]": "3"}
    first = api.get(PATH, query)

    second = api.get(
        PATH,
        {
            "filter[status]": "ignored,unresolved",
            "page[size]": "3",
            "page[after]": first.body["pagination"]["next"],
        },
    )

    assert second.status == 200


def test_a_cursor_of_the_runs_list_is_refused(many: dict[str, Workspace], db: None) -> None:
    api = many["-count"].api
    runs = api.get("/api/v1/runs", {"page[size]": "1"}).body["pagination"]["next"]

    assert faults(api.get(PATH, {"page[after]": runs})) == {
        ("/query/page[after]", "invalid_cursor")
    }


def test_after_and_before_together_are_refused(many: dict[str, Workspace], cursor: str) -> None:
    answer = many["-count"].api.get(PATH, {"page[after]": cursor, "page[before]": cursor})

    assert faults(answer) == {("/query/page[before]", "conflict")}


def test_an_empty_cursor_is_the_first_page(many: dict[str, Workspace], db: None) -> None:
    answer = many["-count"].api.get(PATH, {"page[after]": "", "page[before]": ""})

    assert answer.status == 200
    assert set(answer.body["pagination"]) == {"next"}


def packed(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unpacked(cursor: str) -> list[Any]:
    parts: list[Any] = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return parts


GARBAGE = [
    "x", "====", "a b", "é", "null", "bnVsbA", "e30", "W10", "{}", "A" * 5000, "/+", "..",
    packed([]), packed({}), packed("text"), packed([1, 2, 3, 4, 5]), packed(["a", 0, 0, 0, []]),
    base64.urlsafe_b64encode(b"[" * 2500).decode(), base64.urlsafe_b64encode(b"\xff\xfe").decode(),
]  # fmt: skip


@pytest.mark.parametrize("text", GARBAGE, ids=[str(number) for number in range(len(GARBAGE))])
def test_garbage_is_no_cursor(many: dict[str, Workspace], db: None, text: str) -> None:
    answer = many["-count"].api.get(PATH, {"page[after]": text})

    assert faults(answer) == {("/query/page[after]", "invalid_cursor")}


TAMPERED: list[Any] = [
    (4, [3, "fp"]), (4, ["3", "fp", "task"]), (4, [3, 4, "task"]), (4, [2**63, "fp", "task"]),
    (4, [-(2**63) - 1, "fp", "task"]), (4, [True, "fp", "task"]), (4, [1.5, "fp", "task"]),
    (4, [None, "fp", "task"]), (4, [3, "fp", "task", "more"]), (4, "keys"), (4, {}),
    (4, [1e300, "", ""]), (2, 0), (1, 1), (1, -1), (1, 2**43), (1, 10**30), (1, "0"), (1, None),
    (2, 2**42),
    (3, -5), (0, "other"), (0, 5),
]  # fmt: skip


@pytest.mark.parametrize(("position", "value"), TAMPERED)
def test_a_cursor_changed_out_of_shape_is_refused(
    many: dict[str, Workspace], cursor: str, position: int, value: Any
) -> None:
    parts = unpacked(cursor)
    parts[position] = value

    answer = many["-count"].api.get(PATH, {"page[after]": packed(parts)})

    assert faults(answer) == {("/query/page[after]", "invalid_cursor")}


HARMLESS: list[Any] = [
    (4, [2**63 - 1, "fp", "task"]), (4, [-(2**63), "", ""]), (4, [2, "'; DROP TABLE x", "\\'\0\n"]),
    (4, [2, "é🍏", "x" * 500]), (1, 0), (3, 0),
    (2, 4_102_444_800_000), (3, 4_102_444_800_000),
]  # fmt: skip


@pytest.mark.parametrize("sort", ["-count", "-lastSeen", "firstSeen"])
@pytest.mark.parametrize(("position", "value"), HARMLESS)
def test_a_cursor_changed_within_its_shape_shows_nothing_of_others(
    many: dict[str, Workspace], db: None, position: int, value: Any, sort: str
) -> None:
    workspace = many["-count"]
    first = workspace.api.get(PATH, {"page[size]": "3", "sort": sort})
    parts = unpacked(first.body["pagination"]["next"])
    parts[position] = value

    answer = workspace.api.get(PATH, {"page[after]": packed(parts), "sort": sort})

    assert answer.status == 200
    assert {task for _, task in rows_of(answer)} <= {"mail", "bill", "send-mail"}


def test_another_tenants_cursor_shows_none_of_its_groups(
    many: dict[str, Workspace], cursor: str, prod: Workspace
) -> None:
    prod.report(failure("run_mine", "MineError"))

    for place in ("page[after]", "page[before]"):
        answer = prod.api.get(PATH, {place: cursor})
        if answer.status != 200:
            refused(answer, 400, "invalid_input")
            continue
        assert set(rows_of(answer)) <= {("MineError", "send-mail")}


def test_a_cursor_outlives_the_group_it_points_at(prod: Workspace) -> None:
    prod.report(*(failure(f"run_{n}", f"{n}Error", failedAt=iso(moment(minutes=9))) for n in "ABC"))
    first = prod.api.get(PATH, {"page[size]": "1"})
    [gone] = first.body["data"]
    run_id = f"run_{gone['errorType'][0]}"
    prod.report({"id": run_id, "taskIdentifier": "send-mail", "status": "COMPLETED"})

    second = prod.api.get(
        PATH, {"page[size]": "5", "page[after]": first.body["pagination"]["next"]}
    )

    assert len(second.body["data"]) == 2
    assert gone["id"] not in {group["id"] for group in second.body["data"]}


def test_a_change_of_state_between_pages_neither_repeats_nor_skips_others(prod: Workspace) -> None:
    prod.report(
        *(failure(f"run_{n}", f"{n}Error", failedAt=iso(moment(minutes=9))) for n in "ABCD")
    )
    query = {"page[size]": "2", "filter[status]": "unresolved"}
    order = [group["id"] for group in prod.errors(status="unresolved")]
    first = prod.api.get(PATH, query)
    prod.api.post(f"{PATH}/{order[0]}/resolve")

    second = prod.api.get(PATH, {**query, "page[after]": first.body["pagination"]["next"]})

    assert [group["id"] for group in second.body["data"]] == order[2:]


def test_a_page_shows_the_count_as_of_the_first_page_and_the_state_of_now(
    prod: Workspace,
) -> None:
    when = iso(moment(minutes=9))
    prod.report(
        failure("run_a1", "AError", failedAt=when),
        failure("run_a2", "AError", failedAt=when),
        failure("run_b", "BError", failedAt=when),
    )
    first = prod.api.get(PATH, {"page[size]": "1"})
    prod.report(*(failure(f"run_b{number}", "BError") for number in range(5)))
    later = the_group(prod, search="BError")
    assert later["count"] == 6
    prod.api.post(f"{PATH}/{later['id']}/resolve")

    second = prod.api.get(PATH, {"page[after]": first.body["pagination"]["next"]})

    [group] = second.body["data"]
    assert (group["errorType"], group["count"], group["status"]) == ("BError", 1, "resolved")
    assert group["lastSeen"] == later["lastSeen"]


def test_cursors_are_plain_url_safe_text(cursor: str) -> None:
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert timedelta(0) < timedelta(milliseconds=unpacked(cursor)[2] - unpacked(cursor)[1])


@pytest.mark.parametrize("sort", ["-lastSeen", "lastSeen", "-count", "count", "-firstSeen"])
def test_failures_on_their_way_at_the_first_page_move_no_group(prod: Workspace, sort: str) -> None:
    prod.report(
        *(
            failure(f"run_{n}", f"{n}Error", failedAt=iso(moment(minutes=30 - number)))
            for number, n in enumerate("ABCDEFGHI")
        )
    )
    # Accepted, and not yet in ClickHouse: the list must not count on what arrives between pages.
    prod.send(*(failure(f"run_late{n}", f"{n}Error") for n in "ADFI"), failure("run_new", "New"))
    query = {"page[size]": "2", "sort": sort}

    first = prod.api.get(PATH, query).body
    settle()
    pages = [first]
    while "next" in pages[-1]["pagination"]:
        after = pages[-1]["pagination"]["next"]
        pages.append(prod.api.get(PATH, {**query, "page[after]": after}).body)

    listed = [group["errorType"] for page in pages for group in page["data"]]
    assert sorted(listed) == [f"{n}Error" for n in "ABCDEFGHI"]


def test_what_has_arrived_is_listed_though_something_waits_since_long(prod: Workspace) -> None:
    prod.send(failure("run_stuck", "StuckError"))
    OutboxEntry.objects.update(batch_id=uuid.uuid4(), created_at=utc_now() - timedelta(minutes=5))
    stuck = OutboxEntry.objects.get()
    prod.send(failure("run_there", "ThereError"))
    with_batch = outbox.claim_batch(OutboxEntry.Kind.RUNS)
    assert with_batch is not None
    with replicator_turn():
        repair_rows([row for entry in with_batch.entries for row in decode_rows(entry.content)])
    outbox.delete_batch(with_batch)

    assert OutboxEntry.objects.get() == stuck
    assert [group["errorType"] for group in prod.errors()] == ["ThereError"]
