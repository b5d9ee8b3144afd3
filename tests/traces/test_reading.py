"""Reading of any text: nothing is lost, nothing breaks it, and recursion is one call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.domain.traces.reading import LIMITS, Limits, read_trace
from runs_app.domain.traces.recursion import collapse_recursion
from runs_app.domain.traces.sections import LONGEST_LINE
from runs_app.domain.traces.trace import (
    Frame,
    Language,
    Text,
    cause_chain,
    frames_innermost_first,
    own_frames,
)
from tests.traces.test_printed_traces import TRACES, printed, read

LINES = sorted({line for name in TRACES for line in printed(name).split("\n")})
MEGABYTE = 1_000_000
# Each is what one expression or loop of a reader could stumble over, a megabyte of it.
HOSTILE = {
    "slashes": "/" * MEGABYTE,
    "line feeds": "\n" * MEGABYTE,
    "one word": "a" * MEGABYTE,
    "blanks": " " * MEGABYTE,
    "blank lines": f"{' ' * 999}\n" * 1_000,
    "colons": ":" * MEGABYTE,
    "names with dots": "A." * 500_000,
    "underscores": "_" * MEGABYTE,
    "titles of Python": "Traceback (most recent call last):\n" * 28_000,
    "arrows of .NET": "---> " * 200_000,
    "members of .NET": "---> (Inner Exception #0) x\n   at A.B()\n" * 20_000,
    "ends of .NET": "   --- End of inner exception stack trace ---\n" * 20_000,
    "goroutines": "goroutine 1 [running]:\nmain.f()\n\t/a.go:1\n" * 20_000,
    "causes": "Caused by: " * 90_000,
    "files of Python": f'  File "{"/lib/python" * 80}", line 1, in f\n' * 1_000,
    "packages of Python": f'  File "{"/site-packages/" * 60}x", line 1, in f\n' * 1_000,
    "places of V8": f"    at {'a.' * 200} ({'/releases/1' * 40}:1:2)\n" * 1_000,
    "evaluations of V8": f"    at f (eval at {'(eval at ' * 90}:1:2)\n" * 1_000,
    "hashes of bundlers": f"    at f (/{'-a1234567' * 100}.js:1:2)\n" * 1_000,
    "lambdas of Java": f"\tat {'a$$Lambda$1' * 85}.b(C.java:1)\n" * 1_000,
    "closures of Go": f"main.f{'.1' * 480}(x)\n\t/a.go:1 +0x1\n" * 1_000,
    "gems of Ruby": f"/gems/{'a-1.' * 230}:1:in 'x'\n" * 1_000,
    "closures of PHP": f"#0 /a.php(1): {'{closure' * 110}\n" * 1_000,
    "generics of .NET": f"   at A.{'<a' * 480}()\n" * 1_000,
}


def frame(name: str) -> Frame:
    return Frame("jobs.py", name, "/app/jobs.py", 1, None, True, name, "")


def names(frames: tuple[Frame, ...]) -> str:
    return "".join(frame.function for frame in frames)


@given(st.text())
def test_any_text_can_be_read_and_nothing_of_it_is_lost(text: str) -> None:
    trace = read_trace(text)

    assert trace.text == text
    assert trace.raised_section in cause_chain(trace)


@given(st.lists(st.sampled_from(LINES), max_size=30), st.sampled_from(["\n", "\r\n"]))
def test_lines_of_all_languages_in_any_order_lose_nothing(lines: list[str], end: str) -> None:
    text = end.join(lines)

    trace = read_trace(text)

    assert trace.text == text
    for section in trace.sections:
        printed_frames = tuple(line for line in section.lines if isinstance(line, Frame))
        assert printed_frames == tuple(frame for frame in section.frames if frame.text)
        assert all(frame.own == (frame.library == "") for frame in section.frames)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_is_read_and_kept(name: str) -> None:
    begun = [printed(one).encode().decode() for one in TRACES if one.endswith("cause")]

    for text in (HOSTILE[name], *(f"{trace}\n{HOSTILE[name]}" for trace in begun)):
        trace = read_trace(text)

        assert trace.text == text
        lines = [line for section in trace.sections for line in section.lines]
        assert len(lines) <= LIMITS.first + LIMITS.last + 1


def test_of_a_long_text_both_ends_are_read() -> None:
    calls = [f'  File "/app/deep.py", line {n}, in f{n}' for n in range(90)]
    text = "\n".join(["Traceback (most recent call last):", *calls, "ValueError: bad"])

    trace = read_trace(text, limits=Limits(first=3, last=3))

    assert [frame.function for frame in trace.raised_section.frames] == ["f0", "f1", "f88", "f89"]
    assert trace.raised_section.exception_type == "ValueError"
    assert trace.text == text


def test_a_line_that_is_too_long_is_no_frame_and_hides_none() -> None:
    text = f"Error: {'x' * MEGABYTE}\n    at {'y' * LONGEST_LINE} (/a.js:1:2)\n    at f (/b.js:1:2)"

    trace = read_trace(text)

    assert [frame.function for frame in trace.raised_section.frames] == ["f"]
    assert trace.raised_section.exception_type == "Error"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "ValueError: bad",
        "the mail to ada@acme.example:25 was refused",
        "it broke\nat least one (or two) of them\nat the end",
        "see #4 for more\n# 5 (12): steps",
        "redis://user:word@cache.example:6379",
        "12:30:45 in the morning",
    ],
)
def test_a_text_that_is_no_trace_has_one_section_without_frames(text: str) -> None:
    trace = read_trace(text)

    assert trace.language is Language.UNKNOWN
    assert [section.frames for section in trace.sections] == [()]
    assert trace.text == text


def test_the_language_is_that_of_the_first_frame() -> None:
    python = 'Error: Traceback (most recent call last):\n  File "/app/a.py", line 1, in f\nX: y\n'
    node = "    at g (/app/b.js:1:2)"

    assert read_trace(python + node).language is Language.PYTHON
    assert read_trace(f"Error: x\n{node}\n{python}").language is Language.JAVASCRIPT


def test_frames_can_be_had_innermost_first_in_every_language() -> None:
    python = read("python: celery task with a cause").raised_section
    java = read("java: Spring service with causes").raised_section

    assert frames_innermost_first(python)[0].function == "charge"
    assert [frame.function for frame in own_frames(python)] == ["charge", "charge_order"]
    assert frames_innermost_first(java)[0].function == "translate"
    assert [frame.function for frame in own_frames(java)] == ["insert", "run", "run"]


def test_lines_between_frames_are_texts() -> None:
    section = read("java: Spring service with causes").sections[1]

    assert section.lines[-2] == Text("\t... 12 common frames omitted")


@pytest.mark.parametrize(
    ("printed_calls", "kept"),
    [
        ("", ""),
        ("abc", "abc"),
        ("aaaa", "a"),
        ("abababc", "abc"),
        ("xabcabcabcy", "xabcy"),
        ("aabb", "ab"),
        ("abba", "aba"),
        ("ababa", "aba"),
    ],
)
def test_cycles_of_calls_are_kept_once(printed_calls: str, kept: str) -> None:
    assert names(collapse_recursion([frame(name) for name in printed_calls])) == kept


@given(st.integers(1, 40), st.integers(1, 6), st.sampled_from(["", "z", "zy"]))
def test_how_deep_a_recursion_went_makes_no_difference(depth: int, cycle: int, end: str) -> None:
    rounds = "abcdef"[:cycle] * depth

    frames = collapse_recursion([frame(name) for name in rounds + end])

    assert names(frames) == "abcdef"[:cycle] + end


def test_lines_do_not_tell_calls_of_a_recursion_apart() -> None:
    section = read("python: recursion that was shortened").raised_section

    assert [frame.function for frame in collapse_recursion(own_frames(section))] == ["walk"]
