"""Pairs of failures, each labelled by whether a person would call them one bug.

`development/*.toml` and `held_out/*.toml` hold failures: one error with `«places»` in it, what
stands there, and pairs. A pair is the error as it is beside the error with some places changed,
and a sentence that says why the two are the same bug or different ones. A place may hold places.
Which part a failure belongs to is decided by its name, so that nobody chooses.
"""

import re
import tomllib
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from tests.grouping.pairs.traces import WRITERS

HERE = Path(__file__).parent
PARTS = {"development": "development", "held_out": "held-out"}
LABELS = ("same", "different")

PLACE = re.compile(r"«(\w+)»")


@dataclass(frozen=True, slots=True)
class Pair:
    failure: str
    part: str
    label: str
    why: str
    left: dict[str, str]
    right: dict[str, str]


def part_of(failure: str) -> str:
    """One name in three is held out, whoever wrote it: its digest begins in the lower third."""
    held_out = blake2b(failure.encode()).digest()[0] < 256 / 3
    return "held-out" if held_out else "development"


def read_failures() -> list[tuple[str, dict[str, Any]]]:
    """(part, failure) in the order of the files."""
    return [
        (part, failure)
        for folder, part in PARTS.items()
        for path in sorted((HERE / folder).glob("*.toml"))
        for failure in tomllib.loads(path.read_text("utf-8"))["failure"]
    ]


def library_frames() -> dict[str, str]:
    return tomllib.loads((HERE / "library_frames.toml").read_text("utf-8"))


def read_pairs() -> list[Pair]:
    library = library_frames()
    return [
        Pair(
            failure=failure["name"],
            part=part,
            label=(label := "same" if "same" in pair else "different"),
            why=pair[label],
            left=error_of(failure, library, {}),
            right=error_of(failure, library, pair),
        )
        for part, failure in read_failures()
        for pair in failure["pairs"]
    ]


def error_of(
    failure: dict[str, Any], library: dict[str, str], changes: dict[str, str]
) -> dict[str, str]:
    """The error as its worker reports it, with these changes."""
    members = {name: failure[name] for name in ("type", "message", "stack")}
    values = {**library, **members, **failure.get("values", {}), **changes}
    qualified, message, stack = (filled(values[name], values) for name in members)
    frames = [line.strip() for line in stack.splitlines() if line.strip()]
    head = f"{qualified}: {message}" if message else qualified
    # Python workers report `type(error).__name__`; the trace has the module as well.
    short = qualified.rpartition(".")[2] if failure["language"] == "python" else qualified
    return {
        "type": short,
        "message": message,
        "stack": WRITERS[failure["language"]](head, frames),
    }


def filled(text: str, values: dict[str, str]) -> str:
    """Raises KeyError for a place that nothing fills."""
    while PLACE.search(text):
        text = PLACE.sub(lambda place: values[place[1]], text)
    return text
