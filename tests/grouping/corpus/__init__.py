"""Two thousand errors, and the fingerprints that every rule that has shipped gives them.

`errors.jsonl` has an error a line, generated ones and such as real workers report; a file named
for a rule has the fingerprints in the same order, `-` for none. Neither ever changes: new errors
would be a new corpus. The fingerprints of v1 are those of the JavaScript reference.
"""

import json
from pathlib import Path
from typing import Any, Final

DIRECTORY: Final = Path(__file__).parent
NO_FINGERPRINT: Final = "-"


def corpus_errors() -> list[Any]:
    lines = (DIRECTORY / "errors.jsonl").read_text().split("\n")
    return [json.loads(line) for line in lines if line]


def corpus_fingerprints(rule: str) -> list[str]:
    return (DIRECTORY / f"{rule}.txt").read_text().split()
