"""What every refusal looks like, and small makers of data."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from runs_app.clickhouse.client import clickhouse
from tests.conftest import Answer, Workspace, failed

ALWAYS = {
    "type", "title", "status", "detail", "instance", "error", "code", "request_id",
}  # fmt: skip


def refused(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal, after the checks that hold for every one."""
    assert (answer.status, answer.body["error"]) == (status, code), answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.body) >= ALWAYS
    assert answer.body["status"] == status
    assert answer.body["code"] == code
    assert answer.headers["x-request-id"] == answer.body["request_id"]
    body: dict[str, Any] = answer.body
    return body


def faults(answer: Answer) -> set[tuple[str, str]]:
    """The places and codes of a refused input."""
    body = refused(answer, 400, "invalid_input")
    return {(detail["path"], detail["code"]) for detail in body["details"]}


def without_ids(answer: Answer) -> tuple[int, dict[str, Any], dict[str, str]]:
    """An answer without what differs from one request to the next: ids, and what is left of a
    limit."""
    body = {
        name: value for name, value in answer.body.items() if name not in {"instance", "request_id"}
    }
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name.lower() != "x-request-id" and not name.lower().startswith("x-ratelimit-")
    }
    return answer.status, body, headers


def moment(**ago: float) -> datetime:
    """A moment that long ago, to the millisecond."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000) - timedelta(**ago)


def iso(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch(value: datetime) -> str:
    return str(int(value.timestamp() * 1000))


def failure(run_id: str, error_type: str = "TypeError", **members: Any) -> dict[str, Any]:
    """A report of a failed run; its group is that of the type."""
    error = {"type": error_type, "message": members.pop("message", "It broke")}
    return failed(run_id, error=error, **members)


def the_group(workspace: Workspace, **query: Any) -> dict[str, Any]:
    [group] = workspace.errors(**query)
    return group


@contextmanager
def hidden(table: str) -> Iterator[None]:
    """While this lasts ClickHouse has no such table: what reads or writes it really fails."""
    clickhouse().command("hide a table", f"RENAME TABLE {table} TO {table}_hidden")
    try:
        yield
    finally:
        clickhouse().command("show a table", f"RENAME TABLE {table}_hidden TO {table}")
