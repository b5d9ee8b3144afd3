"""What fingerprinting a failed run costs, in this process: part of `make bench`, and alone
`python -m bench fingerprints`."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from bench.tables import Table
from runs_app.domain.grouping.fingerprint_v1 import fingerprint_v1
from runs_app.domain.grouping.fingerprint_v2 import fingerprint_v2
from runs_app.domain.grouping.resolve import group_error

FRAMES: Final = 13
RUNS: Final = 2_000
REPEATS: Final = 15
LIMIT: Final = 60


def typical_error(number: int) -> dict[str, object]:
    """An error of a kilobyte with 13 frames; each has another id, lines and message."""
    message = f"Order {number} of customer cus_9s6XKzkNRiz8{number:06d} could not be charged"
    frames = "".join(
        f'  File "/app/billing/part{frame % 4}.py", line {number % 50 + frame}, in step_{frame}\n'
        f"    return step_{frame + 1}(order)\n"
        for frame in range(FRAMES)
    )
    stack = f"Traceback (most recent call last):\n{frames}ChargeFailed: {message}"
    return {"type": "ChargeFailed", "message": message, "stack": stack}


def measure_fingerprints() -> Table:
    """The quickest of several rounds: whatever else the machine does only adds to it."""
    size = len(str(typical_error(1)["stack"]))
    return Table(
        f"A fingerprint, of an error of {size:,} characters with {FRAMES} frames, one core;"
        f" at most {LIMIT} µs are meant for a run",
        ("what", "µs"),
        _rows(),
    )


def _rows() -> Iterator[Sequence[str]]:
    steps: dict[str, Callable[[object], object]] = {
        "rule v1": fingerprint_v1,
        "rule v2": fingerprint_v2,
        "all of grouping, by the default rule": group_error,
    }
    errors = [typical_error(number) for number in range(RUNS)]
    for name, step in steps.items():
        yield name, f"{microseconds(step, errors):.1f}"


def microseconds(step: Callable[[object], object], errors: Sequence[object]) -> float:
    """Of a step for one error, by this thread's clock."""
    return min(_seconds(step, errors) for _ in range(REPEATS)) / len(errors) * 1_000_000


def _seconds(step: Callable[[object], object], errors: Sequence[object]) -> float:
    began = time.thread_time()
    for error in errors:
        step(error)
    return time.thread_time() - began
