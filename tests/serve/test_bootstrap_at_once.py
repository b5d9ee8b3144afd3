"""Two first runs at the same time make one installation."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.serve.family import ROOT


def test_two_bootstraps_at_once_create_one_installation(tmp_path: Path, database_url: str) -> None:
    environment = {
        **os.environ,
        "CLICKHOUSE_URL": "",
        "DATABASE_URL": database_url,
        "FAULTLINE_DATA": str(tmp_path / "data"),
    }

    processes = [
        subprocess.Popen(
            [sys.executable, "manage.py", "bootstrap", "--json"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    ended = [(process.communicate(timeout=60), process.returncode) for process in processes]

    assert [status for _, status in ended] == [0, 0], ended
    told = [json.loads(output[0]) for output, _ in ended]
    creators = [one for one in told if "personalAccessToken" in one]
    assert len(creators) == 1
    assert told[0]["organization"] == told[1]["organization"]
    assert told[0]["project"] == told[1]["project"]
    kept = json.loads((tmp_path / "data" / "credentials.json").read_text())
    assert kept == creators[0]
