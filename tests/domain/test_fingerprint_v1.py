"""Fingerprint v1 and what decides the group around it."""

import ast
import json
import random
import time
from hashlib import sha256
from pathlib import Path

import pytest

from runs_app.domain.grouping import fingerprint_v1 as module
from runs_app.domain.grouping import resolve
from runs_app.domain.grouping.fingerprint_v1 import (
    fingerprint_v1,
    normalise_message,
    normalise_stack,
)
from runs_app.domain.grouping.javascript import first_truthy, text_of
from runs_app.domain.grouping.json_text import DECODER, parse_json
from runs_app.domain.grouping.reported import ReportedError, reported_error
from runs_app.domain.grouping.rules import RULES, fingerprint_of
from runs_app.domain.grouping.settings import GroupingSettings
from tests.domain.grouping_reference.generated_errors import generated_errors
from tests.domain.grouping_reference.reference import CORPUS, reference_answers

UUID = "550e8400-e29b-41d4-a716-446655440000"
MEGABYTE = 1_000_000


def group_error(error):
    return resolve.group_error(error, "jobs", GroupingSettings(rule="v1"))


def key_of(error):
    found = fingerprint_v1(error)
    return found.key if found else None


def cases(*pairs):
    return pytest.mark.parametrize(("given", "normalised"), pairs)


# --- the whole -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (
            {"type": "TypeError", "message": "User 12345 not found"},
            "TypeError:User <id> not found:",
        ),
        ({"name": "KeyError"}, "KeyError:KeyError:"),
        (
            {"message": "Webhook failed for https://hooks.example.com/webhook/abc"},
            "Error:Webhook failed for <url>:",
        ),
        ({"message": "Token expires 1700000000"}, "Error:Token expires <timestamp>:"),
        (
            {"message": r"Cannot read C:\Users\John\project\file.ts"},
            "Error:Cannot read <path>:",
        ),
    ],
)
def test_the_examples_of_the_description_have_the_keys_it_names(error, key):
    found = fingerprint_v1(error)

    assert found is not None
    assert found.key == key
    assert found.rule == "v1"
    assert found.value == sha256(key.encode()).hexdigest()[:16]


@pytest.mark.parametrize("value", [None, True, False, 0, 1.5, "", "text", [], [{"message": "x"}]])
def test_what_is_not_an_object_has_no_fingerprint(value):
    assert fingerprint_v1(value) is None


def test_an_empty_member_counts_as_absent():
    error = {"type": "", "name": "", "message": "", "raw": "text", "stack": "", "stacktrace": "at"}

    assert key_of(error) == "Error:text:at"


def test_the_rule_reads_the_error_as_given_and_does_not_know_stack_trace_in_camel_case():
    assert key_of({"message": "boom", "stackTrace": "at f"}) == "Error:boom:"


def test_the_name_comes_before_raw_as_a_message():
    assert key_of({"name": "N", "raw": "text"}) == "N:N:"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12, "12"),
        (1.0, "1"),
        (-2.5, "-2.5"),
        (1e21, "1e+21"),
        (123456789012345680000, "123456789012345680000"),
        (2**53 + 1, "9007199254740992"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (5e-324, "5e-324"),
        (10**400, "Infinity"),
        (-(10**400), "-Infinity"),
        (float("nan"), "NaN"),
        (-0.0, "0"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        ({}, "[object Object]"),
        ({"toString": 1}, "[object Object]"),
        ([], ""),
        ([[], []], ","),
        ([1, [2, [3, None]], {}, "x", False], "1,2,3,,[object Object],x,false"),
    ],
)
def test_values_that_are_not_text_read_as_javascript_writes_them(value, text):
    assert text_of(value) == text


@pytest.mark.parametrize("value", [0, 0.0, -0.0, float("nan"), False, None, ""])
def test_what_javascript_holds_for_false_counts_as_absent(value):
    assert key_of({"type": value, "name": "N", "message": value, "raw": "r"}) == "N:N:"


@pytest.mark.parametrize(
    ("value", "text"), [([], ""), ({}, "[object Object]"), (True, "true"), ([0], "0")]
)
def test_empty_arrays_and_objects_are_not_absent(value, text):
    assert key_of({"type": value, "name": "N", "message": value}) == f"{text}:{text}:"


