"""Loading an export: into both stores, by the counting rule of ingest."""

import gzip
import random
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from runs_app.domain.times import epoch_milliseconds, iso, utc_now
from runs_app.models import Organization, OutboxEntry, TaskRun
from runs_app.services import load as load_service
from tests.conftest import Workspace, failed, make_workspace, settle
from tests.counting.figures import Failure, assert_counts
from tests.load.conftest import CREATED, FINGERPRINT, Load, row, text_time

BOOM = Failure("send-mail", "boom")
LATER = CREATED + timedelta(minutes=5)


def only_run() -> TaskRun:
    return TaskRun.objects.get()


@pytest.mark.parametrize("packed", [False, True])
def test_an_export_is_in_both_stores_afterwards(prod: Workspace, load: Load, packed: bool) -> None:
    rows = [
        row(prod, "a"),
        row(prod, "b", task_version="2"),
        row(prod, "c", status="COMPLETED_SUCCESSFULLY", error={}, error_fingerprint=""),
        row(prod, "d", error_fingerprint=""),
    ]

    printed = load(rows, packed=packed)

    assert "Loaded 4 runs; 0 were known already." in printed
    assert_counts(prod, {"run_a": BOOM, "run_b": Failure("send-mail", "boom", "2")})
    assert {run["id"] for run in prod.runs()} == {"run_a", "run_b", "run_c", "run_d"}
    [group] = prod.errors()
    assert (group["fingerprint"], group["lastSeen"]) == (FINGERPRINT, iso(LATER))
    shown = prod.api.get("/api/v3/runs/run_a").body
    assert shown["error"] == {"message": "boom", "name": "E", "stackTrace": "at x"}
    assert (shown["durationMs"], shown["costInCents"]) == (1234, 0.5)
    assert not OutboxEntry.objects.exists()


def test_loading_twice_changes_nothing(prod: Workspace, load: Load) -> None:
    rows = [row(prod, "a"), row(prod, "b"), row(prod, "c", _version="6", task_version="2")]
    load(rows)
    before = list(TaskRun.objects.order_by("id").values())

    printed = load(rows[::-1])

    assert "Loaded 0 runs; 3 were known already." in printed
    assert list(TaskRun.objects.order_by("id").values()) == before
    version = Failure("send-mail", "boom", "2")
    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM, "run_c": version})


def test_each_run_has_its_highest_version_in_whatever_order_the_rows_come(
    prod: Workspace, load: Load
) -> None:
    rows = [
        row(prod, f"r{n}", task_version=str(version), _version=str(version))
        for n in range(20)
        for version in (1, 2, 3, 10, 11)
    ]
    random.Random(1).shuffle(rows)

    load(rows)

    newest = Failure("send-mail", "boom", "11")
    assert_counts(prod, {f"run_r{n}": newest for n in range(20)})


@pytest.mark.parametrize("versions", [[1, 2], [2, 1], [0, 1, 2], [5, 9, 7], [9, 5, 7], [7, 5, 9]])
def test_the_highest_version_wins_across_files_too(
    prod: Workspace, load: Load, versions: list[int]
) -> None:
    for version in versions:
        load([row(prod, "a", _version=version, error_fingerprint=f"group{version}")])

    [group] = prod.errors()
    assert (group["fingerprint"], group["count"]) == (f"group{max(versions)}", 1)
    assert_counts(prod, {"run_a": BOOM})


def test_an_older_row_after_a_newer_one_of_the_same_content_changes_nothing(
    prod: Workspace, load: Load
) -> None:
    load([row(prod, "a", _version=5)])
    load([row(prod, "a", _version=9)])

    load([row(prod, "a", _version=7, task_version="old")])

    assert_counts(prod, {"run_a": BOOM})


