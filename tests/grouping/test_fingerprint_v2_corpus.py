"""The keys of v2 for failures as real workers report them are what they were when it shipped.

(Two thousand fingerprints more are pinned beside those of all other rules.)
"""

from tests.grouping.corpus_v2 import failures, key_of, pinned_keys


def test_no_key_of_a_real_looking_failure_changes() -> None:
    pinned = pinned_keys()

    now = {name: key_of(error) for name, error in failures().items()}

    changed = [name for name in pinned if now.get(name) != pinned[name]]
    assert changed == [], {name: (pinned[name], now.get(name)) for name in changed}
    assert len(pinned) >= 90
