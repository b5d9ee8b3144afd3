"""Exports to load, and the command that loads them."""

import gzip
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from runs_app.clickhouse import client
from runs_app.clickhouse.client import ClickHouse, ServerTarget
from runs_app.domain.times import epoch_milliseconds, utc_now
from tests.conftest import Workspace

# Which index is taken depends on the relational store.
collect_ignore = ["test_sqlite_plans.py"] if os.environ.get("DATABASE_URL") else []

Row = dict[str, Any]
Load = Callable[..., str]

FINGERPRINT = "feedfacefeedface"
CREATED = utc_now() - timedelta(hours=2)


def row(workspace: Workspace, run_id: str, /, **columns: Any) -> Row:
    """A failed run as an export has it, every 64-bit number quoted."""
    return {
        "environment_id": workspace.tenant.environment_id,
        "organization_id": "some-organization",
        "project_id": "some-project",
        "run_id": f"internal-{run_id}",
        "friendly_id": f"run_{run_id}",
        "environment_type": "PRODUCTION",
        "attempt": 1,
        "engine": "V2",
        "status": "COMPLETED_WITH_ERRORS",
        "task_identifier": "send-mail",
        "queue": "task/send-mail",
        "created_at": str(epoch_milliseconds(CREATED)),
        "updated_at": str(epoch_milliseconds(CREATED + timedelta(minutes=5))),
        "started_at": None,
        "executed_at": None,
        "completed_at": None,
        "usage_duration_ms": "1234",
        "cost_in_cents": 0.5,
        "output": {},
        "error": {"data": {"type": "E", "message": "boom", "stack": "at x"}},
        "tags": [],
        "task_version": "",
        "is_test": 0,
        "error_fingerprint": FINGERPRINT,
        "_version": "5",
        "_is_deleted": 0,
        **columns,
    }


def text_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03}"


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load rows (or lines as they are) with the command; what it printed."""
    count = 0

    def load(rows: Iterable[Row | bytes], *, packed: bool = False, **options: Any) -> str:
        nonlocal count
        count += 1
        lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in rows]
        content = b"".join(line + b"\n" for line in lines)
        file = tmp_path / f"export-{count}.jsonl{'.gz' if packed else ''}"
        file.write_bytes(gzip.compress(content) if packed else content)
        printed = io.StringIO()
        call_command("load_runs", str(file), stdout=printed, stderr=printed, **options)
        return printed.getvalue()

    return load


@pytest.fixture
def away(clickhouse_tables: None) -> Iterator[pytest.MonkeyPatch]:
    """ClickHouse is away, nobody listens where it should be, until this is undone."""
    door = ClickHouse(ServerTarget("clickhouse://127.0.0.1:1/default"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_process_wide", lambda _pid: door)
        yield patch
    door.close()