def test_an_array_nested_without_end_is_read_without_recursion():
    nested: list[object] = ["x"]
    for _ in range(100_000):
        nested = [nested]

    assert text_of(nested) == "x"


def test_half_a_surrogate_pair_is_hashed_and_kept_as_a_replacement_character():
    assert fingerprint_v1({"message": "a\ud800b"}) == fingerprint_v1({"message": "a\ufffdb"})
    assert key_of({"message": "\udc00\ud83d"}) == "Error:\ufffd\ufffd:"


def test_halves_that_meet_when_a_path_is_cut_become_one_character():
    assert key_of({"stack": "\ud83d/a/\ude00"}) == "Error::😀"


# --- the message -----------------------------------------------------------------------------


@cases(
    (f"a {UUID} b", "a <uuid> b"),
    (UUID.upper(), "<uuid>"),
    (f"x{UUID}", "x<uuid>"),
    (f"{UUID}0", "<uuid>0"),
    (f"{UUID}-e29b-41d4-a716-446655440000", "<uuid>-e29b-41d4-a716-<timestamp>"),
    (f"{UUID}12345678-e29b-41d4-a716-446655440000", "<uuid><uuid>"),
    ("550e840-e29b-41d4-a716-44665544000g", "550e840-e29b-41d4-a716-44665544000g"),
)
def test_a_uuid_is_replaced_wherever_it_stands(given, normalised):
    assert normalise_message(given) == normalised


@cases(
    ("run_abc123XYZ", "<run-id>"),
    ("trun_abc", "t<run-id>"),
    ("run_a_b", "<run-id>_b"),
    ("run_", "run_"),
    ("run_é", "run_é"),
    ("RUN_abc", "RUN_abc"),
)
def test_a_run_id_is_replaced(given, normalised):
    assert normalise_message(given) == normalised


@cases(
    ("task_12345678", "<id>"),
    ("task_1234567", "task_1234567"),
    ("Task_12345678", "Task_12345678"),
    ("tAsk_12345678", "tAsk_12345678"),
    ("1task_12345678", "1task_12345678"),
    ("task_12345678_x", "task_12345678_x"),
    ("task_12345678é", "<id>é"),
    ("étask_12345678", "é<id>"),
    ("task_1234567é8", "task_1234567é8"),
    ("-task_abcdefgh.", "-<id>."),
)
def test_a_lower_case_prefix_with_a_long_id_is_replaced_as_a_whole_word(given, normalised):
    assert normalise_message(given) == normalised


@cases(
    ("2024-03-01T15:30:45Z", "<timestamp>"),
    ("2024-03-01T15:30:45.123456Z", "<timestamp>"),
    ("2024-03-01T15:30:45.Z", "<timestamp>.Z"),
    ("x2024-03-01T15:30:45ZZ", "x<timestamp>Z"),
    ("12024-03-01T15:30:45", "1<timestamp>"),
    ("2024-03-01t15:30:45", "<id>-03-01t15:30:45"),
    ("2024-03-01T15:30:4", "<id>-03-01T15:30:4"),
    ("٢٠٢٤-٠٣-٠١T١٥:٣٠:٤٥", "٢٠٢٤-٠٣-٠١T١٥:٣٠:٤٥"),
)
def test_an_iso_time_is_replaced(given, normalised):
    assert normalise_message(given) == normalised


@cases(
    ("123456789", "<id>"),
    ("1234567890", "<timestamp>"),
    ("1234567890123", "<timestamp>"),
    ("12345678901234", "<id>"),
    ("a1234567890", "a1234567890"),
    ("_1234567890", "_1234567890"),
    ("1234567890é", "<timestamp>é"),
    ("-1234567890.5", "-<timestamp>.5"),
    ("1234567890-1234567890", "<timestamp>-<timestamp>"),
)
def test_a_whole_number_of_ten_to_thirteen_digits_is_a_time(given, normalised):
    assert normalise_message(given) == normalised


@cases(
    ("see https://a.b/c?d#e, or", "see <url> or"),
    ("http://x", "<url>"),
    ("http:// x", "http:// x"),
    ("HTTP://x", "HTTP://x"),
    ("xhttps://y\u3000z", "x<url>\u3000z"),
    ("https://y\u0085z\x1cz\u200bz", "<url>"),
    ("https://y\ufeffz", "<url>\ufeffz"),
    ("https://y\u2028z", "<url>\u2028z"),
    ("httpshttps://y", "https<url>"),
)
def test_an_address_reaches_to_the_next_white_space_of_javascript(given, normalised):
    assert normalise_message(given) == normalised


