"""GET /api/v1/runs: what it answers, what it takes, what it refuses."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from runs_app.domain.run_status import SHOWN, RunStatus
from runs_app.models import TaskRun
from runs_app.services.credentials import create_api_key
from tests.api.conftest import Clock
from tests.api.expectations import epoch, failure, faults, iso, moment, refused, the_group
from tests.api.test_list_errors_paging import packed, unpacked
from tests.conftest import Api, Workspace, make_workspace, settle

PATH = "/api/v1/runs"
REQUIRED = {
    "id", "status", "taskIdentifier", "createdAt", "updatedAt", "isTest", "tags", "costInCents",
    "baseCostInCents", "durationMs", "depth", "taskKind", "env", "isQueued", "isExecuting",
    "isWaiting", "isCompleted", "isSuccess", "isFailed", "isCancelled",
}  # fmt: skip
OPTIONAL = {
    "idempotencyKey", "version", "startedAt", "finishedAt", "delayedUntil", "ttl", "expiredAt",
    "metadata", "region",
}  # fmt: skip


def run(run_id: str, **members: Any) -> dict[str, Any]:
    return {"id": run_id, "taskIdentifier": "send-mail", "status": "COMPLETED", **members}


def ids(runs: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in runs]


# Name of the run, and its members; created so many minutes ago.
RUNS: dict[str, tuple[float, dict[str, Any]]] = {
    "one": (
        5,
        {
            "status": "FAILED",
            "error": {"type": "TypeError", "message": "x"},
            "version": "20240101.1",
            "tags": ["user:1", "eu"],
            "queue": "task/send-mail",
            "machine": "small-1x",
            "region": "eu-central-1",
        },
    ),
    "two": (
        10,
        {
            "taskIdentifier": "resize",
            "tags": ["eu", 'it\'s \\ "odd" é'],
            "batch": "batch_1",
            "isTest": True,
        },
    ),
    "three": (100, {"status": "CRASHED", "schedule": "sched_1", "version": "20240101.2"}),
    "four": (3000, {"status": "EXECUTING", "region": "us-east-1", "queue": "bulk"}),
    "five": (60_000, {"status": "QUEUED", "machine": "large-2x", "batch": "batch_2"}),
}


@pytest.fixture(scope="module")
def made(shared_prod: Workspace) -> Workspace:
    shared_prod.report(
        *(
            run(f"run_{name}", createdAt=iso(moment(minutes=ago)), **members)
            for name, (ago, members) in RUNS.items()
        )
    )
    return shared_prod


@pytest.fixture
def listed(made: Workspace, db: None) -> Workspace:
    return made


def names(workspace: Workspace, **query: Any) -> list[str]:
    return [run_id.removeprefix("run_") for run_id in ids(workspace.runs(**query))]


# --- works --------------------------------------------------------------------------------------


def test_an_answer_has_exactly_its_members(listed: Workspace) -> None:
    answer = listed.api.get(PATH)

    assert answer.status == 200
    assert set(answer.body) == {"data", "pagination"}
    assert answer.body["pagination"] == {}


def test_a_run_that_says_little_has_no_optional_member(prod: Workspace) -> None:
    prod.report(run("run_a", status="QUEUED"))

    [item] = prod.runs()

    assert set(item) == REQUIRED
    assert None not in item.values()
    assert item["taskKind"] == "STANDARD"
    assert item["env"] == {"id": prod.tenant.environment_id, "name": "prod"}
    assert (item["tags"], item["isTest"], item["depth"]) == ([], False, 0)
    assert (item["costInCents"], item["baseCostInCents"], item["durationMs"]) == (0, 0, 0)


def test_a_run_that_says_all_shows_all(prod: Workspace) -> None:
    when = {
        name: iso(moment(minutes=ago))
        for name, ago in (
            ("createdAt", 50), ("delayedUntil", 45), ("startedAt", 40), ("finishedAt", 30),
            ("updatedAt", 29), ("expiredAt", 28),
        )
    }  # fmt: skip
    sent = {
        **when,
        "idempotencyKey": "key-1",
        "version": "20240101.1",
        "ttl": "1h",
        "region": "eu-central-1",
        "isTest": True,
        "tags": ["b", "a"],
        "costInCents": 1.5,
        "baseCostInCents": 0.25,
        "durationMs": 1234,
        "depth": 2,
        "metadata": {"deep": [1, None, {"é": "🍏"}]},
    }
    prod.report(run("run_a", **sent))

    [item] = prod.runs()

    assert set(item) == REQUIRED | OPTIONAL
    assert {name: item[name] for name in sent} == sent


def test_empty_texts_and_nulls_are_left_out(prod: Workspace) -> None:
    members: dict[str, Any] = dict.fromkeys(
        ("idempotencyKey", "version", "ttl", "region", "queue"), ""
    )
    nulls = dict.fromkeys(("metadata", "startedAt", "finishedAt", "payload", "output"))
    prod.report(run("run_a", **members, **nulls))

    assert set(prod.runs()[0]) == REQUIRED


@pytest.mark.parametrize("status", list(RunStatus))
def test_every_status_shows_its_name_and_its_booleans(prod: Workspace, status: RunStatus) -> None:
    prod.report(run("run_a", status=status.value))

    [item] = prod.runs(status=status.value)

    shown = SHOWN[status]
    assert item["status"] == shown.status.value
    flags = {name for name in item if name.startswith("is") and name != "isTest" and item[name]}
    expected = {
        name
        for name, on in {
            "isQueued": shown.flags.is_queued,
            "isExecuting": shown.flags.is_executing,
            "isWaiting": shown.flags.is_waiting,
            "isCompleted": shown.flags.is_completed,
            "isSuccess": shown.flags.is_success,
            "isFailed": shown.flags.is_failed,
            "isCancelled": shown.flags.is_cancelled,
        }.items()
        if on
    }
    assert flags == expected


def test_the_newest_come_first(listed: Workspace) -> None:
    assert names(listed) == ["one", "two", "three", "four", "five"]


# --- filters ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "FAILED"}, ["one"]),
        ({"status": "COMPLETED_WITH_ERRORS"}, ["one"]),
        ({"status": "FAILED,CRASHED"}, ["one", "three"]),
        ({"status": "COMPLETED"}, ["two"]),
        ({"status": "COMPLETED_SUCCESSFULLY,QUEUED"}, ["two", "five"]),
        ({"status": "PENDING"}, ["five"]),
        ({"status": "EXECUTING"}, ["four"]),
        ({"status": "TIMED_OUT"}, []),
        ({"status": ""}, ["one", "two", "three", "four", "five"]),
        ({"taskIdentifier": "resize"}, ["two"]),
        ({"taskIdentifier": "resize,send-mail"}, ["one", "two", "three", "four", "five"]),
        ({"taskIdentifier": "nothing"}, []),
        ({"version": "20240101.1"}, ["one"]),
        ({"version": "20240101.1,20240101.2"}, ["one", "three"]),
        ({"tag": "eu"}, ["one", "two"]),
        ({"tag": "user:1,nothing"}, ["one"]),
        ({"tag": 'it\'s \\ "odd" é'}, ["two"]),
        ({"tag": "us"}, []),
        ({"isTest": "true"}, ["two"]),
        ({"isTest": "false"}, ["one", "three", "four", "five"]),
        ({"batch": "batch_1"}, ["two"]),
        ({"batch": "batch_1,batch_2"}, ["two", "five"]),
        ({"schedule": "sched_1"}, ["three"]),
        ({"queue": "bulk"}, ["four"]),
        ({"queue": "task/send-mail,bulk"}, ["one", "four"]),
        ({"machine": "small-1x"}, ["one"]),
        ({"machine": "small-1x,large-2x"}, ["one", "five"]),
        ({"region": "eu-central-1,us-east-1"}, ["one", "four"]),
        ({"region": "'; DROP"}, []),
        ({"createdAt][period": "8m"}, ["one"]),
        ({"createdAt][period": "1h"}, ["one", "two"]),
        ({"createdAt][period": "1d"}, ["one", "two", "three"]),
        ({"createdAt][period": "9w"}, ["one", "two", "three", "four", "five"]),
        ({"createdAt][from": "2001-01-01"}, ["one", "two", "three", "four", "five"]),
        ({"createdAt][to": "2001-01-01"}, []),
        ({"status": "FAILED,CRASHED", "version": "20240101.2"}, ["three"]),
        ({"status": "FAILED", "tag": "eu", "isTest": "false", "region": "eu-central-1"}, ["one"]),
        ({"status": "FAILED", "tag": "eu", "isTest": "true"}, []),
    ],
)
def test_each_filter_narrows_by_its_own_rule(
    listed: Workspace, query: dict[str, str], expected: list[str]
) -> None:
    assert names(listed, **query) == expected


@pytest.mark.parametrize("form", [iso, epoch])
def test_creation_can_be_bounded_in_either_form(listed: Workspace, form: Any) -> None:
    bounds = {"createdAt][from": form(moment(hours=3)), "createdAt][to": form(moment(minutes=8))}

    assert names(listed, **bounds) == ["two", "three"]
    assert names(listed, **{"createdAt][to": form(moment(hours=1))}) == ["three", "four", "five"]
    assert names(listed, **{"createdAt][from": form(moment(hours=1))}) == ["one", "two"]


def test_a_run_of_this_very_moment_is_listed_and_so_is_one_of_a_fast_clock(
    prod: Workspace,
) -> None:
    ahead = moment() + timedelta(minutes=50)
    prod.report(run("run_now"), run("run_ahead", createdAt=iso(ahead)))

    assert ids(prod.runs()) == ["run_ahead", "run_now"]
    assert ids(prod.runs(**{"createdAt][period": "30m"})) == ["run_ahead", "run_now"]
    assert ids(prod.runs(**{"createdAt][from": iso(moment(minutes=1))})) == ["run_ahead", "run_now"]


def test_a_run_older_than_what_is_kept_is_not_listed(prod: Workspace, clock: Clock) -> None:
    prod.report(run("run_a"))
    clock.advance(days=settings.RETENTION_DAYS, minutes=5)

    assert prod.runs() == []
    assert prod.runs(**{"createdAt][from": "2001-01-01"}) == []


def test_a_run_is_found_only_under_its_newest_status(prod: Workspace) -> None:
    for status in ("QUEUED", "EXECUTING", "FAILED", "COMPLETED"):
        prod.report(run("run_a", status=status, error="Boom"))
        for wanted in ("QUEUED", "EXECUTING", "FAILED", "COMPLETED"):
            assert ids(prod.runs(status=wanted)) == (["run_a"] if wanted == status else [])
        assert ids(prod.runs()) == ["run_a"]


def test_a_run_is_found_only_under_its_newest_members(prod: Workspace) -> None:
    members = {"version": "1", "tags": ["old"], "region": "old", "queue": "old", "machine": "old"}
    prod.report(run("run_a", status="FAILED", **members))
    prod.report(
        run(
            "run_a",
            status="FAILED",
            taskIdentifier="new-task",
            version="2",
            tags=["new"],
            region="new",
            queue="new",
            machine="new",
        )
    )

    old: list[dict[str, str]] = [
        {"taskIdentifier": "send-mail"}, {"version": "1"}, {"tag": "old"}, {"region": "old"},
        {"queue": "old"}, {"machine": "old"},
    ]  # fmt: skip
    assert [prod.runs(**query) for query in old] == [[]] * 6
    assert ids(prod.runs(taskIdentifier="new-task", version="2", tag="new", region="new")) == [
        "run_a"
    ]


def test_runs_whose_row_is_gone_are_left_out(prod: Workspace) -> None:
    prod.report(run("run_a"), run("run_b"))
    TaskRun.objects.filter(friendly_id="run_a").delete()

    assert ids(prod.runs()) == ["run_b"]


# --- the runs of a group ------------------------------------------------------------------------


def test_only_runs_still_failed_in_the_group_are_behind_it(prod: Workspace) -> None:
    prod.report(*(failure(f"run_{name}") for name in ("stays", "heals", "moves", "retries")))
    group = the_group(prod)
    prod.report(
        run("run_heals"),
        failure("run_moves", "OtherError"),
        run("run_retries", status="EXECUTING"),
        failure("run_else", "OtherError"),
    )

    assert ids(prod.runs(error=group["id"])) == ["run_stays"]
    assert ids(prod.runs(error=group["fingerprint"])) == ["run_stays"]

    prod.report(failure("run_heals"), failure("run_moves"))
    assert sorted(ids(prod.runs(error=group["id"]))) == ["run_heals", "run_moves", "run_stays"]


def test_the_same_holds_beside_a_filter_of_the_runs_own(prod: Workspace) -> None:
    names = ("stays", "heals", "moves", "retries", "stops")
    prod.report(*(failure(f"run_{name}", tags=["x"]) for name in names))
    group = the_group(prod)
    prod.report(
        run("run_heals"),
        failure("run_moves", "OtherError"),
        run("run_retries", status="EXECUTING"),
        run("run_stops", status="CANCELED", error={"type": "TypeError", "message": "It broke"}),
    )

    assert ids(prod.runs(error=group["id"], tag="x")) == ["run_stays"]
    assert ids(prod.runs(error=group["id"])) == ["run_stays"]


def test_a_run_of_a_group_is_found_under_its_newest_status_and_version(prod: Workspace) -> None:
    prod.report(failure("run_a", version="1"))
    prod.report(failure("run_a", version="2") | {"status": "CRASHED"})
    error_id = the_group(prod)["id"]

    assert prod.runs(error=error_id, status="FAILED") == []
    assert prod.runs(error=error_id, version="1") == []
    assert ids(prod.runs(error=error_id, status="CRASHED", version="2")) == ["run_a"]


def test_several_groups_can_be_asked_for(prod: Workspace) -> None:
    prod.report(failure("run_a", "AError"), failure("run_b", "BError"), failure("run_c", "CError"))
    by_type = {group["errorType"]: group["id"] for group in prod.errors()}

    runs = prod.runs(error=f"{by_type['AError']},{by_type['CError']}")

    assert sorted(ids(runs)) == ["run_a", "run_c"]


def test_the_runs_of_a_group_obey_the_other_filters(prod: Workspace) -> None:
    prod.report(
        failure("run_a", version="1", tags=["eu"]),
        failure("run_b", version="2", tags=["eu"]),
        failure("run_c", version="2", task="other-task"),
    )
    error_id = prod.errors()[0]["id"]

    assert ids(prod.runs(error=error_id, version="2", tag="eu")) == ["run_b"]
    assert ids(prod.runs(error=error_id, taskIdentifier="other-task")) == ["run_c"]
    assert prod.runs(error=error_id, status="COMPLETED") == []


@pytest.mark.parametrize("error", ["error_unknown", "unknown", "error_", "'", "error_\\"])
def test_no_run_is_behind_an_unknown_group(listed: Workspace, error: str) -> None:
    assert listed.runs(error=error) == []


# --- refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"page[size]": "0"}, ("/query/page[size]", "out_of_range")),
        ({"page[size]": "101"}, ("/query/page[size]", "out_of_range")),
        ({"page[size]": "x"}, ("/query/page[size]", "out_of_range")),
        ({"page[after]": "x"}, ("/query/page[after]", "invalid_cursor")),
        ({"filter[status]": "DONE"}, ("/query/filter[status]", "unknown_value")),
        ({"filter[status]": "failed"}, ("/query/filter[status]", "unknown_value")),
        ({"filter[isTest]": "yes"}, ("/query/filter[isTest]", "invalid_boolean")),
        ({"filter[isTest]": "True"}, ("/query/filter[isTest]", "invalid_boolean")),
        ({"filter[createdAt]": "2026-01-01"}, ("/query/filter[createdAt]", "unknown_filter")),
        (
            {"filter[createdAt][from]": "soon"},
            ("/query/filter[createdAt][from]", "invalid_time"),
        ),
        (
            {"filter[createdAt][to]": "253402300799999"},
            ("/query/filter[createdAt][to]", "invalid_time"),
        ),
        (
            {"filter[createdAt][period]": "1y"},
            ("/query/filter[createdAt][period]", "invalid_period"),
        ),
        (
            {"filter[createdAt][from]": "2026-01-02", "filter[createdAt][to]": "2026-01-01"},
            ("/query/filter[createdAt][from]", "empty_window"),
        ),
        (
            {"filter[createdAt][period]": "1d", "filter[createdAt][to]": "2026-01-01"},
            ("/query/filter[createdAt][period]", "period_with_bounds"),
        ),
        ({"filter[search]": "x"}, ("/query/filter[search]", "unknown_filter")),
        ({"filter[createdAt][on]": "x"}, ("/query/filter[createdAt][on]", "unknown_filter")),
        ({"filter[tag]": ["a", "b"]}, ("/query/filter[tag]", "repeated")),
        ({"filter[tag]": "a\0"}, ("/query/filter[tag]", "null_characters_not_allowed")),
        ({"filter[queue]": ","}, ("/query/filter[queue]", "empty")),
        (
            {"filter[batch]": ",".join(map(str, range(101)))},
            ("/query/filter[batch]", "too_many"),
        ),
        ({"filter[error]": "x" * 20_001}, ("/query/filter[error]", "max_length")),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(
    listed: Workspace, query: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert faults(listed.api.get(PATH, query)) == {expected}


def test_everything_that_is_wrong_is_said_at_once(listed: Workspace) -> None:
    answer = listed.api.get(
        PATH, {"page[size]": "0", "filter[status]": "DONE", "filter[isTest]": "1", "filter[x]": "1"}
    )

    assert len(faults(answer)) == 4


@pytest.mark.parametrize(
    "query",
    [
        "filter[tag]=%ED%A0%80", "filter[error]=%00", "filter[%ED%A0%80]=1", "filter[queue]=%FF",
        "page[before]=%ED%A0%80", "filter[createdAt][from]=%ED%A0%80", "filter[isTest]=%00",
    ],
)  # fmt: skip
def test_no_query_string_breaks_the_list(listed: Workspace, query: str) -> None:
    answer = listed.api.get(f"{PATH}?{query}")

    assert answer.status in {200, 400}, answer.body


# --- pages --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(shared_prod: Workspace) -> Workspace:
    """Another environment: 40 runs created at four moments only, half of them failed."""
    workspace = make_workspace("staging", shared_prod.environment.project)
    moments = [iso(moment(minutes=minutes)) for minutes in (10, 20, 30, 40)]
    workspace.report(
        *(
            (failure if number % 2 else run)(f"run_{number:02}", createdAt=moments[number % 4])
            for number in range(40)
        )
    )
    return workspace


@pytest.mark.parametrize("size", [1, 7, 25])
@pytest.mark.parametrize("error", [False, True], ids=["all", "of a group"])
def test_no_run_is_repeated_or_skipped_while_runs_arrive(
    many: Workspace, db: None, size: int, error: bool
) -> None:
    query = {"filter[error]": many.errors()[0]["id"]} if error else {}
    tag = f"{'e' if error else 'a'}{size}"
    whole = many.api.get(PATH, {**query, "page[size]": "100"}).body["data"]
    order = ids(whole)
    assert len(order) >= (20 if error else 40)
    created = [one["createdAt"] for one in whole]
    assert created == sorted(created, reverse=True)
    query["page[size]"] = str(size)

    answer = many.api.get(PATH, query)
    assert "previous" not in answer.body["pagination"]
    pages = [ids(answer.body["data"])]
    while "next" in answer.body["pagination"]:
        if len(pages) in {1, 5}:
            many.report(failure(f"run_{tag}_{len(pages)}"))
        answer = many.api.get(PATH, {**query, "page[after]": answer.body["pagination"]["next"]})
        pages.append(ids(answer.body["data"]))
    assert [run_id for page in pages for run_id in page] == order

    back: list[str] = ids(answer.body["data"])
    while "previous" in answer.body["pagination"]:
        cursor = answer.body["pagination"]["previous"]
        answer = many.api.get(PATH, {**query, "page[before]": cursor})
        back = ids(answer.body["data"]) + back
        assert "next" in answer.body["pagination"]
    # Going back shows, before the first page, what arrived since.
    assert back[-len(order) :] == order
    assert all(run_id.startswith(f"run_{tag}_") for run_id in back[: -len(order)])


@pytest.mark.parametrize(
    "query",
    [
        {"filter[status]": "FAILED"},
        {"filter[createdAt][period]": "1d"},
        {"filter[isTest]": "false"},
        {"filter[tag]": "a"},
    ],
)
def test_a_cursor_of_other_filters_is_refused(
    many: Workspace, db: None, query: dict[str, str]
) -> None:
    cursor = many.api.get(PATH, {"page[size]": "1"}).body["pagination"]["next"]

    assert faults(many.api.get(PATH, {**query, "page[after]": cursor})) == {
        ("/query/page[after]", "invalid_cursor")
    }


def test_a_cursor_of_the_list_of_groups_is_refused(prod: Workspace) -> None:
    prod.report(failure("run_a", "AError"), failure("run_b", "BError"))
    cursor = prod.api.get("/api/v1/errors", {"page[size]": "1"}).body["pagination"]["next"]

    assert faults(prod.api.get(PATH, {"page[before]": cursor})) == {
        ("/query/page[before]", "invalid_cursor")
    }


def test_after_and_before_together_are_refused(many: Workspace, db: None) -> None:
    cursor = many.api.get(PATH, {"page[size]": "1"}).body["pagination"]["next"]

    answer = many.api.get(PATH, {"page[after]": cursor, "page[before]": cursor})

    assert faults(answer) == {("/query/page[before]", "conflict")}


def test_of_a_cursor_after_and_one_before_the_one_handed_out_later_counts(
    many: Workspace, db: None
) -> None:
    """A client that turns back may go on sending the cursor that brought it there."""

    def page(**cursors: str) -> Any:
        given = {f"page[{place}]": cursor for place, cursor in cursors.items()}
        return many.api.get(PATH, {"page[size]": "5", **given}).body

    first = page()
    second = page(after=first["pagination"]["next"])
    before = second["pagination"]["previous"]

    back = page(after=first["pagination"]["next"], before=before)
    again = page(after=back["pagination"]["next"], before=before)

    assert back["data"] == first["data"]
    assert again["data"] == second["data"]


def test_another_tenants_cursor_shows_none_of_its_runs(many: Workspace, prod: Workspace) -> None:
    cursor = many.api.get(PATH, {"page[size]": "5"}).body["pagination"]["next"]
    prod.report(run("run_mine", createdAt=iso(moment(minutes=35))))

    for place in ("page[after]", "page[before]"):
        assert set(ids(prod.api.get(PATH, {place: cursor}).body["data"])) <= {"run_mine"}


@pytest.mark.parametrize(
    "keys",
    [
        [2**63 - 1, "a"], [-(2**63), "a"], [0, ""], [4_102_444_800_000, "'"], [1, "\\\0\n\t'"],
        [10**15, "a"], [-1, "a"],
    ],
)  # fmt: skip
def test_a_cursor_changed_within_its_shape_shows_nothing_of_others(
    many: Workspace, db: None, keys: list[Any]
) -> None:
    own = set(ids(many.runs(**{"page[size]": "100"})))
    parts = unpacked(many.api.get(PATH, {"page[size]": "1"}).body["pagination"]["next"])
    parts[4] = keys

    for place in ("page[after]", "page[before]"):
        answer = many.api.get(PATH, {place: packed(parts), "page[size]": "100"})

        assert answer.status == 200, answer.body
        assert set(ids(answer.body["data"])) <= own


@pytest.mark.parametrize(
    "keys", [[], [1], ["1", "a"], [1, 2], [2**63, "a"], [True, "a"], [1, "a", ""]]
)
def test_a_cursor_changed_out_of_shape_is_refused(
    many: Workspace, db: None, keys: list[Any]
) -> None:
    parts = unpacked(many.api.get(PATH, {"page[size]": "1"}).body["pagination"]["next"])
    parts[4] = keys

    assert faults(many.api.get(PATH, {"page[after]": packed(parts)})) == {
        ("/query/page[after]", "invalid_cursor")
    }


@pytest.mark.parametrize("query", [{}, {"filter[tag]": "nothing"}, {"page[size]": "7"}])
def test_a_page_costs_at_most_three_reads_of_clickhouse(
    many: Workspace, db: None, clickhouse_reads: list[str], query: dict[str, str]
) -> None:
    answer = many.api.get(PATH, query)

    assert answer.status == 200
    assert 0 < len(clickhouse_reads) <= 3


def test_runs_of_every_age_are_on_one_page(prod: Workspace) -> None:
    ages = [0.01, 1.9, 2.1, 25, 27, 70, 80, 300, 320, 2000, 2100]
    prod.report(
        *(
            run(f"run_{index:02}", createdAt=iso(moment(hours=age)))
            for index, age in enumerate(ages)
        )
    )
    order = [f"run_{index:02}" for index in range(len(ages))]

    assert ids(prod.runs()) == order
    page = prod.api.get(PATH, {"page[size]": "10"}).body
    rest = prod.api.get(PATH, {"page[after]": page["pagination"]["next"]}).body
    assert ids(page["data"]) + ids(rest["data"]) == order
    back = prod.api.get(PATH, {"page[before]": rest["pagination"]["previous"]}).body
    assert ids(back["data"]) == order[:10]


# --- costs, and who may -------------------------------------------------------------------------


def test_a_page_costs_few_reads(
    many: Workspace, db: None, clickhouse_reads: list[str], django_assert_max_num_queries: Any
) -> None:
    error_id = many.errors()[0]["id"]
    clickhouse_reads.clear()

    # The credential, what is merged into the group, and the runs.
    with django_assert_max_num_queries(3):
        many.api.get(PATH, {"filter[error]": error_id, "filter[status]": "FAILED"})

    assert len(clickhouse_reads) == 1


def test_without_a_key_nothing_is_listed(listed: Workspace) -> None:
    refused(Api(None).get(PATH), 401, "unauthorized")


def test_other_tenants_see_none_of_it(listed: Workspace, prod: Workspace) -> None:
    error_id = listed.errors()[0]["id"]

    assert prod.runs() == []
    assert prod.runs(error=error_id) == []


def test_the_same_id_in_another_environment_is_another_run(
    prod: Workspace, staging: Workspace
) -> None:
    prod.report(run("run_a", tags=["mine"]))
    staging.report(run("run_a", tags=["theirs"]))

    assert [one["tags"] for one in prod.runs()] == [["mine"]]
    assert [one["tags"] for one in staging.runs()] == [["theirs"]]


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("read:runs", 200), ("read:all", 200), ("*:runs", 200), ("admin", 200),
        ("write:runs", 403), ("read:errors", 403), ("read:runs:run_one", 403),
    ],
)  # fmt: skip
def test_scopes_decide(listed: Workspace, scope: str, status: int) -> None:
    api = Api(create_api_key(listed.environment, name="narrow", scopes=(scope,)))

    answer = api.get(PATH)

    assert answer.status == status
    if status == 403:
        assert refused(answer, 403, "insufficient_scope")["permissions"] == ["read:runs"]


def test_what_waits_in_the_outbox_is_not_listed_yet(prod: Workspace) -> None:
    prod.send(run("run_a"))
    assert prod.runs() == []

    settle()

    assert ids(prod.runs()) == ["run_a"]
