"""The JavaScript reference of fingerprint v1, run by node."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("fingerprint_v1.mjs")
CORPUS = Path(__file__).with_name("corpus_v1.json")


def reference_answers(errors: list[object]) -> list[dict[str, str]]:
    """Give the reference's {"fingerprint", "key"} for each JSON value.

    Without node the calling test is skipped on a developer's machine, and fails in CI.
    """
    node = shutil.which("node")
    if node is None:
        missing = "The JavaScript reference of fingerprint v1 needs node, which is not installed."
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    done = subprocess.run(
        [node, str(SCRIPT)],
        input="".join(f"{json.dumps(error, allow_nan=False)}\n" for error in errors).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    # Not splitlines(): a key may hold U+2028, which is a line to Python.
    return [json.loads(line) for line in done.stdout.decode().split("\n") if line]
