"""Fingerprint v2: one bug, one group; two bugs, two groups; and why."""

import random
import time
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs_app.domain.grouping.fingerprint_v2 import explain_v2, fingerprint_v2
from runs_app.domain.grouping.resolve import group_error
from runs_app.domain.grouping.rules import RULES
from runs_app.domain.grouping.settings import GroupingSettings
from tests.grouping.test_normalised_text import HOSTILE as MESSAGES
from tests.traces.test_reading import HOSTILE as TRACES

SITE = "/usr/lib/python3.11/site-packages"


def trace_of(*frames, end="KeyError: 'sku'"):
    places = "".join(f'  File "{file}", line {line}, in {name}\n' for file, line, name in frames)
    return f"Traceback (most recent call last):\n{places}{end}"


TASK = ("/app/orders/tasks.py", 10, "fulfil")
PICK = ("/app/orders/stock.py", 20, "pick")
LIBRARY = (f"{SITE}/requests/api.py", 30, "get")
DEEPER = (f"{SITE}/urllib3/pool.py", 40, "urlopen")


def key_of(error):
    found = fingerprint_v2(error)
    assert found is not None
    return found.key


def failure(*frames, **members):
    return {"type": "KeyError", "message": "'sku'", "stack": trace_of(*frames), **members}


def test_the_key_is_class_message_and_own_frames_innermost_first():
    found = fingerprint_v2(failure(TASK, PICK, LIBRARY))

    assert found is not None
    assert found.key == "KeyError: 'sku'\nat orders/stock.py pick\nat orders/tasks.py fulfil"
    assert found.value == sha256(found.key.encode()).hexdigest()[:16]
    assert found.rule == "v2"
    assert RULES["v2"] is fingerprint_v2


@pytest.mark.parametrize(
    "frames",
    [
        (TASK, PICK),
        (TASK, PICK, LIBRARY, DEEPER),
        (LIBRARY, TASK, DEEPER, PICK),
        (("/app/orders/tasks.py", 99, "fulfil"), ("/app/orders/stock.py", 98, "pick"), LIBRARY),
        (TASK, *[PICK] * 50, LIBRARY),
        (("/srv/releases/20260101/orders/tasks.py", 1, "fulfil"), PICK, LIBRARY),
    ],
    ids=["no library", "deeper", "called by one", "other lines", "recursion", "another release"],
)
def test_what_a_bug_does_not_depend_on_does_not_count(frames):
    assert key_of(failure(*frames)) == key_of(failure(TASK, PICK, LIBRARY))


@pytest.mark.parametrize(
    "other",
    [
        failure(TASK, PICK, LIBRARY, type="IndexError"),
        failure(TASK, PICK, LIBRARY, message="'price'"),
        failure(TASK, ("/app/orders/stock.py", 20, "put_back"), LIBRARY),
        failure(TASK, ("/app/returns/stock.py", 20, "pick"), LIBRARY),
        failure(("/app/orders/tasks.py", 10, "cancel"), PICK, LIBRARY),
    ],
    ids=["class", "message", "function", "module", "caller"],
)
def test_what_tells_two_bugs_apart_counts(other):
    assert key_of(other) != key_of(failure(TASK, PICK, LIBRARY))


def test_of_many_own_frames_the_three_innermost_functions_count():
    stack = [(f"/app/a/m{depth}.py", 1, f"f{depth}") for depth in "abcde"]

    assert key_of(failure(*stack)).split("\n")[1:] == [
        "at a/me.py fe",
        "at a/md.py fd",
        "at a/mc.py fc",
    ]


def test_without_own_frames_those_of_libraries_count_and_without_any_the_message():
    only_libraries = key_of(failure(LIBRARY, DEEPER))

    assert only_libraries == "KeyError: 'sku'\nat urllib3/pool.py urlopen\nat requests/api.py get"
    assert key_of({"type": "KeyError", "message": "'sku'"}) == "KeyError: 'sku'"


# --- chains -----------------------------------------------------------------------------------

CAUSE = "\n\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\n\nDuring handling of the above exception, another exception occurred:\n\n"


def chained(between, first="ConnectionError: refused"):
    return {
        "type": "OrderFailed",
        "message": "Order 12 failed",
        "stack": trace_of(TASK, PICK, LIBRARY, end=first)
        + between
        + trace_of(TASK, end="OrderFailed: Order 12 failed"),
    }


def test_a_cause_counts_beside_what_was_thrown_and_its_place_is_the_place():
    assert key_of(chained(CAUSE)).split("\n") == [
        "OrderFailed: Order <*> failed",
        "caused by ConnectionError: refused",
        "at orders/stock.py pick",
        "at orders/tasks.py fulfil",
    ]
    assert key_of(chained(CAUSE)) != key_of(chained(CAUSE, first="KeyError: 'sku'"))


def test_an_exception_that_was_only_being_handled_is_no_cause():
    assert key_of(chained(CONTEXT)) == "OrderFailed: Order <*> failed\nat orders/tasks.py fulfil"
    assert key_of(chained(CONTEXT)) == key_of(chained(CONTEXT, first="KeyError: 'sku'"))


def test_a_cause_without_own_frames_is_placed_where_it_was_caught():
    error = chained(CAUSE)
    error["stack"] = error["stack"].replace("/app/orders/stock.py", f"{SITE}/a/b.py")
    error["stack"] = error["stack"].replace("/app/orders/tasks.py", f"{SITE}/c/d.py", 1)

    assert key_of(error).endswith("caused by ConnectionError: refused\nat orders/tasks.py fulfil")


