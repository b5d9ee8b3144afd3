"""`manage.py explain_grouping`."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from runs_app.domain.grouping.fingerprint_v1 import fingerprint_v1
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

    answer = answer_to(error)

    assert answer == {
        "fingerprint": fingerprint_v1(error).value,
        "rule": "v1",
        "key": "TypeError:User <id> not found:",
        "expected": False,
    }


def test_without_a_rule_an_error_is_read_as_ingest_reads_it():
    assert answer_to({"message": "m", "stackTrace": "at f"})["key"] == "Error:m:at f"
    assert answer_to("User 12345 gone")["key"] == "Error:User <id> gone:"
    assert answer_to({"fingerprint": ["a"]})["rule"] == "client"
    assert answer_to({"message": "m", "expected": True}) == {
        "fingerprint": "",
        "rule": "v1",
        "key": "",
        "expected": True,
    }


def test_with_a_rule_it_alone_is_applied_to_the_error_as_given():
    assert answer_to({"message": "m", "stackTrace": "at f"}, rule="v1")["key"] == "Error:m:"
    assert answer_to({"message": "m", "expected": True}, rule="v1")["key"] == "Error:m:"
    assert answer_to({"message": "m", "fingerprint": ["a"]}, rule="v1")["rule"] == "v1"
    assert answer_to("text", rule="v1") == {"fingerprint": "", "rule": "v1", "key": ""}


@pytest.mark.parametrize("value", [None, True, 5, [], ["x"]])
@pytest.mark.parametrize("rule", [None, "v1"])
def test_what_is_no_error_has_no_fingerprint(value, rule):
    answer = answer_to({"error": value}, rule=rule)

    assert (answer["fingerprint"], answer["key"]) == ("", "")


@pytest.mark.parametrize("rule", [None, "v1"])
def test_an_error_may_come_in_a_wrapper_with_its_slice(rule):
    error = {"message": "boom", "error": "not a wrapper"}
    plain = answer_to(error, rule=rule)

    assert plain["key"] == "Error:boom:"
    assert answer_to({"error": error}, rule=rule) == plain
    assert answer_to({"error": error, "slice": "checkout"}, rule=rule) == plain


def test_a_line_that_is_not_json_is_answered_in_its_place_and_fails_the_command():
    answers, complaint = explained('{"message": "a"}', "", "{oops", "\t", '{"message": "b"}')

    assert [answer.get("key") for answer in answers] == ["Error:a:", None, "Error:b:"]
    assert answers[1]["line"] == 3
    assert answers[1]["error"].startswith("This line is not JSON")
    assert str(complaint) == "1 of the lines could not be read as JSON."
    assert complaint.returncode == 1


def test_bytes_that_are_not_utf_8_are_a_line_that_is_not_json():
    stdout = io.StringIO()

    with pytest.raises(CommandError):
        call_command(Command(), stdin=io.BytesIO(b'"\xff"\n"a"\n'), stdout=stdout)

    assert [*map(json.loads, stdout.getvalue().splitlines())][1]["key"] == "Error:a:"


def test_halves_of_surrogate_pairs_and_line_separators_leave_the_output_plain():
    (answer,), _ = explained('{"message": "\\ud800 \u2028 é 😀"}')

    assert answer["key"] == "Error:\ufffd \u2028 é 😀:"


def test_a_megabyte_and_deep_nesting_in_a_line_are_no_trouble():
    deep = "[" * 200_000 + "]" * 200_000
    answers, complaint = explained(
        json.dumps({"message": "x" * 1_000_000}),
        f'{{"message": "boom", "cause": {deep}}}',
        f'{{"error": {{"message": {deep}}}}}',
        '{"message": ' + "1" * 100_000 + "}",
        "[" * 200_000,
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
