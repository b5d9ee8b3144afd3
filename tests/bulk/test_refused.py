"""Requests that are refused: with everything that is wrong, and with nothing changed."""

from typing import Any

import pytest

from errors_app.models import BulkOperation, ErrorGroupActivity, ErrorGroupState
from runs_app.models import OutboxEntry
from runs_app.services.credentials import create_api_key
from tests.api.conftest import group_once, shared_prod
from tests.api.expectations import faults, refused
from tests.bulk.conftest import PATH
from tests.conftest import Answer, Api, Workspace

__all__ = ["group_once", "shared_prod"]


class Refused:
    """One environment with a group, of which every request is refused."""

    def __init__(self, workspace: Workspace, group: dict[str, Any]) -> None:
        self.workspace = workspace
        self.group = group

    def ask(self, body: Any = None, *, api: Api | None = None, **how: Any) -> Answer:
        answer = (api or self.workspace.api).post(PATH, body, **how)
        for model in (ErrorGroupState, ErrorGroupActivity, BulkOperation, OutboxEntry):
            assert not model.objects.exists()
        return answer

    def faults(self, **members: Any) -> set[tuple[str, str]]:
        """Of a body that is fine but for these members."""
        return faults(self.ask({"action": "resolve", "ids": [self.group["id"]], **members}))

    def filter_faults(self, **members: Any) -> set[tuple[str, str]]:
        return faults(self.ask({"action": "resolve", "filter": members}))


@pytest.fixture
def bad(shared_prod: Workspace, group_once: dict[str, Any], db: None) -> Refused:
    return Refused(shared_prod, group_once)


@pytest.mark.parametrize("action", [None, "", "close", "undo", "RESOLVE", 5, ["resolve"], {}])
def test_an_unknown_action_is_refused(bad: Refused, action: Any) -> None:
    [(path, code)] = bad.faults(action=action)

    assert path == "/body/action"
    assert code in {"unknown_value", "invalid", "null", "blank"}


def test_an_action_is_needed_and_so_is_a_choice_of_groups(bad: Refused) -> None:
    for body in (None, {}, {"ids": None, "filter": None}):
        assert faults(bad.ask(body)) == {("/body/action", "required"), ("/body", "required")}


def test_ids_and_a_filter_contradict_each_other(bad: Refused) -> None:
    assert bad.faults(filter={}) == {("/body/ids", "conflict"), ("/body/filter", "conflict")}


@pytest.mark.parametrize("body", [[], "resolve", 5, True, [{"action": "resolve"}]])
def test_a_body_is_an_object(bad: Refused, body: Any) -> None:
    assert faults(bad.ask(body)) == {("/body", "invalid")}


def test_a_member_nobody_knows_is_refused(bad: Refused) -> None:
    assert bad.faults(dryrun=True) == {("/body/dryrun", "unknown_member")}


@pytest.mark.parametrize(
    ("ids", "path", "code"),
    [
        ("error_a", "", "not_a_list"),
        ({"id": "error_a"}, "", "not_a_list"),
        ([], "", "empty"),
        (["error_a"] * 1001, "", "too_many"),
        ([5], "/0", "invalid"),
        (["error_a", None], "/1", "invalid"),
        ([["error_a"]], "/0", "invalid"),
        ([""], "/0", "invalid"),
        (["error_\0"], "/0", "invalid"),
        (["x" * 256], "/0", "too_long"),
        ([{}], "/0", "invalid"),
        ([{"id": 5}], "/0", "invalid"),
        ([{"id": "a", "task": "b"}], "/0", "invalid"),
        ([{"id": "a", "taskIdentifier": 5}], "/0", "invalid"),
        ([{"id": "a", "taskIdentifier": ""}], "/0", "invalid"),
        ([{"id": "a", "taskIdentifier": "b" * 256}], "/0", "too_long"),
    ],
)
def test_ids_are_a_list_of_names(bad: Refused, ids: Any, path: str, code: str) -> None:
    assert bad.faults(ids=ids) == {(f"/body/ids{path}", code)}


def test_every_bad_id_is_told(bad: Refused) -> None:
    assert bad.faults(ids=[1, "error_a", 2]) == {
        ("/body/ids/0", "invalid"),
        ("/body/ids/2", "invalid"),
    }


@pytest.mark.parametrize(
    ("members", "name", "code"),
    [
        ({"status": "open"}, "status", "unknown_value"),
        ({"status": ["resolved", "open"]}, "status", "unknown_value"),
        ({"status": []}, "status", "empty"),
        ({"taskIdentifier": [""]}, "taskIdentifier", "empty"),
        ({"taskIdentifier": [f"a{number}" for number in range(101)]}, "taskIdentifier", "too_many"),
        ({"taskIdentifier": 5}, "taskIdentifier", "invalid"),
        ({"version": [5]}, "version", "invalid"),
        ({"version": [["5"]]}, "version", "invalid"),
        ({"version": {"is": "5"}}, "version", "invalid"),
        ({"search": ["a"]}, "search", "invalid"),
        ({"search": "a" * 1001}, "search", "max_length"),
        ({"search": "a\0"}, "search", "null_characters_not_allowed"),
        ({"period": "soon"}, "period", "invalid_period"),
        ({"period": 5}, "period", "invalid"),
        ({"from": "yesterday"}, "from", "invalid_time"),
        ({"from": -5}, "from", "invalid_time"),
        ({"from": 1.5}, "from", "invalid"),
        ({"to": True}, "to", "invalid"),
        ({"from": "2025-01-02T00:00:00Z", "to": "2025-01-01T00:00:00Z"}, "from", "empty_window"),
        ({"period": "1d", "to": "2025-01-01T00:00:00Z"}, "period", "period_with_bounds"),
        ({"sort": "count"}, "sort", "unknown_filter"),
        ({"statuses": "resolved"}, "statuses", "unknown_filter"),
        ({"filter[status]": "resolved"}, "filter[status]", "unknown_filter"),
        ({"page[size]": 5}, "page[size]", "unknown_filter"),
    ],
)
def test_a_filter_takes_what_the_list_takes(
    bad: Refused, members: dict[str, Any], name: str, code: str
) -> None:
    assert bad.filter_faults(**members) == {(f"/body/filter/{name}", code)}


