"""GET /api/v1/errors/{errorId}/activity"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from errors_app.domain.groups import Action, ActorKind, Status
from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.models import User
from runs_app.services.credentials import create_api_key
from tests.api.expectations import failure, faults, iso, moment, refused, the_group
from tests.conftest import Answer, Api, Workspace
from tests.people import member_of, row_of_key, token_of_person

MEMBERS = {
    "id", "action", "fromStatus", "toStatus", "actor", "reason", "details", "runId", "version",
    "createdAt",
}  # fmt: skip
MANY = 10_000
TABLE = "errors_app_errorgroupactivity"
TRAIL = f'FROM "{TABLE}"'


@pytest.fixture
def group(prod: Workspace) -> dict[str, Any]:
    prod.report(failure("run_a"))
    return the_group(prod)


def path_of(group: dict[str, Any], action: str = "activity") -> str:
    return f"/api/v1/errors/{group['id']}/{action}"


def trail(workspace: Workspace, group: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    answer = workspace.api.get(path_of(group), query)
    assert answer.status == 200, answer.body
    data: list[dict[str, Any]] = answer.body["data"]
    return data


def written_down(workspace: Workspace, group: dict[str, Any], count: int) -> list[str]:
    """The ids of so many changes of a group, oldest first, made without the service."""
    now = datetime.now(UTC)
    state, _ = ErrorGroupState.objects.get_or_create(
        environment=workspace.environment,
        error_fingerprint=group["fingerprint"],
        task_identifier=group["taskIdentifier"],
        defaults={"created_at": now, "updated_at": now},
    )
    row = {
        "state": state,
        "action": Action.RESOLVE,
        "from_status": Status.UNRESOLVED,
        "to_status": Status.RESOLVED,
        "actor_kind": ActorKind.KEY,
        "created_at": now,
    }
    first = state.activity.count() + 1
    rows = ErrorGroupActivity.objects.bulk_create(
        ErrorGroupActivity(**row, state_version=number) for number in range(first, first + count)
    )
    return [str(row.pk) for row in rows]


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [entry["id"] for entry in answer.body["data"]]


# --- what an entry says -------------------------------------------------------------------------


def test_a_group_nobody_acted_on_has_an_empty_trail(prod: Workspace, group: dict[str, Any]) -> None:
    answer = prod.api.get(path_of(group))

    assert answer.status == 200
    assert answer.body == {"data": [], "pagination": {}}


def test_a_change_by_a_key_names_the_key_and_leaves_unset_members_null(
    prod: Workspace, group: dict[str, Any]
) -> None:
    prod.api.post(path_of(group, "resolve"))

    [entry] = trail(prod, group)

    key = row_of_key(prod.key)
    row = ErrorGroupActivity.objects.get()
    assert entry == {
        "id": str(row.pk),
        "action": "resolve",
        "fromStatus": "unresolved",
        "toStatus": "resolved",
        "actor": {"type": "key", "id": str(key.pk), "name": "test", "client": None},
        "reason": None,
        "details": None,
        "runId": None,
        "version": None,
        "createdAt": iso(row.created_at),
    }


def test_the_newest_change_comes_first_with_its_reason_and_conditions(
    prod: Workspace, group: dict[str, Any]
) -> None:
    prod.api.post(path_of(group, "resolve"), {"resolvedInVersion": "20240101.10"})
    prod.api.post(path_of(group, "ignore"), {"totalOccurrences": 5, "reason": "known <noise>"})
    prod.api.post(path_of(group, "unresolve"))

    unresolved, ignored, resolved = trail(prod, group)

    assert (unresolved["action"], unresolved["fromStatus"]) == ("unresolve", "ignored")
    assert (ignored["action"], ignored["fromStatus"]) == ("ignore", "resolved")
    assert (ignored["reason"], ignored["details"]) == ("known <noise>", {"totalOccurrences": 5})
    assert resolved["details"] == {"version": "20240101.10"}
    assert all(set(entry) == MEMBERS for entry in (unresolved, ignored, resolved))


@pytest.mark.parametrize(
    ("first_name", "last_name", "shown"),
    [("Ada", "Lovelace", "Ada Lovelace"), ("", "Lovelace", "Lovelace"), ("", "", None)],
)
def test_a_person_is_called_by_their_name_else_by_their_username(
    prod: Workspace, group: dict[str, Any], first_name: str, last_name: str, shown: str | None
) -> None:
    ada = member_of(prod)
    User.objects.filter(pk=ada.user.pk).update(first_name=first_name, last_name=last_name)
    token = token_of_person(prod, ada, "write:errors", client="cli")

    Api(token).post(path_of(group, "resolve"))

    [entry] = trail(prod, group)
    name = shown or ada.user.username
    assert entry["actor"] == {"type": "user", "id": ada.id, "name": name, "client": "cli"}


def test_a_person_who_was_deleted_is_still_a_person(prod: Workspace, group: dict[str, Any]) -> None:
    ada = member_of(prod)
    Api(token_of_person(prod, ada, "write:errors")).post(path_of(group, "resolve"))

    ada.user.delete()

    [entry] = trail(prod, group)
    client = "personal-access-token"
    assert entry["actor"] == {"type": "user", "id": None, "name": None, "client": client}
    detail = prod.api.get(f"/api/v1/errors/{group['id']}").body
    assert (detail["status"], detail["resolvedBy"]) == ("resolved", None)


def test_a_key_that_is_gone_keeps_its_id(prod: Workspace, group: dict[str, Any]) -> None:
    other = create_api_key(prod.environment, name="short-lived")
    Api(other).post(path_of(group, "resolve"))
    row = row_of_key(other)
    key_id = str(row.pk)

    row.delete()

    [entry] = trail(prod, group)
    assert entry["actor"] == {"type": "key", "id": key_id, "name": None, "client": None}


def test_a_rule_names_the_failure_that_made_it_act(prod: Workspace, group: dict[str, Any]) -> None:
    written_down(prod, group, 1)
    ErrorGroupActivity.objects.update(
        actor_kind=ActorKind.RULE,
        rule="regression",
        run_id="run_a",
        task_version="20240101.1",
        details={"resolvedInVersion": "20240101.0"},
    )

    [entry] = trail(prod, group)

    assert entry["actor"] == {"type": "rule", "id": None, "name": "regression", "client": None}
    assert (entry["runId"], entry["version"]) == ("run_a", "20240101.1")
    assert entry["details"] == {"resolvedInVersion": "20240101.0"}


# --- which group --------------------------------------------------------------------------------


def test_the_same_group_of_another_environment_has_a_trail_of_its_own(
    prod: Workspace, staging: Workspace, group: dict[str, Any]
) -> None:
    staging.report(failure("run_a"))
    prod.api.post(path_of(group, "resolve"))
    staging.api.post(path_of(group, "ignore"))

    assert [entry["action"] for entry in trail(prod, group)] == ["resolve"]
    assert [entry["action"] for entry in trail(staging, group)] == ["ignore"]


def test_the_bare_fingerprint_and_a_scope_for_the_very_id_are_enough(
    prod: Workspace, group: dict[str, Any]
) -> None:
    prod.api.post(path_of(group, "resolve"))
    scopes = (f"read:errors:{group['id']}",)
    api = Api(create_api_key(prod.environment, name="narrow", scopes=scopes))

    answer = api.get(f"/api/v1/errors/{group['fingerprint']}/activity")

    assert len(ids(answer)) == 1


def test_an_unknown_group_is_not_found_as_the_detail_is(
    prod: Workspace, group: dict[str, Any]
) -> None:
    for error_id in ("error_unknown", "%00", "x" * 2000, f"{group['id']}?taskIdentifier=other"):
        id_, _, query = error_id.partition("?")

        body = refused(prod.api.get(f"/api/v1/errors/{id_}/activity?{query}"), 404, "not_found")

        assert body["detail"] == "No such error group."


def test_a_group_that_no_run_is_left_in_is_not_found(
    prod: Workspace, group: dict[str, Any]
) -> None:
    prod.api.post(path_of(group, "resolve"))
    prod.report({"id": "run_a", "taskIdentifier": "send-mail", "status": "COMPLETED"})

    refused(prod.api.get(path_of(group)), 404, "not_found")


@pytest.fixture
def shared(prod: Workspace) -> dict[str, Any]:
    """One fingerprint in two tasks; the group of b-task was seen last, and ignored."""
    prod.report(
        failure("run_a", task="a-task", failedAt=iso(moment(minutes=30))),
        failure("run_b", task="b-task", failedAt=iso(moment(minutes=10))),
    )
    group = prod.errors()[0]
    prod.api.post(path_of(group, "resolve") + "?taskIdentifier=a-task")
    for _ in range(3):
        prod.api.post(path_of(group, "ignore") + "?taskIdentifier=b-task")
    return group


def test_of_an_ambiguous_id_the_task_seen_last_is_told_unless_one_is_picked(
    prod: Workspace, shared: dict[str, Any]
) -> None:
    assert {entry["action"] for entry in trail(prod, shared)} == {"ignore"}
    assert [e["action"] for e in trail(prod, shared, taskIdentifier="a-task")] == ["resolve"]
    assert len(trail(prod, shared, taskIdentifier="b-task")) == 3


def test_a_cursor_stays_with_its_group_though_another_task_fails_meanwhile(
    prod: Workspace, shared: dict[str, Any]
) -> None:
    first = prod.api.get(path_of(shared), {"page[size]": 2})
    prod.report(failure("run_c", task="a-task"))

    second = prod.api.get(path_of(shared), {"page[after]": first.body["pagination"]["next"]})

    # That failure brought its group back.
    assert [entry["action"] for entry in trail(prod, shared)] == ["unresolve", "resolve"]
    assert [entry["action"] for entry in second.body["data"]] == ["ignore"]
    assert not set(ids(first)) & set(ids(second))


# --- pages --------------------------------------------------------------------------------------


def test_pages_neither_repeat_nor_skip_while_new_entries_arrive(
    prod: Workspace, group: dict[str, Any]
) -> None:
    written = written_down(prod, group, 60)
    size = {"page[size]": 25}

    first = prod.api.get(path_of(group), size)
    written_down(prod, group, 30)
    second = prod.api.get(path_of(group), {**size, "page[after]": first.body["pagination"]["next"]})
    last = prod.api.get(path_of(group), {**size, "page[after]": second.body["pagination"]["next"]})

    assert ids(first) + ids(second) + ids(last) == written[::-1]
    assert "previous" not in first.body["pagination"]
    assert "next" not in last.body["pagination"]


def test_pages_go_back_to_what_arrived_meanwhile(prod: Workspace, group: dict[str, Any]) -> None:
    written = written_down(prod, group, 5)
    first = prod.api.get(path_of(group), {"page[size]": 2})
    second = prod.api.get(path_of(group), {"page[after]": first.body["pagination"]["next"]})
    newer = written_down(prod, group, 3)
    before = second.body["pagination"]["previous"]

    back = prod.api.get(path_of(group), {"page[size]": 4, "page[before]": before})
    further = {"page[before]": back.body["pagination"]["previous"]}

    assert ids(back) == [*newer[1::-1], *written[:2:-1]]
    assert ids(prod.api.get(path_of(group), further)) == newer[2:]
    assert "previous" not in prod.api.get(path_of(group), further).body["pagination"]


def test_a_page_has_25_entries_unless_another_size_is_asked_for(
    prod: Workspace, group: dict[str, Any]
) -> None:
    written_down(prod, group, 120)

    assert len(trail(prod, group)) == 25
    assert len(trail(prod, group, **{"page[size]": 1})) == 1
    assert len(trail(prod, group, **{"page[size]": 100})) == 100


def test_a_cursor_of_another_trail_or_list_is_refused(
    prod: Workspace, group: dict[str, Any]
) -> None:
    written_down(prod, group, 2)
    prod.report(failure("run_b", "OtherError"))
    [other] = prod.errors(search="OtherError")
    own = prod.api.get(path_of(group), {"page[size]": 1}).body["pagination"]["next"]
    listed = prod.api.get("/api/v1/errors", {"page[size]": 1}).body["pagination"]["next"]

    wrong = {("/query/page[after]", "invalid_cursor")}
    assert faults(prod.api.get(path_of(other), {"page[after]": own})) == wrong
    assert faults(prod.api.get(path_of(group), {"page[after]": listed})) == wrong
    assert faults(prod.api.get(path_of(group), {"page[after]": "nonsense"})) == wrong
    assert faults(prod.api.get("/api/v1/errors", {"page[after]": own})) == wrong


def test_all_that_is_wrong_is_named_at_once(prod: Workspace, group: dict[str, Any]) -> None:
    query = "?taskIdentifier=a&taskIdentifier=b&page[size]=0&page[after]=x&page[before]=y&filter[x]"

    found = faults(prod.api.get(path_of(group) + query))

    assert found == {
        ("/query/taskIdentifier", "repeated"),
        ("/query/page[size]", "out_of_range"),
        ("/query/page[before]", "conflict"),
        ("/query/page[after]", "invalid_cursor"),
        ("/query/filter[x]", "unknown_filter"),
    }


# --- what it costs ------------------------------------------------------------------------------


def test_a_page_of_many_actors_takes_as_many_queries_as_one_entry(
    prod: Workspace, group: dict[str, Any]
) -> None:
    def act(number: int) -> None:
        key = create_api_key(prod.environment, name=f"key-{number}")
        Api(key).post(path_of(group, "resolve"))
        Api(token_of_person(prod, member_of(prod), "admin")).post(path_of(group, "ignore"))

    act(0)
    with CaptureQueriesContext(connection) as few:
        assert len(trail(prod, group)) == 2
    for number in range(1, 4):
        act(number)

    with CaptureQueriesContext(connection) as many:
        entries = trail(prod, group)

    assert len({entry["actor"]["name"] for entry in entries}) == 8
    assert len(many) == len(few)


def test_a_page_of_a_long_trail_among_many_is_read_by_its_index(
    prod: Workspace, group: dict[str, Any]
) -> None:
    long = written_down(prod, group, MANY)
    for number in range(100):
        written_down(prod, {**group, "taskIdentifier": f"task-{number}"}, MANY // 100)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLE}")

    with CaptureQueriesContext(connection) as captured:
        first = prod.api.get(path_of(group))
        after = {"page[after]": first.body["pagination"]["next"]}
        second = prod.api.get(path_of(group), after)
        quiet = prod.api.get(path_of(group), {"taskIdentifier": "task-0"})

    assert ids(first) + ids(second) == long[:-51:-1]
    assert quiet.status == 404
    queries = [each["sql"] for each in captured if TRAIL in each["sql"]]
    assert len(queries) == 2
    for query in queries:
        assert reads_in_order(query)


def reads_in_order(query: str) -> bool:
    """Whether the index of a trail gives the order, so that no more is read than is shown."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("EXPLAIN QUERY PLAN " + query)
            steps = [str(row[-1]) for row in cursor.fetchall()]
            by_index = any(f"{TABLE} USING INDEX" in s and "(state_id=?" in s for s in steps)
            return by_index and not any("TEMP B-TREE" in step for step in steps)
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query)
        [[plans]] = cursor.fetchall()
    parts = [plans[0]["Plan"]]
    read = 0
    while parts:
        part = parts.pop()
        parts.extend(part.get("Plans", []))
        if part.get("Relation Name") == TABLE:
            read += part["Actual Rows"] + part.get("Rows Removed by Filter", 0)
    return 0 < read < 50


def test_times_are_those_of_the_changes(prod: Workspace, group: dict[str, Any]) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)

    prod.api.post(path_of(group, "resolve"))

    [entry] = trail(prod, group)
    detail = prod.api.get(f"/api/v1/errors/{group['id']}").body
    assert entry["createdAt"] == detail["resolvedAt"]
    assert before <= datetime.fromisoformat(entry["createdAt"]) <= datetime.now(UTC)
