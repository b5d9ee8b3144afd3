"""The only module that imports chDB, ClickHouse's engine as a library.

Never import this outside the embedded process: a child forked from a process that has imported
chDB hangs.
"""

import logging
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    import chdb
    from chdb.state.sqlitelike import Connection
except ImportError as error:
    from runs_app.clickhouse.embedded.faults import EngineUnavailable

    raise EngineUnavailable(
        "the engine (chdb-core) cannot be imported: install the extra `embedded`"
        f" or set CLICKHOUSE_URL ({error})"
    ) from error

from runs_app.clickhouse.embedded.faults import (
    Code,
    EngineUnavailable,
    ServerFault,
    StreamBroken,
)

logger = logging.getLogger(__name__)

DATABASE = "faultline"
DRAINS = 3
TIME_ZONE = "UTC"
# For every session, also after a client's query changed it: JSON columns travel as text, and
# text in queries means UTC whatever the machine's clock shows.
BASELINE: Mapping[str, str] = {
    "output_format_native_write_json_as_string": "1",
    "session_timezone": TIME_ZONE,
}
ENGINE_ERROR = re.compile(r"Code: (\d+)\. (DB::.*)", re.DOTALL)
# fsync_*: an acknowledged insert survives a power failure. As the engine's own defaults they
# hold for every table, also for those whose DDL does not name them.
CONFIGURATION = """\
<clickhouse>
  <timezone>{time_zone}</timezone>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <merge_tree>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
  </merge_tree>
</clickhouse>
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement returned, in the format that was asked for."""

    data: bytes
    rows_read: int = 0
    bytes_read: int = 0
    rows_written: int = 0
    bytes_written: int = 0


class Session:
    """One conversation with the engine: its settings, its database, its temporary tables.

    To be used by one thread: sessions shared between threads mix up query parameters.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def run(
        self, sql: str, output: str = "Native", parameters: Mapping[str, str] | None = None
    ) -> Answer:
        """Run one statement; raises ServerFault with ClickHouse's error code."""
        try:
            result = self._connection.query(sql, output, params=dict(parameters or {}))
        except Exception as error:
            self._drain()
            raise _fault(error) from error
        return Answer(
            result.bytes(),
            int(result.storage_rows_read()),
            int(result.storage_bytes_read()),
            int(result.rows_written()),
            int(result.bytes_written()),
        )

    def close(self) -> None:
        self._connection.close()

    def _drain(self) -> None:
        """Throw away what a failed statement had already written.

        The engine keeps it, and would put it in front of the session's next answer.
        """
        for _ in range(DRAINS):
            if not self._connection.query("SELECT 1", "Null").bytes():
                return
        raise StreamBroken("the engine does not let go of a failed query's output")


class Engine:
    """The engine on one directory. One process may open a directory at a time."""

    def __init__(self, directory: Path, memory: int) -> None:
        """Open the engine on `directory`, with at most `memory` bytes for its queries."""
        self.version = tuple(int(part) for part in chdb.engine_version.split(".")[:3])
        configuration = directory / "engine.xml"
        configuration.write_text(CONFIGURATION.format(time_zone=TIME_ZONE, memory=memory))
        # The engine compares paths as text: only the real one is the same for everyone.
        self._data = os.path.realpath(directory / "data")
        self._opening = threading.Lock()
        try:
            self._first = Connection(f"{self._data}?config-file={configuration}")
        except Exception as error:
            raise EngineUnavailable(f"the engine cannot open {self._data}: {error}") from error
        Session(self._first).run(f"CREATE DATABASE IF NOT EXISTS {DATABASE}", "Null")

    def session(self) -> Session:
        """A new session with the baseline settings; cheap."""
        with self._opening:
            session = Session(Connection(self._data))
        assignments = ", ".join(f"{name} = {quoted(value)}" for name, value in BASELINE.items())
        session.run(f"SET {assignments}", "Null")
        return session

    def close(self) -> None:
        """Shut the engine down. Every other session must be closed before."""
        self._first.close()


def quoted(text: str) -> str:
    """A ClickHouse string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fault(error: Exception) -> ServerFault:
    match = ENGINE_ERROR.search(str(error))
    if match is None:
        logger.error("the engine failed without a code: %s", error)
        return ServerFault(Code.UNKNOWN_EXCEPTION, f"DB::Exception: {error}")
    return ServerFault(int(match.group(1)), match.group(2))
