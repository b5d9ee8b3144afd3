"""Where the suite runs: a data directory of its own, set before Django reads its settings.

`TEST_CLICKHOUSE_URL` runs the suite against a real ClickHouse server, `DATABASE_URL` against
PostgreSQL; by default everything is embedded.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import hypothesis
import pytest

_DIRECTORY = Path(tempfile.mkdtemp(prefix="faultline-tests-"))
_OWNER = os.getpid()


def _clean_up() -> None:
    if os.getpid() == _OWNER:
        shutil.rmtree(_DIRECTORY, ignore_errors=True)


atexit.register(_clean_up)

os.environ["FAULTLINE_DATA"] = str(_DIRECTORY)
os.environ["CLICKHOUSE_URL"] = os.environ.get("TEST_CLICKHOUSE_URL", "")
os.environ.pop("SECRET_KEY", None)
os.environ.pop("FAULTLINE_SITE_URL", None)
os.environ.pop("FAULTLINE_DEBUG", None)
os.environ.pop("REDIS_URL", None)
# Requests are counted, as in production, and tests that ask for more than people do go on.
for _limit in ("FAULTLINE_RATE_LIMIT", "FAULTLINE_FAILED_AUTHENTICATION_LIMIT"):
    os.environ[_limit] = "1000000"


# A machine that is busy is no failure.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

# What takes a minute or more begins first, so that nobody waits for it alone at the end.
LONG = ("tests/chaos/", "tests/model/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about the other relational store: that is no reason to call it skipped."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
    if os.environ.get("DATABASE_URL"):
        return
    left_out = [item for item in items if item.get_closest_marker("only_on_postgresql")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what a test kept with `record_property("score", line)`, whichever process ran it."""
    scores = [
        text
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, text in report.user_properties
        if name == "score"
    ]
    if scores:
        terminalreporter.section("scores")
        terminalreporter.write_line("\n".join(scores))
