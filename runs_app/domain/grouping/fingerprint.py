"""The fingerprint of an error: the id of the group it belongs to, and why."""

from dataclasses import dataclass
from hashlib import sha256

from runs_app.domain.grouping.javascript import well_formed

FINGERPRINT_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`value`: 16 lower-case hex characters; `rule`: what made it; `key`: the text behind it.

    `value` is the start of the SHA-256 of `key` in UTF-8, always.
    """

    value: str
    rule: str
    key: str


def fingerprint_of_key(key: str, *, rule: str) -> Fingerprint:
    """Hash a plain key. A surrogate without its other half counts (and is kept) as U+FFFD."""
    try:
        content = key.encode()
    except UnicodeEncodeError:
        key = well_formed(key)
        content = key.encode()
    return Fingerprint(sha256(content).hexdigest()[:FINGERPRINT_LENGTH], rule, key)
