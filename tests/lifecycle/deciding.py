"""Failures and decisions of moments that a test picks, and what became of a group."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from errors_app.domain.decisions import Decision, Resolution, ignoring, resolving
from errors_app.domain.groups import Actor, ActorKind, GroupKey, IgnoreConditions
from errors_app.domain.transitions import Rule
from errors_app.models import ErrorGroupState
from errors_app.services.state_changes import change_states
from errors_app.services.sweep import sweep
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.times import iso, utc_now
from tests.conftest import Workspace, failed

SOMEBODY = Actor(ActorKind.KEY)
TASK = "send-mail"
MIRROR = """
SELECT error_fingerprint, status, resolved_at, version
FROM error_group_states_v1 FINAL
WHERE environment_id = {environment:String}
ORDER BY error_fingerprint
"""

# By environment and message, so that each is looked up once.
_keys: dict[tuple[str, str], GroupKey] = {}


def ago(**span: float) -> datetime:
    """A moment that long ago."""
    return utc_now() - timedelta(**span)


def boom(
    run_id: str, at: datetime | None = None, version: str = "", message: str = "boom"
) -> dict[str, Any]:
    """A report of a run that failed at that moment, else now."""
    times = {} if at is None else {"createdAt": iso(at), "failedAt": iso(at)}
    known = {"version": version} if version else {}
    return failed(run_id, error={"type": "E", "message": message}, **times, **known)


def healed(run_id: str) -> dict[str, Any]:
    return {"id": run_id, "taskIdentifier": TASK, "status": "COMPLETED"}


def group_of(workspace: Workspace, message: str = "boom", **query: str) -> dict[str, Any]:
    """Its row of the list."""
    [group] = [
        group
        for group in workspace.errors(period="90d", taskIdentifier=TASK, **query)
        if group["errorMessage"] == message
    ]
    return group


def key_of(workspace: Workspace, message: str = "boom") -> GroupKey:
    name = workspace.tenant.environment_id, message
    if name not in _keys:
        _keys[name] = GroupKey(group_of(workspace, message)["fingerprint"], TASK)
    return _keys[name]


def resolve(
    workspace: Workspace,
    at: datetime,
    version: str | None = None,
    *,
    after: str | None = None,
    message: str = "boom",
    by: Actor = SOMEBODY,
) -> None:
    _decide(workspace, message, by, at, resolving(Resolution(version, after), by, at))


def ignore(
    workspace: Workspace,
    at: datetime,
    *,
    until: datetime | None = None,
    rate: float | None = None,
    total: int | None = None,
    message: str = "boom",
    by: Actor = SOMEBODY,
) -> None:
    """As if it had been ignored then; the count it begins at is that of now."""
    count = 0 if total is None else group_of(workspace, message)["count"]
    conditions = IgnoreConditions(until, rate, total)
    _decide(workspace, message, by, at, ignoring(conditions, count, by, at))


def _decide(
    workspace: Workspace, message: str, by: Actor, at: datetime, decision: Decision
) -> None:
    key = key_of(workspace, message)
    assert change_states(workspace.tenant, [key], lambda *_: decision, by, at)


def status_of(workspace: Workspace, message: str = "boom") -> str:
    """What list, detail and filter all say."""
    group = group_of(workspace, message)
    detail = workspace.api.get(f"/api/v1/errors/{group['id']}", {"taskIdentifier": TASK}).body
    status: str = detail["status"]
    assert group["status"] == status
    assert group_of(workspace, message, status=status)["id"] == group["id"]
    return status


def trail_of(workspace: Workspace, message: str = "boom") -> list[dict[str, Any]]:
    """What the API tells of the group's changes, the first one first."""
    key = key_of(workspace, message)
    path = f"/api/v1/errors/error_{key.error_fingerprint}/activity"
    answer = workspace.api.get(path, {"taskIdentifier": TASK, "page[size]": "100"})
    assert answer.status == 200, answer.body
    return list(reversed(answer.body["data"]))


def rules_of(workspace: Workspace, message: str = "boom") -> list[str]:
    """The rules that brought the group back, the first one first."""
    actors = [entry["actor"] for entry in trail_of(workspace, message)]
    return [actor["name"] for actor in actors if actor["type"] == "rule"]


def swept(workspace: Workspace, **options: Any) -> dict[str, int]:
    """How many groups a sweep of the environment brought back, by rule."""
    found: Counter[Rule] = Counter()
    for part in sweep(workspace.tenant, **options):
        found.update(part)
    return {rule.value: count for rule, count in found.items()}


def assert_mirror_is_right(workspace: Workspace) -> None:
    rows = clickhouse().query(
        "states of a test", MIRROR, {"environment": workspace.tenant.environment_id}
    )
    states = ErrorGroupState.objects.filter(environment=workspace.environment)
    assert [(*row[:2], _utc(row[2]), row[3]) for row in rows] == [
        (state.error_fingerprint, state.status, state.resolved_at, state.version)
        for state in states.order_by("error_fingerprint")
    ]


def _utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
