"""A mixed history: runs that failed, moved, healed, changed version or were updated; states."""

from datetime import datetime, timedelta
from typing import Any

from errors_app.queries.occurrences import read_groups
from runs_app.domain.times import iso, utc_now
from runs_app.domain.window import floor_minute, retained_window
from tests.conftest import Workspace, failed
from tests.counting.figures import Failure, Seen, assert_counts

START = floor_minute(utc_now()) - timedelta(hours=2)
MESSAGES = ("alpha", "beta", "gamma", "delta")


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def boom(name: str, message: str, minutes: int, **members: Any) -> dict[str, Any]:
    return failed(
        name,
        error={"type": "E", "message": message, "stackTrace": f"E: {message}\n    at x.js:1"},
        createdAt=iso(START - timedelta(minutes=1)),
        failedAt=iso(at(minutes)),
        **members,
    )


def healed(name: str) -> dict[str, Any]:
    return {"id": name, "taskIdentifier": "send-mail", "status": "COMPLETED"}


def expected() -> dict[str, Failure]:
    """Where the runs of `tell` count."""
    failures = {
        f"run_{message}{n}": Failure("send-mail", message, "", at(n))
        for message in MESSAGES
        for n in range(3)
    }
    failures["run_moved"] = Failure("send-mail", "beta", "", at(20))
    failures["run_version"] = Failure("send-mail", "gamma", "2", at(21))
    failures["run_task"] = Failure("other", "alpha", "", at(5))
    failures["run_again"] = Failure("send-mail", "delta", "", at(22))
    return failures


def seen(workspace: Workspace) -> dict[tuple[str, str], Seen]:
    """First and last failures of the runs that count, by task and fingerprint."""
    times: dict[tuple[str, str], list[datetime]] = {}
    for failure in expected().values():
        assert failure.at is not None
        times.setdefault((failure.task, failure.message), []).append(failure.at)
    prints = {
        (g["taskIdentifier"], g["errorMessage"]): g["fingerprint"] for g in _groups(workspace)
    }
    return {
        (task, prints[task, message]): Seen(min(moments), max(moments))
        for (task, message), moments in times.items()
    }


def _groups(workspace: Workspace) -> list[dict[str, Any]]:
    return workspace.errors(period="90d", **{"page[size]": "100"})


def tell(workspace: Workspace) -> None:
    """In several batches, so that tables have several parts. Runs that leave a group were neither
    its first nor its last failure: what only they told of it is not in the relational store."""
    workspace.report(*(boom(f"{message}0", message, 0) for message in MESSAGES))
    workspace.report(
        *(boom(f"{message}1", message, 1) for message in MESSAGES),
        boom("moved", "alpha", 1),
        boom("version", "gamma", 1, version="1"),
        boom("task", "alpha", 1, task="send-mail"),
        boom("gone", "beta", 1),
        boom("again", "delta", 1),
        {**healed("fine"), "createdAt": iso(START)},
    )
    resolve(workspace, "alpha")
    workspace.report(
        *(boom(f"{message}2", message, 2) for message in MESSAGES),
        boom("moved", "beta", 20),
        boom("task", "alpha", 5, task="other"),
        healed("gone"),
        healed("again"),
    )
    ignore(workspace, "beta")
    workspace.report(boom("version", "gamma", 21, version="2"), boom("again", "delta", 22))
    resolve(workspace, "gamma")


def resolve(workspace: Workspace, message: str) -> None:
    _act(workspace, message, "resolve")


def ignore(workspace: Workspace, message: str) -> None:
    _act(workspace, message, "ignore")


def _act(workspace: Workspace, message: str, action: str) -> None:
    [group] = [
        group
        for group in _groups(workspace)
        if (group["taskIdentifier"], group["errorMessage"]) == ("send-mail", message)
    ]
    path = f"/api/v1/errors/{group['id']}/{action}?taskIdentifier=send-mail"
    answer = workspace.api.post(path, {})
    assert answer.status == 200, answer.body


def assert_as_told(workspace: Workspace, **more: Failure) -> None:
    """Everything that lists, details and searches show is as the history says."""
    assert_counts(workspace, {**expected(), **more})
    for (task, fingerprint), times in seen(workspace).items():
        retained = retained_window(utc_now(), timedelta(days=90))
        [facts] = [
            facts
            for facts in read_groups(workspace.tenant, fingerprint, retained)
            if facts.key.task_identifier == task
        ]
        assert (facts.first_seen, facts.last_seen) == times
    for status, messages in {"resolved": {"alpha", "gamma"}, "ignored": {"beta"}}.items():
        groups = workspace.errors(status=status, period="90d")
        assert {group["errorMessage"] for group in groups} == messages
    shown = {run["id"] for run in workspace.runs(**{"page[size]": "100"})}
    assert shown == {*expected(), *more, "run_gone", "run_fine"}
