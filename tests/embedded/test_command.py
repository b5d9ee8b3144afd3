"""`manage.py clickhouse`."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.embedded.raw import eventually
from tests.embedded.test_lifecycle import has_endpoint

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


def test_the_command_runs_the_process_until_ctrl_c(tmp_path):
    environment = {**os.environ, "FAULTLINE_DATA": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, str(MANAGE), "clickhouse"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )

    started = eventually(lambda: has_endpoint(tmp_path / "clickhouse", "foreground"), 20)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)

    assert started, said
    assert process.returncode == 0
    assert "listening on 127.0.0.1" in said
