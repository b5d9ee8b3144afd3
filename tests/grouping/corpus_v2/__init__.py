"""The keys that v2 gives to failures as real workers report them, by the failure's name.

v2 has shipped, so none of them ever changes: a rule that behaves otherwise is another rule, with
another name and modules and pinned keys of its own. `python -m tests.grouping.corpus_v2` writes
the keys of failures that are not pinned yet, and leaves all others as they are.
"""

import json
from pathlib import Path
from typing import Any, Final

from runs_app.domain.grouping.fingerprint_v2 import fingerprint_v2
from tests.grouping.corpus import DIRECTORY, NO_FINGERPRINT, corpus_errors
from tests.grouping.pairs.corpus import error_of, library_frames, read_failures

KEYS: Final = Path(__file__).parent / "keys.json"
FINGERPRINTS: Final = DIRECTORY / "v2.txt"


def failures() -> dict[str, Any]:
    """Each failure of the labelled pairs, as it was before anything was changed in it."""
    library = library_frames()
    return {failure["name"]: error_of(failure, library, {}) for _, failure in read_failures()}


def pinned_keys() -> dict[str, str]:
    keys: dict[str, str] = json.loads(KEYS.read_text("utf-8")) if KEYS.exists() else {}
    return keys


def key_of(error: object) -> str:
    found = fingerprint_v2(error)
    return found.key if found else NO_FINGERPRINT


def pin() -> None:
    """Pin what is not pinned."""
    keys = {name: key_of(error) for name, error in failures().items()} | pinned_keys()
    KEYS.write_text(json.dumps(keys, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
    if not FINGERPRINTS.exists():
        found = (fingerprint_v2(error) for error in corpus_errors())
        FINGERPRINTS.write_text("".join(f"{f.value if f else NO_FINGERPRINT}\n" for f in found))
