"""The published packages, installed as their lock file says, and how to run them."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.optional_parts import missing

PROJECT = Path(__file__).resolve().parents[1] / "npm"
INSTALLED = PROJECT / "node_modules" / ".installed-from"
CLI = PROJECT / "node_modules" / ".bin" / "trigger"
OLDEST_NODE = 18
INSTALL = [
    "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline",
    "--fetch-retry-mintimeout", "1000", "--fetch-retry-maxtimeout", "5000",
]  # fmt: skip
INSTALL_SECONDS = 240
RUN_SECONDS = 60


def install() -> None:
    """Have the packages, once for all processes of the suite and all its runs on one lock file."""
    _insist_on_node()
    lock_file = PROJECT / "package-lock.json"
    with lock_file.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        content = hashlib.sha256(file.read()).hexdigest()
        if INSTALLED.exists() and INSTALLED.read_text() == content:
            return
        _install_anew()
        INSTALLED.write_text(content)


def node(script: str, document: Any, **variables: str) -> Any:
    """What a script of the project tells when it is told `document`."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["node", str(PROJECT / script)]
        ended = _run(command, Path(directory), json.dumps(document), variables)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def trigger(*arguments: str, directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """One command of the published CLI, given in `directory`."""
    return _run([str(CLI), *arguments, "--skip-telemetry"], directory, "", variables)


def _run(
    command: list[str], directory: Path, text: str, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=directory,
        # Nothing that this user has configured is to be found.
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "NO_COLOR": "1",
            "NODE_OPTIONS": f"--import {(PROJECT / 'only_loopback.mjs').as_uri()}",
            **variables,
        },
        input=text,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )


def _insist_on_node() -> None:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            missing(f"The published clients need {program}, which is not installed.")
    version = subprocess.run(
        ["node", "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < OLDEST_NODE:
        missing(f"The published clients need Node {OLDEST_NODE} or newer; here is {version}.")


def _install_anew() -> None:
    try:
        ended = subprocess.run(
            INSTALL,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        missing(f"npm could not install the published clients in {INSTALL_SECONDS} s.")
    if ended.returncode:
        missing(f"npm could not install the published clients: {ended.stderr.strip()}")