@pytest.mark.parametrize("at_once", [1, 2_000])
def test_of_equal_versions_the_first_stands_wherever_the_others_are(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(load_service, "LINES_PER_TRANSACTION", at_once)
    rows = [row(prod, "a", task_version=version) for version in ("1", "2", "3")]

    load(rows)
    load(rows)

    assert_counts(prod, {"run_a": Failure("send-mail", "boom", "1")})


@pytest.mark.parametrize("at_once", [1, 2_000])
def test_a_run_with_and_without_the_prefix_of_its_id_is_one(
    prod: Workspace, load: Load, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(load_service, "LINES_PER_TRANSACTION", at_once)
    ids = [(1, "run_abc"), (3, "abc"), (2, "run_abc")]

    load(
        row(prod, "abc", _version=n, friendly_id=friendly_id, task_version=str(n))
        for n, friendly_id in ids
    )

    assert_counts(prod, {"run_abc": Failure("send-mail", "boom", "3")})


def test_rows_belong_to_the_organization_and_project_of_their_environment(
    prod: Workspace, staging: Workspace, load: Load
) -> None:
    other = make_workspace()
    foreign = {
        "organization_id": other.tenant.organization_id,
        "project_id": other.tenant.project_id,
    }

    load([row(prod, "a", **foreign), row(prod, "b", organization_id="", project_id="")])

    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM})
    assert other.errors() == staging.errors() == []


def test_versions_beyond_a_double_keep_their_order(prod: Workspace, load: Load) -> None:
    base = 1_700_000_000_000_000_000
    for version in (1, 3, 2):
        load([row(prod, "a", _version=str(base + version), task_version=str(version))])

    assert_counts(prod, {"run_a": Failure("send-mail", "boom", "3")})


def test_a_run_that_moves_or_heals_in_the_export_counts_where_it_ends(
    prod: Workspace, load: Load
) -> None:
    load([row(prod, "a"), row(prod, "b"), row(prod, "c")])

    load(
        [
            row(prod, "a", _version=6, error_fingerprint="other", error={"data": {"message": "x"}}),
            row(prod, "b", _version=6, status="COMPLETED_SUCCESSFULLY", error_fingerprint=""),
        ]
    )

    assert_counts(prod, {"run_a": Failure("send-mail", "x"), "run_c": BOOM})


def test_a_loaded_run_reported_later_through_the_api_changes_no_count(
    prod: Workspace, load: Load
) -> None:
    load([row(prod, "a", task_version="7"), row(prod, "b", task_version="7")])
    expected = {
        "run_a": Failure("send-mail", "boom", "7"),
        "run_b": Failure("send-mail", "boom", "7"),
    }

    prod.report(failed("a", version="7", error={"type": "E", "message": "boom", "stack": "at x"}))
    prod.report(failed("b", error={"stackTrace": "at x", "name": "E", "message": "boom"}))
    assert_counts(prod, expected)
    prod.report({"id": "a", "taskIdentifier": "send-mail", "status": "CRASHED"})

    assert_counts(prod, expected)
    [group] = prod.errors()
    assert group["fingerprint"] == FINGERPRINT
    printed = load([row(prod, "a", task_version="7")])
    assert "1 were known already" in printed
    assert_counts(prod, expected)


def test_healing_a_loaded_run_takes_it_back(prod: Workspace, load: Load) -> None:
    load([row(prod, "a"), row(prod, "b")])

    prod.report({"id": "a", "taskIdentifier": "send-mail", "status": "COMPLETED"})

    assert_counts(prod, {"run_b": BOOM})
    load([row(prod, "a"), row(prod, "b")])
    assert_counts(prod, {"run_b": BOOM})


def test_a_reported_run_that_is_loaded_later_counts_once(prod: Workspace, load: Load) -> None:
    told = {"createdAt": iso(CREATED), "updatedAt": iso(CREATED)}
    error = {"type": "E", "message": "reported"}
    prod.report(failed("a", payload={"kept": 1}, error=error, **told))

    load([row(prod, "a", _version=900)])

    assert_counts(prod, {"run_a": BOOM})
    assert prod.api.get("/api/v3/runs/run_a").body["payload"] == {"kept": 1}


def test_loads_of_many_rows_are_written_in_parts(prod: Workspace, load: Load) -> None:
    rows = [row(prod, f"r{n % 2500}", _version=n) for n in range(5_000)]

    printed = load(rows)

    assert "Loaded 5000 runs" in printed or "Loaded 2500 runs" in printed
    [group] = prod.errors()
    assert group["count"] == 2500


def test_rows_of_unknown_environments_are_refused_and_counted(prod: Workspace, load: Load) -> None:
    strangers = [str(uuid.uuid4()), "no-id", "\0", "", "x" * 10_000]

    printed = load(
        [row(prod, "good"), *(row(prod, "bad", environment_id=stranger) for stranger in strangers)]
    )

    assert "Loaded 1 runs" in printed
    assert f"Refused {len(strangers)} rows of an unknown environment." in printed
    assert_counts(prod, {"run_good": BOOM})


