"""What the bench reports: runs of which a fifth failed, with errors of a kilobyte."""

import json
import string
from collections.abc import Iterator
from typing import Any, Final

TASKS: Final = ("send-invoice", "sync-stock", "resize-image", "charge-card", "build-report")
RUNS_PER_FAILURE: Final = 5


def letters(number: int) -> str:
    """A word without digits: fingerprints look through numbers."""
    word = ""
    for _ in range(4):
        number, rest = divmod(number, 26)
        word += string.ascii_lowercase[rest]
    return word


def task_of(group: int) -> str:
    return TASKS[group % len(TASKS)]


def error_of(group: int) -> dict[str, str]:
    """The error of one group, a kilobyte with its stack."""
    word = letters(group)
    frames = [
        f"    at {name}{word} (/srv/app/src/{word}/{name}.ts:{line}:17)"
        for line, name in enumerate(
            ("validate", "normalise", "load", "save", "request", "retry", "handle", "transform",
             "dispatch", "execute", "run", "main"),
            start=40,
        )
    ]  # fmt: skip
    message = f"Cannot {word} the order 4711 of customer 1234: the {word} service is away"
    return {
        "type": f"{word.title()}Error",
        "message": message,
        "stack": f"{word.title()}Error: {message}\n" + "\n".join(frames),
    }


def templates(groups: int) -> Iterator[tuple[bytes, bytes]]:
    """Encoded runs, cut where their id belongs: one failure of every group among successes."""
    for number in range(groups * RUNS_PER_FAILURE):
        group, place = divmod(number, RUNS_PER_FAILURE)
        run: dict[str, Any] = {
            "taskIdentifier": task_of(group),
            "version": f"20260101.{group % 7}",
            "queue": f"task/{task_of(group)}",
            "machine": "small-1x",
            "tags": [f"customer:{number % 100}", "bench"],
            "durationMs": 1234,
            "costInCents": 0.0042,
            "payload": {"order": number, "lines": [{"sku": "A-17", "pieces": 3}] * 3},
        }
        if place == 0:
            run |= {"status": "FAILED", "error": error_of(group)}
        else:
            run |= {"status": "COMPLETED", "output": {"ok": True, "sent": number}}
        before, _, after = json.dumps({**run, "id": "?id?"}).partition("?id?")
        yield before.encode(), after.encode()


def failure(run_id: str, group: int, version: str) -> bytes:
    """One encoded failure of a group, in a version."""
    run = {
        "id": run_id,
        "taskIdentifier": task_of(group),
        "version": version,
        "status": "FAILED",
        "error": error_of(group),
    }
    return json.dumps(run).encode()