@cases(
    ("123", "123"),
    ("1234", "<id>"),
    ("1.2345", "1.<id>"),
    ("1234a", "1234a"),
    ("1234_", "1234_"),
    ("用户12345未", "用户<id>未"),
    ("٣٤٥٦٧", "٣٤٥٦٧"),
)
def test_a_whole_number_of_four_digits_or_more_is_an_id(given, normalised):
    assert normalise_message(given) == normalised


@cases(
    ("/home/user/file.ts", "<path>"),
    ("open '/app/x': no", "open '<path> no"),
    ("/file.ts", "/file.ts"),
    ("/a/", "/a/"),
    ("/a/b/", "<path>/"),
    ("/a//b", "/a//b"),
    ("/a//b/c", "/a/<path>"),
    ("//a/b", "/<path>"),
    ("and/or/not", "and<path>"),
    ("/a/b\u00a0c", "<path>\u00a0c"),
    ("/a/b\u0085c", "<path>"),
    ("s3://b/k", "s3:/<path>"),
)
def test_two_segments_or_more_are_a_path(given, normalised):
    assert normalise_message(given) == normalised


@cases(
    ("C:\\a\\b", "<path>"),
    ("C:\\a", "C:\\a"),
    ("C:\\a\\", "C:\\a\\"),
    ("C:\\a\\b\\", "<path>\\"),
    ("C:\\a\\b\\\\c", "<path>\\\\c"),
    ("C:\\\\a\\b", "C:\\\\a\\b"),
    ("c:\\a\\b", "c:\\a\\b"),
    ("ABC:\\a b\\c\nd e", "AB<path>"),
    ("C:\\a\\b D:\\c", "<path>"),
)
def test_a_windows_path_goes_on_to_the_end_of_its_last_segment(given, normalised):
    assert normalise_message(given) == normalised


@cases(
    ("jane.doe+x@example.co.uk bounced", "<email> bounced"),
    ("<a@b.com>,<c@d.org>", "<<email>>,<<email>>"),
    ("a@b.c", "a@b.c"),
    ("a@b", "a@b"),
    ("@b.com", "@b.com"),
    ("..%-a@b.com", "..%-<email>"),
    ("-%@b.com", "-%@b.com"),
    ("éa@b.com", "é<email>"),
    ("a@b.com5", "a@b.com5"),
    ("a@b.com.5", "<email>.5"),
    ("a@b.com_", "a@b.com_"),
    ("a@b.c|d", "<email>"),
    ("a@b.|||", "a@b.|||"),
    ("a@b.com|", "<email>|"),
    ("a@b.cc|d5", "<email>d5"),
    ("a@b@c.com", "a@<email>"),
    ("a@b.com%c@d.com", "<email><email>"),
    ("a@b.com-c@d.com-e@f.com", "<email><email><email>"),
    ("a@b.com.c@d.com", "<email><email>"),
    ("a@b.com.cc@d.com", "<email>@d.com"),
    ("a@b.com@c.com", "<email>@c.com"),
    ("a@..cc", "<email>"),
    ("a@.cc", "a@.cc"),
)
def test_a_mail_address_starts_at_the_first_word_boundary_of_its_local_part(given, normalised):
    assert normalise_message(given) == normalised


@cases(
    ("0xdeadbeef", "<addr>"),
    ("0xDEADBEEFcafe!", "<addr>!"),
    ("0xdeadbee", "0xdeadbee"),
    ("00xdeadbeefg", "0<addr>g"),
    ("0Xdeadbeef", "0Xdeadbeef"),
)
def test_a_memory_address_is_replaced(given, normalised):
    assert normalise_message(given) == normalised


