"""The fingerprint that a client sends with its error, instead of or on top of the rule's."""

import json
from typing import Final

from runs_app.domain.grouping.fingerprint import Fingerprint, fingerprint_of_key

RULE: Final = "client"
DEFAULT_PARTS: Final = frozenset({"{{ default }}", "{{default}}"})


def client_parts(error: object) -> tuple[str, ...]:
    """Give the error's `fingerprint`, a list of texts; nothing if it is anything else.

    A list of nothing but empty texts would put every failure into one group, and is no
    fingerprint either.
    """
    parts = error.get("fingerprint") if isinstance(error, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        return ()
    return tuple(parts) if any(parts) else ()


def client_fingerprint(parts: tuple[str, ...], default: Fingerprint | None) -> Fingerprint | None:
    """Fingerprint the parts; `default` is what the error would have got without them.

    The key is the parts as a compact JSON array, so that no two lists share one, and a part
    `{{ default }}` is the default's key in it. Alone, that part is the default itself.
    """
    if len(parts) == 1 and parts[0] in DEFAULT_PARTS:
        return default
    default_key = default.key if default else ""
    filled = [default_key if part in DEFAULT_PARTS else part for part in parts]
    return fingerprint_of_key(
        json.dumps(filled, ensure_ascii=False, separators=(",", ":")), rule=RULE
    )
