"""The grouping rules by name. One that has shipped never changes; a new one is a new name."""

from collections.abc import Callable, Mapping
from typing import Final

from runs_app.domain.grouping import fingerprint_v1, fingerprint_v2
from runs_app.domain.grouping.fingerprint import Fingerprint

Rule = Callable[[object], Fingerprint | None]

DEFAULT_RULE: Final = fingerprint_v2.RULE

RULES: Final[Mapping[str, Rule]] = {
    fingerprint_v1.RULE: fingerprint_v1.fingerprint_v1,
    fingerprint_v2.RULE: fingerprint_v2.fingerprint_v2,
}


def fingerprint_of(error: object, *, rule: str = DEFAULT_RULE) -> Fingerprint | None:
    """Apply one rule to a JSON value exactly as given; None for what it does not group.

    Raises KeyError for a rule that does not exist.
    """
    return RULES[rule](error)