@pytest.mark.parametrize("quote", ['"', "'"])
@cases(
    ("Q" + "x" * 20 + "Q", "Q<string>Q"),
    ("Q" + "x" * 19 + "Q", "Q" + "x" * 19 + "Q"),
    ("Q" + "x" * 20, "Q" + "x" * 20),
    ("Q" + "\n" * 20 + "Q", "Q<string>Q"),
    ("Q" + "é" * 19 + "Q", "Q" + "é" * 19 + "Q"),
    ("Q" + "é" * 20 + "Q", "Q<string>Q"),
    ("Q" + "😀" * 10 + "Q", "Q<string>Q"),
    ("Q" + "😀" * 9 + "xQ", "Q" + "😀" * 9 + "xQ"),
    ("Q" + "😀" * 9 + "xxQ", "Q<string>Q"),
    ("Q" + "\ud83d" * 20 + "Q", "Q<string>Q"),
    ("Q" + "\ud83d" * 19 + "Q", "Q" + "\ud83d" * 19 + "Q"),
    ("QaQ" + "x" * 20 + "Q", "QaQ<string>Q"),
    ("QaQ" + "😀" * 10 + "Q", "QaQ<string>Q"),
    ("Q" + "x" * 20 + "Q" + "y" * 20 + "Q", "Q<string>Q" + "y" * 20 + "Q"),
    ("Q" + "😀" * 20 + "Q" + "y" * 20 + "Q", "Q<string>Q" + "y" * 20 + "Q"),
    ("Q" + "😀" * 20 + "QQ" + "y" * 20 + "QQ", "Q<string>QQ<string>QQ"),
)
def test_long_quoted_text_is_measured_in_utf_16_units(given, normalised, quote):
    assert normalise_message(given.replace("Q", quote)) == normalised.replace("Q", quote)


@cases(
    ("https://a.b/1700000000/x", "<url>"),
    ("2024-03-01T15:30:45Z/a/b", "<timestamp><path>"),
    (f"/jobs/{UUID}/log", "<path>"),
    ('"' + UUID + '"', '"<uuid>"'),
    ('"/a/quoted/path/of/length"', '"<path>'),
    ("1234https://a", "<id><url>"),
    ("run_abc@b.com", "<run-id>@b.com"),
    ("mail_to1234567@b.com", "<id>@b.com"),
)
def test_each_rule_sees_what_the_ones_before_it_have_left(given, normalised):
    assert normalise_message(given) == normalised


def test_signs_of_replacement_templates_in_a_message_are_plain_text():
    assert normalise_message(r"$1 $& \1 \g<0> 12345") == r"$1 $& \1 \g<0> <id>"


# --- the stack -------------------------------------------------------------------------------


@cases(
    ("at f (x.ts:10:5)", "at f (x.ts:_:_)"),
    ("x:1:2:3:4", "x:_:_:_:_"),
    ("x:1:2:3", "x:_:_:_"),
    ("x:1:", "x:_:"),
    ("x:1a:2", "x:1a:_"),
    ("line 12, 3rd", "line _, 3rd"),
    ("x1 _1 1_ é1", "x1 _1 1_ é_"),
    ("x:١:٢", "x:١:٢"),
    ("x:1:2y", "x:_:_y"),
)
def test_places_and_whole_numbers_in_a_stack_become_underscores(given, normalised):
    assert normalise_stack(given) == normalised


@cases(
    ("at f (/app/src/x.ts:1:2)", "at f (x.ts:_:_)"),
    ("file:///app/x.js", "file://x.js"),
    ("/a", "/a"),
    ("/a/", "/a/"),
    ("/a/b/", "b/"),
    ("/a/b//c/d", "b/d"),
    ("/a//b", "/a//b"),
    ("node:internal/process/task_queues:95:5", "node:internaltask_queues:_:_"),
    ("/a/b c/d/e", "b ce"),
    ("/a/b\u0085c/d", "d"),
)
def test_a_path_in_a_stack_is_cut_to_its_last_segment(given, normalised):
    assert normalise_stack(given) == normalised


@cases(
    ("a\nb\nc\nd\ne\nf", "a|b|c|d|e"),
    ("\n\n\n\na\nb", "a"),
    ("\n\n\n\n\na", ""),
    ("a\r\n b \r\n\t\n", "a|b"),
    ("a\rb\u2028c\x0bd", "a\rb\u2028c\x0bd"),
    ("\ufeff\u3000a\u2029\n\u0085b\x1c", "a|\u0085b\x1c"),
    ("/a\n/b", "/a|/b"),
    ("x:1\n:2", "x:_|:_"),
)
def test_the_first_five_lines_count_without_empty_ones_and_outer_white_space(given, normalised):
    assert normalise_stack(given) == normalised


