"""A rule that has shipped gives the same fingerprints for ever."""

import pytest

from runs_app.domain.grouping.rules import RULES, fingerprint_of
from tests.grouping.corpus import DIRECTORY, NO_FINGERPRINT, corpus_errors, corpus_fingerprints

PINNED = sorted(path.stem for path in DIRECTORY.glob("*.txt"))


@pytest.mark.parametrize("rule", PINNED)
def test_no_fingerprint_of_the_corpus_changes(rule: str) -> None:
    errors, pinned = corpus_errors(), corpus_fingerprints(rule)
    found = [fingerprint_of(error, rule=rule) for error in errors]

    changed = [
        f"error {number}: {one.value if one else NO_FINGERPRINT} was {was}: {error!a:.200}"
        for number, (error, one, was) in enumerate(zip(errors, found, pinned, strict=True), start=1)
        if (one.value if one else NO_FINGERPRINT) != was
    ]

    assert len(errors) == 2_000
    assert changed == []


def test_every_rule_is_pinned() -> None:
    assert sorted(RULES) == PINNED
