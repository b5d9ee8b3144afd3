"""GET /api/v1/errors: what it answers, what it takes, what it refuses."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from tests.api.conftest import Clock
from tests.api.expectations import (
    epoch,
    failure,
    faults,
    iso,
    moment,
    refused,
    the_group,
)
from tests.conftest import Api, Workspace, settle

ITEM = {
    "id", "fingerprint", "taskIdentifier", "errorType", "errorMessage", "status", "count",
    "firstSeen", "lastSeen", "resolvedAt", "resolvedInVersion", "resolvedAfterVersion",
    "ignoredUntil", "category",
}  # fmt: skip
SORTS = ["-count", "count", "-lastSeen", "lastSeen", "-firstSeen", "firstSeen"]
PATH = "/api/v1/errors"

# Type, message, task, and the runs: version and minutes ago.
GROUPS: dict[str, tuple[str, str, str, list[tuple[str, float]]]] = {
    "plain": (
        "TypeError", "Cannot read the thing", "send-mail",
        [("20240101.1", 10), ("20240101.2", 5), ("20240101.2", 300), ("20240101.1", 4000)],
    ),
    "percent": ("QuotaError", "Used 100% of a_b", "send-mail", [("20240101.2", 15)]),
    "slash": (
        "PathError", r"No C:\temp 'x' \"y\"", "copy-file", [("", 20), ("20240101.1", 90)],
    ),
    "cyrillic": ("КлючОшибка", "Не найдено Äpfel 🍏", "copy-file", [("20240101.3", 2000)]),
    "old": ("OldError", "Long ago", "nightly", [("20231201.1", 40_000)]),
}  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """A workspace with `GROUPS`, their ids by name, and when each run failed."""

    workspace: Workspace
    ids: dict[str, str]
    failed_at: dict[str, list[datetime]]

    def names(self, **query: Any) -> set[str]:
        by_id = {error_id: name for name, error_id in self.ids.items()}
        return {by_id[group["id"]] for group in self.workspace.errors(**query)}

    def get(self, query: dict[str, Any] | None = None) -> Any:
        return self.workspace.api.get(PATH, query)


@pytest.fixture(scope="module")
def made(shared_prod: Workspace) -> Iterator[Listed]:
    runs, failed_at = [], {}
    for name, (error_type, message, task, occurrences) in GROUPS.items():
        failed_at[name] = [moment(minutes=ago) for _, ago in occurrences]
        for number, (version, _) in enumerate(occurrences):
            runs.append(
                failure(
                    f"run_{name}_{number}",
                    error_type,
                    message=message,
                    task=task,
                    version=version,
                    failedAt=iso(failed_at[name][number]),
                )
            )
    shared_prod.report(*runs)
    found = {group["errorType"]: group["id"] for group in shared_prod.errors(period="60d")}
    ids = {name: found[error_type] for name, (error_type, *_) in GROUPS.items()}
    return Listed(shared_prod, ids, failed_at)


@pytest.fixture
def listed(made: Listed, db: None) -> Listed:
    return made


# --- works --------------------------------------------------------------------------------------


def test_an_answer_and_its_items_have_exactly_their_members(listed: Listed) -> None:
    answer = listed.get()

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert set(answer.body) == {"data", "pagination", "window"}
    assert answer.body["pagination"] == {}
    assert set(answer.body["window"]) == {"from", "to"}
    for item in answer.body["data"]:
        assert set(item) == ITEM


def test_an_item_says_what_is_known_of_its_group(listed: Listed) -> None:
    [item] = listed.workspace.errors(search="Cannot read the")

    assert item["id"] == f"error_{item['fingerprint']}"
    assert item == {
        "id": listed.ids["plain"],
        "fingerprint": item["fingerprint"],
        "taskIdentifier": "send-mail",
        "errorType": "TypeError",
        "errorMessage": "Cannot read the thing",
        "category": None,
        "status": "unresolved",
        "count": 3,
        "firstSeen": iso(min(listed.failed_at["plain"])),
        "lastSeen": iso(max(listed.failed_at["plain"])),
        "resolvedAt": None,
        "resolvedInVersion": None,
        "resolvedAfterVersion": None,
        "ignoredUntil": None,
    }


def test_a_group_of_a_new_environment_is_nowhere(prod: Workspace) -> None:
    answer = prod.api.get(PATH)

    assert answer.status == 200
    assert answer.body["data"] == []
    assert answer.body["pagination"] == {}


def test_a_failure_without_type_and_message_still_makes_a_group(prod: Workspace) -> None:
    prod.report(failure("run_a", "") | {"error": {}})

    group = the_group(prod)

    assert set(group) == ITEM
    assert isinstance(group["errorType"], str)
    assert isinstance(group["errorMessage"], str)


# --- filters ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"period": "60d"}, {"plain", "percent", "slash", "cyrillic", "old"}),
        ({}, {"plain", "percent", "slash"}),
        ({"taskIdentifier": "send-mail"}, {"plain", "percent"}),
        ({"taskIdentifier": "send-mail,copy-file"}, {"plain", "percent", "slash"}),
        ({"taskIdentifier": " send-mail , nothing ,"}, {"plain", "percent"}),
        ({"taskIdentifier": "nothing"}, set()),
        ({"taskIdentifier": 'it\'s \\ "odd"\t'}, set()),
        ({"version": "20240101.1"}, {"plain", "slash"}),
        ({"version": "20240101.1,20240101.2"}, {"plain", "percent", "slash"}),
        ({"version": "20240101"}, set()),
        ({"status": "unresolved"}, {"plain", "percent", "slash"}),
        ({"status": "resolved"}, set()),
        ({"status": ""}, {"plain", "percent", "slash"}),
        ({"search": ""}, {"plain", "percent", "slash"}),
        ({"search": "typeerror"}, {"plain"}),
        ({"search": "ERROR"}, {"plain", "percent", "slash"}),
        ({"search": "READ the"}, {"plain"}),
        ({"search": " "}, {"plain", "percent", "slash"}),
        ({"search": "  "}, set()),
        ({"search": "%"}, {"percent"}),
        ({"search": "_"}, {"percent"}),
        ({"search": "100%_of"}, set()),
        ({"search": "\\"}, {"slash"}),
        ({"search": "C:\\temp"}, {"slash"}),
        ({"search": "'x'"}, {"slash"}),
        ({"search": "\\temp\\"}, set()),
        ({"search": "\t"}, set()),
        ({"search": "\n\r\a\b\v\f"}, set()),
        ({"search": "ключошибка", "period": "3d"}, {"cyrillic"}),
        ({"search": "НЕ НАЙДЕНО äPFEL", "period": "3d"}, {"cyrillic"}),
        ({"search": "🍏", "period": "3d"}, {"cyrillic"}),
        ({"search": "x" * 1000}, set()),
        ({"search": "é" * 1000}, set()),
        ({"period": "12m"}, {"plain"}),
        ({"period": "1h"}, {"plain", "percent", "slash"}),
        ({"period": "2d"}, {"plain", "percent", "slash", "cyrillic"}),
        ({"period": "5w"}, {"plain", "percent", "slash", "cyrillic", "old"}),
        ({"period": "99999w"}, {"plain", "percent", "slash", "cyrillic", "old"}),
    ],
)
def test_each_filter_narrows_by_its_own_rule(
    listed: Listed, query: dict[str, str], expected: set[str]
) -> None:
    assert listed.names(**query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"taskIdentifier": "send-mail", "version": "20240101.1"}, {"plain"}),
        ({"taskIdentifier": "copy-file", "search": "error"}, {"slash"}),
        ({"taskIdentifier": "copy-file", "search": "error", "version": "20240101.2"}, set()),
        ({"version": "20240101.2", "period": "12m", "status": "unresolved"}, {"plain"}),
        ({"version": "20240101.2", "status": "resolved,ignored"}, set()),
        (
            {
                "taskIdentifier": "send-mail,nightly",
                "version": "20240101.2,20231201.1",
                "status": "unresolved,ignored",
                "search": "O",
                "period": "30d",
                "sort": "-lastSeen",
            },
            {"plain", "percent", "old"},
        ),
    ],
)
def test_filters_together_narrow_together(
    listed: Listed, query: dict[str, str], expected: set[str]
) -> None:
    assert listed.names(**query) == expected


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 3),
        ({"period": "12m"}, 2),
        ({"period": "7m"}, 1),
        ({"period": "4d"}, 4),
        ({"version": "20240101.1"}, 1),
        ({"version": "20240101.1", "period": "4d"}, 2),
        ({"version": "20240101.2", "period": "12m"}, 1),
        ({"version": "20240101.2,20240101.1", "period": "4d"}, 4),
    ],
)
def test_a_count_obeys_window_and_version_and_the_seen_times_obey_neither(
    listed: Listed, query: dict[str, str], count: int
) -> None:
    [group] = listed.workspace.errors(search="TypeError", **query)

    assert group["count"] == count
    assert group["firstSeen"] == iso(min(listed.failed_at["plain"]))
    assert group["lastSeen"] == iso(max(listed.failed_at["plain"]))


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"page[size]": "0"}, ("/query/page[size]", "out_of_range")),
        ({"page[size]": "101"}, ("/query/page[size]", "out_of_range")),
        ({"page[size]": "-1"}, ("/query/page[size]", "out_of_range")),
        ({"page[size]": "1.5"}, ("/query/page[size]", "out_of_range")),
        ({"page[size]": "ten"}, ("/query/page[size]", "out_of_range")),
        ({"page[size]": ""}, ("/query/page[size]", "out_of_range")),
        ({"page[size]": "٣"}, ("/query/page[size]", "out_of_range")),
        ({"page[size]": "9" * 5000}, ("/query/page[size]", "out_of_range")),
        ({"page[after]": "nonsense"}, ("/query/page[after]", "invalid_cursor")),
        ({"page[before]": "né"}, ("/query/page[before]", "invalid_cursor")),
        ({"filter[status]": "open"}, ("/query/filter[status]", "unknown_value")),
        ({"filter[status]": "RESOLVED"}, ("/query/filter[status]", "unknown_value")),
        ({"filter[status]": ","}, ("/query/filter[status]", "empty")),
        ({"filter[search]": "x" * 1001}, ("/query/filter[search]", "max_length")),
        (
            {"filter[search]": "a\0b"},
            ("/query/filter[search]", "null_characters_not_allowed"),
        ),
        (
            {"filter[taskIdentifier]": "a\0b"},
            ("/query/filter[taskIdentifier]", "null_characters_not_allowed"),
        ),
        (
            {"filter[version]": ",".join(map(str, range(101)))},
            ("/query/filter[version]", "too_many"),
        ),
        ({"filter[period]": "1y"}, ("/query/filter[period]", "invalid_period")),
        ({"filter[period]": "0d"}, ("/query/filter[period]", "invalid_period")),
        ({"filter[period]": "-1d"}, ("/query/filter[period]", "invalid_period")),
        ({"filter[period]": "1.5h"}, ("/query/filter[period]", "invalid_period")),
        ({"filter[period]": "999999d"}, ("/query/filter[period]", "invalid_period")),
        ({"filter[period]": "d"}, ("/query/filter[period]", "invalid_period")),
        ({"filter[from]": "yesterday"}, ("/query/filter[from]", "invalid_time")),
        ({"filter[from]": "2025-13-01"}, ("/query/filter[from]", "invalid_time")),
        ({"filter[from]": "-5"}, ("/query/filter[from]", "invalid_time")),
        ({"filter[from]": "1969-12-31T23:59:59Z"}, ("/query/filter[from]", "invalid_time")),
        ({"filter[to]": "2100-01-01T00:00:00Z"}, ("/query/filter[to]", "invalid_time")),
        ({"filter[to]": "0001-01-01T00:00:00+14:00"}, ("/query/filter[to]", "invalid_time")),
        ({"filter[to]": "9999-12-31T23:59:59.999Z"}, ("/query/filter[to]", "invalid_time")),
        ({"filter[to]": "253402300799999"}, ("/query/filter[to]", "invalid_time")),
        ({"filter[to]": "999999999999999"}, ("/query/filter[to]", "invalid_time")),
        ({"filter[to]": "99999999999999999999"}, ("/query/filter[to]", "invalid_time")),
        (
            {"filter[from]": "2026-01-02", "filter[to]": "2026-01-01"},
            ("/query/filter[from]", "empty_window"),
        ),
        (
            {"filter[from]": "2026-01-01T00:00:50Z", "filter[to]": "2026-01-01T00:00:10Z"},
            ("/query/filter[from]", "empty_window"),
        ),
        (
            {"filter[from]": "2026-01-01T00:00:00Z", "filter[to]": "2026-01-01T00:00:00Z"},
            ("/query/filter[from]", "empty_window"),
        ),
        ({"filter[from]": "2099-01-01"}, ("/query/filter[from]", "empty_window")),
        (
            {"filter[period]": "1d", "filter[from]": "2026-01-01"},
            ("/query/filter[period]", "period_with_bounds"),
        ),
        (
            {"filter[period]": "1d", "filter[to]": "2026-01-01"},
            ("/query/filter[period]", "period_with_bounds"),
        ),
        ({"sort": "lastseen"}, ("/query/sort", "unknown_value")),
        ({"sort": "-"}, ("/query/sort", "unknown_value")),
        ({"sort": "count,lastSeen"}, ("/query/sort", "unknown_value")),
        ({"sort": "co\0unt"}, ("/query/sort", "null_characters_not_allowed")),
        ({"filter[nope]": "1"}, ("/query/filter[nope]", "unknown_filter")),
        ({"filter[tag]": "1"}, ("/query/filter[tag]", "unknown_filter")),
        ({"filter[status][]": "resolved"}, ("/query/filter[status][]", "unknown_filter")),
        ({"filter[Status]": "resolved"}, ("/query/filter[Status]", "unknown_filter")),
        ({"filter[": "resolved"}, ("/query/filter[", "unknown_filter")),
        (
            {"filter[status]": ["resolved", "ignored"]},
            ("/query/filter[status]", "repeated"),
        ),
        ({"filter[search]": ["a", "a"]}, ("/query/filter[search]", "repeated")),
        ({"sort": ["count", "-count"]}, ("/query/sort", "repeated")),
        ({"page[size]": ["1", "2"]}, ("/query/page[size]", "repeated")),
        ({"page[after]": ["", ""]}, ("/query/page[after]", "repeated")),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(
    listed: Listed, query: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert faults(listed.get(query)) == {expected}


def test_everything_that_is_wrong_is_said_at_once(listed: Listed) -> None:
    answer = listed.get(
        {
            "page[size]": "0",
            "filter[status]": "open,resolved,closed",
            "filter[search]": "x" * 1001,
            "filter[period]": "soon",
            "filter[what]": "1",
            "sort": "name",
        }
    )

    assert faults(answer) == {
        ("/query/page[size]", "out_of_range"),
        ("/query/filter[status]", "unknown_value"),
        ("/query/filter[search]", "max_length"),
        ("/query/filter[period]", "invalid_period"),
        ("/query/filter[what]", "unknown_filter"),
        ("/query/sort", "unknown_value"),
    }


def test_a_contradicting_window_is_said_together_with_the_rest(listed: Listed) -> None:
    answer = listed.get({"filter[from]": "2026-01-02", "filter[to]": "2026-01-01", "sort": "x"})

    assert faults(answer) == {
        ("/query/filter[from]", "empty_window"),
        ("/query/sort", "unknown_value"),
    }


def test_a_refused_status_names_the_bad_values_and_the_allowed_ones(listed: Listed) -> None:
    answer = listed.get({"filter[status]": "open,resolved,closed"})

    [detail] = refused(answer, 400, "invalid_input")["details"]
    assert "open" in detail["message"]
    assert "closed" in detail["message"]
    for status in ("unresolved", "resolved", "ignored"):
        assert status in detail["message"]


def test_a_refused_sort_names_the_allowed_ones_and_not_what_was_sent(listed: Listed) -> None:
    answer = listed.get({"sort": "secret-word"})

    [detail] = refused(answer, 400, "invalid_input")["details"]
    assert "secret-word" not in str(answer.body)
    for sort in SORTS:
        assert sort in detail["message"]


RAW_QUERIES = [
    "filter[search]=%00",
    "filter[search]=%ED%A0%80",
    "filter[search]=%FF%FE",
    "filter[status]=%ED%A0%80",
    "filter[taskIdentifier]=%ED%B0%80,%00",
    "filter[version]=%F5%80%80%80",
    "filter[from]=%00",
    "filter[period]=%ED%A0%801d",
    "page[after]=%ED%A0%80",
    "page[before]=%00",
    "page[size]=%00",
    "sort=%ED%A0%80",
    "%ED%A0%80=1",
    "filter[%00]=1",
    "filter[%ED%A0%80]=1",
    "filter%5Bsearch%5D=%25",
    "&&&===&=",
    "filter[search]=a;filter[status]=resolved",
    "filter[search]=" + "%F0%9F%8D%8F" * 1000,
]


@pytest.mark.parametrize("query", RAW_QUERIES, ids=[query[:40] for query in RAW_QUERIES])
def test_no_query_string_breaks_the_list(listed: Listed, query: str) -> None:
    answer = listed.workspace.api.get(f"{PATH}?{query}")

    assert answer.status in {200, 400}, answer.body
    if answer.status == 400:
        refused(answer, 400, "invalid_input")


def test_thousands_of_parameters_are_refused(listed: Listed) -> None:
    answer = listed.workspace.api.get(f"{PATH}?{'a=1&' * 5000}")

    refused(answer, 413, "payload_too_large")


def test_a_parameter_nobody_knows_is_harmless(listed: Listed) -> None:
    answer = listed.get({"format": "xml", "utm_source": "mail", "page": "2"})

    assert answer.status == 200
    assert len(answer.body["data"]) == 3


# --- windows ------------------------------------------------------------------------------------


def floored(value: datetime) -> datetime:
    return value.replace(second=0, microsecond=0)


def window(answer: Any) -> tuple[datetime, datetime]:
    found = answer.body["window"]
    return datetime.fromisoformat(found["from"]), datetime.fromisoformat(found["to"])


def test_without_a_window_a_day_is_listed_and_said_so(listed: Listed) -> None:
    before = datetime.now(UTC)
    start, end = window(listed.get())
    after = datetime.now(UTC)

    assert floored(before) <= end - timedelta(minutes=1) <= after
    assert end - start == timedelta(days=1, minutes=1)


@pytest.mark.parametrize("form", [iso, epoch])
def test_bounds_are_floored_and_ceiled_in_either_form(listed: Listed, form: Any) -> None:
    start, end = moment(hours=3), moment(hours=1)
    start = start.replace(second=59, microsecond=999_000)
    end = end.replace(second=0, microsecond=1_000)

    answer = listed.get({"filter[from]": form(start), "filter[to]": form(end)})

    assert window(answer) == (floored(start), floored(end) + timedelta(minutes=1))


@pytest.mark.parametrize("form", [iso, epoch])
def test_a_bound_at_a_full_minute_stays(listed: Listed, form: Any) -> None:
    start, end = floored(moment(hours=3)), floored(moment(hours=1))

    answer = listed.get({"filter[from]": form(start), "filter[to]": form(end)})

    assert window(answer) == (start, end)


def test_a_time_with_an_offset_is_brought_to_utc(listed: Listed) -> None:
    plain = listed.workspace.api.get(f"{PATH}?filter[from]=2026-11-01T02:00:00%2B02:00")
    as_a_space = listed.workspace.api.get(f"{PATH}?filter[from]=2026-11-01T02:00:00+02:00")

    assert plain.body["window"]["from"] == "2026-11-01T00:00:00.000Z"
    assert as_a_space.body["window"]["from"] == "2026-11-01T00:00:00.000Z"


def test_a_start_alone_means_until_now(listed: Listed) -> None:
    asked = moment(minutes=30)

    start, end = window(listed.get({"filter[from]": iso(asked)}))

    assert start == floored(asked)
    assert timedelta(0) < end - datetime.now(UTC) <= timedelta(minutes=1)


def test_a_start_at_this_very_moment_is_a_window_of_a_minute(listed: Listed) -> None:
    answer = listed.get({"filter[from]": iso(floored(datetime.now(UTC)))})

    start, end = window(answer)
    assert end - start <= timedelta(minutes=2)


def test_an_end_alone_means_all_that_is_kept_until_then(listed: Listed) -> None:
    asked = floored(moment(minutes=1000))

    answer = listed.get({"filter[to]": iso(asked)})

    start, end = window(answer)
    assert end == asked
    kept = timedelta(days=settings.RETENTION_DAYS)
    assert abs(datetime.now(UTC) - kept - start) < timedelta(minutes=2)
    assert {group["id"] for group in answer.body["data"]} == {
        listed.ids[name] for name in ("plain", "cyrillic", "old")
    }


@pytest.mark.parametrize("query", [{"filter[from]": "2001-01-01"}, {"filter[period]": "9999d"}])
def test_a_start_before_the_retention_is_clamped(listed: Listed, query: dict[str, str]) -> None:
    start, _ = window(listed.get(query))

    kept = timedelta(days=settings.RETENTION_DAYS)
    assert abs(datetime.now(UTC) - kept - start) < timedelta(minutes=2)


def test_a_window_before_the_retention_is_empty_and_says_so(listed: Listed) -> None:
    answer = listed.get({"filter[from]": "2001-01-01", "filter[to]": "2001-02-01"})

    start, end = window(answer)
    assert start == end
    assert answer.body["data"] == []


def test_a_window_holds_its_start_and_not_its_end(prod: Workspace) -> None:
    minute = floored(moment(minutes=10))
    prod.report(
        failure("run_a", "StartError", failedAt=iso(minute)),
        failure("run_b", "InsideError", failedAt=iso(minute + timedelta(seconds=59.999))),
        failure("run_c", "EndError", failedAt=iso(minute + timedelta(minutes=1))),
        failure("run_d", "BeforeError", failedAt=iso(minute - timedelta(milliseconds=1))),
    )

    query = {"from": iso(minute), "to": iso(minute + timedelta(minutes=1))}

    for sort in SORTS:
        found = {group["errorType"] for group in prod.errors(sort=sort, **query)}
        assert found == {"StartError", "InsideError"}


def test_an_end_far_ahead_is_taken_as_it_is(listed: Listed) -> None:
    answer = listed.get({"filter[from]": "2001-01-01", "filter[to]": "2099-12-31T23:59:59Z"})

    assert answer.body["window"]["to"] == "2100-01-01T00:00:00.000Z"
    assert len(answer.body["data"]) == 5


def test_a_failure_of_this_second_is_listed_at_once(prod: Workspace) -> None:
    prod.report(failure("run_a"))

    for sort in SORTS:
        assert [group["count"] for group in prod.errors(sort=sort)] == [1]


# --- order --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tied(shared_prod: Workspace, made: Listed) -> Workspace:
    """Another environment: three groups that tie in everything, in two tasks each, one that
    leads and one that trails."""
    from tests.conftest import make_workspace

    workspace = make_workspace("staging", shared_prod.environment.project)
    when = moment(minutes=30)
    runs = [
        failure(f"run_{kind}_{task}", f"{kind}Error", task=task, failedAt=iso(when))
        for kind in ("Alpha", "Beta", "Gamma")
        for task in ("b-task", "a-task", "C-task")
    ]
    runs += [
        failure("run_lead_1", "LeadError", failedAt=iso(moment(minutes=50))),
        failure("run_lead_2", "LeadError", failedAt=iso(moment(minutes=20))),
    ]
    workspace.report(*runs)
    return workspace


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_ends_in_fingerprint_and_task(tied: Workspace, db: None, sort: str) -> None:
    groups = tied.errors(sort=sort)

    member = sort.removeprefix("-")
    rows = [(group[member], group["fingerprint"], group["taskIdentifier"]) for group in groups]
    expected = sorted(rows, key=lambda row: row[1:])
    expected.sort(key=lambda row: row[0], reverse=sort.startswith("-"))
    assert len(rows) == 10
    assert rows == expected


def test_without_a_sort_the_most_frequent_come_first(listed: Listed) -> None:
    assert listed.workspace.errors() == listed.workspace.errors(sort="-count")
    counts = [group["count"] for group in listed.workspace.errors()]
    assert counts == sorted(counts, reverse=True)


# --- groups that nothing is left in -------------------------------------------------------------


@pytest.mark.parametrize("sort", SORTS)
def test_a_group_whose_only_run_healed_is_not_shown(prod: Workspace, sort: str) -> None:
    prod.report(failure("run_a"), failure("run_b", "OtherError"))
    prod.report({"id": "run_a", "taskIdentifier": "send-mail", "status": "COMPLETED"})

    assert [group["errorType"] for group in prod.errors(sort=sort)] == ["OtherError"]


@pytest.mark.parametrize("sort", SORTS)
def test_a_group_whose_only_run_moved_is_not_shown(prod: Workspace, sort: str) -> None:
    prod.report(failure("run_a"))
    prod.report(failure("run_a", "MovedError"))

    assert [(group["errorType"], group["count"]) for group in prod.errors(sort=sort)] == [
        ("MovedError", 1)
    ]


def test_a_group_is_not_shown_under_a_version_its_only_run_left(prod: Workspace) -> None:
    prod.report(failure("run_a", version="1"))
    prod.report(failure("run_a", version="2"))

    assert prod.errors(version="1") == []
    assert the_group(prod, version="2")["count"] == 1


def test_a_group_leaves_the_default_window_as_time_passes(prod: Workspace, clock: Clock) -> None:
    prod.report(failure("run_a"))
    assert len(prod.errors()) == 1

    clock.advance(days=1, minutes=2)

    assert prod.errors() == []
    assert len(prod.errors(period="2d")) == 1


# --- costs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", SORTS)
def test_a_page_costs_at_most_three_reads_of_clickhouse(
    listed: Listed, clickhouse_reads: list[str], sort: str
) -> None:
    query = {"sort": sort, "page[size]": "1", "filter[status]": "unresolved", "filter[search]": "e"}
    first = listed.get(query)
    assert 0 < len(clickhouse_reads) <= 3
    clickhouse_reads.clear()

    second = listed.get({**query, "page[after]": first.body["pagination"]["next"]})

    assert second.status == 200
    assert 0 < len(clickhouse_reads) <= 3


def test_a_list_needs_few_reads_of_the_relational_store(
    listed: Listed, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(5):
        listed.get({"filter[status]": "unresolved"})


# --- who may ------------------------------------------------------------------------------------


def test_without_a_key_nothing_is_listed(listed: Listed) -> None:
    refused(Api(None).get(PATH), 401, "unauthorized")


def test_another_environments_key_lists_none_of_it(listed: Listed, prod: Workspace) -> None:
    assert prod.errors(period="60d") == []


def test_what_waits_in_the_outbox_is_not_listed_yet(prod: Workspace) -> None:
    prod.send(failure("run_a"))
    assert prod.errors() == []

    settle()

    assert len(prod.errors()) == 1