# --- the reference ---------------------------------------------------------------------------


def test_the_javascript_reference_gives_the_same_for_thousands_of_errors():
    errors = [
        *generated_errors(seed=1, count=6000),
        *generated_errors(random.randrange(9**9), 2000),
    ]

    answers = reference_answers(errors)

    assert len(answers) == len(errors)
    for error, answer in zip(errors, answers, strict=True):
        found = fingerprint_v1(parse_json(json.dumps(error)))
        ours = {"fingerprint": found.value, "key": found.key} if found else None
        assert (ours or {"fingerprint": "", "key": ""}) == answer, ascii(error)


def test_the_generated_errors_reach_every_rule():
    keys = [
        found.key for found in map(fingerprint_v1, generated_errors(seed=1, count=6000)) if found
    ]

    for sign in (
        "<uuid>", "<run-id>", "<id>", "<timestamp>", "<url>", "<path>", "<email>", "<addr>",
        '"<string>"', "'<string>'", ":_:_", "|", "<email><email>", "\ufffd",
    ):  # fmt: skip
        assert sum(sign in key for key in keys) >= 3, sign


def test_the_fingerprints_of_the_corpus_never_change():
    corpus = json.loads(CORPUS.read_text())

    assert len(corpus) >= 200
    for row in corpus:
        found = fingerprint_v1(row["error"])
        assert (found.value if found else "") == row["fingerprint"], ascii(row["error"])
        assert (found.key if found else "") == row["key"], ascii(row["error"])


def test_the_rule_that_has_shipped_imports_only_small_parts_of_its_own_package():
    package = "runs_app.domain.grouping"
    pending, seen = [module.__name__], set()

    while pending:
        name = pending.pop()
        seen.add(name)
        source = Path(module.__file__).with_name(f"{name.rpartition('.')[2]}.py").read_text()
        imported = {
            found
            for node in ast.walk(ast.parse(source))
            for found in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [str(node.module)]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            if found.startswith(("runs_app", "errors_app", "config", "django"))
        }
        pending += imported - seen

    assert seen == {
        f"{package}.fingerprint_v1",
        f"{package}.fingerprint",
        f"{package}.javascript",
    }


# --- time ------------------------------------------------------------------------------------