def test_rows_go_where_environment_says(prod: Workspace, staging: Workspace, load: Load) -> None:
    ref = prod.environment.project.external_ref

    load(
        [row(staging, "a"), row(staging, "b", environment_id="whatever")],
        environment=f"{ref}/prod",
    )

    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM})
    assert staging.runs() == staging.errors() == []


@pytest.mark.parametrize("name", ["prod", "proj_nothing/prod", "/", "proj_x/"])
def test_an_environment_that_does_not_exist_is_refused(
    prod: Workspace, load: Load, name: str
) -> None:
    with pytest.raises(CommandError):
        load([row(prod, "a")], environment=name)

    assert not TaskRun.objects.exists()


def test_rows_of_two_environments_in_one_file_count_in_their_own(
    prod: Workspace, staging: Workspace, load: Load
) -> None:
    load([row(prod, "a"), row(staging, "a"), row(prod, "b"), row(staging, "a", _version=6)])

    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM})
    assert_counts(staging, {"run_a": BOOM})


def test_bad_lines_are_counted_and_the_others_loaded(prod: Workspace, load: Load) -> None:
    unreadable = [b"nonsense", b"{", b"[]", b"null", b"\xff\xfe", b'{"run_id": "x"}', b"NaN"]
    unreadable.append(b"[" * 100_000)

    printed = load([row(prod, "a"), *unreadable, b"", b"  ", row(prod, "b")])

    assert "Loaded 2 runs" in printed
    assert f"Refused {len(unreadable)} rows unreadable." in printed


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"created_at": epoch_milliseconds(utc_now() - timedelta(days=91))}, "retention"),
        ({"created_at": epoch_milliseconds(utc_now() + timedelta(hours=2))}, "future"),
        ({"created_at": None}, "created_at"),
        ({"created_at": "soon"}, "time"),
        ({"updated_at": "0001-01-01 00:00:00"}, "time"),
        ({"completed_at": 10**18}, "time"),
        ({"completed_at": "9" * 20}, "time"),
        ({"completed_at": -5}, "time"),
        ({"status": "FAILED"}, "status"),
        ({"status": ""}, "status"),
        ({"run_id": "a b"}, "id"),
        ({"friendly_id": "run_\0"}, "id"),
        ({"friendly_id": "run_" + "x" * 200}, "id"),
        ({"task_identifier": "x" * 256}, "text"),
        ({"task_version": "\0"}, "text"),
        ({"error_fingerprint": "f" * 65}, "text"),
        ({"tags": ["x" * 256]}, "text"),
        ({"attempt": 2**31}, "number"),
        ({"depth": str(2**40)}, "number"),
        ({"depth": -1}, "number"),
        ({"usage_duration_ms": "many"}, "number"),
        ({"usage_duration_ms": "nan"}, "number"),
        ({"cost_in_cents": "inf"}, "number"),
        ({"_version": str(2**64 - 1)}, "number"),
        ({"_version": str(2**62)}, "_version"),
        ({"_is_deleted": 1}, "deleted"),
        ({"_is_deleted": "1"}, "deleted"),
    ],
)
def test_a_row_that_cannot_be_kept_is_refused_alone(
    prod: Workspace, load: Load, columns: dict[str, Any], reason: str
) -> None:
    printed = load([row(prod, "good"), row(prod, "bad", **columns)])

    assert "Loaded 1 runs" in printed
    assert "Refused 1 rows" in printed
    assert reason in printed
    assert [run.friendly_id for run in TaskRun.objects.all()] == ["run_good"]


