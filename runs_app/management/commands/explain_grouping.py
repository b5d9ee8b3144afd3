"""Show how errors are grouped, and by what: JSON lines in, JSON lines out."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs_app.domain.grouping.json_text import parse_json
from runs_app.domain.grouping.resolve import group_error
from runs_app.domain.grouping.rules import RULES, fingerprint_of

WRAPPER_MEMBERS: Final = {"error", "slice"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What to print for one line of input, and whether the line could be read."""

    members: Mapping[str, object]
    readable: bool

    @property
    def line(self) -> str:
        """The answer as one line of ASCII, so that no text in it can break the output."""
        return json.dumps(self.members)


class Command(BaseCommand):
    """Read errors from standard input, one JSON value a line, and answer each at once."""

    help = (
        'Read JSON lines, each an error or {"error": ..., "slice": ...}, and print for each '
        "the fingerprint, the rule that made it and the plain key behind it, as ingest would "
        'decide for a failed run. A line that is not JSON is answered by {"error": ..., '
        '"line": n} in its place, and the command ends with status 1. Blank lines are skipped.'
    )
    requires_system_checks = []
    stealth_options = ("stdin",)

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --rule."""
        parser.add_argument(
            "--rule",
            choices=sorted(RULES),
            help="apply this rule alone, to each error exactly as given",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer line by line, so that another program can talk to this one."""
        unreadable = 0
        for answer in answers(options.get("stdin") or sys.stdin.buffer, options["rule"]):
            self.stdout.write(answer.line)
            self.stdout.flush()
            unreadable += not answer.readable
        if unreadable:
            raise CommandError(f"{unreadable} of the lines could not be read as JSON.")


def answers(lines: Iterable[bytes], rule: str | None) -> Iterator[Answer]:
    """Answer every line that is not blank; without a rule, with what ingest would do."""
    for number, line in enumerate(lines, start=1):
        if not line.isspace():
            yield _answer(line, number, rule)


def _answer(line: bytes, number: int, rule: str | None) -> Answer:
    try:
        value = parse_json(line.decode())
    except ValueError as fault:
        return Answer({"error": f"This line is not JSON: {fault}", "line": number}, readable=False)
    error = _error_in(value)
    return Answer(_by_ingest(error) if rule is None else _by_rule(error, rule), readable=True)


def _by_ingest(error: object) -> Mapping[str, object]:
    grouping = group_error(error)
    return {
        "fingerprint": grouping.fingerprint,
        "rule": grouping.rule,
        "key": grouping.key,
        "expected": grouping.expected,
    }


def _by_rule(error: object, rule: str) -> Mapping[str, object]:
    found = fingerprint_of(error, rule=rule)
    return {
        "fingerprint": found.value if found else "",
        "rule": rule,
        "key": found.key if found else "",
    }


def _error_in(value: object) -> object:
    """Unwrap `{"error": ...}` and `{"error": ..., "slice": ...}`.

    An error of its own that has a member `error` has others beside it.
    """
    if isinstance(value, dict) and "error" in value and value.keys() <= WRAPPER_MEMBERS:
        return value["error"]
    return value
