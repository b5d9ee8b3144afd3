"""The line to ClickHouse that can be cut, and the clock."""

from tests.model.clock import clock
from tests.replication.conftest import engine, line

__all__ = ["clock", "engine", "line"]