@pytest.mark.parametrize(
    "columns",
    [
        {"completed_at": epoch_milliseconds(LATER)},
        {"completed_at": str(epoch_milliseconds(LATER))},
        {"completed_at": float(epoch_milliseconds(LATER))},
        {"completed_at": text_time(LATER)},
        {"completed_at": text_time(LATER) + "000000"},
        {"completed_at": iso(LATER)},
        {"completed_at": "1970-01-01 00:00:00.000", "updated_at": text_time(LATER)},
        {"completed_at": 0, "updated_at": iso(LATER)},
        {"completed_at": text_time(LATER - timedelta(minutes=1)), "failed_at": text_time(LATER)},
    ],
)
def test_times_are_text_or_epoch_milliseconds(
    prod: Workspace, load: Load, columns: dict[str, Any]
) -> None:
    load([row(prod, "a", **{"created_at": text_time(CREATED), **columns})])

    [group] = prod.errors()
    assert group["lastSeen"] == iso(LATER)
    assert iso(only_run().created_at) == iso(CREATED)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ('{"data": {"type": "T", "message": "text"}}', "T", "text"),
        ('{"type": "T", "message": "text"}', "T", "text"),
        ({"type": "T", "message": "text"}, "T", "text"),
        ({"data": {"name": "T", "raw": "text"}}, "T", "T"),
        ("just text", "Error", "just text"),
        ('"quoted"', "Error", "quoted"),
        ('{"message": "half \\ud800", "type": "T"}', "T", "half \ufffd"),
        ('{"message": 1e400, "type": "T"}', "T", ""),
        ('{"message": "\\u0000", "type": "T"}', "T", "\ufffd"),
        ("{broken", "Error", "{broken"),
    ],
)
def test_an_error_is_an_object_or_its_json_text(
    prod: Workspace, load: Load, error: Any, kind: str, message: str
) -> None:
    load([row(prod, "a", error=error)])

    [group] = prod.errors()
    assert (group["errorType"], group["count"]) == (kind, 1)
    assert group["errorMessage"] == message
    assert prod.api.get("/api/v3/runs/run_a").status == 200


def test_hostile_values_never_stop_a_load(prod: Workspace, load: Load) -> None:
    deep = '{"message": ' + "[" * 10_000 + "]" * 10_000 + "}"
    rows: list[Any] = [
        row(prod, "good"),
        row(prod, "deep", error=deep),
        row(prod, "stack", error={"data": {"message": "m", "stack": "at x\n" * 200_000}}),
        row(prod, "dotted", error={"data": {"a": {"b": 1}, "a.b": 2, "message": "m"}}),
        row(prod, "output", output={"a": {"b": 1}, "a.b": 2}, error='{"a": {"b": 1}, "a.b": 2}'),
        row(prod, "empty", error="", tags=None, queue=None, attempt=None),
    ]

    load(rows)

    assert not OutboxEntry.objects.exists()
    assert prod.api.get("/api/v3/runs/run_good").status == 200
    prod.report(failed("afterwards"))
    assert prod.api.get("/api/v3/runs/run_afterwards").status == 200


def test_a_run_id_without_its_prefix_is_the_run_the_api_knows(prod: Workspace, load: Load) -> None:
    load([row(prod, "a", friendly_id="plain"), row(prod, "b", friendly_id=None, run_id="bare")])

    prod.report({"id": "plain", "taskIdentifier": "send-mail", "status": "COMPLETED"})

    assert_counts(prod, {"run_bare": BOOM})


def test_an_empty_file_loads_nothing(prod: Workspace, load: Load) -> None:
    assert "Loaded 0 runs" in load([])
    assert "Loaded 0 runs" in load([], packed=True)


def test_on_an_empty_installation_every_row_is_refused_with_a_count(
    db: None, clickhouse_tables: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not Organization.objects.exists()
    file = tmp_path / "export.jsonl"
    file.write_text('{"run_id": "a", "status": "FAILED", "task_identifier": "t", "created_at": 1}')

    with pytest.raises(CommandError):
        call_command("load_runs", str(file))

    assert "Refused 1 rows of an unknown environment." in capsys.readouterr().out


def test_a_missing_file_and_a_cut_off_one_are_said_in_a_sentence(
    prod: Workspace, tmp_path: Path
) -> None:
    cut_off = tmp_path / "cut.jsonl.gz"
    cut_off.write_bytes(gzip.compress(b"{}\n" * 10_000)[:-20])
    plain = tmp_path / "plain.jsonl.gz"
    plain.write_bytes(b"{}\n")

    for file in (tmp_path / "nothing.jsonl", tmp_path, cut_off, plain):
        with pytest.raises(CommandError):
            call_command("load_runs", str(file))


def test_a_load_while_others_report_the_same_runs_counts_them_once(
    prod: Workspace, load: Load
) -> None:
    told = {"createdAt": iso(CREATED), "updatedAt": iso(CREATED)}
    prod.send(failed("a", error={"type": "E", "message": "boom"}, **told))

    load([row(prod, "a", _version=50), row(prod, "b")])
    prod.send(failed("b", error={"type": "E", "message": "boom", "stack": "at x"}))
    settle()

    assert_counts(prod, {"run_a": BOOM, "run_b": BOOM})