def repeated(unit, before="", after=""):
    return before + unit * (MEGABYTE // len(unit)) + after


@pytest.mark.parametrize("member", ["message", "stack"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("/" * 200_000, id="slashes"),
        pytest.param(repeated("a.a.a.a@"), id="half mail addresses"),
        pytest.param(repeated("a.", after="@"), id="one long local part"),
        pytest.param(repeated(".a", before="@"), id="one long domain"),
        pytest.param(repeated("a@a.aa "), id="mail addresses"),
        pytest.param(repeated("a@a.aa%"), id="touching mail addresses"),
        pytest.param(repeated("|", before="a@a."), id="a long top level"),
        pytest.param(repeated("@"), id="at signs"),
        pytest.param(repeated('"'), id="double quotes"),
        pytest.param(repeated("'"), id="single quotes"),
        pytest.param(repeated('"😀'), id="quotes around emoji"),
        pytest.param(repeated("_"), id="underscores"),
        pytest.param(repeated("run_"), id="run ids without an id"),
        pytest.param(repeated("a", after="_1234567"), id="a long prefix"),
        pytest.param(repeated("\\", before="C:"), id="backslashes"),
        pytest.param(repeated("C:\\"), id="drives"),
        pytest.param(repeated("a\\", before="C:\\"), id="a deep Windows path"),
        pytest.param(repeated("/a"), id="a deep path"),
        pytest.param(repeated("/a "), id="single segments"),
        pytest.param(repeated("1"), id="one number"),
        pytest.param(repeated("1", after="_"), id="a number that is none"),
        pytest.param(repeated("1 "), id="numbers"),
        pytest.param(repeated("aaaaaaaa-aaaa-"), id="half identifiers"),
        pytest.param(repeated("2024-01-02T03:04:0"), id="half times"),
        pytest.param(repeated("0x"), id="half addresses"),
        pytest.param(repeated("http://"), id="addresses in addresses"),
        pytest.param(repeated(":1:"), id="half places"),
        pytest.param(repeated(" "), id="spaces"),
        pytest.param(repeated("\n"), id="lines"),
        pytest.param(repeated("\ud83d"), id="half characters"),
        pytest.param(repeated("a1/\\\"'@_.:-%T0x "), id="everything"),
    ],
)
def test_a_hostile_megabyte_takes_well_under_a_second(text, member):
    started = time.process_time()
    fingerprint_v1({member: text})
    taken = time.process_time() - started

    print(f"{taken * 1000:.1f} ms")
    assert taken < 1


def test_a_typical_error_takes_microseconds():
    error = {
        "type": "BUILT_IN_ERROR",
        "name": "TypeError",
        "message": f"Failed to load user 12345 from https://api.example.com/users (request {UUID})",
        "stack": "\n".join(f"    at step{n} (/app/src/orders/process.ts:{n}:7)" for n in range(13)),
    }
    started = time.process_time()
    for _ in range(1000):
        fingerprint_v1(error)
    taken = time.process_time() - started

    print(f"{taken * 1000:.1f} microseconds")
    assert taken < 1


# --- the error that a run reports ------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "reported"),
    [
        ("boom", ReportedError("Error", "boom", "")),
        ("", ReportedError("Error", "", "")),
        ({}, ReportedError("Error", "", "")),
        ({"type": "A", "name": "B", "message": "m"}, ReportedError("A", "m", "")),
        ({"name": "B", "message": "m"}, ReportedError("B", "m", "")),
        ({"raw": "r"}, ReportedError("Error", "r", "")),
        ({"name": "KeyError"}, ReportedError("KeyError", "KeyError", "")),
        ({"stackTrace": "at f"}, ReportedError("Error", "", "at f")),
        ({"stacktrace": "at f"}, ReportedError("Error", "", "at f")),
        ({"stack": "s", "stacktrace": "t", "stackTrace": "u"}, ReportedError("Error", "", "s")),
        ({"stack": "", "stacktrace": "t", "stackTrace": "u"}, ReportedError("Error", "", "t")),
        ({"type": [], "message": 5, "stack": {}}, ReportedError("Error", "5", "[object Object]")),
        (None, ReportedError("", "", "")),
        (True, ReportedError("", "", "")),
        (5, ReportedError("", "", "")),
        ([{"message": "x"}], ReportedError("", "", "")),
    ],
)
def test_an_error_is_read_into_type_message_and_stack(error, reported):
    assert reported_error(error) == reported


def test_reading_an_error_first_changes_its_fingerprint_only_by_the_camel_case_stack():
    for row in json.loads(CORPUS.read_text()):
        error = row["error"]
        if not isinstance(error, dict) or error.get("stackTrace"):
            continue
        if text_of(first_truthy(error, ("type", "name"), "Error")):
            assert group_error(error).fingerprint == row["fingerprint"]


def test_the_stack_in_camel_case_counts_for_a_reported_error():
    grouping = group_error({"message": "boom", "stackTrace": "at f (x.ts:1:2)"})

    assert grouping.key == "Error:boom:at f (x.ts:_:_)"


def test_a_bare_text_is_grouped_as_an_error_with_that_message():
    text, error = group_error("User 12345 gone"), group_error({"message": "User 99999 gone"})

    assert text == error


@pytest.mark.parametrize("value", [None, True, 5, 1.5, [], ["boom"]])
def test_what_is_no_error_belongs_to_no_group(value):
    grouping = group_error(value)

    assert (grouping.fingerprint, grouping.rule, grouping.key) == ("", "v1", "")
    assert not grouping.expected


# --- the group -------------------------------------------------------------------------------


@pytest.mark.parametrize("member", [{"expected": True}, {"kind": "abort"}])
def test_an_expected_error_belongs_to_no_group(member):
    grouping = group_error({"message": "boom", "fingerprint": ["mine"], **member})

    assert (grouping.fingerprint, grouping.rule, grouping.key) == ("", "v1", "")
    assert grouping.expected_by == "client"


@pytest.mark.parametrize(
    "member", [{"expected": 1}, {"expected": "true"}, {"kind": "bug"}, {"kind": ["abort"]}]
)
def test_anything_but_true_and_abort_is_not_expected(member):
    grouping = group_error({"message": "boom", **member})

    assert grouping.fingerprint
    assert not grouping.expected


