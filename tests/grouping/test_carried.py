"""What is known of an error's kind travels with its run: to both stores, into lists and filters."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from runs_app.clickhouse.client import clickhouse
from runs_app.domain import run_rows
from runs_app.domain.export_rows import decode_row, record_of_row
from runs_app.domain.records import RunRecord
from runs_app.domain.row_merging import apply_row
from runs_app.domain.run_rows import GROUPING_COLUMNS, decode_rows, encode_rows, read_content
from runs_app.domain.run_status import RunStatus
from runs_app.domain.times import epoch_milliseconds, iso, utc_now
from runs_app.models import OutboxEntry, Project, TaskRun
from runs_app.queries import stored_runs, task_runs
from runs_app.services.ingest import report_rules
from tests.api.expectations import faults
from tests.conftest import Workspace, failed, settle

THROTTLED = {
    "type": "ClientError",
    "message": "Slow down",
    "response": {"status": 200, "errors": [{"extensions": {"code": "THROTTLED"}}]},
    "request": {},
}
AWAY = {"type": "HTTPError", "message": "HTTP status 503 of order 12345"}
TIMEOUT = {"type": "E", "message": "timeout"}
PLAIN = {"type": "E", "message": "boom"}
ABORTED = {"type": "E", "message": "boom", "kind": "abort"}

COLUMNS = """
SELECT
    error_category,
    error_http_status,
    error_code,
    expected,
    grouping_rule,
    grouping_key
