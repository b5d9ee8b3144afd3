"""The embedded process writes the form of its family, though it loads no Django."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = {"FAULTLINE_LOG_FORMAT": "text"}
JSON = {"FAULTLINE_LOG_FORMAT": "Json"}


def refusal(directory: Path, **variables: str) -> str:
    """What it says of a memory limit that is no number, before it loads the engine."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    ended = subprocess.run(
        [sys.executable, "-m", "runs_app.clickhouse.embedded", str(directory)],
        env={**kept, "FAULTLINE_CLICKHOUSE_MEMORY": "plenty", **variables},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    return line


@pytest.mark.parametrize("variables", [{}, JSON, {**JSON, "FAULTLINE_DEBUG": "1"}])
def test_a_program_reads_json(tmp_path: Path, variables: dict[str, str]) -> None:
    told = json.loads(refusal(tmp_path, **variables))

    assert (told["level"], told["logger"]) == ("ERROR", "runs_app.clickhouse.embedded")
    assert "FAULTLINE_CLICKHOUSE_MEMORY must be a number of bytes" in told["message"]


@pytest.mark.parametrize("variables", [TEXT, {"FAULTLINE_DEBUG": "YES"}])
def test_a_person_reads_text(tmp_path: Path, variables: dict[str, str]) -> None:
    line = refusal(tmp_path, **variables)

    assert re.match(r"\d{4}-.*Z ERROR runs_app\.clickhouse\.embedded\[\d+\] \[-\] FAULTLINE", line)
