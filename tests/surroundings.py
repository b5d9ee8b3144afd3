"""Where the suite runs: a data directory of its own, set before Django reads its settings.

`TEST_CLICKHOUSE_URL` runs the suite against a real ClickHouse server, `DATABASE_URL` against
PostgreSQL; by default everything is embedded.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

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
