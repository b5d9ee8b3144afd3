"""Which group a failed run belongs to: the first of several answers that applies."""

from dataclasses import dataclass

from runs_app.domain.grouping.client_fingerprint import client_fingerprint, client_parts
from runs_app.domain.grouping.expected import is_expected
from runs_app.domain.grouping.fingerprint import Fingerprint
from runs_app.domain.grouping.reported import NOT_AN_ERROR, reported_error
from runs_app.domain.grouping.rules import DEFAULT_RULE, fingerprint_of


@dataclass(frozen=True, slots=True)
class Grouping:
    """`fingerprint`: the group's, empty for no group; `rule`: what decided; `key`: the text why.

    An expected error keeps its rule, and has neither fingerprint nor key.
    """

    fingerprint: str
    rule: str
    key: str
    expected: bool


def group_error(error: object, *, rule: str = DEFAULT_RULE) -> Grouping:
    """Decide the group of a failed run from the error it reports, any JSON value.

    Raises KeyError for a rule that does not exist.
    """
    expected = is_expected(error)
    found = None if expected else _first_that_applies(error, rule)
    if found is None:
        return Grouping(fingerprint="", rule=rule, key="", expected=expected)
    return Grouping(fingerprint=found.value, rule=found.rule, key=found.key, expected=False)


def _first_that_applies(error: object, rule: str) -> Fingerprint | None:
    default = _by_rule(error, rule)
    parts = client_parts(error)
    return client_fingerprint(parts, default) if parts else default


def _by_rule(error: object, rule: str) -> Fingerprint | None:
    reported = reported_error(error)
    if reported is NOT_AN_ERROR:
        return None
    return fingerprint_of(
        {"type": reported.type, "message": reported.message, "stack": reported.stack}, rule=rule
    )
