"""What a soak writes down, a line of JSON each: how it began, samples, minutes, how it ended."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from bench.family import ProcessFigures


class Begin(msgspec.Struct, frozen=True, tag="begin", tag_field="kind"):
    started_at: str
    seconds: float
    rate: float
    connections: int
    groups: int
    cores: int
    python: str
    system: str
    engine: str
    relational: str


class Sample(msgspec.Struct, frozen=True, tag="sample", tag_field="kind"):
    """One look, `seconds` after the beginning. Sizes in bytes; None where nothing answered."""

    seconds: float
    runs: int
    reports: int
    refused: int
    broken: int
    processes: list[ProcessFigures]
    waiting_rows: int | None
    lag_seconds: float | None
    parts: dict[str, int] | None
    parts_bytes: int | None
    tracked_memory: int | None
    sqlite: int
    wal: int
    clickhouse_directory: int


class Minute(msgspec.Struct, frozen=True, tag="minute", tag_field="kind"):
    """Answers of the minute that ended at `seconds`; times in milliseconds."""

    seconds: float
    reports: int
    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    slowest_ms: float
    reads: int
    read_p50_ms: float
    read_p95_ms: float


class Comparison(msgspec.Struct, frozen=True):
    """Something counted twice: by who sent it, and by the service."""

    what: str
    sent: int
    found: int


class End(msgspec.Struct, frozen=True, tag="end", tag_field="kind"):
    """`drained_after`: seconds until the outbox was empty after the last acknowledgement."""

    seconds: float
    runs: int
    reports: int
    requests: int
    refused: dict[int, int]
    broken: int
    rejected: int
    unsettled: int
    latest_ms: float
    drained_after: float
    reads_failed: dict[str, int]
    admin_pages: int
    comparisons: list[Comparison]
    restarts: int


Line = Begin | Sample | Minute | End

_DECODER = msgspec.json.Decoder(Line)
_ENCODER = msgspec.json.Encoder()


def write_line(file: BinaryIO, line: Line) -> None:
    file.write(_ENCODER.encode(line) + b"\n")
    file.flush()


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a soak; one that was cut short at the end is left out."""
    for text in path.read_bytes().split(b"\n")[:-1]:
        yield _DECODER.decode(text)
