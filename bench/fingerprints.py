"""What fingerprinting a failed run costs, in this process: part of `make bench`, and alone
`python -m bench fingerprints`."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from bench.tables import Table
from runs_app.domain.grouping.fingerprint_v1 import fingerprint_v1
from runs_app.domain.grouping.fingerprint_v2 import fingerprint_v2
from runs_app.domain.grouping.resolve import group_error
from runs_app.domain.grouping.settings import GroupingSettings

FRAMES: Final = 13
RUNS: Final = 2_000
REPEATS: Final = 15
LIMIT: Final = 60

Step = Callable[[object], object]


def typical_error(number: int) -> dict[str, object]:
    """An error of a kilobyte with 13 frames; each has another id and message. Lines of traces
    come again, as the same code fails again and again."""
    return _error(number, "/app/billing/part{part}.py", number % 50)


def error_after_a_release(number: int) -> dict[str, object]:
    """The same, with lines that no trace had before."""
    return _error(number, "/app/billing/part{part}.py", number * FRAMES)


def error_of_new_files(number: int) -> dict[str, object]:
    """The same, of files that no trace had before."""
    return _error(number, f"/app/billing/of_{number}/part{{part}}.py", number % 50)


def _error(number: int, file: str, line: int) -> dict[str, object]:
    message = f"Order {number} of customer cus_9s6XKzkNRiz8{number:06d} could not be charged"
    frames = "".join(
        f'  File "{file.format(part=frame % 4)}", line {line + frame}, in step_{frame}\n'
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
    typical = [typical_error(number) for number in range(RUNS)]
    released = [error_after_a_release(number) for number in range(RUNS)]
    new = [error_of_new_files(number) for number in range(RUNS)]
    steps: Sequence[tuple[str, Step, Sequence[object]]] = (
        ("rule v1", fingerprint_v1, typical),
        ("rule v2", fingerprint_v2, typical),
        ("all of grouping, by v1", _group_by("v1"), typical),
        ("all of grouping, by v2", _group_by("v2"), typical),
        ("the same, every line of the trace seen for the first time", _group_by("v2"), released),
        ("the same, every file of the trace seen for the first time", _group_by("v2"), new),
    )
    for name, step, errors in steps:
        yield name, f"{microseconds(step, errors):.1f}"


def _group_by(rule: str) -> Step:
    settings = GroupingSettings(rule=rule)
    return lambda error: group_error(error, settings=settings)


def microseconds(step: Step, errors: Sequence[object]) -> float:
    """Of a step for one error, by this thread's clock."""
    return min(_seconds(step, errors) for _ in range(REPEATS)) / len(errors) * 1_000_000


def _seconds(step: Step, errors: Sequence[object]) -> float:
    began = time.thread_time()
    for error in errors:
        step(error)
    return time.thread_time() - began