def test_a_fingerprint_that_the_client_sends_decides_the_group():
    one = group_error({"message": "one", "fingerprint": ["checkout", "visa"]})
    other = group_error({"message": "other", "fingerprint": ["checkout", "visa"]})

    assert one.fingerprint == other.fingerprint
    assert one.rule == "client"
    assert one.key == '["checkout","visa"]'
    assert one.fingerprint == sha256(one.key.encode()).hexdigest()[:16]


def test_the_parts_of_a_sent_fingerprint_cannot_be_confused():
    lists = [["a", "b"], ["ab"], ["a,b"], ['a","b'], ["a\0b"], ["a", "", "b"], ["b", "a"], ["a b"]]

    found = {group_error({"fingerprint": parts}).fingerprint for parts in lists}

    assert len(found) == len(lists)


@pytest.mark.parametrize("default", ["{{ default }}", "{{default}}"])
def test_the_default_part_stands_for_what_the_rest_would_give(default):
    refined = [
        group_error({"message": message, "fingerprint": [default, tenant]}).fingerprint
        for message in ("User 11111 gone", "User 22222 gone", "Disk full")
        for tenant in ("a", "b")
    ]

    assert refined[0:2] == refined[2:4]
    assert len(set(refined)) == 4


def test_the_default_part_alone_changes_nothing():
    error = {"message": "boom"}

    assert group_error({**error, "fingerprint": ["{{ default }}"]}) == group_error(error)


@pytest.mark.parametrize(
    "sent", [None, [], [""], ["", ""], "text", [1], ["a", None], {"a": "b"}, 5]
)
def test_a_sent_fingerprint_that_is_no_list_of_texts_is_passed_over(sent):
    error = {"message": "boom"}

    assert group_error({**error, "fingerprint": sent}) == group_error(error)


def test_a_rule_alone_ignores_what_else_the_error_says():
    error = {"message": "boom", "fingerprint": ["mine"], "expected": True}

    assert fingerprint_of(error, rule="v1") == fingerprint_v1({"message": "boom"})


def test_every_rule_is_known_by_the_name_that_its_fingerprints_carry():
    for name, rule in RULES.items():
        found = rule({"message": "boom"})
        assert found is not None
        assert found.rule == name


def test_a_rule_that_does_not_exist_is_refused():
    with pytest.raises(KeyError):
        fingerprint_of({}, rule="v0")


def test_no_generated_error_makes_grouping_raise():
    for error in generated_errors(seed=3, count=2000):
        grouping = group_error(error)
        assert len(grouping.fingerprint) in {0, 16}
        assert bool(grouping.fingerprint) == bool(grouping.key)


# --- reading JSON ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["{", "[1,]", "{}x", "[1]]", "NaN", "-Infinity", "01", "'a'", '"\n"', '{"a" 1}',
     "{a:1}", "\ufeff1", "[1 2]", '{"a":1,}', "nul"],
)  # fmt: skip
def test_what_is_not_json_to_javascript_is_refused_at_any_depth(text):
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)
    with pytest.raises(ValueError, match=r"."):
        parse_json("[" * 5000 + text + "]" * 5000)


@pytest.mark.parametrize(
    "text",
    ["1", '"a\\ud800"', "null", "[]", "{}", "[[],{}]", '{"a":{"b":[1,2.5,"x"]},"c":null}',
     ' [ 1 , { "a" : [ ] } ] ', '{"a":1,"a":2}', "1e400", "1" * 5000],
)  # fmt: skip
def test_a_value_is_read_the_same_at_any_depth(text):
    value = parse_json("[" * 5000 + text + "]" * 5000)

    for _ in range(5000):
        assert isinstance(value, list)
        (value,) = value
    assert value == DECODER.decode(text)


@pytest.mark.parametrize("text", ["", " ", "[" * 5000, "[[1]," * 5000])
def test_a_text_that_ends_before_its_value_is_not_json(text):
    with pytest.raises(ValueError, match="Expecting value"):
        parse_json(text)


def test_objects_may_nest_as_deep_as_arrays():
    value = parse_json('{"a": [' * 100_000 + "1" + "]}" * 100_000)

    assert isinstance(value, dict)