FROM task_runs_v2 FINAL
WHERE environment_id = {environment:String}
    AND friendly_id = {run:String}"""


def columns_of(workspace: Workspace, run_id: str) -> tuple[Any, ...]:
    parameters = {"environment": workspace.tenant.environment_id, "run": run_id}
    [row] = clickhouse().command("test", COLUMNS, parameters)
    return tuple(row)


def detail_of(workspace: Workspace, run_id: str) -> dict[str, Any]:
    answer = workspace.api.get(f"/api/v3/runs/{run_id}")
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.body
    return body


def decided(workspace: Workspace, **settings: Any) -> Workspace:
    """The workspace, with other settings of its project."""
    Project.objects.filter(pk=workspace.environment.project_id).update(**settings)
    return workspace


def types_of(groups: list[dict[str, Any]]) -> set[tuple[str, str | None]]:
    return {(group["errorMessage"], group["category"]) for group in groups}


def test_category_signals_and_reason_are_stored_told_and_shown(prod: Workspace) -> None:
    prod.report(failed("run_a", error=THROTTLED, slice="checkout", queue="mail"))

    key = "checkout:rate_limit:http-200-throttled"
    stored = TaskRun.objects.get(friendly_id="run_a")
    assert (stored.grouping_rule, stored.grouping_key) == ("structured", key)
    assert (stored.error_category, stored.expected, stored.expected_by) == (
        "rate_limit", True, "api",
    )  # fmt: skip
    assert columns_of(prod, "run_a") == ("rate_limit", 200, "THROTTLED", True, "structured", key)
    assert detail_of(prod, "run_a")["grouping"] == {
        "fingerprint": stored.error_fingerprint,
        "rule": "structured",
        "key": key,
        "category": "rate_limit",
        "signals": {"httpStatus": 200, "code": "THROTTLED", "errorClass": "ClientError"},
        "expected": True,
        "expectedBy": "api",
    }
    [group] = prod.errors()
    assert group["category"] == "rate_limit"
    assert prod.api.get(f"/api/v1/errors/{group['id']}").body["category"] == "rate_limit"


def test_what_is_not_known_is_left_out(prod: Workspace) -> None:
    prod.report(
        failed("run_plain", error=PLAIN),
        failed("run_aborted", error=ABORTED),
        {"id": "run_well", "taskIdentifier": "send-mail", "status": "COMPLETED"},
    )

    plain, aborted = detail_of(prod, "run_plain"), detail_of(prod, "run_aborted")
    assert plain["grouping"].keys() == {"fingerprint", "key", "rule", "signals", "expected"}
    assert aborted["grouping"].keys() == {"rule", "signals", "expected", "expectedBy"}
    assert "grouping" not in detail_of(prod, "run_well")
    assert columns_of(prod, "run_well") == ("", 0, "", False, "", "")


def test_groups_and_runs_are_filtered_by_category_and_expectation(prod: Workspace) -> None:
    prod.report(
        failed("run_throttled", error=THROTTLED),
        failed("run_away", error=AWAY),
        failed("run_timeout", error=TIMEOUT),
        failed("run_plain", error=PLAIN),
        failed("run_aborted", error=ABORTED),
    )

    def expected(word: str, **query: Any) -> set[str]:
        return {run["id"] for run in prod.runs(expected=word, **query)}

    def matched(category: Any) -> int:
        body = {"action": "resolve", "filter": {"category": category}, "dryRun": True}
        return int(prod.api.post("/api/v1/errors/bulk", body).body["matched"])

    both = {("Slow down", "rate_limit"), (AWAY["message"], "server")}
    assert types_of(prod.errors(category="server,rate_limit")) == both
    assert types_of(prod.errors(category="network")) == {("timeout", "network")}
    assert types_of(prod.errors(category="network", search="boom")) == set()
    assert len(prod.errors(category="network", sort="-lastSeen")) == 1
    assert matched("server,rate_limit") == matched(["server", "rate_limit"]) == 2
    assert expected("true") == {"run_throttled", "run_aborted"}
    assert expected("false") == {"run_away", "run_timeout", "run_plain"}
    [throttled] = prod.errors(category="rate_limit")
    assert expected("true", error=throttled["id"]) == {"run_throttled"}
    assert expected("false", error=throttled["id"]) == set()


def test_a_category_or_an_expectation_that_is_not_known_is_refused(prod: Workspace) -> None:
    errors = prod.api.get("/api/v1/errors", {"filter[category]": "network,netwrok"})
    runs = prod.api.get("/api/v1/runs", {"filter[expected]": "yes"})
    body = {"action": "resolve", "filter": {"category": ["odd"]}, "dryRun": True}
    bulk = prod.api.post("/api/v1/errors/bulk", body)

    assert faults(errors) == {("/query/filter[category]", "unknown_value")}
    [detail] = errors.body["details"]
    assert "Unknown: netwrok." in detail["message"]
    assert "theme_check" in detail["message"]
    assert faults(runs) == {("/query/filter[expected]", "invalid_boolean")}
    assert faults(bulk) == {("/body/filter/category", "unknown_value")}


def test_a_groups_category_is_that_of_its_newest_failure(prod: Workspace) -> None:
    def report(name: str, minutes: int, message: str) -> str | None:
        error = {"type": "E", "message": message, "fingerprint": ["one group"]}
        moment = iso(utc_now() - timedelta(minutes=minutes))
        prod.report(failed(name, error=error, failedAt=moment))
        [group] = prod.errors()
        category: str | None = group["category"]
        return category

    assert report("run_b", 20, "timeout") == "network"
    assert report("run_a", 30, "HTTP status 503") == "network"
    assert report("run_c", 10, "boom") is None
    assert prod.errors(category="network") == []


def test_what_the_project_switches_on_decides_from_then_on(prod: Workspace) -> None:
    prod.report(failed("run_a", error=THROTTLED), failed("run_b", error=TIMEOUT))

    decided(prod, expected_api_errors=True, keyword_grouping=True)
    prod.report(failed("run_c", error=THROTTLED), failed("run_d", error=TIMEOUT))
    unchanged = prod.report(failed("run_a", error=THROTTLED), failed("run_b", error=TIMEOUT))

    runs = {run.friendly_id: run for run in TaskRun.objects.all()}
    assert unchanged["unchanged"] == 2
    assert runs["run_a"].error_fingerprint
    assert runs["run_b"].grouping_rule not in {"keywords", ""}
    assert runs["run_c"].error_fingerprint == ""
    assert runs["run_c"].error_category == "rate_limit"
    assert runs["run_d"].grouping_key == "send-mail:network:http-000-timeout"
    assert {group["count"] for group in prod.errors()} == {1}


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"expected_api_errors": True}, THROTTLED),
        ({"expected_environment_errors": True}, {"type": "E", "message": "socket hang up"}),
    ],
)
def test_an_expected_error_of_a_rule_set_that_is_on_counts_nowhere(
    prod: Workspace, settings: dict[str, bool], error: dict[str, Any]
) -> None:
    decided(prod, **settings).report(failed("run_a", error=error), failed("run_b", error=PLAIN))

    assert types_of(prod.errors()) == {("boom", None)}
    assert [run["id"] for run in prod.runs(expected="true")] == ["run_a"]


def test_the_slice_is_what_is_known_of_the_run_by_then(prod: Workspace) -> None:
    prod.send({"id": "run_a", "taskIdentifier": "t", "status": "EXECUTING", "queue": "mail"})
    prod.send({"id": "run_b", "taskIdentifier": "t", "status": "EXECUTING", "slice": "eu"})

    for name, members in (("a", {}), ("b", {"queue": "x"}), ("c", {}), ("d", {"slice": "us"})):
        prod.send(failed(f"run_{name}", task="t", error=AWAY, **members))

    keys = dict(TaskRun.objects.values_list("friendly_id", "grouping_key"))
    assert keys == {
        "run_a": "mail:server:http-503",
        "run_b": "eu:server:http-503",
        "run_c": "t:server:http-503",
        "run_d": "us:server:http-503",
    }


def test_a_failure_told_again_from_elsewhere_keeps_its_group(prod: Workspace) -> None:
    prod.send(failed("run_a", error=AWAY, queue="mail"))
    before = TaskRun.objects.get()

    prod.send(failed("run_a", error=AWAY, queue="other"))

    after = TaskRun.objects.get()
    assert after.queue == "other"
    assert after.grouping_key == before.grouping_key == "mail:server:http-503"


def test_a_run_that_healed_is_about_nothing(prod: Workspace) -> None:
    prod.report(failed("run_a", error=THROTTLED))
    prod.report({"id": "run_a", "taskIdentifier": "send-mail", "status": "COMPLETED"})

    assert columns_of(prod, "run_a") == ("", 0, "", False, "", "")
    assert prod.errors() == []


def test_what_no_store_takes_does_not_get_into_it(prod: Workspace) -> None:
    error = {
        "type": "T\0\ud800" + "t" * 9_999,
        "message": "m",
        "statusCode": 10**9,
        "errors": [
            {"extensions": {"code": "ACCESS_DENIED\0"}},
            {"extensions": {"code": "é😀" * 999}},
        ],
    }

    prod.report(failed("run_a", error={**error, "statusCode": 500}, slice="s"))
    prod.report(failed("run_b", error=error, slice="s\u2028"))

    assert columns_of(prod, "run_a")[:3] == (
        "server",
        500,
        "ACCESS_DENIED\N{REPLACEMENT CHARACTER}",
    )
    assert columns_of(prod, "run_b")[:2] == ("server", 0)
    assert detail_of(prod, "run_b")["grouping"]["signals"]["httpStatus"] == 10**9
    assert len(prod.errors(category="server")) == 2


def test_a_run_is_told_again_as_it_was_told(prod: Workspace) -> None:
    prod.send(failed("run_a", error=THROTTLED, slice="checkout"))
    told = read_content(OutboxEntry.objects.get().content)

    [record] = stored_runs.read_records(prod.tenant, [TaskRun.objects.get().pk])

    again = run_rows.row_of_record(prod.tenant, record)
    again[run_rows.DELTA] = 1
    assert msgspec.json.decode(msgspec.json.encode(again)) == told.rows[0]
    settle()


@pytest.mark.parametrize(
    ("columns", "category", "expected_by"),
    [
        ({}, "server", ""),
        ({"error_category": "network"}, "network", ""),
        ({"error_category": "of their own"}, "server", ""),
        ({"error": {"data": THROTTLED}}, "rate_limit", "api"),
        ({"error": {}, "error_category": "json"}, "json", ""),
        ({"status": "COMPLETED_SUCCESSFULLY", "error_category": "json"}, "", ""),
    ],
)
def test_a_loaded_run_has_the_category_it_brings_else_that_of_its_error(
    columns: dict[str, Any], category: str, expected_by: str
) -> None:
    now = utc_now()
    row = {
        "run_id": "a",
        "status": "CRASHED",
        "task_identifier": "t",
        "created_at": epoch_milliseconds(now),
        "error": {"data": AWAY},
        "error_fingerprint": "feedfacefeedface",
        **columns,
    }

    record = record_of_row(decode_row(msgspec.json.encode(row)), report_rules(now))

    failed_ = record.status is RunStatus.CRASHED
    assert record.error_fingerprint == ("feedfacefeedface" if failed_ else "")
    assert record.error_category == category
    assert (record.expected_by, record.expected) == (expected_by, expected_by != "")
    assert record.grouping_rule == ("export" if failed_ else "")


def test_a_newer_row_of_an_export_brings_what_its_error_is_about(prod: Workspace) -> None:
    prod.send(failed("run_a", error=AWAY))
    before = task_runs.record_of(TaskRun.objects.get())
    later = before.updated_at + timedelta(minutes=1)
    same = msgspec.structs.replace(before, error=None, error_fingerprint="", error_category="")
    other = msgspec.structs.replace(before, error='{"type": "E"}', error_category="json")

    def after(row: RunRecord) -> RunRecord:
        row = msgspec.structs.replace(row, extra=None, updated_at=later)
        merged = apply_row(before, row)
        assert merged is not None
        return merged

    assert (after(same).error_category, after(same).grouping_key) == (
        "server", before.grouping_key,
    )  # fmt: skip
    assert (after(other).error_category, after(other).grouping_key) == (
        "json", before.grouping_key,
    )  # fmt: skip


def test_rows_of_an_earlier_release_have_no_category() -> None:
    columns = tuple(name for name in run_rows.COLUMNS if name not in GROUPING_COLUMNS)
    content = encode_rows([["x"] * len(columns)], columns)

    [row] = decode_rows(content)

    told = dict(zip(run_rows.COLUMNS, row, strict=True))
    assert [told[name] for name in GROUPING_COLUMNS] == ["", 0, "", False, "", ""]
