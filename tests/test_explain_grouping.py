"""`manage.py explain_grouping`."""

import io
import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from runs_app.domain.grouping.fingerprint_v1 import fingerprint_v1
from runs_app.domain.grouping.rules import DEFAULT_RULE, fingerprint_of
from runs_app.management.commands.explain_grouping import Command

PROJECT = Path(__file__).parents[1]


def explained(*lines, **options):
    """Run the command on the lines; give its answers and its complaint, if it has one."""
    stdin = io.BytesIO("".join(f"{line}\n" for line in lines).encode())
    stdout = io.StringIO()
    complaint = None
    try:
        call_command(Command(), stdin=stdin, stdout=stdout, **options)
    except CommandError as error:
        complaint = error
    return [json.loads(line) for line in stdout.getvalue().split("\n") if line], complaint


def answer_to(value, **options):
    (answer,), complaint = explained(json.dumps(value), **options)
    assert complaint is None
    return answer


def test_an_error_is_explained_by_its_fingerprint_its_rule_and_its_key():
    error = {"type": "TypeError", "message": "User 12345 not found"}

    answer = answer_to(error, rule="v1")

    assert answer == {
        "fingerprint": fingerprint_v1(error).value,
        "rule": "v1",
        "key": "TypeError:User <id> not found:",
        "signals": {"errorClass": "TypeError"},
        "expected": False,
    }


def test_what_structure_and_words_tell_is_shown_beside_it():
    response = {"status": 401, "errors": [{"extensions": {"code": "ACCESS_DENIED"}}]}
    error = {"type": "ClientError", "message": "no", "response": response, "request": {}}
    hash_ = "store:authentication:http-401-access-denied"

    answer = answer_to({"error": error, "slice": "store"})

    assert answer == {
        "fingerprint": sha256(hash_.encode()).hexdigest()[:16],
        "rule": "structured",
        "key": hash_,
        "hash": hash_,
        "category": "authentication",
        "signals": {"httpStatus": 401, "code": "ACCESS_DENIED", "errorClass": "ClientError"},
        "expected": True,
    }
    assert answer_to({**error, "slice": "store"})["hash"] == hash_


def test_words_make_a_hash_where_they_are_asked_for():
    wrapped = {"error": {"message": "Token timeout"}, "slice": "a"}
    hash_ = "a:authentication:token-timeout"

    plain, asked = answer_to(wrapped), answer_to(wrapped, keywords=True)
    by_rule = answer_to(wrapped, keywords=True, rule="v1")

    assert plain["category"] == asked["category"] == by_rule["category"] == "authentication"
    assert "hash" not in plain
    assert plain["rule"] == DEFAULT_RULE
    assert (asked["rule"], asked["key"], asked["hash"]) == ("keywords", hash_, hash_)
    assert (by_rule["rule"], by_rule["hash"]) == ("v1", hash_)


def test_without_a_rule_an_error_is_read_as_ingest_reads_it():
    told = {"message": "m", "stack": "at f"}

    answer = answer_to({"message": "m", "stackTrace": "at f"})

    assert answer == answer_to(told)
    by_rule = fingerprint_of({"type": "Error", **told}, rule=DEFAULT_RULE)
    assert answer["key"] == by_rule.key
    assert answer_to("User gone")["key"] == answer_to({"message": "User gone"})["key"] != ""
    assert answer_to({"fingerprint": ["a"]})["rule"] == "client"
    assert answer_to({"message": "m", "expected": True}) == {
        "fingerprint": "",
        "rule": DEFAULT_RULE,
        "key": "",
        "signals": {},
        "expected": True,
    }


def test_with_a_rule_it_alone_is_applied_to_the_error_as_given():
    assert answer_to({"message": "m", "stackTrace": "at f"}, rule="v1")["key"] == "Error:m:"
    assert answer_to({"message": "m", "expected": True}, rule="v1")["key"] == "Error:m:"
    assert answer_to({"message": "m", "fingerprint": ["a"]}, rule="v1")["rule"] == "v1"
    assert answer_to("text", rule="v1") == {
        "fingerprint": "",
        "rule": "v1",
        "key": "",
        "signals": {},
        "expected": False,
    }


@pytest.mark.parametrize("value", [None, True, 5, [], ["x"]])
@pytest.mark.parametrize("rule", [None, "v1"])
def test_what_is_no_error_has_no_fingerprint(value, rule):
    answer = answer_to({"error": value}, rule=rule)

    assert (answer["fingerprint"], answer["key"]) == ("", "")


@pytest.mark.parametrize("rule", [None, "v1"])
def test_an_error_may_come_in_a_wrapper_with_its_slice(rule):
    error = {"message": "boom", "error": "not a wrapper"}
    plain = answer_to(error, rule=rule)

    assert "boom" in plain["key"]
    assert answer_to({"error": error}, rule=rule) == plain
    assert answer_to({"error": error, "slice": "checkout"}, rule=rule) == plain


def test_a_line_that_is_not_json_is_answered_in_its_place_and_fails_the_command():
    lines = ('{"message": "a"}', "", "{oops", "\t", '{"message": "b"}')

    answers, complaint = explained(*lines, rule="v1")

    assert [answer.get("key") for answer in answers] == ["Error:a:", None, "Error:b:"]
    assert answers[1]["line"] == 3
    assert answers[1]["error"].startswith("This line is not JSON")
    assert str(complaint) == "1 of the lines could not be read as JSON."
    assert complaint.returncode == 1


def test_bytes_that_are_not_utf_8_are_a_line_that_is_not_json():
    stdout = io.StringIO()

    with pytest.raises(CommandError):
        call_command(Command(), stdin=io.BytesIO(b'"\xff"\n"a"\n'), stdout=stdout)

    refused, answer = map(json.loads, stdout.getvalue().splitlines())
    assert refused["line"] == 1
    assert answer["key"] == answer_to("a")["key"]


def test_halves_of_surrogate_pairs_and_line_separators_leave_the_output_plain():
    (answer,), _ = explained('{"message": "\\ud800 \u2028 é 😀"}', rule="v1")

    assert answer["key"] == "Error:\ufffd \u2028 é 😀:"


def test_a_megabyte_and_deep_nesting_in_a_line_are_no_trouble():
    deep = "[" * 200_000 + "]" * 200_000
    answers, complaint = explained(
        json.dumps({"message": "x" * 1_000_000}),
        f'{{"message": "boom", "cause": {deep}}}',
        f'{{"error": {{"message": {deep}}}}}',
        '{"message": ' + "1" * 100_000 + "}",
        "[" * 200_000,
        rule="v1",
    )

    assert len(answers[0]["key"]) == 1_000_007
    assert [answer.get("key") for answer in answers[1:]] == [
        "Error:boom:",
        "Error::",
        "Error:Infinity:",
        None,
    ]
    assert complaint is not None


def test_a_rule_that_does_not_exist_is_refused():
    with pytest.raises(CommandError, match="invalid choice"):
        call_command(Command(), "--rule", "v0", stdin=io.BytesIO())


def test_another_program_can_ask_and_read_line_by_line_and_no_database_is_made(tmp_path):
    with subprocess.Popen(
        [sys.executable, "manage.py", "explain_grouping", "--rule", "v1"],
        cwd=PROJECT,
        env={**os.environ, "FAULTLINE_DATA": str(tmp_path), "LC_ALL": "C"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        for number in range(3):
            process.stdin.write(json.dumps({"message": f"é{number}"}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["key"] == f"Error:é{number}:"
        process.stdin.close()

        assert process.wait(timeout=30) == 0
    assert not [*tmp_path.glob("*.sqlite3*")]
