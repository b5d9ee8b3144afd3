"""What of a storm's log counts as a surprise."""

import json

import pytest

from tests.chaos.storm import surprises_in


def line(level: str, message: str) -> str:
    return json.dumps({"level": level, "message": message})


@pytest.mark.parametrize(
    "expected",
    [
        line("INFO", "replicating"),
        line("ERROR", "the web ended with status -9; it starts again in 0.25 s"),
        line("ERROR", "GET /api/v1/errors: service_unavailable: ClickHouse is away (urn:uuid:1)"),
        "CommandError: Another `manage.py serve` uses /data",
    ],
)
def test_what_killing_explains_is_none(expected: str) -> None:
    assert surprises_in(f"{expected}\n") == []


@pytest.mark.parametrize(
    "surprise",
    [
        line("ERROR", "GET /api/v1/errors: internal_error (urn:uuid:1)"),
        line("CRITICAL", "Nobody caught KeyError"),
        "Traceback (most recent call last):",
        "a line in a form of its own",
    ],
)
def test_other_failures_and_lines_of_another_form_are(surprise: str) -> None:
    assert surprises_in(f"{line('INFO', 'stopped')}\n{surprise}\n") == [surprise]