@pytest.mark.parametrize(
    "name", ["taskIdentifier", "version", "status", "search", "period", "from"]
)
@pytest.mark.parametrize("text", ["", " "])
def test_a_filter_with_nothing_in_it_does_not_choose_all_groups(
    bad: Refused, name: str, text: str
) -> None:
    assert bad.filter_faults(**{name: text}) == {(f"/body/filter/{name}", "empty")}


@pytest.mark.parametrize("filters", ["resolved", [], 5, True])
def test_a_filter_is_an_object(bad: Refused, filters: Any) -> None:
    answer = bad.ask({"action": "resolve", "filter": filters})

    assert faults(answer) == {("/body/filter", "not_a_dict")}


@pytest.mark.parametrize(
    ("action", "name", "value"),
    [
        ("resolve", "duration", 5),
        ("resolve", "occurrenceRate", 5),
        ("resolve", "totalOccurrences", 5),
        ("resolve", "reason", "why"),
        ("ignore", "resolvedInVersion", "2"),
        ("ignore", "resolvedInNextVersion", True),
        ("unresolve", "resolvedInVersion", "2"),
        ("unresolve", "duration", 5),
    ],
)
def test_a_member_of_another_action_is_refused(
    bad: Refused, action: str, name: str, value: Any
) -> None:
    assert bad.faults(action=action, **{name: value}) == {(f"/body/{name}", "other_action")}


@pytest.mark.parametrize(
    ("action", "name", "value"),
    [
        ("ignore", "duration", 0),
        ("ignore", "occurrenceRate", "5"),
        ("ignore", "totalOccurrences", 1.5),
        ("ignore", "reason", "x" * 1001),
        ("resolve", "resolvedInVersion", 2.1),
        ("resolve", "resolvedInNextVersion", "true"),
        ("resolve", "expectedCount", -1),
        ("resolve", "expectedCount", "3"),
        ("resolve", "dryRun", "true"),
        ("resolve", "dryRun", 1),
    ],
)
def test_a_member_takes_what_it_takes_for_one_group(
    bad: Refused, action: str, name: str, value: Any
) -> None:
    assert {path for path, _ in bad.faults(action=action, **{name: value})} == {f"/body/{name}"}


def test_two_versions_contradict_each_other(bad: Refused) -> None:
    assert bad.faults(resolvedInVersion="2", resolvedInNextVersion=True) == {
        ("/body/resolvedInVersion", "conflict"),
        ("/body/resolvedInNextVersion", "conflict"),
    }


def test_everything_that_is_wrong_is_told_at_once(bad: Refused) -> None:
    body = {
        "action": "ignore",
        "ids": ["", 5],
        "filter": {"status": "open", "period": "soon", "what": 1},
        "dryRun": "yes",
        "dryrun": True,
        "duration": -1,
        "resolvedInVersion": "2",
        "resolvedInNextVersion": True,
    }

    assert faults(bad.ask(body)) == {
        ("/body/ids", "conflict"),
        ("/body/ids/0", "invalid"),
        ("/body/ids/1", "invalid"),
        ("/body/filter", "conflict"),
        ("/body/filter/status", "unknown_value"),
        ("/body/filter/period", "invalid_period"),
        ("/body/filter/what", "unknown_filter"),
        ("/body/dryRun", "invalid"),
        ("/body/dryrun", "unknown_member"),
        ("/body/duration", "min_value"),
        ("/body/resolvedInVersion", "conflict"),
        ("/body/resolvedInVersion", "other_action"),
        ("/body/resolvedInNextVersion", "conflict"),
        ("/body/resolvedInNextVersion", "other_action"),
    }


def test_nothing_that_was_sent_is_repeated(bad: Refused) -> None:
    secret = "unmistakable"
    body = {
        "action": secret,
        "ids": [{"id": secret, secret: secret}],
        "filter": {"status": f"<{secret}>", "period": secret, "from": secret, "version": 5},
    }

    answer = bad.ask(body)

    assert secret not in str(refused(answer, 400, "invalid_input"))


def test_an_address_of_one_group_is_none_of_many(bad: Refused) -> None:
    api = bad.workspace.api
    for path in ("resolve", "ignore", "unresolve"):
        refused(api.post(f"{PATH}/{path}", {}), 404, "not_found")
    answer = api.get(PATH)
    refused(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


def test_a_scope_for_one_group_does_not_do(bad: Refused) -> None:
    for scope in (f"write:errors:{bad.group['id']}", "read:errors", "write:errors:bulk"):
        key = create_api_key(bad.workspace.environment, name="narrow", scopes=(scope,))

        answer = bad.ask({"action": "resolve", "ids": [bad.group["id"]]}, api=Api(key))

        assert refused(answer, 403, "insufficient_scope")["permissions"] == ["write:errors"]


def test_a_body_that_is_no_json_or_too_large_is_refused(bad: Refused) -> None:
    refused(bad.ask(raw=b"{"), 400, "invalid_input")
    refused(bad.ask(raw=b"[" * 100_000), 400, "invalid_input")
    refused(
        bad.ask(raw=b"action=resolve", content_type="text/plain"), 415, "unsupported_media_type"
    )
    refused(bad.ask({"action": "x" * 1_100_000}), 413, "payload_too_large")
