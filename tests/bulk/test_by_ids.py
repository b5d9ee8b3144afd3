"""Changing the groups that are named."""

from errors_app.models import BulkOperation, ErrorGroupActivity, ErrorGroupState
from runs_app.models import OutboxEntry
from tests.api.expectations import failure
from tests.bulk.conftest import Bulk
from tests.conftest import Workspace


def test_the_named_groups_are_changed_and_no_others(bulk: Bulk) -> None:
    result = bulk.change("resolve", ids=bulk.ids("A", "C"))

    assert result["matched"] == result["changed"] == 2
    assert result["skipped"] == []
    assert "window" not in result
    assert bulk.statuses() == {"A": "resolved", "B": "unresolved", "C": "resolved"}


def test_one_operation_is_kept_and_each_trail_points_at_it(bulk: Bulk) -> None:
    result = bulk.change("resolve", ids=bulk.ids("A", "B"), resolvedInVersion="2.0")

    operation = BulkOperation.objects.get()
    assert result["operationId"] == str(operation.id)
    assert (operation.action, operation.matched, operation.changed) == ("resolve", 2, 2)
    assert operation.parameters == {"version": "2.0", "ids": 2}
    assert operation.actor_kind == "key"
    assert operation.user_id is None
    assert operation.api_key_id is not None
    assert set(ErrorGroupActivity.objects.values_list("operation_id", flat=True)) == {operation.id}
    [entry] = bulk.trail("A")
    assert (entry["action"], entry["fromStatus"], entry["toStatus"]) == (
        "resolve",
        "unresolved",
        "resolved",
    )
    assert entry["details"] == {"version": "2.0"}


def test_clickhouse_knows_at_once(bulk: Bulk) -> None:
    bulk.change("ignore", ids=bulk.ids("A", "B", "C"))

    assert not OutboxEntry.objects.exists()
    assert bulk.statuses() == {"A": "ignored", "B": "ignored", "C": "ignored"}


def test_a_bare_fingerprint_an_id_and_an_object_name_the_same_group_once(bulk: Bulk) -> None:
    id_ = bulk.id("A")
    names = [
        id_,
        id_.removeprefix("error_"),
        {"id": id_},
        {"id": id_, "taskIdentifier": None},
        {"id": id_, "taskIdentifier": "send-mail"},
        id_,
    ]

    result = bulk.change("resolve", ids=names)

    assert result["matched"] == result["changed"] == 1
    assert ErrorGroupState.objects.get().version == 1


def test_an_unknown_id_is_skipped_and_the_others_are_changed(bulk: Bulk) -> None:
    unknown = [
        "error_nothing",
        {"id": bulk.id("A"), "taskIdentifier": "another-task"},
    ]

    result = bulk.change("resolve", ids=[*unknown, bulk.id("B")])

    assert (result["matched"], result["changed"]) == (1, 1)
    assert result["skipped"] == [
        {"id": "error_nothing", "taskIdentifier": None, "reason": "not_found"},
        {"id": bulk.id("A"), "taskIdentifier": "another-task", "reason": "not_found"},
    ]
    assert bulk.statuses()["A"] == "unresolved"


def test_an_id_in_several_tasks_is_skipped_unless_one_is_picked(bulk: Bulk) -> None:
    bulk.workspace.report(failure("run_other", "A", task="send-fax"))
    [id_] = {group["id"] for group in bulk.workspace.errors() if group["errorType"] == "A"}

    result = bulk.change("resolve", ids=[id_, {"id": id_, "taskIdentifier": "send-fax"}])

    assert (result["matched"], result["changed"]) == (1, 1)
    assert result["skipped"] == [{"id": id_, "taskIdentifier": None, "reason": "ambiguous_id"}]
    [state] = ErrorGroupState.objects.all()
    assert state.task_identifier == "send-fax"


def test_where_nothing_is_known_there_is_nothing_to_undo(bulk: Bulk) -> None:
    result = bulk.change("resolve", ids=["error_nothing"])

    assert (result["operationId"], result["matched"], result["changed"]) == (None, 0, 0)
    assert not BulkOperation.objects.exists()


def test_another_environments_groups_are_not_found(bulk: Bulk, staging: Workspace) -> None:
    theirs = Bulk(staging)

    result = theirs.change("resolve", ids=bulk.ids("A", "B"))

    assert [skipped["reason"] for skipped in result["skipped"]] == ["not_found"] * 2
    assert set(bulk.statuses().values()) == {"unresolved"}


def test_a_thousand_ids_with_the_longest_tasks_are_read(bulk: Bulk) -> None:
    names = [
        {"id": f"error_{number:064}", "taskIdentifier": f"{number:0255}"} for number in range(999)
    ]

    result = bulk.change("resolve", ids=[*names, bulk.id("A")])

    assert result["changed"] == 1
    assert len(result["skipped"]) == 999


def test_more_groups_than_one_statement_writes_are_all_changed(bulk: Bulk) -> None:
    bulk.workspace.report(*(failure(f"run_many_{number}", f"E{number}") for number in range(600)))
    ids = [
        group["id"]
        for page in pages(bulk.workspace)
        for group in page
        if group["errorType"].startswith("E")
    ]

    result = bulk.change("resolve", ids=ids)

    assert (len(ids), result["changed"]) == (600, 600)
    assert ErrorGroupState.objects.filter(status="resolved", version=1).count() == 600
    assert result["operationId"]
    assert bulk.undo(result["operationId"])["restored"] == 600


def pages(workspace: Workspace) -> list[list[dict[str, str]]]:
    found = []
    query = {"page[size]": "100"}
    while True:
        body = workspace.api.get("/api/v1/errors", query).body
        found.append(body["data"])
        if "next" not in body["pagination"]:
            return found
        query["page[after]"] = body["pagination"]["next"]
