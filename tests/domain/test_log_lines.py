"""A record becomes a line, whatever it holds."""

import json
import logging
import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.domain.log_lines import (
    LONGEST_MESSAGE,
    LONGEST_STACK,
    JsonLines,
    LogForm,
    TextLines,
    log_form,
)

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def record_of(message: Any, *args: Any, error: Any = None, **facts: Any) -> logging.LogRecord:
    failure = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("some.logger", logging.INFO, "x.py", 1, message, args, failure)
    record.created = 1_700_000_000.1239
    record.facts = facts
    return record


def as_json(record: logging.LogRecord) -> dict[str, Any]:
    line = JsonLines().format(record)
    assert line.isascii()
    assert "\n" not in line
    members: dict[str, Any] = json.loads(line, parse_constant=pytest.fail)
    return members


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except Exception as caught:
        return caught


def test_a_line_of_json_has_its_members() -> None:
    members = as_json(record_of("Hello %s", "Wörld", requestId="mine", status=200))

    assert members.pop("pid") > 0
    assert members == {
        "time": "2023-11-14T22:13:20.123Z",
        "level": "INFO",
        "logger": "some.logger",
        "message": "Hello Wörld",
        "requestId": "mine",
        "status": 200,
    }


def test_an_exception_is_its_type_and_the_stack_of_all_causes() -> None:
    told = as_json(record_of("x", error=raised(KeyError("a"), raised(OSError("b")))))["exception"]

    assert told["type"] == "KeyError"
    assert "OSError: b" in told["stack"]
    assert "The above exception was the direct cause" in told["stack"]


def test_a_line_of_text_has_the_same_facts_and_its_stack_is_indented() -> None:
    tenant = {"organizationId": "o", "projectId": "p"}
    told = {"requestId": "r", "tenant": tenant, "route": "/a b"}
    record = record_of("Hello", error=raised(KeyError("a")), **told)

    first, *more = TextLines().format(record).split("\n")

    assert re.fullmatch(
        TIME + r' INFO some\.logger\[\d+\] \[r\] Hello tenant=o/p route="/a b"', first
    )
    assert more[0] == "    Traceback (most recent call last):"
    assert more[-1] == "    KeyError: 'a'"


@pytest.mark.parametrize(
    "record",
    [
        record_of("two %s", 1, 2),
        record_of("%d", "no number"),
        record_of("%s", Unspeakable()),
        record_of(Unspeakable()),
        record_of({"a": object()}),
        record_of(None),
        record_of("half \ud800 character"),
        record_of("x", error=Unspeakable()),
        record_of("x", error=raised(Unspeakable(), raised(ValueError("\udfff\0")))),
        record_of("x", status=float("nan"), bytes=float("inf"), tenant={1: {2: object()}}),
        record_of("x", route="\ud800\x1b[2J", code=b"\xff", kinds={"a", "b"}, none=None),
    ],
    ids=range(11),
)
def test_a_record_that_does_not_fit_is_a_valid_line_all_the_same(record: logging.LogRecord) -> None:
    assert as_json(record)["logger"] == "some.logger"
    assert re.match(TIME + " INFO some.logger", TextLines().format(record))


@given(st.text(), st.text(), st.text())
def test_nobody_writes_a_line_of_their_own(message: str, words: str, fact: str) -> None:
    record = record_of("%s", message, error=ValueError(words), route=fact)

    assert isinstance(as_json(record)["message"], str)
    first, *more = TextLines().format(record).splitlines()
    assert re.match(TIME, first)
    assert all(line.startswith("    ") for line in more)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", TextLines().format(record))


@pytest.mark.parametrize(
    "character", "\0\t\r\x1b\x7f\x85\x9b\u2028\u2029\u200e\u200f\u202a\u202e\u2066\u2069\ud800"
)
def test_no_character_moves_or_turns_what_a_terminal_shows(character: str) -> None:
    record = record_of(f"a{character}b", route=f"a{character}b", error=ValueError(f"a{character}b"))

    assert character not in TextLines().format(record)


@pytest.mark.parametrize("form", [JsonLines, TextLines])
@pytest.mark.parametrize(
    "words",
    [
        "password=hunter2hunter2",
        "Authorization: Bearer hunter2hunter2",
        "postgres://user:hunter2hunter2@db/name",
        "tr_prod_hunter2hunter2",
        '{"api_key": "hunter2hunter2"}',
    ],
)
def test_what_looks_like_a_secret_is_masked_in_messages_and_stacks(
    form: type[logging.Formatter], words: str
) -> None:
    line = form().format(record_of("Failed: %s", words, error=raised(ValueError(f"a\n{words}"))))

    assert "hunter2" not in line
    assert line.count("[masked]") >= 2


def test_endless_words_lose_their_middle() -> None:
    words = "a" * 1_000_000 + "z"

    members = as_json(record_of(words, error=ValueError(words)))

    assert len(members["message"]) < LONGEST_MESSAGE + 100
    assert len(members["exception"]["stack"]) < LONGEST_STACK + 100
    assert members["message"].endswith("z")
    assert "characters are left out" in members["message"]


@pytest.mark.parametrize(
    ("told", "debug", "is_terminal", "form"),
    [
        ("AUTO", False, False, LogForm.JSON),
        ("AUTO", True, False, LogForm.TEXT),
        ("AUTO", False, True, LogForm.TEXT),
        ("JSON", True, True, LogForm.JSON),
        ("TEXT", False, False, LogForm.TEXT),
        ("", False, False, LogForm.JSON),
    ],
)
def test_a_person_reads_text_and_a_program_json_unless_told(
    told: str, debug: bool, is_terminal: bool, form: LogForm
) -> None:
    assert log_form(told, debug=debug, is_terminal=is_terminal) is form


def test_a_stack_without_an_exception_at_hand_is_none() -> None:
    record = record_of("x")
    record.exc_info = sys.exc_info()

    assert "exception" not in as_json(record)
