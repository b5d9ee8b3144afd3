"""Show how errors are grouped, and by what: JSON lines in, JSON lines out."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs_app.domain.grouping.expected import expected_by
from runs_app.domain.grouping.json_text import parse_json
from runs_app.domain.grouping.resolve import group_error, resolve_error_grouping, slice_of
from runs_app.domain.grouping.rules import DEFAULT_RULE, RULES, fingerprint_of
from runs_app.domain.grouping.settings import GroupingSettings
from runs_app.domain.grouping.stored import signals_members

WRAPPER_MEMBERS: Final = {"error", "slice"}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every line. `rule`: that one alone, None for what ingest does."""

    rule: str | None
    keywords: bool


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
        'Read JSON lines, each an error or {"error": ..., "slice": ...}, and print for each the'
        " fingerprint, the rule that made it and the plain key behind it, as ingest would decide"
        " for a failed run of a new project; the hash and the category that structure or words of"
        " the error give; its signals, and whether it was to be expected. What is not known is"
        ' left out. A line that is not JSON is answered by {"error": ..., "line": n} in its'
        " place, and the command ends with status 1. Blank lines are skipped."
    )
    requires_system_checks = []
    stealth_options = ("stdin",)

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --rule and --keywords."""
        parser.add_argument(
            "--rule",
            choices=sorted(RULES),
            help="make the fingerprint by this rule alone, from each error exactly as given",
        )
        parser.add_argument(
            "--keywords",
            action="store_true",
            help="take hash and category from words in the message where structure gives none,"
            " and without --rule the fingerprint too",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer line by line, so that another program can talk to this one."""
        question = Question(options["rule"], options["keywords"])
        unreadable = 0
        for answer in answers(options.get("stdin") or sys.stdin.buffer, question):
            self.stdout.write(answer.line)
            self.stdout.flush()
            unreadable += not answer.readable
        if unreadable:
            raise CommandError(f"{unreadable} of the lines could not be read as JSON.")


def answers(lines: Iterable[bytes], question: Question) -> Iterator[Answer]:
    """Answer every line that is not blank."""
    for number, line in enumerate(lines, start=1):
        if not line.isspace():
            yield _answer(line, number, question)


def _answer(line: bytes, number: int, question: Question) -> Answer:
    try:
        value = parse_json(line.decode())
    except ValueError as fault:
        return Answer({"error": f"This line is not JSON: {fault}", "line": number}, readable=False)
    error, part = _error_in(value)
    if question.rule is None:
        members = _by_ingest(error, part, question)
    else:
        members = _by_rule(error, question.rule)
    return Answer({**members, **_about(error, part, question)}, readable=True)


def _by_ingest(error: object, part: str, question: Question) -> Mapping[str, object]:
    settings = GroupingSettings(rule=DEFAULT_RULE, keywords=question.keywords)
    grouping = group_error(error, part, settings)
    return {"fingerprint": grouping.fingerprint, "rule": grouping.rule, "key": grouping.key}


def _by_rule(error: object, rule: str) -> Mapping[str, object]:
    found = fingerprint_of(error, rule=rule)
    return {
        "fingerprint": found.value if found else "",
        "rule": rule,
        "key": found.key if found else "",
    }


def _about(error: object, part: str, question: Question) -> Mapping[str, object]:
    """What structure and words tell, without what they do not."""
    grouped = resolve_error_grouping(error, part, keywords=question.keywords)
    told = {"hash": grouped.hash, "category": resolve_error_grouping(error, part).category}
    return {
        **{name: value for name, value in told.items() if value is not None},
        "signals": signals_members(grouped.signals),
        "expected": bool(expected_by(error)),
    }


def _error_in(value: object) -> tuple[object, str]:
    """Unwrap `{"error": ...}` and `{"error": ..., "slice": ...}`: the error and its slice.

    An error of its own that has a member `error` has others beside it.
    """
    if isinstance(value, dict) and "error" in value and value.keys() <= WRAPPER_MEMBERS:
        error, part = value["error"], value.get("slice")
        return error, slice_of(part if isinstance(part, str) else "", error, "", "")
    return value, slice_of("", value, "", "")