def test_a_number_that_dotnet_prints_behind_a_class_is_no_part_of_the_class():
    told = "Acme.Failed: x ---> Acme.Refused ({}): no\n   at Lib.A.B()\n"
    end = "   --- End of inner exception stack trace ---\n   at Acme.C.D()"

    keys = {key_of({"stack": told.format(code) + end}) for code in ("0x80131904", "111")}

    assert keys == {"Acme.Failed: x\ncaused by Acme.Refused: no\nat Lib.A B"}


# --- any value --------------------------------------------------------------------------------


def test_all_names_of_members_are_read_and_a_trace_alone_is_enough():
    stack = trace_of(TASK, PICK)

    keys = {
        key_of({"type": "KeyError", "message": "'sku'", "stack": stack}),
        key_of({"type": "KeyError", "raw": "'sku'", "stackTrace": stack}),
        key_of({"stacktrace": stack}),
    }

    assert len(keys) == 1
    assert key_of("boom 7") == key_of({"message": "boom 8"}) == "Error: boom <*>"


@pytest.mark.parametrize("value", [None, True, 0, 1.5, [], [{"message": "x"}]])
def test_what_is_no_error_has_no_fingerprint(value):
    assert fingerprint_v2(value) is None
    assert explain_v2(value) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
MEMBERS = st.sampled_from(["type", "name", "message", "raw", "stack", "stackTrace"])
LINES = st.sampled_from(
    [
        *trace_of(TASK, PICK, LIBRARY).split("\n"),
        *CAUSE.split("\n"),
        "    at f (/a/b.js:1:2)",
        "x: y",
    ]
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(JSON | st.dictionaries(MEMBERS, JSON | st.lists(LINES).map("\n".join), max_size=4))
def test_any_json_value_gives_the_same_twice_and_its_explanation_agrees(value):
    found, explained = fingerprint_v2(value), explain_v2(value)

    assert fingerprint_v2(value) == found
    assert (explained.fingerprint if explained else None) == found


def test_a_hostile_megabyte_is_grouped_within_50_milliseconds():
    """All of grouping, where class, message and trace are each that text, on this thread's clock.
    The best of three, as what else the machine does only adds to it."""
    settings_of_v2 = GroupingSettings(rule="v2", keywords=True)

    def seconds_of(text):
        began = time.thread_time()
        group_error({"type": text, "message": text, "stack": text}, "jobs", settings_of_v2)
        return time.thread_time() - began

    texts = {piece: piece * (1_000_000 // len(piece)) for piece in MESSAGES}
    texts |= TRACES | {"200,000 slashes": "/" * 200_000}
    slow = [name for name, text in texts.items() if min(seconds_of(text) for _ in range(3)) > 0.050]

    assert slow == []


# --- why --------------------------------------------------------------------------------------


def test_an_explanation_tells_what_was_replaced_and_why_each_frame_counts_or_does_not():
    outer = [(f"/app/a/{name}.py", 1, name) for name in ("main", "run")]
    error = failure(*outer, TASK, PICK, PICK, LIBRARY, message="no 'sku' in order 12")

    explained = explain_v2(error)

    assert explained is not None
    assert explained.thrown.normalised == "no 'sku' in order <*>"
    assert [(one.start, one.end, one.by) for one in explained.thrown.replaced] == [(18, 20, "<*>")]
    assert explained.cause is None
    assert [(one.frame.function, one.counts, one.why) for one in explained.frames] == [
        ("get", False, "library"),
        ("pick", True, "own"),
        ("pick", False, "recursion"),
        ("fulfil", True, "own"),
        ("run", True, "own"),
        ("main", False, "caller"),
    ]


# --- many -------------------------------------------------------------------------------------

NOUNS = (
    "order",
    "invoice",
    "parcel",
    "label",
    "refund",
    "customer",
    "shop",
    "cart",
    "stock",
    "job",
)
VERBS = ("charge", "send", "print", "sync", "load", "index", "render", "archive", "import", "close")
FAULTS = ("timed out", "was refused", "is locked", "does not exist", "has no owner", "came twice")
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_twenty_thousand_runs_of_a_thousand_bugs_make_about_a_thousand_groups():
    chance = random.Random(20)

    def letters(alphabet, length):
        return "".join(chance.choices(alphabet, k=length))

    ids = (
        lambda: letters("0123456789abcdef", 7),
        lambda: letters("0123456789abcdef", 8),
        lambda: letters("0123456789abcdef", 12),
        lambda: f"run_{letters(DIGITS[:36], 24)}",
        lambda: f"cus_{letters(DIGITS, 14)}",
    )
    shapes = ("Cannot {verb} {noun} {id}: it {fault}", "{noun} {id} {fault} ({verb})")
    kinds = [(noun, verb, fault) for noun in NOUNS for verb in VERBS for fault in FAULTS]
    bugs = [(*kind, shape) for shape in shapes for kind in kinds][:1_000]

    groups = {
        fingerprint_v2(
            {
                "type": "TaskFailed",
                "message": shape.format(noun=noun, verb=verb, fault=fault, id=chance.choice(ids)()),
            }
        ).value
        for noun, verb, fault, shape in bugs
        for _ in range(20)
    }

    assert 990 <= len(groups) <= 1_050
